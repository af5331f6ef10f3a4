"""Plans for quotas that are used up."""

from __future__ import annotations

from decimal import Decimal

from decide.core.drafting.containers import measured_request, quantity, written
from decide.core.drafting.drafts import (
    RESTART,
    SECONDS,
    PlanDraft,
    container_path,
    patch,
    patch_workload,
)
from decide.core.drafting.replicas import as_many_as_fit
from decide.core.drafting.restoring import as_before
from decide.core.families.admission.causes import rollout
from decide.core.families.admission.facts import FullQuota
from decide.core.families.admission.rules.quotas import quota_family
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.meta import name_of


def quota(finding: Finding[FullQuota], view: ClusterView) -> list[PlanDraft]:
    """Room for what is declared: used + what is missing, and a tenth more; or the workload asks for less."""
    facts = finding.facts
    counted = (
        quota_family(facts.resource) not in ("cpu", "memory", "storage")
        or "persistentvolumeclaims" in facts.resource
    )
    if not facts.asked and not counted:  # nobody knows how much is missing
        return [*_asks_as_used(finding, view), *_fewer(finding, view)]
    try:
        used, asked = quantities.parse(facts.used or "0"), quantities.parse(facts.asked or "1")
        hard = quantities.parse(facts.hard)
    except quantities.BadQuantity:
        return []
    need = max(used + asked * max(1, facts.missing), _whole_rollout(facts, used, asked, view))
    modest = need <= hard * 16 or (hard == 0 and need <= 5)
    value = _rounded(facts.resource, need * Decimal("1.1"))
    raised = _raised(finding, view, value) if modest and quantities.parse(value) > hard else []
    less = _asks_as_before(finding, view) or _asks_as_used(finding, view)
    return [*less, *raised, *_fewer(finding, view)]


def _whole_rollout(facts: FullQuota, used: Decimal, asked: Decimal, view: ClusterView) -> Decimal:
    """What is used when the rollout that was refused is at its widest; 0 where nothing is rolled out.

    ``used`` and ``asked`` (of one new pod): in the resource's unit.
    """
    if facts.workload is None:
        return Decimal(0)
    bound = (facts.resource, used, quantities.parse(facts.hard))
    need = rollout(view, facts.workload, bound, asked)
    return Decimal(0) if need is None else need.widest


def _asks_as_before(finding: Finding[FullQuota], view: ClusterView) -> list[PlanDraft]:
    """The workload asks for what its last good revision asked for, where the new one asks for more of what is full."""
    workload, resource = finding.facts.workload, finding.facts.resource
    if workload is None or quota_family(resource) not in ("cpu", "memory"):
        return []
    which, _, name = resource.rpartition(".")
    place = f"resources.{which or 'requests'}.{name}"
    places = [container_path(workload, c.name, place) for c in workload.containers()]
    return as_before(view, workload, places, _less, 0.86)


def _less(then: object, now: object) -> bool:
    try:
        return quantities.parse(str(then)) < quantities.parse(str(now))
    except quantities.BadQuantity:
        return False


def _asks_as_used(finding: Finding[FullQuota], view: ClusterView) -> list[PlanDraft]:
    """The workload's containers ask for what they were measured to use, where the whole rollout then fits the quota."""
    workload, resource = finding.facts.workload, finding.facts.resource
    which, _, name = resource.rpartition(".")
    which = which or "requests"
    if workload is None or quota_family(resource) not in ("cpu", "memory") or which != "requests":
        return []
    wanted, pod = [], Decimal(0)
    for container in workload.containers():
        now = quantity(container, which, name) or Decimal(0)
        used = measured_request(view, workload, container, name)
        if used is not None and used < now:
            place = container_path(workload, container.name, f"resources.{which}.{name}")
            wanted.append((place, written(name, used)))
            now = used
        pod += now
    if not wanted or not _fits(finding.facts, pod, view):
        return []
    fields = [f"{which}.{name} {value}" for _, value in wanted]
    return [
        PlanDraft(
            fix_kind="set_memory" if name == "memory" else "set_cpu",
            title=say("admission.quota.less", fields=fields, workload=workload.name),
            why=say("admission.quota.used", detail=finding.detail, fields=fields),
            changes=patch_workload(view, workload, wanted),
            weight=0.84,
            risks=[say("scheduling.request.less"), RESTART],
        )
    ]


def _fits(facts: FullQuota, pod: Decimal, view: ClusterView) -> bool:
    """All pods that are wanted fit the quota when each asks for ``pod``, and so does the rollout that leads there."""
    try:
        used, hard = quantities.parse(facts.used or "0"), quantities.parse(facts.hard)
    except quantities.BadQuantity:
        return False
    widest = _whole_rollout(facts, used, pod, view)
    return max(widest, used + pod * (1 if widest else max(1, facts.missing))) <= hard


def _raised(finding: Finding[FullQuota], view: ClusterView, value: str) -> list[PlanDraft]:
    current, resource = finding.facts.quota, finding.facts.resource
    if current is None:
        return []
    named = "." in resource or "/" in resource
    key = f"spec.hard['{resource}']" if named else f"spec.hard.{resource}"
    return [
        PlanDraft(
            fix_kind="set_quota",
            title=say(
                "admission.quota.raise", resource=resource, quota=name_of(current), value=value
            ),
            why=say("admission.quota.room", detail=finding.detail, value=value),
            changes=patch(view, finding.object, current, [(key, value)]),
            weight=0.8,
            risks=[say("admission.quota.more"), say("admission.quota.owner")],
            time=SECONDS,
        )
    ]


def _fewer(finding: Finding[FullQuota], view: ClusterView) -> list[PlanDraft]:
    """As many replicas of the refused workload as the quota lets in."""
    workload = finding.facts.workload
    if (
        workload is None
        or workload.kind != "Deployment"
        or not 0 < workload.created < workload.desired
    ):
        return []
    why = say(
        "admission.quota.fit",
        detail=finding.detail,
        n=workload.created,
        desired=workload.desired,
    )
    return [as_many_as_fit(view, workload, workload.created, why=why, weight=0.6, time=SECONDS)]


def _rounded(resource: str, value: Decimal) -> str:
    family = quota_family(resource)
    if family == "cpu":
        return quantities.format_cpu(
            value if value < 1 else value.to_integral_value(rounding="ROUND_CEILING")
        )
    if family in ("memory", "storage") and value > 2**20:
        return quantities.format_memory(value)
    return str(int(value.to_integral_value(rounding="ROUND_CEILING")))
