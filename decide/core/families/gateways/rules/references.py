"""Ingresses, Gateway API routes and VirtualServices: their backends, ports, classes and parents against what exists.

Sources: kubernetes.io Ingress; gateway-api.sigs.k8s.io RouteConditionReason; istio.io VirtualService.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from decide.core.families.gateways.facts import DeclaredRoute
from decide.core.families.mesh.rules import destinations
from decide.core.findings import Fact, Finding, quote
from decide.core.graph import service_name
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.kinds import plural_of
from manifests.objects.meta import name_of, namespace_of, ref_of
from manifests.objects.shapes import Obj, at, items, mapping, number
from schemas.base import ObjectRef

ROUTES = {plural_of(k): k for k in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute")}
#: What a gateway's reason for a refusal tells.
_REFUSED = {
    "NoMatchingListenerHostname": "route_host_mismatch",
    "NoMatchingParent": "route_host_mismatch",
    "NotAllowedByListeners": "route_host_mismatch",
    "BackendNotFound": "route_backend_mismatch",
    "RefNotPermitted": "route_reference_not_permitted",
}


@dataclass(frozen=True, slots=True)
class Backend:
    """Where a route leads. ``path`` is the place of the Service's name, ``port_path`` of its port."""

    owner: ObjectRef
    obj: Obj
    namespace: str
    name: str
    port: object
    path: str
    port_path: str


def find(view: ClusterView) -> Iterator[Finding[DeclaredRoute]]:
    """Findings about routes, at the route that is wrong."""
    if view.collected("services"):
        for backend in backends(view):
            yield from _judge(view, backend)
    yield from _classes(view)
    yield from _parents(view)


def backends(view: ClusterView) -> Iterator[Backend]:
    """Every Service that a route of the focus names."""
    for ingress in own(view, "ingresses"):
        yield from _ingress(ingress)
    for plural, kind in ROUTES.items():
        for route in own(view, plural):
            yield from _gateway_api(route, kind)
    for route in own(view, "virtualservices"):
        yield from _virtual_service(route)


def _virtual_service(route: Obj) -> Iterator[Backend]:
    for path, target in destinations(route):
        place = service_name(str(target.get("host") or ""), namespace_of(route))
        if place is not None:
            yield Backend(
                _ref(route, "VirtualService"),
                route,
                *place,
                at(target, "port", "number"),
                f"{path}.host",
                f"{path}.port.number",
            )


def own(view: ClusterView, plural: str) -> list[Obj]:
    """The focus's objects of a kind."""
    return [o for o in view.all(plural) if namespace_of(o) in view.focus]


def _ref(obj: Obj, kind: str) -> ObjectRef:
    return ref_of(obj, kind, version="networking.k8s.io/v1" if kind == "Ingress" else "")


def _ingress(ingress: Obj) -> Iterator[Backend]:
    default = mapping(at(ingress, "spec", "defaultBackend", "service"))
    if default:
        yield _ingress_backend(ingress, default, "spec.defaultBackend.service")
    for n, rule in enumerate(items(at(ingress, "spec", "rules"))):
        for m, path in enumerate(items(at(rule, "http", "paths"))):
            service = mapping(at(path, "backend", "service"))
            if service:
                place = f"spec.rules[{n}].http.paths[{m}].backend.service"
                yield _ingress_backend(ingress, service, place)


def _ingress_backend(ingress: Obj, service: Obj, path: str) -> Backend:
    port = mapping(service.get("port"))
    key = "name" if port.get("name") else "number"
    return Backend(
        _ref(ingress, "Ingress"),
        ingress,
        namespace_of(ingress),
        str(service.get("name") or ""),
        port.get(key),
        f"{path}.name",
        f"{path}.port.{key}",
    )


def _gateway_api(route: Obj, kind: str) -> Iterator[Backend]:
    for n, rule in enumerate(items(at(route, "spec", "rules"))):
        for m, entry in enumerate(items(mapping(rule).get("backendRefs"))):
            target = mapping(entry)
            if target.get("kind") in (None, "Service"):
                path = f"spec.rules[{n}].backendRefs[{m}]"
                space = str(target.get("namespace") or namespace_of(route))
                yield Backend(
                    _ref(route, kind),
                    route,
                    space,
                    str(target.get("name") or ""),
                    target.get("port"),
                    f"{path}.name",
                    f"{path}.port",
                )


def _judge(view: ClusterView, backend: Backend) -> Iterator[Finding[DeclaredRoute]]:
    """The Service that a backend names, then its port: the first that does not exist."""
    if backend.namespace not in view.focus or not backend.name:
        return
    service = view.get("services", backend.namespace, backend.name)
    if service is None:
        yield _no_service(view, backend)
    else:
        yield from _no_port(backend, service)


def _no_service(view: ClusterView, backend: Backend) -> Finding[DeclaredRoute]:
    names = [name_of(s) for s in view.services if namespace_of(s) == backend.namespace]
    near = max(names, key=lambda n: alike(n, backend.name), default="")
    if not (near and (alike(near, backend.name) >= 0.7 or near in backend.name)):
        near = ""
    text = say("gateways.backend.no_service", route=backend.owner.key, service=backend.name)
    facts = DeclaredRoute(obj=backend.obj, place=backend.path, right=near)
    return finding("route_backend_mismatch", backend.owner, 0.9 if near else 0.85, text, facts)


def _no_port(backend: Backend, service: Obj) -> Iterator[Finding[DeclaredRoute]]:
    ports = [mapping(p) for p in items(at(service, "spec", "ports"))]
    numbers = [number(p.get("port")) for p in ports]
    names = [str(p["name"]) for p in ports if p.get("name")]
    if backend.port is None or not ports or backend.port in (*names, *numbers):
        return
    text = say(
        "gateways.backend.no_port",
        route=backend.owner.key,
        port=str(backend.port),
        service=backend.name,
        ports=[str(n) for n in sorted(numbers)],
        count=len(numbers),
    )
    rights = names if isinstance(backend.port, str) else numbers
    right = next((r for r in rights if r), "")
    facts = DeclaredRoute(obj=backend.obj, place=backend.port_path, right=right)
    yield finding("route_backend_mismatch", backend.owner, 0.9, text, facts)


def finding(
    class_id: str, ref: ObjectRef, score: float, text: str, facts: DeclaredRoute
) -> Finding[DeclaredRoute]:
    """A finding that the route or gateway itself shows."""
    return Finding(
        failure_class=class_id,
        object=ref,
        score=score,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=ref)],
        facts=facts,
    )


def _classes(view: ClusterView) -> Iterator[Finding[DeclaredRoute]]:
    """An Ingress of a class that nobody serves."""
    if not view.collected("ingressclasses"):
        return
    names = [name_of(c) for c in view.all("ingressclasses")]
    for ingress in own(view, "ingresses"):
        wanted = str(at(ingress, "spec", "ingressClassName") or "")
        if not wanted or wanted in names:
            continue
        near = [n for n in names if len(names) == 1 or alike(n, wanted) > 0.8]
        told = {"ingress": name_of(ingress), "wanted": wanted}
        text = (
            say("gateways.host.no_such_class", classes=names, count=len(names), **told)
            if names
            else say("gateways.host.no_class", **told)
        )
        facts = DeclaredRoute(
            obj=ingress,
            place="spec.ingressClassName",
            right=max(near, key=lambda n: alike(n, wanted), default=""),
        )
        yield finding("route_host_mismatch", _ref(ingress, "Ingress"), 0.88, text, facts)


def _parents(view: ClusterView) -> Iterator[Finding[DeclaredRoute]]:
    """Routes that their gateway does not take up, in the gateway's own words."""
    for plural, kind in ROUTES.items():
        for route in own(view, plural):
            for said in _refusals(route):
                reason = str(said.get("reason") or "")
                text = say(
                    "gateways.refused",
                    kind=kind,
                    route=name_of(route),
                    condition=str(said.get("type")),
                    reason=quote(reason),
                    message=quote(str(said.get("message") or "")),
                )
                class_id = _REFUSED.get(reason)
                if class_id:
                    facts = DeclaredRoute(obj=route, right="")
                    yield finding(class_id, _ref(route, kind), 0.88, text, facts)


def _refusals(route: Obj) -> Iterator[Obj]:
    """Conditions of a route's parents that are False."""
    for parent in items(at(route, "status", "parents")):
        for said in map(mapping, items(mapping(parent).get("conditions"))):
            if said.get("status") == "False":
                yield said
