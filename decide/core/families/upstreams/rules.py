"""Caches, brokers, other services and hosts of the outside world that a program complains about.

Texts: redis and memcached clients, kafka-clients, librdkafka, AMQP and NATS clients, nginx, gRPC, HTTP clients.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from decide.core.findings import Fact, Finding, quote
from decide.core.graph import addresses_of, calls
from decide.core.links import services_in
from decide.core.signals import Hit
from decide.core.view import ClusterView
from manifests.objects.shapes import number
from manifests.objects.workloads import Workload

_BROKER = re.compile(
    r"(?:^|[/-])(kafka|redpanda|rabbitmq|nats|pulsar|activemq|artemis|mosquitto|emqx|zookeeper)",
    re.I,
)
_CACHE = re.compile(r"(?:^|[/-])(redis|valkey|keydb|dragonfly|memcached)", re.I)
_PORTS = {
    "broker": {9092, 9093, 9094, 29092, 5672, 5671, 4222, 6650, 61616, 1883},
    "cache": {6379, 6380, 11211},
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


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about callees, at the callee where it is in the cluster."""
    kinds = {w.ref.key: kind for w in view.workloads if (kind := kind_of(w))}
    for kind, signal, class_id in (
        ("cache", "cache_down", "cache_unavailable"),
        ("broker", "broker_down", "broker_unavailable"),
    ):
        yield from _servers(view, kinds, kind, signal, class_id)
    yield from _alarms(view, kinds)
    yield from _answers(view)
    for workload in view.workloads:
        yield from _outside(view, workload)


def kind_of(workload: Workload) -> str:
    """``broker``, ``cache`` or empty: by the image's name or the container's port."""
    for container in workload.containers():
        image = str(container.spec.get("image") or "").split("@")[0].rsplit("/", 1)[-1]
        if "exporter" in image:
            continue
        if _BROKER.search(image):
            return "broker"
        if _CACHE.search(image):
            return "cache"
        for port in container.ports:
            for kind, ports in _PORTS.items():
                if number(port.get("containerPort")) in ports:
                    return kind
    return ""


def _servers(
    view: ClusterView, kinds: dict[str, str], kind: str, signal: str, class_id: str
) -> Iterator[Finding]:
    told: dict[str, list[tuple[Workload, Hit]]] = {}
    for caller in view.workloads:
        hits = [h for h in view.hits(caller) if h.signal == signal]
        if hits and kinds.get(caller.ref.key) != kind:
            server = _server(view, caller, hits[-1], kinds, kind)
            told.setdefault(server.ref.key if server else "", []).append((caller, hits[-1]))
    for key, complaints in told.items():
        server = next((w for w in view.workloads if w.ref.key == key), None)
        facts = [
            Fact(source="log", statement=quote(h.line), object=w.ref) for w, h in complaints[:3]
        ]
        sick = [w for w, _ in complaints if not w.available]
        if server is None:
            caller, hit = complaints[0]
            yield Finding(
                failure_class=class_id,
                object=caller.ref,
                score=0.62 if sick else 0.45,
                detail=quote(hit.line),
                evidence=facts,
                against=[f"no {kind} of that name is in the namespace"],
                facts={"workload": caller},
            )
            continue
        refuses = any(_REFUSES.search(h.line) for _, h in complaints)
        down = server.ready == 0
        score = (
            0.88
            if refuses
            else 0.58
            if down
            else 0.55 + 0.03 * min(3, len(complaints)) + 0.06 * bool(sick)
        )
        text = f"{len(complaints)} callers cannot use {server.ref.key}, which has {server.ready} ready pods"
        facts.append(Fact(source="object", statement=text, object=server.ref))
        yield Finding(
            failure_class=class_id,
            object=server.ref,
            score=score,
            detail=text,
            evidence=facts,
            against=[],
            facts={"workload": server, "callers": len(complaints)},
        )


def _server(
    view: ClusterView, caller: Workload, hit: Hit, kinds: dict[str, str], kind: str
) -> Workload | None:
    named = [
        w
        for s in services_in(view, caller.namespace, hit.line)
        for w in view.backends(s)
        if kinds.get(w.ref.key) == kind
    ]
    if named:
        return named[0]
    below = [
        w
        for w in view.workloads
        if kinds.get(w.ref.key) == kind and w.ref.key in calls(view).get(caller.ref.key, set())
    ]
    every = [
        w for w in view.workloads if kinds.get(w.ref.key) == kind and "zookeeper" not in w.name
    ]
    found = below or (every if len(every) == 1 else [])
    return found[0] if found else None


def _alarms(view: ClusterView, kinds: dict[str, str]) -> Iterator[Finding]:
    """A broker that blocks its producers says so itself."""
    for workload in view.workloads:
        hits = [h for h in view.hits(workload) if h.signal == "broker_alarm"]
        if hits and kinds.get(workload.ref.key) == "broker":
            yield Finding(
                failure_class="broker_unavailable",
                object=workload.ref,
                score=0.86,
                detail=quote(hits[-1].line),
                evidence=[Fact(source="log", statement=quote(hits[-1].line), object=workload.ref)],
                against=[],
                facts={"workload": workload},
            )


def _answers(view: ClusterView) -> Iterator[Finding]:
    """Callees that answer with errors: a symptom, and a place to look at."""
    votes: Counter[str] = Counter()
    lines: dict[str, tuple[Workload, Workload, str]] = {}
    for caller in view.workloads:
        for hit in [h for h in view.hits(caller) if h.signal == "upstream_error"][-_LAST:]:
            for service in services_in(view, caller.namespace, hit.line):
                for callee in view.backends(service):
                    if callee.ref.key != caller.ref.key:
                        votes[callee.ref.key] += 1
                        lines[callee.ref.key] = (caller, callee, hit.line)
    for key, _ in votes.most_common(3):
        caller, callee, line = lines[key]
        yield Finding(
            failure_class="upstream_errors",
            object=callee.ref,
            score=0.5,
            detail=quote(line),
            evidence=[Fact(source="log", statement=quote(line), object=caller.ref)],
            against=[],
            facts={"workload": callee},
        )


def _outside(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    """A host that is no Service of this cluster, in lines about failed connections."""
    wanted = ("timeout", "unknown_host", "connection_refused", "upstream_error", "reset")
    configured = {
        a.host
        for a in addresses_of(view, workload)
        if "." in a.host and not a.host.endswith((".svc", ".local"))
    }
    for hit in [h for h in reversed(view.hits(workload)) if h.signal in wanted][:_LAST]:
        hosts = {h.lower() for h in _HOST.findall(hit.line)} | {
            h for h in configured if h in hit.line
        }
        hosts = {h for h in hosts if not _ours(view, workload, h)}
        if hosts:
            host = max(hosts, key=len)
            text = f"{host}, outside the cluster: {quote(hit.line)}"
            # Programs report to many hosts that they can do without: only a configured one is likely needed.
            score = 0.5 + 0.08 * (not workload.available) + 0.08 * (host in configured)
            yield Finding(
                failure_class="external_dependency_unavailable",
                object=workload.ref,
                score=score,
                detail=text,
                evidence=[Fact(source="log", statement=quote(hit.line), object=workload.ref)],
                against=[],
                facts={"workload": workload, "host": host},
            )
            return


def _ours(view: ClusterView, workload: Workload, host: str) -> bool:
    parts = host.split(".")
    if "svc" in parts or len(parts) < 2:
        return True
    return (
        view.get("services", parts[1], parts[0]) is not None
        or view.get("services", workload.namespace, parts[0]) is not None
    )
