"""Connections between workloads: who calls whom at which pod port, and what logs say about them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from decide.core.graph import called_services
from decide.core.netpol import Peer
from decide.core.signals import SignalHit
from decide.core.view import ClusterView
from manifests.objects.meta import labels_of, name_of, namespace_of
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload

_TOKEN = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Link:
    """A caller's way to a callee: through which Service, at which port of the Service and of the pods."""

    caller: Workload
    callee: Workload
    service: Obj
    port: int | None
    pod_port: int | None


def links(view: ClusterView) -> list[Link]:
    """Every connection that configuration or log lines name, once."""
    return view.memo("links", lambda: list(_links(view)))


def _links(view: ClusterView) -> Iterator[Link]:
    for caller in view.workloads:
        known: dict[str, set[int | None]] = {}
        for service, port in (*_configured(view, caller), *_mentioned(view, caller)):
            for callee in view.backends(service):
                ports = known.setdefault(callee.ref.key, set())
                at_pod = pod_port(service, port, callee)
                told = at_pod in ports or (at_pod is None and bool(ports))
                if callee.ref.key != caller.ref.key and not told:
                    ports.add(at_pod)
                    yield Link(caller, callee, service, port, at_pod)


def _configured(view: ClusterView, caller: Workload) -> Iterator[tuple[Obj, int | None]]:
    for space, name, port in called_services(view, caller):
        service = view.get("services", space, name)
        if service is not None:
            yield service, port


def _mentioned(view: ClusterView, caller: Workload) -> Iterator[tuple[Obj, int | None]]:
    """Services that lines about failed connections name, by name or by address."""
    for hit in view.hits(caller):
        if hit.signal in TROUBLE:
            for service in services_in(view, caller.namespace, hit.line):
                yield service, None


#: Signals of a connection that did not come about or broke.
TROUBLE = frozenset(
    {
        "timeout",
        "reset",
        "connection_refused",
        "mesh_denied",
        "mesh_flag",
        "upstream_error",
        "certificate",
        "db_link_failure",
        "broker_down",
        "cache_down",
    }
)


def _by_address(view: ClusterView) -> dict[str, Obj]:
    def make() -> dict[str, Obj]:
        out: dict[str, Obj] = {}
        for service in view.all("services"):
            for ip in (at(service, "spec", "clusterIP"), *items(at(service, "spec", "clusterIPs"))):
                if ip:
                    out[str(ip)] = service
        for service in view.within("services", view.focus | view.next_door):
            for workload in view.backends(service):
                for pod in workload.pods:
                    ip = at(pod.obj, "status", "podIP")
                    if ip:
                        out.setdefault(str(ip), service)
        return out

    return view.memo("services by address", make)


def services_in(view: ClusterView, namespace: str, line: str) -> list[Obj]:
    """Services that a line names: ``web``, ``web.shop.svc``, a cluster IP or a pod's IP."""
    return view.memo(f"named {namespace} {line}", lambda: _services_in(view, namespace, line))


def _services_in(view: ClusterView, namespace: str, line: str) -> list[Obj]:
    out: list[Obj] = []
    for token in dict.fromkeys(_TOKEN.findall(line.lower())):
        found = _by_address(view).get(token)
        if found is None:
            name, _, rest = token.partition(".")
            space = rest.split(".")[0] if rest else namespace
            found = view.get("services", space, name) or view.get("services", namespace, name)
        if found is not None and not any(found is one for one in out):
            out.append(found)
    return out


def troubles(view: ClusterView, link: Link, *signals: str) -> list[SignalHit]:
    """The caller's lines of those signals that name the callee's Service."""
    return [
        h
        for h in view.hits(link.caller)
        if h.signal in signals
        and any(s is link.service for s in services_in(view, link.caller.namespace, h.line))
    ]


def pod_port(service: Obj, port: int | None, callee: Workload) -> int | None:
    """The pods' port behind a Service's port; the only one where none is said."""
    ports = [mapping(p) for p in items(at(service, "spec", "ports"))]
    entry = next((p for p in ports if number(p.get("port")) == port), None)
    if entry is None and len(ports) == 1:
        entry = ports[0]
    if entry is None:
        return None
    target = entry.get("targetPort", entry.get("port"))
    if isinstance(target, str) and not target.isdigit():
        named = [p for c in callee.containers() for p in c.ports if p.get("name") == target]
        return number(named[0].get("containerPort")) if named else None
    return number(target) or None


def peer_of(workload: Workload) -> Peer:
    """A workload's pods as a policy sees them."""
    labels = labels_of(workload.pods[0].obj) if workload.pods else workload.labels
    ip = str(at(workload.pods[0].obj, "status", "podIP") or "") if workload.pods else ""
    ports = tuple(
        (str(p.get("name")), number(p.get("containerPort")))
        for c in workload.containers()
        for p in c.ports
        if p.get("name")
    )
    return Peer(workload.namespace, labels, ip, ports)


def service_key(service: Obj) -> str:
    """``Service/namespace/name``."""
    return f"Service/{namespace_of(service)}/{name_of(service)}"


def refused(view: ClusterView, service: Obj) -> list[SignalHit]:
    """Lines of callers whose connection to a Service was refused."""

    def make() -> dict[str, list[SignalHit]]:
        out: dict[str, list[SignalHit]] = {}
        for workload in view.workloads:
            for hit in view.hits(workload):
                if hit.signal == "connection_refused":
                    for found in services_in(view, workload.namespace, hit.line):
                        out.setdefault(service_key(found), []).append(hit)
        return out

    return view.memo("refused", make).get(service_key(service), [])
