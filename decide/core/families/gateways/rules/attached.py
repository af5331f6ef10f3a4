"""Gateway API: gateways and listeners that are not in service, hosts that no listener has, references nobody permits.

Source: gateway-api.sigs.k8s.io (GatewayConditionReason, ListenerConditionReason, RouteConditionReason, ReferenceGrant).
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.families.gateways.facts import DeclaredRoute
from decide.core.families.gateways.rules.references import ROUTES, finding, own
from decide.core.findings import Finding, quote
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of, namespace_of, ref_of
from manifests.objects.shapes import Obj, items, mappings, text

_GROUP = "gateway.networking.k8s.io"
_VERSION = f"{_GROUP}/v1"
#: Conditions of a gateway and of a listener that say, when they are False, that it is not in service.
_IN_SERVICE = ("Accepted", "Programmed", "ResolvedRefs")
#: Reasons with which a controller only says that it has not come to it yet.
_NOT_YET = frozenset({"Pending", "Scheduled"})


def find(view: ClusterView) -> Iterator[Finding[DeclaredRoute]]:
    """Findings about the Gateway API's objects, at the gateway or route that is wrong."""
    gateways = [g for g in view.all("gateways") if _is_ours(g)]
    for gateway in gateways:
        if namespace_of(gateway) in view.focus:
            yield from _gateway(view, gateway)
    for plural, kind in ROUTES.items():
        for route in own(view, plural):
            if not _conditions(route):  # else the gateway's own words tell
                yield from _hosts(route, kind, gateways)
                yield from _references(view, route, kind)


def _is_ours(gateway: Obj) -> bool:
    return text(gateway, "apiVersion").startswith(_GROUP) or bool(
        text(gateway, "spec", "gatewayClassName")
    )


def _gateway(view: ClusterView, gateway: Obj) -> Iterator[Finding[DeclaredRoute]]:
    ref = ref_of(gateway, "Gateway", version=_VERSION)
    wanted = text(gateway, "spec", "gatewayClassName")
    classes = [name_of(c) for c in view.all("gatewayclasses")]
    if wanted and view.collected("gatewayclasses") and wanted not in classes:
        near = max(classes, key=lambda n: alike(n, wanted), default="")
        right = near if near and alike(near, wanted) > 0.8 else ""
        told = say("gateways.no_gateway_class", gateway=name_of(gateway), wanted=wanted)
        facts = DeclaredRoute(obj=gateway, place="spec.gatewayClassName", right=right)
        yield finding("gateway_not_programmed", ref, 0.93, told, facts)
        return
    for where, said in _unwell(gateway):
        told = say(
            "gateways.unwell",
            gateway=name_of(gateway),
            listener=where or "-",
            condition=text(said, "type"),
            reason=quote(text(said, "reason")),
            message=quote(text(said, "message")),
        )
        yield finding(
            "gateway_not_programmed", ref, 0.9, told, DeclaredRoute(obj=gateway, right="")
        )
        return


def _unwell(gateway: Obj) -> Iterator[tuple[str, Obj]]:
    """False conditions with their listener, the listeners' first: they say it more exactly."""
    for listener in mappings(gateway, "status", "listeners"):
        for said in mappings(listener, "conditions"):
            if _is_false(said):
                yield text(listener, "name"), said
    for said in mappings(gateway, "status", "conditions"):
        if _is_false(said):
            yield "", said


def _is_false(said: Obj) -> bool:
    return (
        text(said, "type") in _IN_SERVICE
        and said.get("status") == "False"
        and text(said, "reason") not in _NOT_YET
    )


def _conditions(route: Obj) -> list[Obj]:
    return [c for p in mappings(route, "status", "parents") for c in mappings(p, "conditions")]


def _hosts(route: Obj, kind: str, gateways: list[Obj]) -> Iterator[Finding[DeclaredRoute]]:
    """Hosts that no listener of any of its gateways has. A listener without a host has all."""
    hosts = [str(h) for h in items(route, "spec", "hostnames")]
    parents = [_parent(route, ref, gateways) for ref in mappings(route, "spec", "parentRefs")]
    if not hosts or not parents or None in parents:
        return
    heard = [
        text(listener, "hostname")
        for gateway in parents
        for listener in mappings(gateway, "spec", "listeners")
    ]
    if not heard or any(not h or _meet(h, host) for h in heard for host in hosts):
        return
    told = say(
        "gateways.no_listener",
        route=name_of(route),
        hosts=hosts,
        heard=sorted(set(heard)),
        n=len(hosts),
    )
    ref = ref_of(route, kind, version=_VERSION)
    yield finding("route_host_mismatch", ref, 0.85, told, DeclaredRoute(obj=route, right=""))


def _parent(route: Obj, ref: Obj, gateways: list[Obj]) -> Obj | None:
    place = text(ref, "namespace") or namespace_of(route)
    named = (g for g in gateways if (namespace_of(g), name_of(g)) == (place, text(ref, "name")))
    return next(named, None)


def _meet(one: str, other: str) -> bool:
    """Two hosts, of which each may begin with ``*.``, have one in common."""
    if one.startswith("*.") and other.startswith("*."):
        return one.endswith(other[1:]) or other.endswith(one[1:])
    if one.startswith("*."):
        return other.endswith(one[1:]) and len(other) > len(one) - 1
    return _meet(other, one) if other.startswith("*.") else one == other


def _references(view: ClusterView, route: Obj, kind: str) -> Iterator[Finding[DeclaredRoute]]:
    """Backends in another namespace that has no ReferenceGrant for the route's."""
    if not view.collected("referencegrants"):
        return
    home = namespace_of(route)
    for rule in mappings(route, "spec", "rules"):
        for backend in mappings(rule, "backendRefs"):
            place = text(backend, "namespace") or home
            if place == home or place not in view.focus:
                continue
            if any(_permits(g, kind, home, backend) for g in view.inside("referencegrants", place)):
                continue
            told = say(
                "gateways.not_permitted",
                route=name_of(route),
                service=f"{place}/{text(backend, 'name')}",
                home=home,
            )
            ref, facts = ref_of(route, kind, version=_VERSION), DeclaredRoute(obj=route, right="")
            yield finding("route_reference_not_permitted", ref, 0.85, told, facts)


def _permits(grant: Obj, kind: str, home: str, backend: Obj) -> bool:
    begins = any(
        text(f, "kind") == kind and text(f, "namespace") == home
        for f in mappings(grant, "spec", "from")
    )
    wanted = text(backend, "kind") or "Service"
    ends = any(
        text(t, "kind") == wanted and text(t, "name") in ("", text(backend, "name"))
        for t in mappings(grant, "spec", "to")
    )
    return begins and ends
