"""Plans for volumes that only one pod may hold."""

from __future__ import annotations

from decide.core.drafting.drafts import (
    Draft,
    exchange,
    patch,
)
from decide.core.findings import Finding
from decide.core.view import ClusterView
from manifests.objects.shapes import at, mapping


def one_at_a_time(finding: Finding, view: ClusterView) -> list[Draft]:
    """The old pod lets go of its volume before the new one comes."""
    workload = finding.facts["workload"]
    if workload.kind != "Deployment":
        return []
    current = mapping(at(workload.obj, "spec", "strategy"))
    why = (
        f"{finding.detail}; the volume can be at one node only.",
        f"{finding.detail} ; le volume ne peut être que sur un nœud.",
    )
    risk = (
        "No pod serves for a moment at each rollout",
        "Aucun pod ne sert un instant à chaque déploiement",
    )
    return [
        Draft(
            fix_kind="set_strategy",
            title=(
                f"Replace pods of {workload.name} one after the other (Recreate)",
                f"Remplacer les pods de {workload.name} l'un après l'autre (Recreate)",
            ),
            why=why,
            changes=patch(
                view,
                workload.ref,
                workload.obj,
                exchange("spec.strategy", current, {"type": "Recreate"}),
            ),
            weight=0.7,
            risks=[risk],
        )
    ]
