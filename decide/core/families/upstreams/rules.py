"""Caches, brokers, other services and hosts of the outside world that a program complains about.

Texts: redis and memcached clients, kafka-clients, librdkafka, AMQP and NATS clients, nginx, gRPC, HTTP clients.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from decide.core.facts import Facts
from decide.core.families.performance.rules import changes, workload_of
from decide.core.families.regressions.rules import failing
from decide.core.findings import Fact, Finding, quote
from decide.core.graph import addresses_of, calls
from decide.core.links import services_in
from decide.core.signals import SignalHit
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.shapes import number
from manifests.objects.workloads import Workload

Kind = Literal["cache", "broker"]

_BROKER = re.compile(
    r"(?:^|[/-])(kafka|redpanda|rabbitmq|nats|pulsar|activemq|artemis|mosquitto|emqx|zookeeper)",
    re.I,
)
_CACHE = re.compile(r"(?:^|[/-])(redis|valkey|keydb|dragonfly|memcached)", re.I)
_PORTS: dict[int, Kind] = {
    **dict.fromkeys((9092, 9093, 9094, 29092, 5672, 5671, 4222, 6650, 61616, 1883), "broker"),
    **dict.fromkeys((6379, 6380, 11211), "cache"),
}
#: What a cache or broker that runs says about itself through its clients.
_REFUSES = re.compile(
    r"OOM command not allowed|LOADING Redis|CLUSTERDOWN|MASTERDOWN|MISCONF|"
    r"resource (?:limit )?alarm|connection\.blocked"
)
#: Lines of one kind that are looked at: the rest says the same.
_LAST = 20
_HOST = re.compile(
    r"\b([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\.(?:com|net|org|io|dev|cloud|app|example|eu|fr|de|uk))\b(?!\.)",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Servers:
    """The servers of one kind in the namespace."""

    kind: Kind
    #: What callers' logs say when one of them fails them.
    signal: str
    class_id: str
    #: Keys of its workloads.
    keys: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Complaint:
    """The last line in which a caller complains about a server."""

    caller: Workload
    hit: SignalHit


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about callees, at the callee where it is in the cluster."""
    kinds = {w.ref.key: kind for w in view.workloads if (kind := kind_of(w))}
    caches = _servers_of(kinds, "cache", "cache_down", "cache_unavailable")
    brokers = _servers_of(kinds, "broker", "broker_down", "broker_unavailable")
    yield from _complaints(view, caches)
    yield from _complaints(view, brokers)
    yield from _alarms(view, brokers)
    yield from _answers(view)
    for workload in view.workloads:
        yield from _outside(view, workload)


def _servers_of(kinds: Mapping[str, Kind], kind: Kind, signal: str, class_id: str) -> _Servers:
    keys = frozenset(key for key, one in kinds.items() if one == kind)
    return _Servers(kind=kind, signal=signal, class_id=class_id, keys=keys)


def kind_of(workload: Workload) -> Kind | None:
    """What it is by the image's name or the container's port; ``None`` when neither tells."""
    for container in workload.containers():
        image = str(container.spec.get("image") or "").split("@")[0].rsplit("/", 1)[-1]
        if "exporter" in image:
            continue
        if _BROKER.search(image):
            return "broker"
        if _CACHE.search(image):
            return "cache"
        for port in container.ports:
            found = _PORTS.get(number(port.get("containerPort")))
            if found is not None:
                return found
    return None


def _complaints(view: ClusterView, servers: _Servers) -> Iterator[Finding[Facts]]:
    """What callers say of the servers: at each server, and at the first caller of one that nobody knows."""
    told: dict[str, list[_Complaint]] = {}
    for caller in view.workloads:
        hits = [h for h in view.hits(caller) if h.signal == servers.signal]
        if hits and caller.ref.key not in servers.keys:
            server = _server(view, caller, hits[-1], servers)
            complaint = _Complaint(caller=caller, hit=hits[-1])
            told.setdefault(server.ref.key if server else "", []).append(complaint)
    for key, complaints in told.items():
        server = next((w for w in view.workloads if w.ref.key == key), None)
        if server is None:
            yield _unknown(servers, complaints)
        else:
            yield _known(servers, server, complaints)


def _quoted(complaints: list[_Complaint]) -> list[Fact]:
    return [
        Fact(source="log", statement=quote(c.hit.line), object=c.caller.ref) for c in complaints[:3]
    ]


def _unknown(servers: _Servers, complaints: list[_Complaint]) -> Finding[Facts]:
    first, sick = complaints[0], any(not c.caller.available for c in complaints)
    return Finding(
        failure_class=servers.class_id,
        object=first.caller.ref,
        score=0.62 if sick else 0.45,
        detail=quote(first.hit.line),
        evidence=_quoted(complaints),
        against=[say("upstreams.no_cache" if servers.kind == "cache" else "upstreams.no_broker")],
        facts=Facts(workload=first.caller),
    )


def _known(servers: _Servers, server: Workload, complaints: list[_Complaint]) -> Finding[Facts]:
    sick = any(not c.caller.available for c in complaints)
    if any(_REFUSES.search(c.hit.line) for c in complaints):
        score = 0.88
    elif server.ready == 0:
        score = 0.58
    else:
        score = 0.55 + 0.03 * min(3, len(complaints)) + 0.06 * sick
    text = say(
        "upstreams.callers", count=len(complaints), server=server.ref.key, ready=server.ready
    )
    return Finding(
        failure_class=servers.class_id,
        object=server.ref,
        score=score,
        detail=text,
        evidence=[*_quoted(complaints), Fact(source="object", statement=text, object=server.ref)],
        facts=Facts(workload=server),
    )


def _server(
    view: ClusterView, caller: Workload, hit: SignalHit, servers: _Servers
) -> Workload | None:
    """The server that a line is about: one that it names, one that the caller is set to call, else the only one."""
    for service in services_in(view, caller.namespace, hit.line):
        for workload in view.backends(service):
            if workload.ref.key in servers.keys:
                return workload
    every = [w for w in view.workloads if w.ref.key in servers.keys]
    called = calls(view).get(caller.ref.key, set())
    below = [w for w in every if w.ref.key in called]
    if below:
        return below[0]
    likely = [w for w in every if "zookeeper" not in w.name]
    return likely[0] if len(likely) == 1 else None


def _alarms(view: ClusterView, brokers: _Servers) -> Iterator[Finding[Facts]]:
    """A broker that blocks its producers says so itself."""
    for workload in view.workloads:
        hits = [h for h in view.hits(workload) if h.signal == "broker_alarm"]
        if hits and workload.ref.key in brokers.keys:
            line = quote(hits[-1].line)
            yield Finding(
                failure_class="broker_unavailable",
                object=workload.ref,
                score=0.86,
                detail=line,
                evidence=[Fact(source="log", statement=line, object=workload.ref)],
                facts=Facts(workload=workload),
            )


def _answers(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Callees that answer with errors: a symptom, and a place to look at."""
    votes: Counter[str] = Counter()
    last: dict[str, tuple[Workload, _Complaint]] = {}
    for caller in view.workloads:
        for hit in [h for h in view.hits(caller) if h.signal == "upstream_error"][-_LAST:]:
            callees = list(_named(view, caller, hit))
            for callee in callees or _nobody(view, caller, hit):
                votes[callee.ref.key] += 1
                last[callee.ref.key] = (callee, _Complaint(caller=caller, hit=hit))
    for key, _ in votes.most_common(3):
        callee, complaint = last[key]
        yield Finding(
            failure_class="upstream_errors",
            object=callee.ref,
            score=_FAILS_FOR_IT if callee is complaint.caller else 0.5,
            detail=quote(complaint.hit.line),
            evidence=_quoted([complaint]),
            facts=Facts(workload=callee),
        )


#: More than errors that rose without a reason: their reason is in the log.
_FAILS_FOR_IT = 0.68


def _nobody(view: ClusterView, caller: Workload, hit: SignalHit) -> Iterator[Workload]:
    """The caller itself, where nobody in the cluster is named and its own errors rose: whom it calls stands in its line."""
    moved = [c for c in changes(view).values() if workload_of(view, c.name) is caller]
    foreign = [h for h in _HOST.findall(hit.line) if not _ours(view, caller, h)]
    if not foreign and any(failing(c) for c in moved if c.kind != "node"):
        yield caller


def _named(view: ClusterView, caller: Workload, hit: SignalHit) -> Iterator[Workload]:
    """Other workloads behind the Services that a line names."""
    for service in services_in(view, caller.namespace, hit.line):
        yield from (w for w in view.backends(service) if w.ref.key != caller.ref.key)


#: What a program says when a host does not answer it.
_UNANSWERED = (
    "timeout",
    "unknown_host",
    "connection_refused",
    "upstream_error",
    "reset",
    "db_link_failure",
)


def _outside(view: ClusterView, workload: Workload) -> Iterator[Finding[Facts]]:
    """A host that is no Service of this cluster, in lines about failed connections."""
    configured = _configured(view, workload)
    hits = [h for h in reversed(view.hits(workload)) if h.signal in _UNANSWERED][:_LAST]
    for hit in hits:
        host = foreign_host(view, workload, hit.line)
        if not host:
            continue
        # Programs report to many hosts that they can do without: only a configured one is likely needed.
        score = 0.5 + 0.08 * (not workload.available) + 0.08 * (host in configured)
        yield Finding(
            failure_class="external_dependency_unavailable",
            object=workload.ref,
            score=score,
            detail=say("upstreams.outside", host=host, line=quote(hit.line)),
            evidence=[Fact(source="log", statement=quote(hit.line), object=workload.ref)],
            facts=Facts(workload=workload),
        )
        return


def _configured(view: ClusterView, workload: Workload) -> set[str]:
    return {
        a.host
        for a in addresses_of(view, workload)
        if "." in a.host and not a.host.endswith((".svc", ".local"))
    }


def foreign_host(view: ClusterView, workload: Workload, line: str) -> str:
    """The host outside of this cluster that a line of the workload's log names, the longest; empty without one."""
    named = {h.lower() for h in _HOST.findall(line)}
    named |= {h for h in _configured(view, workload) if h in line}
    return max(sorted(h for h in named if not _ours(view, workload, h)), key=len, default="")


def foreign_hosts(view: ClusterView, workload: Workload) -> list[str]:
    """The hosts outside of this cluster that it is set to call, by name."""
    return sorted(h for h in _configured(view, workload) if not _ours(view, workload, h))


def _ours(view: ClusterView, workload: Workload, host: str) -> bool:
    """The host, a name with a dot in it, is a Service of this cluster.

    A public name that only begins like a Service is none: a resolver asks for that one without what follows.
    """
    parts = host.split(".")
    if "svc" in parts or view.get("services", parts[1], parts[0]) is not None:
        return True
    short = len(parts) == 2 or not _HOST.fullmatch(host)
    return short and view.get("services", workload.namespace, parts[0]) is not None
