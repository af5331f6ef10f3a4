"""Plans for rollouts that do not go on and budgets that let nobody move."""

from __future__ import annotations

from typing import Any

from decide.core.drafting.drafts import (
    COST,
    RESTART,
    SECONDS,
    PlanDraft,
    because,
    patch,
)
from decide.core.drafting.history import rollback
from decide.core.families.lifecycle.facts import HeldByBudget, StuckRollout
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import ref_of
from manifests.objects.shapes import at, items


def budget(finding: Finding[HeldByBudget], view: ClusterView) -> list[PlanDraft]:
    """One replica more than the budget keeps; or a budget that can ever allow one disruption."""
    workload, found = finding.facts.workload, finding.facts.budget
    least = at(found, "spec", "minAvailable")
    shared = any(at(v, "persistentVolumeClaim") for v in items(workload.spec.get("volumes")))
    drafts: list[PlanDraft] = []
    if (
        isinstance(least, int)
        and workload.kind == "Deployment"
        and not shared
        and workload.available
    ):
        more = max(workload.desired, least) + 1
        drafts.append(
            PlanDraft(
                fix_kind="set_replicas",
                title=say("drafting.replicas", n=more, workload=workload.name),
                why=because(finding.detail),
                changes=patch(view, workload.ref, workload.obj, [("spec.replicas", more)]),
                weight=0.8,
                risks=[COST],
            )
        )
    if finding.facts.never and workload.desired > 1:
        drafts.append(_looser(finding, view))
    return drafts


def _looser(finding: Finding[HeldByBudget], view: ClusterView) -> PlanDraft:
    """The budget allows one disruption."""
    found = finding.facts.budget
    ref = ref_of(found, "PodDisruptionBudget", version="policy/v1")
    wanted: list[tuple[str, Any]] = (
        [("spec.minAvailable", finding.facts.workload.desired - 1)]
        if at(found, "spec", "minAvailable") is not None
        else [("spec.maxUnavailable", 1)]
    )
    return PlanDraft(
        fix_kind="other",
        title=say("lifecycle.budget.title", budget=ref.name),
        why=because(finding.detail),
        changes=patch(view, ref, found, wanted),
        weight=0.72,
        risks=[say("lifecycle.budget.risk")],
        time=SECONDS,
    )


def rollout(finding: Finding[StuckRollout], view: ClusterView) -> list[PlanDraft]:
    """A paused rollout goes on; another goes back."""
    workload = finding.facts.workload
    if not finding.facts.paused:
        return rollback(finding, view)
    return [
        PlanDraft(
            fix_kind="set_strategy",
            title=say("lifecycle.paused.title", workload=workload.name),
            why=because(finding.detail),
            changes=patch(view, workload.ref, workload.obj, [("spec.paused", False)]),
            weight=0.82,
            risks=[say("lifecycle.paused.risk"), RESTART],
        )
    ]
