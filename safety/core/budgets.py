"""PodDisruptionBudgets: how many pods may be away, before and after a change. Pure.

Sources: kubernetes.io/docs/tasks/run-application/configure-pdb; the disruption controller, which rounds percentages
up for both fields and counts the replicas that the pods' controllers want.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kfix.texts import say
from manifests.objects.kinds import plural_of
from manifests.objects.pods import template_keys
from manifests.objects.rollouts.reading import course
from manifests.objects.selectors import matches
from manifests.objects.shapes import strict_mapping
from manifests.objects.workloads import replicas, rounded
from safety.core import workloads
from safety.core.checks import CheckInput, mapping, result
from safety.core.workloads import Changed
from schemas.base import Json
from schemas.validated import CheckResult

#: Kinds whose replicas a budget counts.
_COUNTED = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True)
class _Guarded:
    """A workload's pods: their labels and their number, before and after."""

    labels_before: Mapping[str, Json] | None
    labels_after: Mapping[str, Json]
    before: int
    after: int


def disruption_budget(case: CheckInput) -> CheckResult:
    """Does every budget leave as much room for evictions as before, or at least one pod's?

    A drain of a node stops where a budget has no room; a budget that had none before is no fault of the change.
    """
    if "poddisruptionbudgets" not in case.objects:
        return result("disruption_budget", "unknown", say("safety.budget.not_collected"))
    if case.changed is None:
        return result("disruption_budget", "unknown", case.unseen)
    numbers: dict[str, str] = {}
    for item in case.changed:
        namespace, guarded = item.ref.namespace, _guarded(case, item)
        for budget in case.objects["poddisruptionbudgets"] if guarded else ():
            if mapping(budget.get("metadata")).get("namespace", "") == namespace:
                trouble = _trouble(case, item, guarded, budget, numbers)  # type: ignore[arg-type]
                if trouble:
                    return result("disruption_budget", "fail", trouble, **numbers)
    reason = say("safety.budget.within") if numbers else say("safety.budget.none")
    return result("disruption_budget", "pass", reason, **numbers)


def _guarded(case: CheckInput, item: Changed) -> _Guarded | None:
    """What the change does to the pods of a workload: its own, or those of the autoscaler's target at its lowest."""
    after = item.after
    if after is None:
        return None
    if after.get("kind") in _COUNTED:
        before = item.before
        count = replicas(after)
        labels = _labels(before) if before is not None else None
        return _Guarded(labels, _labels(after), replicas(before) if before else count, count)
    if after.get("kind") == "HorizontalPodAutoscaler":
        target = workloads.target_of(after, case.objects)
        if target is None:
            return None
        low, old = workloads.lowest(after), workloads.lowest(item.before or after)
        return _Guarded(_labels(target), _labels(target), old, low)
    return None


def _labels(item: Json) -> Mapping[str, Json]:
    return strict_mapping(item, *template_keys(str(item.get("kind"))), "metadata", "labels")


def _trouble(
    case: CheckInput, item: Changed, guarded: _Guarded, budget: Json, numbers: dict[str, str]
) -> str:
    spec = mapping(budget.get("spec"))
    selector = spec.get("selector")
    if selector is None or (not selector and str(budget.get("apiVersion")).endswith("v1beta1")):
        return ""  # selects nothing
    name = str(mapping(budget.get("metadata")).get("name"))
    was = guarded.labels_before is not None and matches(selector, guarded.labels_before)
    if not matches(selector, guarded.labels_after):
        return say("safety.budget.unguarded", budget=name) if was else ""
    others = sum(_others(case, item, selector))
    before = room(spec, others + guarded.before)
    after = room(spec, others + guarded.after)
    bound = "minAvailable" if spec.get("minAvailable") is not None else "maxUnavailable"
    count = others + guarded.after
    numbers[f"{name} {bound}"] = say(
        "safety.budget.room", bound=str(spec.get(bound)), pods=count, room=after
    )
    if after < min(before, 1):
        return say(
            "safety.budget.no_room",
            budget=name,
            replicas=count,
            field=bound,
            bound=str(spec.get(bound)),
        )
    return _rolls_below(case, item, name, others, count - after)


def _rolls_below(case: CheckInput, item: Changed, name: str, others: int, least: int) -> str:
    """While it rolls out, fewer pods are ready than the budget keeps, and by the strategy before they would not be.

    A rollout asks no budget, so what a budget keeps is kept by the strategy alone.
    """
    before, after = item.before, item.after
    if before is None or after is None or after.get("kind") not in _COUNTED:
        return ""
    kept = {key: strict_mapping(before, "spec").get(key) for key in _STRATEGIES}
    if all(strict_mapping(after, "spec").get(key) == value for key, value in kept.items()):
        return ""
    told = {key: value for key, value in kept.items() if value is not None}
    rest = {k: v for k, v in strict_mapping(after, "spec").items() if k not in _STRATEGIES}
    ready = others + _fewest(case, before, after)
    was = others + _fewest(case, before, {**after, "spec": {**rest, **told}})
    if ready < least <= was:
        return say("safety.budget.rolls_below", budget=name, ready=ready, least=least)
    return ""


#: How a workload's pods are exchanged.
_STRATEGIES = ("strategy", "updateStrategy", "podManagementPolicy")


def _fewest(case: CheckInput, before: Json, after: Json) -> int:
    """The fewest of its pods that are ready at any moment of the rollout, of a template that is another in any case."""
    template = strict_mapping(after, "spec", "template")
    notes = {**strict_mapping(template, "metadata"), "annotations": {"kfix.example/asked": "yes"}}
    spec = {**strict_mapping(after, "spec"), "template": {**template, "metadata": notes}}
    found = course(before, {**after, "spec": spec}, lambda _: {}, workloads.beside(case.objects))
    return found.fewest_ready if found is not None else 0


def _others(case: CheckInput, item: Changed, selector: Mapping[str, Json]) -> Iterable[int]:
    """Replicas of the other workloads that the budget guards together with this one."""
    own = item.ref.name
    if item.ref.kind == "HorizontalPodAutoscaler":
        own = str(
            mapping(mapping(mapping(item.after).get("spec")).get("scaleTargetRef")).get("name")
        )
    for kind in _COUNTED:
        for other in case.objects.get(plural_of(kind), ()):
            about = mapping(other.get("metadata"))
            beside = about.get("namespace", "") == item.ref.namespace and about.get("name") != own
            if beside and matches(selector, _labels(other)):
                yield replicas(other)


def room(spec: Mapping[str, Json], count: int) -> int:
    """Pods of ``count`` healthy ones that may be away; negative when even all of them are too few."""
    if spec.get("maxUnavailable") is not None:
        return min(count, rounded(spec["maxUnavailable"], count, math.ceil))
    if spec.get("minAvailable") is not None:
        return count - rounded(spec["minAvailable"], count, math.ceil)
    return count
