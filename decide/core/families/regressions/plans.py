"""Plans for load: more replicas, a limit for a greedy neighbour."""

from __future__ import annotations

import math

from decide.core import measure
from decide.core.drafting import sizing
from decide.core.drafting.containers import quantity, scaled_by_itself
from decide.core.drafting.drafts import (
    COST,
    RESTART,
    PlanDraft,
    container_path,
    patch,
    patch_workload,
)
from decide.core.families.performance.plans import more_cpu
from decide.core.families.regressions.facts import GreedyNeighbour, Overrun
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import quantities

#: More replicas than so many times what runs are for people.
_MOST = 4.0


def surge(finding: Finding[Overrun], view: ClusterView) -> list[PlanDraft]:
    """Replicas by the rise of requests, at most four times as many; or more CPU each."""
    workload = finding.facts.workload
    factor = min(_MOST, finding.facts.factor)
    cpu = more_cpu(workload, "", finding.detail, view)
    if workload.kind != "Deployment" or not workload.desired or scaled_by_itself(view, workload):
        return cpu
    more = max(workload.desired + 1, math.ceil(workload.desired * factor))
    why = say(
        "regressions.surge.why",
        detail=finding.detail,
        factor=factor,
        more=more,
        now=workload.desired,
    )
    replicas = PlanDraft(
        fix_kind="set_replicas",
        title=say("regressions.surge.title", more=more, workload=workload.name),
        why=why,
        changes=patch(view, workload.ref, workload.obj, [("spec.replicas", more)]),
        weight=0.86,
        risks=[COST, say("regressions.surge.risk")],
    )
    return [replicas, *cpu]


def neighbour(finding: Finding[GreedyNeighbour], view: ClusterView) -> list[PlanDraft]:
    """A CPU limit for the greedy one from what it used before it rose."""
    workload = finding.facts.workload
    samples = measure.values(measure.usage(view, workload, "cpu"))
    if len(samples) < sizing.ENOUGH:
        return []
    calm = sorted(samples)[: len(samples) // 2]
    usual = measure.percentile(calm, 0.95) or 0.0
    limit = quantities.format_cpu(math.ceil(max(0.1, usual * 2) * 20) / 20)
    wanted = [
        (container_path(workload, c.name, "resources.limits.cpu"), limit)
        for c in workload.containers()
        if quantity(c, "limits", "cpu") is None
    ]
    return [
        PlanDraft(
            fix_kind="set_cpu",
            title=say("regressions.neighbour.title", workload=workload.name, limit=limit),
            why=say("regressions.neighbour.why", detail=finding.detail, usual=usual, limit=limit),
            changes=patch_workload(view, workload, wanted),
            weight=0.76,
            risks=[say("regressions.neighbour.risk"), RESTART],
        )
    ]
