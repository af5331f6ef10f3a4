"""Plans for rollouts that do not go on and budgets that let nobody move."""

from __future__ import annotations

from typing import Any

from decide.core.drafting.drafts import (
    COST,
    RESTART,
    SECONDS,
    Draft,
    patch,
)
from decide.core.drafting.history import rollback
from decide.core.findings import Finding
from decide.core.view import ClusterView
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import at, items
from schemas.base import ObjectRef


def budget(finding: Finding, view: ClusterView) -> list[Draft]:
    """One replica more than the budget keeps; or a budget that can ever allow one disruption."""
    workload, found = finding.facts["workload"], finding.facts.get("budget")
    if found is None:
        return []
    drafts: list[Draft] = []
    why = (f"{finding.detail}.", f"{finding.detail}.")
    ref = ObjectRef(
        api_version=str(found.get("apiVersion") or "policy/v1"),
        kind="PodDisruptionBudget",
        namespace=namespace_of(found),
        name=name_of(found),
    )
    least = at(found, "spec", "minAvailable")
    shared = any(at(v, "persistentVolumeClaim") for v in items(workload.spec.get("volumes")))
    if (
        isinstance(least, int)
        and workload.kind == "Deployment"
        and not shared
        and workload.available
    ):
        more = max(workload.desired, least) + 1
        drafts.append(
            Draft(
                fix_kind="set_replicas",
                title=(
                    f"Run {more} replicas of {workload.name}",
                    f"Passer {workload.name} à {more} réplicas",
                ),
                why=why,
                changes=patch(view, workload.ref, workload.obj, [("spec.replicas", more)]),
                weight=0.8,
                risks=[COST],
            )
        )
    if finding.facts.get("never") and workload.desired > 1:
        wanted: list[tuple[str, Any]] = (
            [("spec.minAvailable", workload.desired - 1)]
            if least is not None
            else [("spec.maxUnavailable", 1)]
        )
        risk = ("One pod may be missing during a drain", "Un pod peut manquer pendant un drain")
        drafts.append(
            Draft(
                fix_kind="other",
                title=(
                    f"Budget {ref.name} allows one disruption",
                    f"Le budget {ref.name} autorise une interruption",
                ),
                why=why,
                changes=patch(view, ref, found, wanted),
                weight=0.72,
                risks=[risk],
                time=SECONDS,
            )
        )
    return drafts


def rollout(finding: Finding, view: ClusterView) -> list[Draft]:
    """A paused rollout goes on; another goes back."""
    workload = finding.facts["workload"]
    if not finding.facts.get("paused"):
        return rollback(finding, view)
    why = (f"{finding.detail}.", f"{finding.detail}.")
    risk = ("Somebody may have paused it on purpose", "La pause était peut-être voulue")
    return [
        Draft(
            fix_kind="set_strategy",
            title=(
                f"Go on with the rollout of {workload.name}",
                f"Poursuivre le déploiement de {workload.name}",
            ),
            why=why,
            changes=patch(view, workload.ref, workload.obj, [("spec.paused", False)]),
            weight=0.82,
            risks=[risk, RESTART],
        )
    ]
