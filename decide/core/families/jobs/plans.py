"""Plans for jobs and cron jobs."""

from __future__ import annotations

from decide.core.drafting.drafts import (
    SECONDS,
    Draft,
    patch,
)
from decide.core.families.jobs.rules import runs_of
from decide.core.findings import Finding
from decide.core.view import ClusterView
from manifests.objects.shapes import at, number
from manifests.objects.times import instant


def resume(finding: Finding, view: ClusterView) -> list[Draft]:
    """The cron job runs again."""
    workload = finding.facts["workload"]
    why = (f"{finding.detail}.", f"{finding.detail}.")
    risk = ("Somebody may have suspended it on purpose", "La suspension était peut-être voulue")
    return [
        Draft(
            fix_kind="other",
            title=(f"Resume {workload.name}", f"Reprendre {workload.name}"),
            why=why,
            changes=patch(view, workload.ref, workload.obj, [("spec.suspend", False)]),
            weight=0.82,
            risks=[risk],
            time=SECONDS,
        )
    ]


def deadline(finding: Finding, view: ClusterView) -> list[Draft]:
    """Half as long again as the longest run that finished, where those came near the deadline."""
    workload = finding.facts["workload"]
    path = (
        "spec.jobTemplate.spec.activeDeadlineSeconds"
        if workload.kind == "CronJob"
        else "spec.activeDeadlineSeconds"
    )
    now = number(at(workload.obj, *path.split(".")))
    took = []
    for run in runs_of(view, workload) if workload.kind == "CronJob" else []:
        start, end = (
            instant(at(run, "status", "startTime")),
            instant(at(run, "status", "completionTime")),
        )
        if start and end:
            took.append((end - start).total_seconds())
    if not now or not took or max(took) < 0.6 * now:
        return []
    longer = int(max(max(took) * 1.5, now * 1.25) // 60 + 1) * 60
    why = (
        f"{finding.detail}; runs that finished took up to {max(took):.0f} s of {now} s.",
        f"{finding.detail} ; les exécutions réussies ont pris jusqu'à {max(took):.0f} s sur {now} s.",
    )
    return [
        Draft(
            fix_kind="other",
            title=(f"Allow {workload.name} {longer} s", f"Laisser {longer} s à {workload.name}"),
            why=why,
            changes=patch(view, workload.ref, workload.obj, [(path, longer)]),
            weight=0.78,
            risks=[("A job that hangs is noticed later", "Une tâche bloquée est vue plus tard")],
            time=SECONDS,
        )
    ]
