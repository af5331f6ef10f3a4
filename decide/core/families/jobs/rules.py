"""Jobs that fail or run out of time, cron jobs that do not start.

Sources: k8s.io/api batch/v1 (JobFailed reasons); k8s.io/kubernetes pkg/controller/cronjob (event reasons).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from decide.core.clock import age, lasted
from decide.core.declared import declared_so
from decide.core.families.jobs.facts import BatchWork
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import condition, name_of
from manifests.objects.shapes import Obj, at
from manifests.objects.times import instant
from manifests.objects.workloads import Workload

#: A job that failed longer ago than this is hardly why the alert came now.
_OLD = timedelta(hours=6)
_NOT_STARTING = {
    "UnparseableSchedule": 0.93,
    "UnParseableCronJobSchedule": 0.93,
    "UnknownTimeZone": 0.93,
    "InvalidSchedule": 0.93,
    "FailedNeedsStart": 0.88,
    "TooManyMissedTimes": 0.85,
    "JobAlreadyActive": 0.62,
    "MissSchedule": 0.62,
}


def find(view: ClusterView) -> Iterator[Finding[BatchWork]]:
    """Findings about jobs, at the cron job where one owns them."""
    for workload in view.workloads:
        if workload.kind == "Job":
            yield from _failed(view, workload, workload.obj)
        elif workload.kind == "CronJob":
            runs = runs_of(view, workload)
            finished = [r for r in runs if _ended(r)]
            if finished:
                yield from _failed(view, workload, finished[-1])
            yield from _suspended(view, workload)
            yield from _not_starting(view, workload, runs)


def runs_of(view: ClusterView, workload: Workload) -> list[Obj]:
    """A cron job's jobs, the oldest first."""
    found = [view.get("jobs", workload.namespace, name) for name in workload.children]
    return sorted(
        (j for j in found if j is not None),
        key=lambda j: str(at(j, "metadata", "creationTimestamp") or name_of(j)),
    )


def _ended(job: Obj) -> bool:
    """It failed or is complete."""
    return any(condition(job, kind).get("status") == "True" for kind in ("Failed", "Complete"))


def _failed(view: ClusterView, workload: Workload, job: Obj) -> Iterator[Finding[BatchWork]]:
    failed = condition(job, "Failed")
    if failed.get("status") != "True":
        return
    since = instant(failed.get("lastTransitionTime"))
    old = since is not None and view.bundle.alerted_at - since > _OLD
    reason = str(failed.get("reason") or "")
    text = _failure(name_of(job), reason, quote(str(failed.get("message") or "")))
    late = reason == "DeadlineExceeded"
    class_id = "job_deadline_exceeded" if late else "job_failing"
    score = (0.88 if late else 0.75) - 0.35 * old
    yield Finding(
        failure_class=class_id,
        object=workload.ref,
        score=score,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=workload.ref)],
        against=[say("jobs.long_ago")] if old else [],
        facts=BatchWork(workload=workload),
    )


def _failure(job: str, reason: str, message: str) -> str:
    if not message:
        return say("jobs.failed_silently", job=job, reason=reason)
    return say("jobs.failed", job=job, reason=reason, message=message)


def _suspended(view: ClusterView, workload: Workload) -> Iterator[Finding[BatchWork]]:
    if at(workload.obj, "spec", "suspend") is not True:
        return
    declared = view.declared.get(("CronJob", workload.namespace, workload.name))
    meant = declared is not None and at(declared, "spec", "suspend") is True
    score = 0.25 if meant else 0.88 if declared else 0.4
    if (
        workload.name in view.alerted
    ):  # it is asked about: who suspended it explains it, and does not excuse it
        score = max(score, 0.85)
    last = age(workload.obj, view.bundle.alerted_at, "status", "lastScheduleTime")
    text = say("jobs.suspended.since", last=lasted(last)) if last else say("jobs.suspended.told")
    facts = [Fact(source="object", statement=text, object=workload.ref)]
    if declared is not None and not meant:
        facts.append(Fact(source="repository", statement=say("jobs.suspended.not_declared")))
    if meant:
        facts.append(declared_so(view, workload.ref, "suspend"))
    yield Finding(
        failure_class="cron_suspended",
        object=workload.ref,
        score=score,
        detail=text,
        evidence=facts,
        against=[],
        facts=BatchWork(workload=workload),
    )


def _not_starting(
    view: ClusterView, workload: Workload, runs: list[Obj]
) -> Iterator[Finding[BatchWork]]:
    events = view.events_of("CronJob", workload.namespace, workload.name)
    told = [e for e in events if e.reason in _NOT_STARTING]
    if not told or at(workload.obj, "spec", "suspend") is True:
        return
    event = max(told, key=lambda e: (_NOT_STARTING[e.reason], e.last))
    after = [r for r in runs if str(at(r, "metadata", "creationTimestamp") or "") > event.last]
    score = 0.3 if after and event.last else _NOT_STARTING[event.reason]
    text = say("jobs.not_starting", reason=event.reason, message=quote(event.message))
    yield Finding(
        failure_class="cron_not_starting",
        object=workload.ref,
        score=score,
        detail=text,
        evidence=[Fact(source="event", statement=text, object=workload.ref)],
        facts=BatchWork(workload=workload),
    )
