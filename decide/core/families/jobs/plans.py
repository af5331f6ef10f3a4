"""Plans for jobs and cron jobs."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.drafting.drafts import (
    SECONDS,
    PlanDraft,
    because,
    patch,
)
from decide.core.families.jobs.facts import BatchWork
from decide.core.families.jobs.rules import runs_of
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.shapes import at, number
from manifests.objects.times import instant
from manifests.objects.workloads import Workload


def resume(finding: Finding[BatchWork], view: ClusterView) -> list[PlanDraft]:
    """The cron job runs again."""
    workload = finding.facts.workload
    return [
        PlanDraft(
            fix_kind="other",
            title=say("jobs.suspended.title", workload=workload.name),
            why=because(finding.detail),
            changes=patch(view, workload.ref, workload.obj, [("spec.suspend", False)]),
            weight=0.82,
            risks=[say("jobs.suspended.risk")],
            time=SECONDS,
        )
    ]


def deadline(finding: Finding[BatchWork], view: ClusterView) -> list[PlanDraft]:
    """Half as long again as the longest run that finished, where those came near the deadline."""
    workload = finding.facts.workload
    path = (
        "spec.jobTemplate.spec.activeDeadlineSeconds"
        if workload.kind == "CronJob"
        else "spec.activeDeadlineSeconds"
    )
    now = number(at(workload.obj, *path.split(".")))
    longest = max(_took(view, workload), default=0.0)
    if not now or not longest or longest < 0.6 * now:
        return []
    longer = int(max(longest * 1.5, now * 1.25) // 60 + 1) * 60
    return [
        PlanDraft(
            fix_kind="other",
            title=say("jobs.deadline.title", workload=workload.name, seconds=longer),
            why=say("jobs.deadline.why", detail=finding.detail, longest=longest, now=now),
            changes=patch(view, workload.ref, workload.obj, [(path, longer)]),
            weight=0.78,
            risks=[say("jobs.deadline.risk")],
            time=SECONDS,
        )
    ]


def _took(view: ClusterView, workload: Workload) -> Iterator[float]:
    """Seconds that a cron job's finished runs took."""
    for run in runs_of(view, workload) if workload.kind == "CronJob" else ():
        start = instant(at(run, "status", "startTime"))
        end = instant(at(run, "status", "completionTime"))
        if start and end:
            yield (end - start).total_seconds()
