"""Probes that fail because they ask the wrong thing: port, protocol, path, timing.

Messages: kubelet pkg/kubelet/prober, pkg/probe/{http,tcp,grpc,exec}.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from decide.core.drafting.revisions import proven
from decide.core.facts import Facts
from decide.core.families.probes.facts import FailingProbe, Probe
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView, Event
from kfix.texts import say
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, at, mapping, number
from manifests.objects.workloads import Workload

PROBES: tuple[Probe, ...] = get_args(Probe)
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
#: Statuses of a server that has no such page there, or none for a probe.
_OTHER_PATH = ("404", "405", "301", "302", "401", "403")
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


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about failing probes of pods that still exist."""
    for workload in view.workloads:
        for container in workload.containers():
            for name in PROBES:
                spec = mapping(container.spec.get(f"{name}Probe"))
                if spec:
                    asked = _Asked(container=container, name=name, spec=spec)
                    yield from _probe(view, workload, asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A container's probe, with what is around it."""

    container: Container
    name: Probe
    spec: Obj

    @property
    def kind(self) -> str:
        """``http``, ``tcp``, ``grpc``, ``exec`` or empty."""
        return handler(self.spec)[0]

    @property
    def port(self) -> object:
        """As it is stated: a number, a name, or nothing."""
        return handler(self.spec)[1]

    @property
    def number(self) -> int | None:
        """The port as a number; ``None`` for a name that the container does not have."""
        return resolved(self.container, self.port)

    @property
    def declared(self) -> list[int]:
        """The container's ports, in order."""
        stated = {number(p.get("containerPort")) for p in self.container.ports}
        return sorted(stated - {0})

    def others(self) -> Iterator[tuple[str, str, int | None]]:
        """The container's other probes: name, kind and port."""
        for other in PROBES:
            spec = mapping(self.container.spec.get(f"{other}Probe"))
            if other != self.name and spec:
                kind, port = handler(spec)
                yield other, kind, resolved(self.container, port)


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


def _probe(view: ClusterView, workload: Workload, asked: _Asked) -> Iterator[Finding[Facts]]:
    name, container = asked.name, asked.container
    events = _events(view, workload, name)
    if not events or not _suffers(workload, name, container.name):
        return
    text = _words(events)
    judges = _PROVEN if proven(view, workload) else _JUDGES
    verdict = next((v for judge in judges if (v := judge(asked, text)) is not None), None)
    if verdict is None:
        return
    if verdict.what == "unwell":
        yield _unwell(workload, asked, verdict, events)
        return
    crashed = _crashes_itself(workload, container)
    score = verdict.score
    if crashed and verdict.what != "protocol" and name != "startup":
        score -= 0.45
    if _killed_for_it(view, workload, name):
        score = min(0.96, score + 0.05)
    yield Finding(
        failure_class=f"{name}_probe_{verdict.what}",
        object=workload.ref,
        score=score,
        detail=say("probes.detail", why=verdict.why, message=quote(text)),
        evidence=_seen(workload, asked, verdict.why, events),
        against=[say("probes.exits_too")] if crashed else [],
        facts=FailingProbe(
            workload=workload,
            container=container.name,
            probe=name,
            spec=asked.spec,
            why=verdict.why,
        ),
    )


def _unwell(
    workload: Workload, asked: _Asked, verdict: _Verdict, events: Sequence[Event]
) -> Finding[Facts]:
    """The probe is right, and what it was told is the program's own word."""
    return Finding(
        failure_class="probe_answers_error",
        object=workload.ref,
        score=verdict.score,
        detail=verdict.why,
        evidence=_seen(workload, asked, verdict.why, events),
        facts=Facts(workload=workload),
    )


def _words(events: Sequence[Event]) -> str:
    """What the kubelet said most often, the newest of equals."""
    return max(events, key=lambda e: (e.count, e.last)).message


def _seen(workload: Workload, asked: _Asked, why: str, events: Sequence[Event]) -> list[Fact]:
    """The kubelet's words with their number, and what the probe asks."""
    count = sum(e.count for e in events)
    return [
        Fact(
            source="event",
            statement=say("probes.failed", message=quote(_words(events)), n=count),
            object=workload.ref,
            value=float(count),
            unit="times",
        ),
        Fact(source="object", statement=_asks(asked, why), object=workload.ref),
    ]


def _asks(asked: _Asked, why: str) -> str:
    """What the probe asks, beside what the container declares."""
    ports = [str(p.get("containerPort")) for p in asked.container.ports]
    return say(
        "probes.asks",
        probe=asked.name,
        container=asked.container.name,
        target=asked.kind
        if asked.port is None
        else say("probes.target", kind=asked.kind, port=str(asked.port)),
        ports=say("probes.ports", ports=ports) if ports else say("probes.no_ports"),
        why=why,
    )


def _killed_for_it(view: ClusterView, workload: Workload, name: str) -> bool:
    """The kubelet says that it kills the container for this probe."""
    return any(
        e.reason == "Killing" and f"failed {name} probe" in e.message
        for e in view.events_of_workload(workload)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What is wrong, the belief, and the reason.

    ``what``: the part of the probe (``port``, ``protocol``, ``path``, ``timing``), or ``unwell``: the program, not the probe.
    """

    what: str
    score: float
    why: str


def _no_such_port(asked: _Asked, text: str) -> _Verdict | None:
    if asked.number is not None or asked.kind not in ("http", "tcp", "grpc"):
        return None
    return _Verdict(what="port", score=0.93, why=say("probes.port.no_name", port=str(asked.port)))


def _another_protocol(asked: _Asked, text: str) -> _Verdict | None:
    if not _PROTOCOL.search(text) or _DEAD.search(text):
        return None
    return _Verdict(what="protocol", score=0.93, why=say("probes.protocol.other"))


def _nothing_listens(asked: _Asked, text: str) -> _Verdict | None:
    if not asked.declared or asked.number is None or asked.number in asked.declared:
        return None
    if not _DEAD.search(text) and not _SLOW.search(text):
        return None
    ports = [str(port) for port in asked.declared]
    why = say("probes.port.nothing_listens", port=str(asked.number), ports=ports)
    return _Verdict(what="port", score=0.93, why=why)


def _another_port(asked: _Asked, text: str) -> _Verdict | None:
    """Of a container that declares none, the other probes tell."""
    if asked.declared or not _DEAD.search(text):
        return None
    for other, kind, port in asked.others():
        if kind == asked.kind and port not in (asked.number, None):
            return _Verdict(what="port", score=0.85, why=say("probes.port.of_other", other=other))
    return None


def _spoken_otherwise(asked: _Asked, text: str) -> _Verdict | None:
    if asked.kind not in ("http", "grpc", "tcp"):
        return None
    for other, kind, port in asked.others():
        if kind not in (asked.kind, "exec", "") and port == asked.number:
            return _Verdict(
                what="protocol", score=0.85, why=say("probes.protocol.of_other", other=other)
            )
    return None


def _path(asked: _Asked, text: str) -> _Verdict | None:
    status = _STATUS.search(text)
    if status is None or status[1] not in _OTHER_PATH:
        return None
    path = str(at(asked.spec, "httpGet", "path") or "/")
    return _Verdict(what="path", score=0.88, why=say("probes.path", status=status[1], path=path))


def _answered(asked: _Asked, text: str) -> _Verdict | None:
    """A status is an answer in HTTP: port, scheme and protocol are right, and the program says that it is not well."""
    status = _STATUS.search(text)
    if status is None or asked.kind != "http":
        return None
    path = str(at(asked.spec, "httpGet", "path") or "/")
    why = say("probes.unwell", status=status[1], path=path, container=asked.container.name)
    return _Verdict(what="unwell", score=0.7, why=why)


def _impatient(asked: _Asked, text: str) -> _Verdict | None:
    """A probe whose failing restarts the container, and that gives it little time."""
    if asked.name == "readiness" or not (_DEAD.search(text) or _SLOW.search(text)):
        return None
    if asked.name == "liveness" and any(other == "startup" for other, _, _ in asked.others()):
        return _Verdict(what="timing", score=0.4, why=say("probes.timing.guarded"))
    wait = patience_s(asked.spec)
    tight = (
        number(asked.spec.get("failureThreshold"), 3) <= 1
        or number(asked.spec.get("periodSeconds"), 10) <= 2
    )
    score = 0.9 if wait <= 15 or tight else 0.6 if wait <= 45 else 0.35
    return _Verdict(what="timing", score=score, why=say("probes.timing.gives_up", seconds=wait))


def _slow_answer(asked: _Asked, text: str) -> _Verdict | None:
    short = number(asked.spec.get("timeoutSeconds"), 1) <= 1
    if asked.name != "readiness" or not short or not _SLOW.search(text):
        return None
    return _Verdict(what="timing", score=0.45, why=say("probes.timing.slow"))


#: Which part of a probe is wrong, by the probe and the kubelet's words; the first that knows answers.
_JUDGES: tuple[Callable[[_Asked, str], _Verdict | None], ...] = (
    _no_such_port,
    _path,
    _answered,
    _another_protocol,
    _nothing_listens,
    _another_port,
    _spoken_otherwise,
    _impatient,
    _slow_answer,
)
#: Of a template whose pods were ready for long: it asks nothing wrong, whatever the probe is told now.
_PROVEN = (_answered, _slow_answer)
