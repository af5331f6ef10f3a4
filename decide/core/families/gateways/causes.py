"""What makes a route lead nowhere: the Service, port and class that it names."""

from __future__ import annotations

from decide.core.families.gateways.facts import ConfiguredRoute, DeclaredRoute, WrongRoute
from decide.core.families.gateways.rules.references import Backend, backends
from decide.core.families.parts import Cause, cause
from decide.core.findings import Finding
from decide.core.proof.asking import Told, not_there
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.kinds import plural_of
from manifests.objects.meta import name_of
from manifests.objects.shapes import at, items, mapping, number


def backend(finding: Finding[WrongRoute], view: ClusterView) -> Standing:
    """Whether the place of the route that is wrong names a Service and a port that are there."""
    facts = finding.facts
    if isinstance(facts, ConfiguredRoute):
        return _configured(facts, view)
    if not isinstance(facts, DeclaredRoute) or not facts.place:
        return untold(say("proof.route.no_place", route=finding.object.key))
    ref = finding.object
    route = view.get(plural_of(ref.kind), ref.namespace, ref.name)
    if route is None:
        return not_there(finding)
    found = (b for b in backends(view) if b.owner.key == ref.key)
    named = next((b for b in found if facts.place in (b.path, b.port_path)), None)
    return _leads(view, named, ref.key)


def _leads(view: ClusterView, one: Backend | None, route: str) -> Standing:
    """Where a route's place leads; ``one``: what it names there."""
    if one is None:
        return untold(say("proof.route.no_place", route=route))
    service = view.get("services", one.namespace, one.name)
    if service is None:
        return stands(say("proof.absent", object=f"Service/{one.name}"))
    ports = [mapping(p) for p in items(at(service, "spec", "ports"))]
    offered = [key for p in ports for key in (p.get("name"), number(p.get("port"))) if key]
    told: Told = {"route": route, "service": one.name, "port": str(one.port)}
    if one.port is not None and ports and one.port not in offered:
        return stands(say("proof.route.no_port", **told))
    return gone(say("proof.route.leads", **told))


def _configured(facts: ConfiguredRoute, view: ClusterView) -> Standing:
    """The gateway's own text: the address above the path leads to the right backend."""
    owner = facts.route.owner
    live = view.get("configmaps", owner.namespace, owner.name)
    text = str(mapping(live or {}, "data").get(facts.route.where) or "")
    place = text.find(f"Path={facts.route.path}")
    told: Told = {"path": facts.route.path, "backend": facts.route.backend}
    if place < 0:
        return untold(say("proof.route.no_path", **told))
    above = text[max(0, place - 400) : place].rpartition("://")[2]
    if above.startswith(facts.route.backend):
        return stands(say("proof.route.same", **told))
    return untold(say("proof.route.other", **told))


def front(finding: Finding[DeclaredRoute], view: ClusterView) -> Standing:
    """Whether the class that the route names is served."""
    ref, facts = finding.object, finding.facts
    route = view.get(plural_of(ref.kind), ref.namespace, ref.name)
    if route is None or facts.place != "spec.ingressClassName":
        return untold(say("proof.route.no_place", route=ref.key))
    name = str(at(route, "spec", "ingressClassName") or "")
    if any(name_of(c) == name for c in view.all("ingressclasses")):
        return gone(say("proof.exists", object=f"IngressClass/{name}"))
    return stands(say("proof.absent", object=f"IngressClass/{name}"))


def gateway_class(finding: Finding[DeclaredRoute], view: ClusterView) -> Standing:
    """Whether the gateway's class is there."""
    ref, facts = finding.object, finding.facts
    gateway = view.get("gateways", ref.namespace, ref.name)
    if gateway is None or facts.place != "spec.gatewayClassName":
        return untold(say("proof.route.no_place", route=ref.key))
    name = str(at(gateway, "spec", "gatewayClassName") or "")
    if any(name_of(c) == name for c in view.all("gatewayclasses")):
        return gone(say("proof.exists", object=f"GatewayClass/{name}"))
    return stands(say("proof.absent", object=f"GatewayClass/{name}"))


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "route_backend_mismatch": cause(WrongRoute, backend),
    "route_host_mismatch": cause(DeclaredRoute, front),
    "gateway_not_programmed": cause(DeclaredRoute, gateway_class),
}
