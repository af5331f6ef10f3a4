"""Containers that the kernel killed since their node was out of memory, not since they reached a limit of their own.

Sources: kubelet pkg/kubelet/oom (event ``SystemOOM``: no cgroup's limit, the whole node), kernel mm/oom_kill.c ("Out of
memory: Killed process" of the node, "Memory cgroup out of memory: …" of a limit; ``constraint=CONSTRAINT_NONE``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from decide.core import measure
from decide.core.drafting.containers import stated
from decide.core.facts import Facts
from decide.core.findings import Fact, Finding, quote
from decide.core.graph import below, calls
from decide.core.past import ended_before
from decide.core.view import ClusterView, node_ref
from kfix.incident.metrics import in_our_unit, metric_of
from kfix.texts import say
from manifests.objects.meta import condition, name_of
from manifests.objects.pods import Container, Pod
from manifests.objects.times import instant
from manifests.objects.workloads import Workload

_OUT = re.compile(
    r"System OOM encountered|(?<!cgroup )\bOut of memory: Kill(?:ed)? process|"
    r"oom-kill:constraint=CONSTRAINT_NONE",
    re.I,
)
_BY_LIMIT = re.compile(r"Memory cgroup out of memory|constraint=CONSTRAINT_MEMCG", re.I)
#: A kill and what the node says of it are told within so long of each other.
_NEAR = timedelta(minutes=5)
#: From this share of the limit on, the measured use speaks for the limit; below that one against it.
_CLOSE, _FAR = 0.85, 0.5
#: A run that was shorter, or has fewer samples in it, was not measured well enough to say what it needed.
_LIVED, _SAMPLES = timedelta(minutes=5), 5
_MIB = 2**20


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """The nodes that were out of memory as they killed a container, with who takes their memory."""
    for workload in view.workloads:
        for pod in workload.pods:
            for container in pod.containers():
                words = ran_out(view, workload, pod, container)
                if words and not ended_before(pod, container, view.bundle.alerted_at):
                    yield _finding(view, workload, pod, container, words)


def _finding(
    view: ClusterView, workload: Workload, pod: Pod, container: Container, words: str
) -> Finding[Facts]:
    told = say("nodes.memory.killed", container=container.name, pod=pod.name, node=pod.node)
    return Finding(
        failure_class="node_pressure",
        object=node_ref(pod.node),
        score=0.95 if _concerns(view, workload) else 0.5,
        detail=say("nodes.memory.out", node=pod.node, message=words),
        evidence=[
            Fact(source="event", statement=words, object=node_ref(pod.node)),
            Fact(source="object", statement=told, object=workload.ref),
            *_spared(view, workload, container),
            *_eaters(view, pod.node),
        ],
        facts=Facts(workload=workload),
    )


def _concerns(view: ClusterView, workload: Workload) -> bool:
    """The alert is about the killed one, or about somebody that calls it."""
    subject = view.bundle.k8s_context.subject
    if subject is None or workload.name in view.alerted:
        return True
    return workload.ref.key in {subject.key, *below(calls(view), subject.key)}


def ran_out(view: ClusterView, workload: Workload, pod: Pod, container: Container) -> str:
    """The words that the pod's node was out of memory as the container was killed; empty where nothing says so.

    Nor where the container is known to have filled its own limit.
    """
    if not pod.node or not killed(container):
        return ""
    events = view.events_of("Pod", pod.namespace, pod.name)
    limit = _limit(container)
    top = max(measure.used(view, workload, "memory", container.name).values, default=0.0)
    if any(_BY_LIMIT.search(e.message) for e in events) or (limit and top >= _CLOSE * limit):
        return ""
    when = instant(container.terminated.get("finishedAt"))
    return _by_events(view, pod.node, when) or _by_pressure(view, pod.node, when)


def killed(container: Container) -> bool:
    """It ended by SIGKILL, or for want of memory."""
    died = container.terminated
    return died.get("reason") == "OOMKilled" or died.get("exitCode") == 137


def _limit(container: Container) -> float:
    return stated(container, "limits", "memory") or 0.0


def _by_events(view: ClusterView, node: str, when: datetime | None) -> str:
    """The newest event of the node, or line of the kernel in a log of one of its pods, that tells."""
    about = view.memo("events of nodes", lambda: [e for e in view.events if e.kind == "Node"])
    for event in (one for one in reversed(about) if one.name == node):
        at = instant(event.last)
        near = when is None or at is None or abs(at - when) <= _NEAR
        if near and (event.reason == "SystemOOM" or _OUT.search(event.message)):
            return quote(event.message)
    return view.memo(f"kernel of {node}", lambda: _kernel_line(view, node))


def _kernel_line(view: ClusterView, node: str) -> str:
    for log in view.bundle.logs:
        pod = view.get("pods", log.namespace, log.pod)
        if pod is not None and Pod(pod).node == node:
            line = next((one for one in reversed(log.lines) if _OUT.search(one)), "")
            if line:
                return quote(line)
    return ""


def _by_pressure(view: ClusterView, node: str, when: datetime | None) -> str:
    """The node was short of memory by the time of the kill."""
    obj = next((one for one in view.nodes if name_of(one) == node), {})
    said = condition(obj, "MemoryPressure")
    since = instant(said.get("lastTransitionTime"))
    if said.get("status") != "True" or (when and since and since - when > _NEAR):
        return ""
    words = quote(str(said.get("message") or said.get("reason") or ""))
    return say("nodes.pressure", condition="MemoryPressure", message=words)


def far_below(view: ClusterView, workload: Workload, container: Container) -> float | None:
    """The most that was measured of a killed run, in bytes, where that is far below its limit; else ``None``.

    A run of moments, or one of which hardly anything was measured, tells nothing.
    """
    died, limit = container.terminated, _limit(container)
    began, ended = instant(died.get("startedAt")), instant(died.get("finishedAt"))
    used = measure.used(view, workload, "memory", container.name)
    if not limit or began is None or ended is None or ended - began < _LIVED:
        return None
    span = (began.timestamp(), ended.timestamp())
    during = sum(span[0] <= at <= span[1] for one in used.points for at, _ in one)
    top = max(used.values, default=0.0)
    return top if during >= _SAMPLES and top < _FAR * limit else None


def speaks_against(top: float, limit: float) -> bool:
    """A measured highest use that is far below a limit, both in bytes, does not show that the limit is reached."""
    return 0.0 < top < _FAR * limit


def _spared(view: ClusterView, workload: Workload, container: Container) -> Iterator[Fact]:
    top = max(measure.used(view, workload, "memory", container.name).values, default=0.0)
    limit = _limit(container)
    if top and limit:
        text = say(
            "nodes.memory.spared", container=container.name, top=top / _MIB, limit=limit / _MIB
        )
        yield Fact(
            source="metric", statement=text, object=workload.ref, value=top / _MIB, unit="MiB"
        )


#: How many of those that take the memory are named.
_NAMED = 2


def _eaters(view: ClusterView, node: str) -> list[Fact]:
    """Who takes the node's memory: pods above what they asked for, else pods that nothing limits."""
    found: list[tuple[float, str]] = []
    for obj in view.all("pods"):
        pod = Pod(obj)
        if pod.node != node or pod.phase != "Running":
            continue
        containers = [c for c in pod.containers() if not c.ends_first]
        open_ = any(not _limit(c) for c in containers)
        asked = sum(stated(c, "requests", "memory") or 0.0 for c in containers)
        used = _used(view, pod)
        if not open_ and used <= 2 * asked:
            continue
        name = f"{pod.namespace}/{pod.name}"
        key = ("eats_all" if open_ else "eats") if used else "open"
        told = {"used": used / _MIB} if used else {}
        text = say(f"nodes.memory.{key}", pod=name, asked=asked / _MIB, **told)
        found.append((used - asked, text))
    found.sort(key=lambda one: (-one[0], one[1]))
    return [
        Fact(source="object", statement=text, object=node_ref(node)) for _, text in found[:_NAMED]
    ]


def _used(view: ClusterView, pod: Pod) -> float:
    """The pod's highest measured use of memory in bytes, summed over its containers; 0 where nothing was measured."""
    most: dict[str, float] = {}
    for series in view.bundle.metrics:
        metric, tags = metric_of(series), measure.tags_of(series)
        if metric is None or metric.meaning != "memory" or tags.get("pod_name") != pod.name:
            continue
        if tags.get("kube_namespace", pod.namespace) == pod.namespace:
            name = tags.get("kube_container_name", "")
            top = max(measure.values([in_our_unit(series, metric)]), default=0.0)
            most[name] = max(most.get(name, 0.0), top)
    return most.get("", 0.0) or sum(most.values())
