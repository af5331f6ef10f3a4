"""Probes that fail because they ask the wrong thing: port, protocol, path, timing.

Messages: kubelet pkg/kubelet/prober, pkg/probe/{http,tcp,grpc,exec}.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from decide.core.findings import Fact, Finding, quote
from decide.core.objects import Container, Obj, Workload, at, mapping, number
from decide.core.view import ClusterView, Event

PROBES = ("liveness", "readiness", "startup")
_FAILED = re.compile(r"^(?P<probe>Liveness|Readiness|Startup) probe (?:failed|errored)", re.I)
_PROTOCOL = re.compile(
    r"malformed HTTP (response|status|version)|transport connection broken|"
    r"server gave HTTP response to HTTPS client|"
    r"does not look like a TLS handshake|HTTP/0\.9|error reading server preface|frame too large|"
    r"client sent an HTTP request to an HTTPS server|unsupported protocol|service unimplemented|"
    r"Unimplemented|does not implement the grpc health protocol|"
    r"http2: |PRI \* HTTP|connection reset by peer|: EOF$",
    re.I,
)
_STATUS = re.compile(r"statuscode: (\d{3})")
_DEAD = re.compile(r"connection refused|failed to connect service|no route to host", re.I)
_SLOW = re.compile(
    r"context deadline exceeded|Client\.Timeout|did not complete within|timed out|i/o timeout", re.I
)
_ASKED = re.compile(r":(\d{2,5})(?:[/\"\s]|$|: )")
#: A mesh rewrites probes to its agent; then the declared probe tells, not the message's port.
_REWRITTEN = re.compile(r"/app-health/(?P<container>[^/]+)/(?P<probe>live|ready|startup)")


def handler(probe: Obj) -> tuple[str, object]:
    """Kind of a probe (``http``, ``tcp``, ``grpc``, ``exec``, ``""``) and its port."""
    for kind, key in (("http", "httpGet"), ("tcp", "tcpSocket"), ("grpc", "grpc")):
        if isinstance(probe.get(key), dict):
            return kind, at(probe, key, "port")
    return ("exec", None) if probe.get("exec") else ("", None)


def resolved(container: Container, port: object) -> int | None:
    """A probe's port as a number; ``None`` for a name that the container does not have."""
    if isinstance(port, int):
        return port
    text = str(port or "")
    if text.isdigit():
        return int(text)
    named = [p for p in container.ports if p.get("name") == text]
    return number(named[0].get("containerPort")) if named else None


def patience_s(probe: Obj) -> int:
    """Seconds from the container's start until the probe has failed for good."""
    period = number(probe.get("periodSeconds"), 10)
    return number(probe.get("initialDelaySeconds")) + period * number(
        probe.get("failureThreshold"), 3
    )


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about failing probes of pods that still exist."""
    for workload in view.workloads:
        for container in workload.containers():
            for name in PROBES:
                probe = mapping(container.spec.get(f"{name}Probe"))
                if probe:
                    yield from _probe(view, workload, container, name, probe)


def _events(view: ClusterView, workload: Workload, name: str) -> list[Event]:
    out = []
    for event in view.events_of_workload(workload):
        match = (
            _FAILED.match(event.message) if event.reason in ("Unhealthy", "ProbeError") else None
        )
        if match and match["probe"].lower() == name and "15021/healthz" not in event.message:
            out.append(event)
    return out


def _suffers(workload: Workload, name: str, container: str) -> bool:
    """What a failing probe of this kind does to the pods shows now."""
    for pod in workload.pods:
        for found in pod.containers():
            if found.name != container or found.init:
                continue
            if name == "readiness" and not found.ready:
                return True
            if name != "readiness" and found.restarts > 0:
                return True
    return False


def _probe(
    view: ClusterView, workload: Workload, container: Container, name: str, probe: Obj
) -> Iterator[Finding]:
    events = _events(view, workload, name)
    if not events or not _suffers(workload, name, container.name):
        return
    count = sum(e.count for e in events)
    text = max(events, key=lambda e: (e.count, e.last)).message
    kind, port = handler(probe)
    verdict, score, why = _judge(container, name, probe, text)
    if not verdict:
        return
    crashed = _crashes_itself(workload, container)
    if crashed and verdict != "protocol" and name != "startup":
        score -= 0.45
    killed = any(
        e.reason == "Killing" and f"failed {name} probe" in e.message
        for e in view.events_of_workload(workload)
    )
    if killed:
        score = min(0.96, score + 0.05)
    facts = [
        Fact(
            source="event",
            statement=quote(f"{text} ({count} times)"),
            object=workload.ref,
            value=float(count),
            unit="times",
        )
    ]
    facts.append(
        Fact(
            source="object",
            statement=f"{name} probe of {container.name}: {kind} on port {port}; container ports {[p.get('containerPort') for p in container.ports]}; {why}",
            object=workload.ref,
        )
    )
    data = {
        "workload": workload,
        "container": container.name,
        "probe": name,
        "spec": probe,
        "why": why,
        "message": text,
    }
    against = ["the container also exits by itself"] if crashed else []
    yield Finding(
        failure_class=f"{name}_probe_{verdict}",
        object=workload.ref,
        score=score,
        detail=f"{why}; {quote(text)}",
        evidence=facts,
        against=against,
        facts=data,
    )


def _crashes_itself(workload: Workload, container: Container) -> bool:
    """It ended on its own: an exit code that no kill gives, with the container waiting to be restarted."""
    for pod in workload.pods:
        for found in pod.containers():
            code = found.terminated.get("exitCode")
            loops = found.waiting.get("reason") == "CrashLoopBackOff"
            if found.name == container.name and code not in (None, 0, 2, 137, 143) and loops:
                return True
    return False


def _judge(  # noqa: PLR0911 -- a list of rules, the first that fits answers
    container: Container, name: str, probe: Obj, text: str
) -> tuple[str, float, str]:
    """Which part of the probe is wrong: the part, the belief and the reason; ``""`` when the probe seems right."""
    kind, port = handler(probe)
    number_ = resolved(container, port)
    others = [
        (other, mapping(container.spec.get(f"{other}Probe"))) for other in PROBES if other != name
    ]
    others = [(other, spec) for other, spec in others if spec]
    declared = {number(p.get("containerPort")) for p in container.ports if p.get("containerPort")}
    if number_ is None and kind in ("http", "tcp", "grpc"):
        return "port", 0.93, f'the container has no port named "{port}"'
    if _PROTOCOL.search(text) and not _DEAD.search(text):
        return "protocol", 0.93, "something answers in another protocol"
    unknown_port = bool(declared) and number_ is not None and number_ not in declared
    if unknown_port and (_DEAD.search(text) or _SLOW.search(text)):
        return (
            "port",
            0.93,
            f"nothing listens at {number_}, the container declares {sorted(declared)}",
        )
    differs = [
        o
        for o, s in others
        if handler(s)[0] == kind and resolved(container, handler(s)[1]) not in (number_, None)
    ]
    if differs and not declared and _DEAD.search(text):
        return "port", 0.85, f"the {differs[0]} probe asks another port"
    other_kind = [
        o
        for o, s in others
        if handler(s)[0] not in (kind, "exec", "") and resolved(container, handler(s)[1]) == number_
    ]
    if other_kind and kind in ("http", "grpc", "tcp"):
        return (
            "protocol",
            0.85,
            f"the {other_kind[0]} probe speaks another protocol to the same port",
        )
    status = _STATUS.search(text)
    if status and status[1] in ("404", "405", "301", "302", "401", "403"):
        return "path", 0.88, f"HTTP {status[1]} for {at(probe, 'httpGet', 'path') or '/'}"
    if name != "readiness" and (_DEAD.search(text) or _SLOW.search(text)):
        return _timing(container, name, probe, text, others)
    if name == "readiness" and number(probe.get("timeoutSeconds"), 1) <= 1 and _SLOW.search(text):
        return "timing", 0.45, "the answer takes longer than the time-out"
    return "", 0.0, ""


def _timing(
    container: Container, name: str, probe: Obj, text: str, others: list[tuple[str, Obj]]
) -> tuple[str, float, str]:
    wait = patience_s(probe)
    if name == "liveness" and any(other == "startup" for other, _ in others):
        return "timing", 0.4, "a startup probe guards the start"
    tight = (
        number(probe.get("failureThreshold"), 3) <= 1 or number(probe.get("periodSeconds"), 10) <= 2
    )
    if wait <= 15 or tight:
        return "timing", 0.9, f"it gives up {wait} s after the start"
    if wait <= 45:
        return "timing", 0.6, f"it gives up {wait} s after the start"
    return "timing", 0.35, f"it gives up {wait} s after the start"
