"""Plans for load: more replicas, a limit for a greedy neighbour."""

from __future__ import annotations

import math

from decide.core import measure
from decide.core.drafting import sizing
from decide.core.drafting.containers import quantity, scaled_by_itself
from decide.core.drafting.drafts import COST, RESTART, Draft, container_path, patch, patch_workload
from decide.core.families.performance.plans import more_cpu
from decide.core.findings import Finding
from decide.core.view import ClusterView
from manifests.objects import quantities


def surge(finding: Finding, view: ClusterView) -> list[Draft]:
    """Replicas by the rise of requests, at most four times as many; or more CPU each."""
    workload = finding.facts["workload"]
    factor = min(4.0, float(finding.facts.get("factor") or 2.0))
    name = str(finding.facts.get("container") or "")
    drafts = more_cpu(workload, name, finding.detail, view)
    if workload.kind == "Deployment" and workload.desired and not scaled_by_itself(view, workload):
        more = max(workload.desired + 1, math.ceil(workload.desired * factor))
        why = (
            f"{finding.detail}: {factor:.1f} times the load, {more} replicas instead of {workload.desired}.",
            f"{finding.detail} : charge multipliée par {factor:.1f}, {more} réplicas au lieu de {workload.desired}.",
        )
        drafts.insert(
            0,
            Draft(
                fix_kind="set_replicas",
                title=(
                    f"Run {more} replicas of {workload.name}",
                    f"Passer {workload.name} à {more} réplicas",
                ),
                why=why,
                changes=patch(view, workload.ref, workload.obj, [("spec.replicas", more)]),
                weight=0.86,
                risks=[
                    COST,
                    (
                        "Nodes must hold the additional pods",
                        "Les nœuds doivent accueillir les pods supplémentaires",
                    ),
                ],
            ),
        )
    return drafts


def neighbour(finding: Finding, view: ClusterView) -> list[Draft]:
    """A CPU limit for the greedy one from what it used before it rose."""
    workload = finding.facts["workload"]
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
    why = (
        f"{finding.detail}; its usual CPU is {usual:.2f} cores, twice that is {limit}.",
        f"{finding.detail} ; son CPU habituel est {usual:.2f} cœurs, le double est {limit}.",
    )
    risk = (
        "The neighbour is throttled when it needs more",
        "Le voisin est bridé quand il lui en faut plus",
    )
    return [
        Draft(
            fix_kind="set_cpu",
            title=(
                f"Limit the CPU of {workload.name} to {limit}",
                f"Limiter le CPU de {workload.name} à {limit}",
            ),
            why=why,
            changes=patch_workload(view, workload, wanted),
            weight=0.76,
            risks=[risk, RESTART],
        )
    ]
