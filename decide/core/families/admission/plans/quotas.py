"""Plans for quotas that are used up."""

from __future__ import annotations

from decimal import Decimal

from decide.core.drafting.containers import quantity
from decide.core.drafting.drafts import (
    SECONDS,
    PlanDraft,
    container_path,
    patch,
)
from decide.core.drafting.replicas import as_many_as_fit
from decide.core.drafting.restoring import as_before
from decide.core.families.admission.facts import FullQuota
from decide.core.families.admission.rules.quotas import quota_family
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.meta import name_of
from manifests.objects.pods import Pod
from manifests.objects.shapes import Misshapen
from manifests.objects.workloads import extra


def quota(finding: Finding[FullQuota], view: ClusterView) -> list[PlanDraft]:
    """Room for what is declared: used + what is missing, and a tenth more; or the workload asks for less."""
    facts = finding.facts
    counted = (
        quota_family(facts.resource) not in ("cpu", "memory", "storage")
        or "persistentvolumeclaims" in facts.resource
    )
    if not facts.asked and not counted:  # nobody knows how much is missing
        return _fewer(finding, view)
    try:
        used, asked = quantities.parse(facts.used or "0"), quantities.parse(facts.asked or "1")
        hard = quantities.parse(facts.hard)
    except quantities.BadQuantity:
        return []
    need = max(used + asked * max(1, facts.missing), _whole_rollout(facts, used, asked))
    modest = need <= hard * 16 or (hard == 0 and need <= 5)
    value = _rounded(facts.resource, need * Decimal("1.1"))
    raised = _raised(finding, view, value) if modest and quantities.parse(value) > hard else []
    return [*_asks_as_before(finding, view), *raised, *_fewer(finding, view)]


def _whole_rollout(facts: FullQuota, used: Decimal, asked: Decimal) -> Decimal:
    """What is used at the rollout's widest: all new pods and the last old ones beside them; 0 where nothing is rolled out.

    ``used`` and ``asked`` (of one new pod): in the resource's unit.
    """
    workload = facts.workload
    old = [_held(pod, facts.resource) for pod in workload.pods] if workload is not None else []
    if workload is None or not old:
        return Decimal(0)
    try:
        beside = extra(workload.obj)
    except Misshapen:
        return Decimal(0)
    return used - sum(old, Decimal(0)) + workload.desired * asked + beside * max(old)


def _held(pod: Pod, resource: str) -> Decimal:
    """What a pod counts for in a quota's resource: ``limits.memory``, ``requests.cpu``, ``memory``, ``pods``."""
    if quota_family(resource) not in ("cpu", "memory"):
        return Decimal(1) if quota_family(resource) == "pods" else Decimal(0)
    which, _, name = resource.rpartition(".")
    found = Decimal(0)
    for container in pod.containers():
        if not container.init:
            found += quantity(container, which or "requests", name) or Decimal(0)
    return found


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
