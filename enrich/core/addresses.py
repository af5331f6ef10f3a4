"""From an address that people and tests call to the Services behind it. Pure.

Sources: kubernetes.io Ingress (hosts, wildcards, path types), gateway-api.sigs.k8s.io HTTPRoute (hostnames, matches),
istio.io VirtualService, kubernetes.io "DNS for Services and Pods".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from manifests.objects.meta import annotations_of, name_of, namespace_of
from manifests.objects.shapes import Obj, at, items, mapping, mappings, text
from schemas.base import Json

#: external-dns: the names that a Service of its own has outside.
_PUBLISHED = "external-dns.alpha.kubernetes.io/hostname"
#: Namespace and name of a Service.
Place = tuple[str, str]


def behind(host: str, path: str, objects: Mapping[str, Iterable[Json]]) -> tuple[Place, ...]:
    """The Services that answer for the address: by the longest path of the nearest host. Empty when nobody says so."""
    inside = _inside(host)
    if inside is not None:
        return (inside,)
    found = [
        (_exactness(host, pattern), _length(path, prefix), place)
        for pattern, prefix, place in _routes(objects)
        if _exactness(host, pattern) and _length(path, prefix)
    ]
    best = max(((exact, length) for exact, length, _ in found), default=None)
    return tuple(dict.fromkeys(place for *rank, place in found if tuple(rank) == best))


def _inside(host: str) -> Place | None:
    """``web.shop.svc`` and ``web.shop.svc.cluster.local``."""
    parts = host.split(".")
    if "svc" not in parts or parts.index("svc") < 2:
        return None
    at_svc = parts.index("svc")
    return parts[at_svc - 1], parts[at_svc - 2]


def _exactness(host: str, pattern: str) -> int:
    """3 for the host itself, 2 for a wildcard of it, 1 for everybody's, 0 for another one."""
    if pattern.lower() == host.lower():
        return 3
    if pattern.startswith("*."):
        return 2 if host.lower().endswith(pattern[1:].lower()) else 0
    return 1 if pattern in ("", "*") else 0


def _length(path: str, prefix: str) -> int:
    """How much of the path a rule's prefix covers, and one; 0 where it covers none."""
    bare = prefix.rstrip("/")
    covers = path == bare or path.startswith(f"{bare}/")
    return len(bare) + 1 if covers else 0


def _routes(objects: Mapping[str, Iterable[Json]]) -> Iterator[tuple[str, str, Place]]:
    """(host, path prefix, Service) of everything that leads somewhere."""
    for ingress in objects.get("ingresses", ()):
        yield from _of_ingress(mapping(ingress))
    for plural in ("httproutes", "grpcroutes"):
        for route in objects.get(plural, ()):
            yield from _of_route(mapping(route))
    for virtual in objects.get("virtualservices", ()):
        yield from _of_virtual(mapping(virtual))
    for service in objects.get("services", ()):
        own = (namespace_of(service), name_of(service))
        named = str(annotations_of(service).get(_PUBLISHED) or "").split(",")
        given = [
            text(one, "hostname") for one in mappings(service, "status", "loadBalancer", "ingress")
        ]
        yield from ((host.strip(), "", own) for host in (*named, *given) if host.strip())


def _of_ingress(ingress: Obj) -> Iterator[tuple[str, str, Place]]:
    space = namespace_of(ingress)
    hosts = [text(rule, "host") for rule in mappings(ingress, "spec", "rules")]
    default = text(at(ingress, "spec", "defaultBackend", "service"), "name")
    for host in hosts if default else ():
        yield host, "", (space, default)
    for rule in mappings(ingress, "spec", "rules"):
        for path in mappings(rule, "http", "paths"):
            name = text(at(path, "backend", "service"), "name")
            if name and text(rule, "host"):
                yield text(rule, "host"), text(path, "path"), (space, name)


def _of_route(route: Obj) -> Iterator[tuple[str, str, Place]]:
    for rule in mappings(route, "spec", "rules"):
        paths = [text(at(match, "path"), "value") for match in mappings(rule, "matches")] or [""]
        for backend in mappings(rule, "backendRefs"):
            if (text(backend, "kind") or "Service") != "Service" or not text(backend, "name"):
                continue
            place = (text(backend, "namespace") or namespace_of(route), text(backend, "name"))
            for host in items(route, "spec", "hostnames"):
                yield from ((str(host), path, place) for path in paths)


def _of_virtual(virtual: Obj) -> Iterator[tuple[str, str, Place]]:
    for rule in mappings(virtual, "spec", "http"):
        paths = [text(at(match, "uri"), "prefix") for match in mappings(rule, "match")] or [""]
        for target in mappings(rule, "route"):
            name = text(at(target, "destination"), "host")
            place = _inside(name) or (namespace_of(virtual), name.partition(".")[0])
            for host in items(virtual, "spec", "hosts"):
                yield from ((str(host), path, place) for path in paths if name)
