"""Plans for pods that must be near, apart, or alone with a port of their node."""

from __future__ import annotations

from typing import Any

from decide.core.drafting.drafts import (
    RESTART,
    Draft,
    exchange,
    patch,
    patch_workload,
)
from decide.core.drafting.history import rollback
from decide.core.findings import Finding
from decide.core.objects import (
    Workload,
    at,
    items,
    labels_of,
    mapping,
    number,
)
from decide.core.view import ClusterView


def spread(finding: Finding, view: ClusterView) -> list[Draft]:
    """The constraint as a wish; or one pod more of difference."""
    workload = finding.facts["workload"]
    drafts: list[Draft] = []
    hard = [
        (n, mapping(c))
        for n, c in enumerate(items(workload.spec.get("topologySpreadConstraints")))
        if mapping(c).get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule"
    ]
    if not hard:
        return rollback(finding, view)
    soft = [
        (f":topologySpreadConstraints[{n}].whenUnsatisfiable", "ScheduleAnyway") for n, _ in hard
    ]
    why = (
        f"{finding.detail}; as a wish it still spreads where it can.",
        f"{finding.detail} ; en souhait la répartition reste recherchée.",
    )
    risk = (
        "Pods may crowd in one zone or node",
        "Des pods peuvent se regrouper dans une zone ou un nœud",
    )
    drafts.append(
        Draft(
            fix_kind="set_scheduling",
            title=(
                "Prefer instead of require the spread",
                "Préférer au lieu d'exiger la répartition",
            ),
            why=why,
            changes=patch_workload(view, workload, soft),
            weight=0.8,
            risks=[risk],
        )
    )
    number_, first = hard[0]
    wider = number(first.get("maxSkew"), 1) + 1
    drafts.append(
        Draft(
            fix_kind="set_scheduling",
            title=(f"Allow a difference of {wider} pods", f"Autoriser un écart de {wider} pods"),
            why=why,
            changes=patch_workload(
                view, workload, [(f":topologySpreadConstraints[{number_}].maxSkew", wider)]
            ),
            weight=0.65,
            risks=[risk],
        )
    )
    return drafts


def near_pods(finding: Finding, view: ClusterView) -> list[Draft]:
    """Required pod affinity: the labels that pods have, or a preference."""
    workload = finding.facts["workload"]
    current = mapping(at(workload.spec, "affinity", "podAffinity"))
    terms = items(current.get("requiredDuringSchedulingIgnoredDuringExecution"))
    if not terms:
        return rollback(finding, view)
    drafts = [
        d
        for n, term in enumerate(terms)
        for d in _meant(view, workload, n, mapping(term), finding.detail)
    ]
    keep = {k: v for k, v in current.items() if not k.startswith("required")}
    soft = [{"weight": 100, "podAffinityTerm": term} for term in terms]
    keep["preferredDuringSchedulingIgnoredDuringExecution"] = [
        *items(keep.get("preferredDuringSchedulingIgnoredDuringExecution")),
        *soft,
    ]
    why = (
        f"{finding.detail}; as a preference it no longer blocks.",
        f"{finding.detail} ; en préférence elle ne bloque plus.",
    )
    risk = (
        "The pods may run far from those they want to be near",
        "Les pods peuvent tourner loin de ceux qu'ils cherchent",
    )
    drafts.append(
        Draft(
            fix_kind="set_scheduling",
            title=(
                "Prefer instead of require pod affinity",
                "Préférer au lieu d'exiger l'affinité de pods",
            ),
            why=why,
            changes=patch_workload(
                view, workload, exchange(":affinity.podAffinity", current, keep)
            ),
            weight=0.75,
            risks=[risk],
        )
    )
    return drafts


def _meant(
    view: ClusterView, workload: Workload, index: int, term: Any, detail: str
) -> list[Draft]:
    """A label value that pods have, when no pod has the one that is asked for and one is much alike."""
    from decide.core.names import alike

    wanted = mapping(at(term, "labelSelector", "matchLabels"))
    have = [labels_of(p.obj) for w in view.workloads for p in w.pods]
    for key, value in wanted.items():
        values = {str(labels[key]) for labels in have if key in labels}
        near = max(values, key=lambda v: alike(v, str(value)), default="")
        if str(value) not in values and near and alike(near, str(value)) >= 0.75:
            path = f":affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[{index}].labelSelector.matchLabels['{key}']"
            why = (f"{detail}; pods have {key}={near}.", f"{detail} ; des pods ont {key}={near}.")
            return [
                Draft(
                    fix_kind="set_scheduling",
                    title=(
                        f"Be near pods with {key}={near}",
                        f"Se placer près des pods {key}={near}",
                    ),
                    why=why,
                    changes=patch_workload(view, workload, [(path, near)]),
                    weight=0.8,
                    risks=[RESTART],
                )
            ]
    return []


def ports_of_nodes(finding: Finding, view: ClusterView) -> list[Draft]:
    """As many replicas as found a free host port; or the last revision."""
    workload = finding.facts["workload"]
    drafts = rollback(finding, view)
    if workload.kind == "Deployment" and 0 < workload.ready < workload.desired:
        why = (
            f"{finding.detail}; {workload.ready} replicas found a node with the port free.",
            f"{finding.detail} ; {workload.ready} réplicas ont trouvé un nœud au port libre.",
        )
        drafts.append(
            Draft(
                fix_kind="set_replicas",
                title=(
                    f"Run {workload.ready} replicas of {workload.name}",
                    f"Passer {workload.name} à {workload.ready} réplicas",
                ),
                why=why,
                changes=patch(
                    view, workload.ref, workload.obj, [("spec.replicas", workload.ready)]
                ),
                weight=0.7,
                risks=[("Fewer replicas carry the load", "Moins de réplicas portent la charge")],
            )
        )
    return drafts
