"""Plans for the cluster's DNS."""

from __future__ import annotations

from decide.core.drafting.drafts import (
    Draft,
    patch,
)
from decide.core.findings import Finding
from decide.core.view import ClusterView
from manifests.objects.shapes import at, number


def names(finding: Finding, view: ClusterView) -> list[Draft]:
    """The DNS runs again."""
    owner = finding.facts.get("owner")
    if owner is None or number(at(owner, "spec", "replicas"), 1) > 0:
        return []
    why = (
        f"{finding.detail}; two are the usual number.",
        f"{finding.detail} ; deux sont le nombre usuel.",
    )
    return [
        Draft(
            fix_kind="set_replicas",
            title=("Run 2 replicas of the DNS", "Passer le DNS à 2 réplicas"),
            why=why,
            changes=patch(view, finding.object, owner, [("spec.replicas", 2)]),
            weight=0.85,
            risks=[("Somebody may be at work on it", "Une intervention est peut-être en cours")],
        )
    ]
