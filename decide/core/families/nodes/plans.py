"""Plans for pods that name a scheduler nobody runs."""

from __future__ import annotations

from decide.core.drafting.drafts import (
    RESTART,
    PlanDraft,
    because,
    patch_workload,
)
from decide.core.drafting.history import rollback
from decide.core.families.nodes.facts import UnknownScheduler
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say


def scheduler(finding: Finding[UnknownScheduler], view: ClusterView) -> list[PlanDraft]:
    """The cluster's own scheduler."""
    wanted = [(":schedulerName", "default-scheduler")]
    return [
        *rollback(finding, view),
        PlanDraft(
            fix_kind="set_scheduling",
            title=say("nodes.scheduler.title"),
            why=because(finding.detail),
            changes=patch_workload(view, finding.facts.workload, wanted),
            weight=0.8,
            risks=[RESTART],
        ),
    ]
