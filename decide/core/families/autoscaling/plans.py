"""Plans for autoscalers."""

from __future__ import annotations

from typing import Any

from decide.core.drafting.containers import fitting, quantity
from decide.core.drafting.drafts import (
    COST,
    RESTART,
    SECONDS,
    Draft,
    container_path,
    patch,
    patch_workload,
)
from decide.core.drafting.drift import twin_of
from decide.core.families.performance.plans import more_cpu
from decide.core.findings import Finding
from decide.core.objects import (
    Workload,
    at,
    number,
)
from decide.core.view import ClusterView
from schemas.plans import FixKind


def blind_scaler(finding: Finding, view: ClusterView) -> list[Draft]:
    """The request that the autoscaler measures against, in each container that states none."""
    workload = finding.facts.get("workload")
    resource = str(finding.facts.get("resource") or "")
    if workload is None or resource not in ("cpu", "memory"):
        return []
    wanted: list[tuple[str, Any]] = []
    for container in workload.containers():
        if quantity(container, "requests", resource) is None:
            value = fitting(view, workload, container, "requests", resource)
            if value is None:
                return []
            wanted.append(
                (container_path(workload, container.name, f"resources.requests.{resource}"), value)
            )
    why = (
        f"{finding.detail}; utilisation is a share of the request.",
        f"{finding.detail} ; l'utilisation se mesure à la request.",
    )
    kind: FixKind = "set_cpu" if resource == "cpu" else "set_memory"
    return [
        Draft(
            fix_kind=kind,
            title=(
                f"State the {resource} request of {workload.name}",
                f"Déclarer la request {resource} de {workload.name}",
            ),
            why=why,
            changes=patch_workload(view, workload, wanted),
            weight=0.85,
            risks=[
                ("The request is reserved on a node", "La request est réservée sur un nœud"),
                RESTART,
            ],
        )
    ]


def scaler_target(finding: Finding, view: ClusterView) -> list[Draft]:
    """The workload of the nearest name."""
    near, scaler = str(finding.facts.get("near") or ""), finding.facts["scaler"]
    if not near:
        return []
    why = (f"{finding.detail}; {near} exists.", f"{finding.detail} ; {near} existe.")
    return [
        Draft(
            fix_kind="set_autoscaler_bounds",
            title=(f"Scale {near}", f"Piloter {near}"),
            why=why,
            changes=patch(view, finding.object, scaler, [("spec.scaleTargetRef.name", near)]),
            weight=0.82,
            risks=[
                (
                    "The number of replicas is the autoscaler's from now on",
                    "Le nombre de réplicas dépend désormais de l'autoscaler",
                )
            ],
            time=SECONDS,
        )
    ]


def conflict(finding: Finding, view: ClusterView) -> list[Draft]:
    """The vertical autoscaler only recommends, or leaves the measured resource alone."""
    vertical, ref = finding.facts.get("vertical"), finding.facts.get("vertical_ref")
    if vertical is None or ref is None:
        return []
    why = (
        f"{finding.detail}; as a recommender it changes no pod.",
        f"{finding.detail} ; en simple conseil il ne change aucun pod.",
    )
    return [
        Draft(
            fix_kind="set_autoscaler_bounds",
            title=(f"VPA {ref.name} only recommends", f"Le VPA {ref.name} conseille seulement"),
            why=why,
            changes=patch(view, ref, vertical, [("spec.updatePolicy.updateMode", "Off")]),
            weight=0.82,
            risks=[
                (
                    "Requests no longer follow usage by themselves",
                    "Les requests ne suivent plus l'usage d'elles-mêmes",
                )
            ],
            time=SECONDS,
        )
    ]


def ceiling(finding: Finding, view: ClusterView) -> list[Draft]:
    """A higher maximum for the autoscaler: by how far the metric stands above its target, at most double."""
    scaler, ref = finding.facts["scaler"], finding.facts["scaler_ref"]
    most = number(at(scaler, "spec", "maxReplicas"))
    above = [int(part) for part in str(finding.facts.get("above") or "").split() if part.isdigit()]
    factor = above[0] / above[1] if len(above) == 2 and above[1] else 1.5
    new = max(most + 1, min(most * 2, -(-most * int(factor * 100) // 100)))
    why = (
        f"{finding.detail}: maxReplicas {most} → {new}.",
        f"{finding.detail} : maxReplicas {most} → {new}.",
    )
    drafts = [
        Draft(
            fix_kind="set_autoscaler_bounds",
            title=(
                f"Raise maxReplicas of {ref.name} to {new}",
                f"Porter maxReplicas de {ref.name} à {new}",
            ),
            why=why,
            changes=patch(view, ref, scaler, [("spec.maxReplicas", new)]),
            weight=0.9,
            risks=[
                COST,
                (
                    "Nodes must hold the additional pods",
                    "Les nœuds doivent accueillir les pods supplémentaires",
                ),
            ],
        )
    ]
    workload = finding.facts.get("workload")
    if workload is not None:
        drafts += more_cpu(workload, "", finding.detail, view)
    return drafts


def requests_differ(finding: Finding, workload: Workload, twin: Workload) -> bool:
    """Whether a request that the running pods lack is declared."""
    resource = str(finding.facts.get("resource") or "cpu")
    for container in workload.containers():
        there = twin_of(container.name, twin)
        lacks = at(container.spec, "resources", "requests", resource) is None
        if lacks and there is not None and at(there.spec, "resources", "requests", resource):
            return True
    return False
