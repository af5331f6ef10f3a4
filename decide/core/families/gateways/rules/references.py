"""Ingresses, Gateway API routes and VirtualServices: their backends, ports, classes and parents against what exists.

Sources: kubernetes.io Ingress; gateway-api.sigs.k8s.io RouteConditionReason; istio.io VirtualService.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from decide.core.families.mesh.rules import destinations
from decide.core.findings import Fact, Finding, quote
from decide.core.graph import service_name
from decide.core.names import alike
from decide.core.view import ClusterView
from manifests.objects.kinds import plural_of
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import Obj, at, items, mapping, number
from schemas.base import ObjectRef

_ROUTES = {plural_of(k): k for k in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute")}
_PARENT = {"NoMatchingListenerHostname", "NoMatchingParent", "NotAllowedByListeners"}


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


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about routes, at the route that is wrong."""
    if view.collected("services"):
        for backend in backends(view):
            yield from _judge(view, backend)
    yield from _classes(view)
    yield from _parents(view)


def backends(view: ClusterView) -> Iterator[Backend]:
    """Every Service that a route of the focus names."""
    for ingress in _own(view, "ingresses"):
        ref = _ref(ingress, "Ingress")
        default = at(ingress, "spec", "defaultBackend", "service")
        if default:
            yield _ingress(ref, ingress, mapping(default), "spec.defaultBackend.service")
        for n, rule in enumerate(items(at(ingress, "spec", "rules"))):
            for m, path in enumerate(items(at(rule, "http", "paths"))):
                service = mapping(at(path, "backend", "service"))
                if service:
                    yield _ingress(
                        ref, ingress, service, f"spec.rules[{n}].http.paths[{m}].backend.service"
                    )
    for plural, kind in _ROUTES.items():
        for route in _own(view, plural):
            yield from _gateway_api(route, kind)
    for route in _own(view, "virtualservices"):
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


def _own(view: ClusterView, plural: str) -> list[Obj]:
    return [o for o in view.all(plural) if namespace_of(o) in view.focus]


def _ref(obj: Obj, kind: str) -> ObjectRef:
    version = str(obj.get("apiVersion") or ("networking.k8s.io/v1" if kind == "Ingress" else ""))
    return ObjectRef(api_version=version, kind=kind, namespace=namespace_of(obj), name=name_of(obj))


def _ingress(ref: ObjectRef, ingress: Obj, service: Obj, path: str) -> Backend:
    port = mapping(service.get("port"))
    key = "name" if port.get("name") else "number"
    return Backend(
        ref,
        ingress,
        ref.namespace,
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


def _judge(view: ClusterView, backend: Backend) -> Iterator[Finding]:
    if backend.namespace not in view.focus or not backend.name:
        return
    service = view.get("services", backend.namespace, backend.name)
    if service is None:
        names = [name_of(s) for s in view.services if namespace_of(s) == backend.namespace]
        near = max(names, key=lambda n: alike(n, backend.name), default="")
        near = near if alike(near, backend.name) >= 0.7 or (near and near in backend.name) else ""
        text = f"{backend.owner.key} sends to Service {backend.name}, which does not exist"
        data = {"backend": backend, "right": near, "place": backend.path}
        yield Finding(
            failure_class="route_backend_mismatch",
            object=backend.owner,
            score=0.9 if near else 0.85,
            detail=text,
            evidence=[Fact(source="object", statement=text, object=backend.owner)],
            against=[],
            facts=data,
        )
        return
    ports = [mapping(p) for p in items(at(service, "spec", "ports"))]
    known = {p.get("name") for p in ports} | {number(p.get("port")) for p in ports}
    if backend.port is None or backend.port in known or not ports:
        return
    text = f"{backend.owner.key} sends to port {backend.port} of Service {backend.name}, which has {sorted(number(p.get('port')) for p in ports)}"
    named = isinstance(backend.port, str)
    rights = [p.get("name") if named else number(p.get("port")) for p in ports]
    data = {
        "backend": backend,
        "right": next((r for r in rights if r), ""),
        "place": backend.port_path,
    }
    yield Finding(
        failure_class="route_backend_mismatch",
        object=backend.owner,
        score=0.9,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=backend.owner)],
        against=[],
        facts=data,
    )


def _classes(view: ClusterView) -> Iterator[Finding]:
    """An Ingress of a class that nobody serves."""
    if not view.collected("ingressclasses"):
        return
    names = [name_of(c) for c in view.all("ingressclasses")]
    for ingress in _own(view, "ingresses"):
        wanted = str(at(ingress, "spec", "ingressClassName") or "")
        if wanted and wanted not in names:
            text = f"Ingress {name_of(ingress)} is of class {wanted}; the cluster has {names}"
            near = (
                names[0]
                if len(names) == 1
                else max(
                    (n for n in names if alike(n, wanted) > 0.8),
                    key=lambda n: alike(n, wanted),
                    default="",
                )
            )
            yield Finding(
                failure_class="route_host_mismatch",
                object=_ref(ingress, "Ingress"),
                score=0.88,
                detail=text,
                evidence=[Fact(source="object", statement=text, object=_ref(ingress, "Ingress"))],
                against=[],
                facts={"obj": ingress, "place": "spec.ingressClassName", "right": near},
            )


def _parents(view: ClusterView) -> Iterator[Finding]:
    """Routes that their gateway does not take up, in the gateway's own words."""
    for plural, kind in _ROUTES.items():
        for route in _own(view, plural):
            for parent in items(at(route, "status", "parents")):
                for said in map(mapping, items(mapping(parent).get("conditions"))):
                    if said.get("status") != "False":
                        continue
                    reason = str(said.get("reason") or "")
                    text = quote(
                        f"{kind} {name_of(route)}: {said.get('type')} {reason}: {said.get('message') or ''}"
                    )
                    class_id = (
                        "route_host_mismatch"
                        if reason in _PARENT
                        else "route_backend_mismatch"
                        if reason == "BackendNotFound"
                        else ""
                    )
                    if class_id:
                        yield Finding(
                            failure_class=class_id,
                            object=_ref(route, kind),
                            score=0.88,
                            detail=text,
                            evidence=[
                                Fact(source="object", statement=text, object=_ref(route, kind))
                            ],
                            against=[],
                            facts={"obj": route},
                        )
