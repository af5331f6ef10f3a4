"""What shows that a workload is sick, as far as the API server's statuses and events tell. Pure.

Sources: kubernetes.io "Pod Lifecycle" (waiting reasons, conditions), "Deployments" (ProgressDeadlineExceeded), "Jobs" and
"CronJobs" (Failed), argo-rollouts ``status.phase``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from enrich.core.objects import ObjectIndex
from kfix.texts import say
from manifests.objects.kinds import plural_of
from manifests.objects.meta import condition, created_at, name_of, namespace_of
from manifests.objects.pods import Pod, statuses_of
from manifests.objects.shapes import Obj, at, mapping, number, text
from manifests.objects.times import instant
from schemas.base import Json, ObjectRef

#: How long before the alert, and after it, a restart or an event belongs to it.
_LATELY, _SOON = timedelta(hours=1), timedelta(minutes=10)
#: How long a pod may need before it counts as one that does not get ready.
_YOUNG = timedelta(minutes=5)
#: Warnings that a healthy workload has as well now and then.
_USUAL = frozenset(
    {"Unhealthy", "FailedToUpdateEndpoint", "FailedToUpdateEndpointSlices", "DNSConfigForming"}
)
#: Signs of one workload that are told.
_MOST = 4


def signs(
    ref: ObjectRef, objects: Mapping[str, Iterable[Json]], at_: datetime | None
) -> tuple[str, ...]:
    """Sentences about what is wrong with it; none where it looks well. ``at_``: when the alert came."""
    index = ObjectIndex(objects)
    pods = [Pod(mapping(p)) for p in objects.get("pods", ()) if _owns(index, ref, p)]
    item = mapping(index.find(ref.kind, ref.namespace, ref.name))
    children = {
        name_of(child)
        for plural in ("replicasets", "jobs")
        for child in objects.get(plural, ())
        if _owns(index, ref, child)
    }
    told = (
        *_of_controller(ref, item, objects, index),
        *_of_pods(pods, at_),
        *_of_events(ref, {p.name for p in pods} | children, objects.get("events", ()), at_),
    )
    return tuple(dict.fromkeys(told))[:_MOST]


def _owns(index: ObjectIndex, ref: ObjectRef, item: Json) -> bool:
    return namespace_of(item) == ref.namespace and index.top_controller(item).key == ref.key


def _of_controller(
    ref: ObjectRef, item: Obj, objects: Mapping[str, Iterable[Json]], index: ObjectIndex
) -> Iterator[str]:
    if ref.kind == "CronJob":
        jobs = [mapping(j) for j in objects.get("jobs", ()) if _owns(index, ref, j)]
        newest = max(jobs, key=lambda j: text(j, "metadata", "creationTimestamp"), default={})
        yield from _failed(newest)
        return
    yield from _failed(item)
    if ref.kind == "DaemonSet":
        wanted = number(at(item, "status", "desiredNumberScheduled"))
        ready = number(at(item, "status", "numberReady"))
    else:
        wanted = number(at(item, "spec", "replicas"), 1)
        ready = number(at(item, "status", "readyReplicas"))
    if (
        item.get("status")
        and plural_of(ref.kind) in ("deployments", "statefulsets", "daemonsets")
        and ready < wanted
    ):
        yield say("enrich.sign.not_ready", ready=ready, wanted=wanted)
    if condition(item, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        yield say("enrich.sign.stuck_rollout")
    if ref.kind == "Rollout" and at(item, "status", "phase") == "Degraded":
        yield say("enrich.sign.stuck_rollout")


def _failed(job: Obj) -> Iterator[str]:
    if condition(job, "Failed").get("status") == "True":
        yield say("enrich.sign.job_failed", job=name_of(job))


def _of_pods(pods: Iterable[Pod], at_: datetime | None) -> Iterator[str]:
    for pod in pods:
        if not pod.phase or pod.phase == "Succeeded" or pod.deleting:
            continue
        restarted = [s for s in statuses_of(pod.obj) if _restarted(s, at_)]
        waits = [text(s, "state", "waiting", "reason") for s in statuses_of(pod.obj)]
        why = next(
            (w for w in waits if w and w not in ("ContainerCreating", "PodInitializing")), ""
        )
        if pod.phase == "Failed":
            yield say("enrich.sign.pod_failed", pod=pod.name)
        elif why:
            yield say("enrich.sign.waits", pod=pod.name, reason=why)
        elif not pod.ready and not _starts(pod, at_):
            yield say("enrich.sign.pod_not_ready", pod=pod.name)
        elif restarted:
            yield say(
                "enrich.sign.restarted",
                pod=pod.name,
                times=number(restarted[0].get("restartCount")),
            )


def _starts(pod: Pod, at_: datetime | None) -> bool:
    """It was just made when the alert came."""
    made = created_at(pod.obj)
    return made is not None and at_ is not None and at_ - made < _YOUNG


def _restarted(status: Obj, at_: datetime | None) -> bool:
    ended = instant(at(status, "lastState", "terminated", "finishedAt"))
    if not number(status.get("restartCount")):
        return False
    return ended is None or at_ is None or _near(ended, at_)


def _near(when: datetime, at_: datetime) -> bool:
    return at_ - _LATELY <= when <= at_ + _SOON


def _of_events(
    ref: ObjectRef, names: set[str], events: Iterable[Json], at_: datetime | None
) -> Iterator[str]:
    for event in events:
        about = mapping(event, "involvedObject") or mapping(event, "regarding")
        name, kind = text(about, "name"), text(about, "kind")
        mine = (kind, name) == (ref.kind, ref.name) or name in names
        if not mine or at(event, "type") != "Warning" or namespace_of(event) != ref.namespace:
            continue
        if text(event, "reason") in _USUAL:
            continue
        last = instant(
            at(event, "lastTimestamp")
            or at(event, "series", "lastObservedTime")
            or at(event, "eventTime")
        )
        if last is None or at_ is None or _near(last, at_):
            yield say("enrich.sign.event", reason=text(event, "reason"), object=f"{kind}/{name}")
