"""Services against the pods behind them: selectors, ports, protocols, load balancers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from decide.core.facts import Facts
from decide.core.families.services.facts import OtherPort, OtherProtocol, SelectsNothing
from decide.core.findings import Fact, Finding, quote
from decide.core.graph import reachable
from decide.core.links import refused
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of, namespace_of, pairs
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about Services, at the Service."""
    for service in view.services:
        yield from _selector(view, service)
        yield from _ports(view, service)
        yield from _unbalanced(view, service)


def service_ref(service: Obj) -> ObjectRef:
    """A Service's reference."""
    return ObjectRef(
        api_version="v1", kind="Service", namespace=namespace_of(service), name=name_of(service)
    )


def service_ports(service: Obj) -> list[Obj]:
    """The entries of ``spec.ports``."""
    return [mapping(port) for port in items(at(service, "spec", "ports")) if mapping(port)]


def _selector(view: ClusterView, service: Obj) -> Iterator[Finding[SelectsNothing]]:
    selector = mapping(at(service, "spec", "selector"))
    if not selector or view.backends(service) or view.ready_addresses(service):
        return
    meant = _meant(view, service)
    if meant is None:
        return
    workload, belief = meant
    ref = service_ref(service)
    text = say(
        "services.selector.nothing",
        service=ref.name,
        selector=pairs(selector),
        workload=workload.ref.key,
        labels=pairs(workload.labels),
    )
    score = 0.7 + 0.3 * min(1.0, belief) if workload.ready else 0.5
    yield Finding(
        failure_class="service_selector_mismatch",
        object=ref,
        score=min(0.95, score),
        detail=text,
        evidence=[Fact(source="object", statement=text, object=ref)],
        facts=SelectsNothing(workload=workload, service=service),
    )


def _meant(view: ClusterView, service: Obj) -> tuple[Workload, float] | None:
    """The workload that a Service without endpoints most likely means, with the belief."""
    taken = {w.ref.key for s in view.services if s is not service for w in view.backends(s)}
    found: list[tuple[float, Workload]] = []
    for workload in view.workloads:
        if workload.namespace != namespace_of(service) or workload.kind in ("Job", "CronJob"):
            continue
        score = _likeness(service, workload)
        if workload.ref.key in taken and workload.name != name_of(service):
            score -= 0.25
        found.append((score, workload))
    found.sort(key=lambda pair: (-pair[0], pair[1].ref.key))
    if not found:
        return None
    best, workload = found[0]
    lead = best - found[1][0] if len(found) > 1 else best
    return (workload, best) if best >= _ALIKE or (best >= _ALONE and lead >= _LEAD) else None


#: Likeness that tells by itself which workload is meant; and what is enough where no other comes near.
_ALIKE, _ALONE, _LEAD = 0.4, 0.25, 0.15


def _likeness(service: Obj, workload: Workload) -> float:
    """How much speaks for this workload being meant, 0 to about 1: name, labels' values, ports."""
    selector, name = mapping(at(service, "spec", "selector")), name_of(service)
    values = {str(v) for v in workload.labels.values()}
    shared = sum(str(v) in values for v in selector.values()) / max(1, len(selector))
    targets = {str(p.get("targetPort", p.get("port"))) for p in service_ports(service)}
    ports = [p for c in workload.containers() for p in c.ports]
    own = {str(p.get(key)) for p in ports for key in ("containerPort", "name") if p.get(key)}
    likeness = 0.1 * alike(workload.name, name)
    return 0.5 * (workload.name == name) + 0.3 * shared + 0.15 * bool(targets & own) + likeness


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """A Service with one workload behind it, and what connections have shown."""

    service: Obj
    ref: ObjectRef
    workload: Workload
    #: Whether connections arrive; ``None`` where nobody tried.
    tested: bool | None
    none_ready: bool
    #: None of its ports leads to one of the containers'.
    astray: bool

    @property
    def ports(self) -> list[Obj]:
        """The containers' ports."""
        return [p for c in self.workload.containers() for p in c.ports]

    @property
    def headless(self) -> bool:
        """No proxy translates its ports: the pods' own are called."""
        return bool(at(self.service, "spec", "clusterIP") == "None")


def _ports(view: ClusterView, service: Obj) -> Iterator[Finding[OtherPort]]:
    backends = view.backends(service)
    if not backends or at(service, "spec", "type") == "ExternalName":
        return
    tested = reachable(view, service)
    if tested is None and refused(view, service):
        tested = False
    side = _Side(
        service=service,
        ref=service_ref(service),
        workload=backends[0],
        tested=tested,
        none_ready=view.ready_addresses(service) == 0,
        astray=_astray(service, backends[0]),
    )
    for port in service_ports(service):
        yield from _port(view, side, port)


#: Words of an alert whose requests are not answered, or with errors: slow ones found their port.
_FAILING = re.compile(
    r"fail|error|5\d\d|5xx|unreachable|refused|synthetic|no successful|success rate|\bdown\b", re.I
)


def _fails(view: ClusterView) -> bool:
    """The alert says that requests fail now."""
    alert = view.bundle.alert
    return view.firing and _FAILING.search(f"{alert.title} {alert.body}") is not None


def _spoken_of(view: ClusterView, side: _Side, port: int) -> bool:
    """The program's settings or its log name the port: somebody listens there, declared or not."""
    told = re.compile(rf"(?<!\d){port}(?!\d)")
    said = [str(value) for c in side.workload.containers() for value in _settings(c.spec)]
    said += [line for log in view.logs_of(side.workload) for line in log.lines]
    return any(told.search(text) for text in said)


def _settings(container: Obj) -> Iterator[object]:
    yield from items(container.get("command"))
    yield from items(container.get("args"))
    yield from (mapping(entry).get("value") for entry in items(container.get("env")))


def _astray(service: Obj, workload: Workload) -> bool:
    """None of the Service's ports is one that the containers declare, by number or by name."""
    own = [p for c in workload.containers() for p in c.ports]
    there = {str(p.get(key)) for p in own for key in ("containerPort", "name")}
    return all(str(p.get("targetPort", p.get("port"))) not in there for p in service_ports(service))


def _port(view: ClusterView, side: _Side, port: Obj) -> Iterator[Finding[OtherPort]]:
    """The target by name, then by number, then the protocol: the first that does not fit."""
    if not side.ports:
        return
    target = port.get("targetPort", port.get("port"))
    wanted = number(target)
    if isinstance(target, str) and not target.isdigit():
        named = [p for p in side.ports if p.get("name") == target]
        if not named:
            yield _nameless(side, port, target)
            return
        wanted = number(named[0].get("containerPort"))
    if side.headless:
        return
    numbers = {number(p.get("containerPort")) for p in side.ports}
    if wanted not in numbers:
        yield from _unnumbered(view, side, port, wanted, sorted(numbers))
    else:
        yield from _protocol(side, port, wanted)


def _nameless(side: _Side, port: Obj, target: str) -> Finding[OtherPort]:
    names = sorted(str(p["name"]) for p in side.ports if p.get("name"))
    where = {"port": target, "service": side.ref.name, "workload": side.workload.ref.key}
    text = (
        say("services.port.no_such_name", names=names, **where)
        if names
        else say("services.port.no_names", **where)
    )
    broken = side.workload.ready and (side.none_ready or side.tested is False)
    return _mismatch(side, port, text, 0.9 if broken else 0.75)


def _unnumbered(
    view: ClusterView, side: _Side, port: Obj, wanted: int, numbers: list[int]
) -> Iterator[Finding[OtherPort]]:
    asked = _asked(view, {side.workload.name, side.ref.name})
    named = side.astray and side.ref.name in view.alerted and not _spoken_of(view, side, wanted)
    untested = 0.85 if named and _fails(view) else 0.56 if asked else 0.5
    score = 0.93 if side.tested is False else 0.15 if side.tested else untested
    if wanted in _probed_ports(side.workload):
        score -= 0.4
    if side.workload.ready == 0:
        score -= 0.35
    if score <= 0.1:
        return
    text = say(
        "services.port.no_such_number",
        port=str(wanted),
        service=side.ref.name,
        workload=side.workload.ref.key,
        numbers=[str(n) for n in numbers],
    )
    yield _mismatch(side, port, text, score)


def _mismatch(side: _Side, port: Obj, text: str, score: float) -> Finding[OtherPort]:
    return Finding(
        failure_class="service_port_mismatch",
        object=side.ref,
        score=score,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=side.ref)],
        facts=OtherPort(workload=side.workload, service=side.service, port=port),
    )


def _protocol(side: _Side, port: Obj, wanted: int) -> Iterator[Finding[OtherProtocol]]:
    protocol = str(port.get("protocol") or "TCP")
    same = [
        str(p.get("protocol") or "TCP")
        for p in side.ports
        if number(p.get("containerPort")) == wanted
    ]
    if not same or protocol in same:
        return
    text = say(
        "services.protocol.differs",
        service=side.ref.name,
        protocol=protocol,
        port=str(port.get("port")),
        own=same[0],
    )
    yield Finding(
        failure_class="service_protocol_mismatch",
        object=side.ref,
        score=0.93 if side.tested is not True else 0.6,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=side.ref)],
        facts=OtherProtocol(
            workload=side.workload, service=side.service, port=port, protocol=same[0]
        ),
    )


def _unbalanced(view: ClusterView, service: Obj) -> Iterator[Finding[Facts]]:
    """The cloud has not made the load balancer that a Service asks for."""
    if at(service, "spec", "type") != "LoadBalancer":
        return
    if at(service, "status", "loadBalancer", "ingress"):
        return
    ref = service_ref(service)
    failed = [
        e
        for e in view.events_of("Service", ref.namespace, ref.name)
        if "LoadBalancer" in e.reason and e.warning
    ]
    asked = _asked(view, {w.name for w in view.backends(service)} | {ref.name})
    text = (
        quote(failed[-1].message) if failed else say("services.balancer.pending", service=ref.name)
    )
    yield Finding(
        failure_class="load_balancer_pending",
        object=ref,
        score=0.9 if failed else 0.64 if asked else 0.4,
        detail=text,
        evidence=[Fact(source="event" if failed else "object", statement=text, object=ref)],
    )


def _asked(view: ClusterView, names: set[str]) -> bool:
    """The alert is about one of the names."""
    subject = view.bundle.k8s_context.subject
    return (subject is not None and subject.name in names) or bool(view.mentioned & names)


def _probed_ports(workload: Workload) -> set[int]:
    """Ports that the kubelet asks: somebody listens there, declared or not."""
    probes = ("livenessProbe", "readinessProbe", "startupProbe")
    asked = (
        at(container.spec, probe, handler, "port")
        for container in workload.containers()
        for probe in probes
        for handler in ("httpGet", "tcpSocket", "grpc")
    )
    return {port for port in asked if isinstance(port, int)}
