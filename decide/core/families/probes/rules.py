"""Probes that fail because they ask the wrong thing: port, protocol, path, timing.

Messages: kubelet pkg/kubelet/prober, pkg/probe/{http,tcp,grpc,exec}.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from decide.core.drafting.revisions import proven, revisions
from decide.core.facts import Facts
from decide.core.families.probes.asking import PROBES, AskedProbe, handler, resolved
from decide.core.families.probes.facts import FailingProbe, Probe
from decide.core.families.probes.judging import JUDGES, PROVEN, ProbeVerdict
from decide.core.families.probes.known import listened, served
from decide.core.families.probes.serving import said_ports, started_s, succeeding
from decide.core.families.probes.twins import twins_probes
from decide.core.findings import Fact, Finding, quote
from decide.core.past import got_over
from decide.core.view import ClusterView, Event
from kfix.texts import say
from manifests.objects.pods import Container, Pod
from manifests.objects.shapes import Obj, at, mapping
from manifests.objects.times import instant
from manifests.objects.workloads import Workload

_FAILED = re.compile(r"^(?P<probe>Liveness|Readiness|Startup) probe (?:failed|errored)", re.I)


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about failing probes of pods that still exist."""
    for workload in view.workloads:
        for container in workload.containers():
            for name in PROBES:
                spec = mapping(container.spec.get(f"{name}Probe"))
                if spec:
                    yield from _probe(view, workload, container, name, spec)


def failures(view: ClusterView, workload: Workload, name: str, container: str = "") -> list[Event]:
    """Events that tell of a failing probe of this kind, of one container where it is named and they name it.

    Those of a pod that was ready since, or that is asked otherwise than the template says, tell nothing of now.
    """
    pods = {("Pod", pod.namespace, pod.name): pod for pod in workload.pods}
    out = []
    for event in view.events_of_workload(workload):
        match = (
            _FAILED.match(event.message) if event.reason in ("Unhealthy", "ProbeError") else None
        )
        if not match or match["probe"].lower() != name or "15021/healthz" in event.message:
            continue
        pod = pods.get((event.kind, event.namespace, event.name))
        old = pod is not None and (
            got_over(pod, instant(event.last)) or _asked_otherwise(view, workload, pod, name)
        )
        if not old and (not container or event.container in ("", container)):
            out.append(event)
    return out


def failing(view: ClusterView, workload: Workload, container: Container) -> frozenset[Probe]:
    """The container's kinds of probes that are seen to fail."""
    return frozenset(name for name in PROBES if failures(view, workload, name, container.name))


def _asked_otherwise(view: ClusterView, workload: Workload, pod: Pod, name: str) -> bool:
    """The pod is of another template, whose probes of this kind ask something else.

    Templates are compared, not pods: a mesh's webhook may have turned a pod's probes to its own port.
    """
    mine = (one for one in revisions(view, workload) if pod.name in {p.name for p in one.pods})
    revision = next(mine, None)
    if revision is None:
        return False
    theirs = {c.name: c for c in Workload("Pod", {"spec": revision.spec}).containers()}
    pairs = ((ours, theirs[ours.name]) for ours in workload.containers() if ours.name in theirs)
    return any(_question(ours, name) != _question(other, name) for ours, other in pairs)


def _question(container: Container, name: str) -> tuple[object, ...]:
    """What a container's probe of this kind asks."""
    spec = mapping(container.spec.get(f"{name}Probe"))
    kind, port = handler(spec)
    return kind, resolved(container, port), at(spec, "httpGet", "path") or "/"


def _suffers(workload: Workload, name: str, container: str) -> bool:
    """What a failing probe of this kind does to the pods shows now."""
    for pod in workload.pods:
        for found in pod.containers():
            if found.name != container or found.ends_first:
                continue
            if name == "readiness" and not found.ready:
                return True
            if name != "readiness" and found.restarts > 0:
                return True
    return False


def _probe(
    view: ClusterView, workload: Workload, container: Container, name: Probe, spec: Obj
) -> Iterator[Finding[Facts]]:
    events = failures(view, workload, name, container.name)
    if not events or not _suffers(workload, name, container.name):
        return
    asked = AskedProbe(
        container=container,
        name=name,
        spec=spec,
        known=served(workload, container),
        listened=listened(workload, container),
        said=said_ports(view, workload, container),
        started_s=started_s(view, workload, container),
        well=succeeding(view, workload, container, failing(view, workload, container)),
        twins=tuple(
            (handler(twin.spec)[0], twin.port)
            for twin in twins_probes(view, workload, container, name)
        ),
    )
    text = _words(events)
    judges = PROVEN if proven(view, workload) else JUDGES
    verdict = next((v for judge in judges if (v := judge(asked, text)) is not None), None)
    if verdict is None:
        return
    if verdict.what == "unwell":
        yield _unwell(view, workload, asked, verdict, events)
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
            scheme=verdict.scheme,
            program=verdict.program,
            timed=verdict.what == "timing",
        ),
    )


def _unwell(
    view: ClusterView,
    workload: Workload,
    asked: AskedProbe,
    verdict: ProbeVerdict,
    events: Sequence[Event],
) -> Finding[Facts]:
    """The probe is right, and what it was told is the program's own word; its log says more than a status does."""
    said = [h.line for h in view.hits(workload) if h.container in ("", asked.container.name)]
    logs = [Fact(source="log", statement=quote(one), object=workload.ref) for one in said[-1:]]
    return Finding(
        failure_class="probe_answers_error",
        object=workload.ref,
        score=verdict.score,
        detail=verdict.why,
        evidence=[*logs, *_seen(workload, asked, verdict.why, events)],
        facts=Facts(workload=workload),
    )


def _words(events: Sequence[Event]) -> str:
    """What the kubelet said most often, the newest of equals."""
    return max(events, key=lambda e: (e.count, e.last)).message


def _seen(workload: Workload, asked: AskedProbe, why: str, events: Sequence[Event]) -> list[Fact]:
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


def _asks(asked: AskedProbe, why: str) -> str:
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
