"""Pods of what the alert names that are not ready yet: within the pace of their own rollout, or for longer. Pure.

A rollout explains missing replicas for as long as its pods' probes give them to start, and no longer than the time in which
the Deployment itself expects progress. Source: kubernetes.io "Configure Liveness, Readiness and Startup Probes" (defaults),
"Deployments" (``progressDeadlineSeconds``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from decide.core.clock import lasted
from decide.core.findings import Fact, quote
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import condition
from manifests.objects.pods import Container, Pod
from manifests.objects.shapes import at, mapping, number
from manifests.objects.times import instant
from manifests.objects.workloads import Workload

#: To be placed, to pull an image and to begin, before the first probe counts.
_BEGINS = timedelta(minutes=1)
_BATCH = ("Job", "CronJob", "Pod")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unready:
    """A workload with pods that are not ready. ``overdue``: longer than they may take."""

    workload: Workload
    pod: Pod
    #: For how long the pod that waits longest has run, and how long it may take.
    since: timedelta
    allowed: timedelta
    overdue: bool

    @property
    def said(self) -> str:
        """A sentence with the rollout's numbers."""
        return say(
            "no_fault.rollout.overdue" if self.overdue else "no_fault.rollout.on_its_way",
            workload=self.workload.ref.key,
            updated=number(at(self.workload.obj, "status", "updatedReplicas")),
            ready=self.workload.ready,
            desired=self.workload.desired,
            pod=self.pod.name,
            since=lasted(self.since),
            allowed=lasted(self.allowed),
        )

    def facts(self, view: ClusterView) -> Iterator[Fact]:
        """What is seen of it: the numbers, and what the pod said last."""
        yield Fact(source="object", statement=self.said, object=self.workload.ref)
        for log in view.logs_of(self.workload):
            if log.pod == self.pod.name and log.lines:
                text = say("no_fault.rollout.says", pod=self.pod.name, line=quote(log.lines[-1]))
                yield Fact(source="log", statement=text, object=self.workload.ref)
                return


def unready(view: ClusterView) -> Unready | None:
    """The worst of what the alert names, of everything in its namespaces where it names none; ``None`` where all are ready."""
    named = [w for w in view.workloads if w.name in view.alerted]
    found = [one for w in named or view.workloads if (one := _of(view, w)) is not None]
    return max(found, key=lambda one: (one.overdue, one.since), default=None)


def unavailable(view: ClusterView) -> str:
    """What the controller of something that the alert names says it lacks, as a sentence; empty where it lacks nothing."""
    for workload in view.workloads:
        keys = ("unavailableReplicas", "numberUnavailable")
        count = max(number(at(workload.obj, "status", key)) for key in keys)
        if workload.name in view.alerted and count:
            return say(
                "no_fault.rollout.unavailable",
                workload=workload.ref.key,
                n=count,
                ready=workload.ready,
                desired=workload.desired,
            )
    return ""


def _of(view: ClusterView, workload: Workload) -> Unready | None:
    if workload.kind in _BATCH or not workload.desired:
        return None
    now = view.bundle.alerted_at
    waiting = {
        p.name: (now - made, p)
        for p in workload.pods
        if not (p.ready or p.deleting) and p.phase in _ALIVE and (made := _made(p)) is not None
    }
    if not waiting:
        return None
    since, pod = max(waiting.values(), key=lambda one: (one[0], one[1].name))
    allowed = _allowed(workload, pod)
    late = condition(workload.obj, "Progressing").get("reason") == "ProgressDeadlineExceeded"
    overdue = late or since > allowed or any(c.restarts for c in pod.containers())
    return Unready(workload=workload, pod=pod, since=since, allowed=allowed, overdue=overdue)


_ALIVE = ("Running", "Pending", "")


def _made(pod: Pod) -> datetime | None:
    return instant(at(pod.obj, "metadata", "creationTimestamp"))


def _allowed(workload: Workload, pod: Pod) -> timedelta:
    """The longest of its containers, and what the Deployment waits for progress at most."""
    longest = max((_start(c) for c in pod.containers()), default=timedelta(0))
    allowed = longest + _BEGINS
    deadline = number(at(workload.obj, "spec", "progressDeadlineSeconds"), 600)
    return min(allowed, timedelta(seconds=deadline)) if workload.kind == "Deployment" else allowed


def _start(container: Container) -> timedelta:
    """What a container's startup and readiness probes give it until it has to be ready."""
    total = 0
    for name in ("startupProbe", "readinessProbe"):
        probe = mapping(container.spec, name)
        if probe:
            tries = number(probe.get("failureThreshold"), 3) * number(
                probe.get("periodSeconds"), 10
            )
            total += number(probe.get("initialDelaySeconds")) + tries
    return timedelta(seconds=total)
