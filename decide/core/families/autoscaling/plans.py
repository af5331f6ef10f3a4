"""Plans for autoscalers."""

from __future__ import annotations

from typing import Any

from decide.core.drafting.containers import fitting, quantity, resource_word
from decide.core.drafting.drafts import (
    COST,
    RESTART,
    SECONDS,
    PlanDraft,
    container_path,
    patch,
    patch_workload,
)
from decide.core.drafting.drift import twin_of
from decide.core.families.autoscaling.facts import BlindScaler, FoughtOver, FullScaler, LostScaler
from decide.core.families.performance.plans import more_cpu
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.shapes import at, number
from manifests.objects.workloads import Workload
from schemas.plans import FixKind


def blind_scaler(finding: Finding[BlindScaler], view: ClusterView) -> list[PlanDraft]:
    """The request that the autoscaler measures against, in each container that states none."""
    workload, resource = finding.facts.workload, finding.facts.resource
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
    kind: FixKind = "set_cpu" if resource == "cpu" else "set_memory"
    return [
        PlanDraft(
            fix_kind=kind,
            title=say(
                "autoscaling.request.title",
                resource=resource_word(resource),
                workload=workload.name,
            ),
            why=say("autoscaling.request.why", detail=finding.detail),
            changes=patch_workload(view, workload, wanted),
            weight=0.85,
            risks=[say("autoscaling.request.reserved"), RESTART],
        )
    ]


def scaler_target(finding: Finding[LostScaler], view: ClusterView) -> list[PlanDraft]:
    """The workload of the nearest name."""
    near, scaler = finding.facts.near, finding.facts.scaler
    if not near:
        return []
    return [
        PlanDraft(
            fix_kind="set_autoscaler_bounds",
            title=say("autoscaling.target.title", near=near),
            why=say("drafting.near_exists", detail=finding.detail, near=near),
            changes=patch(view, finding.object, scaler, [("spec.scaleTargetRef.name", near)]),
            weight=0.82,
            risks=[say("autoscaling.target.owned")],
            time=SECONDS,
        )
    ]


def conflict(finding: Finding[FoughtOver], view: ClusterView) -> list[PlanDraft]:
    """The vertical autoscaler only recommends, or leaves the measured resource alone."""
    vertical, ref = finding.facts.vertical, finding.facts.vertical_ref
    if vertical is None or ref is None:
        return []
    return [
        PlanDraft(
            fix_kind="set_autoscaler_bounds",
            title=say("autoscaling.recommends.title", vertical=ref.name),
            why=say("autoscaling.recommends.why", detail=finding.detail),
            changes=patch(view, ref, vertical, [("spec.updatePolicy.updateMode", "Off")]),
            weight=0.82,
            risks=[say("autoscaling.recommends.risk")],
            time=SECONDS,
        )
    ]


def ceiling(finding: Finding[FullScaler], view: ClusterView) -> list[PlanDraft]:
    """A higher maximum for the autoscaler: by how far the metric stands above its target, at most double."""
    scaler, ref, excess = finding.facts.scaler, finding.facts.ref, finding.facts.excess
    most = number(at(scaler, "spec", "maxReplicas"))
    factor = excess.now / excess.target if excess is not None and excess.target else 1.5
    new = max(most + 1, min(most * 2, -(-most * int(factor * 100) // 100)))
    higher = PlanDraft(
        fix_kind="set_autoscaler_bounds",
        title=say("autoscaling.maximum.title", scaler=ref.name, new=new),
        why=say("autoscaling.maximum.why", detail=finding.detail, now=most, new=new),
        changes=patch(view, ref, scaler, [("spec.maxReplicas", new)]),
        weight=0.9,
        risks=[COST, say("autoscaling.maximum.nodes")],
        time=say("autoscaling.maximum.time"),
    )
    workload = finding.facts.workload
    if workload is None:
        return [higher]
    return [higher, *more_cpu(workload, "", finding.detail, view)]


def requests_differ(finding: Finding[BlindScaler], workload: Workload, twin: Workload) -> bool:
    """Whether a request that the running pods lack is declared."""
    resource = finding.facts.resource or "cpu"
    for container in workload.containers():
        there = twin_of(container.name, twin)
        lacks = at(container.spec, "resources", "requests", resource) is None
        if lacks and there is not None and at(there.spec, "resources", "requests", resource):
            return True
    return False
