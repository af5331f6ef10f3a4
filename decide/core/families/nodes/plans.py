"""Plans for pods that name a scheduler nobody runs."""

from __future__ import annotations

from decide.core.drafting.drafts import (
    RESTART,
    Draft,
    patch_workload,
)
from decide.core.drafting.history import rollback
from decide.core.findings import Finding
from decide.core.view import ClusterView


def scheduler(finding: Finding, view: ClusterView) -> list[Draft]:
    """The cluster's own scheduler."""
    workload = finding.facts["workload"]
    why = (f"{finding.detail}.", f"{finding.detail}.")
    return [
        *rollback(finding, view),
        Draft(
            fix_kind="set_scheduling",
            title=(
                "Let the default scheduler place the pods",
                "Confier les pods à l'ordonnanceur par défaut",
            ),
            why=why,
            changes=patch_workload(view, workload, [(":schedulerName", "default-scheduler")]),
            weight=0.8,
            risks=[RESTART],
        ),
    ]
