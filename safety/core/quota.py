"""ResourceQuota and LimitRange arithmetic. Pure.

A dry-run cannot do this: dry-runs do not add up, and a Deployment's dry-run shows neither.
Source: kubernetes.io/docs/concepts/policy/resource-quotas and …/limit-range.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.resources import SORTS, Amounts, amounts, pod_level
from manifests.objects.shapes import strict_number
from manifests.objects.workloads import replicas, surge
from safety.core import workloads
from safety.core.checks import CheckInput, mapping, result, shown
from safety.core.quota_scopes import Undecidable, in_scope
from safety.core.workloads import Changed
from schemas.base import Json
from schemas.text import sentence_of
from schemas.validated import CheckResult

#: What quota may require each container to say.
_COMPUTE = ("cpu", "memory", "ephemeral-storage")


@dataclass(frozen=True, slots=True)
class _Growth:
    """Pods that a change adds, as quota counts them."""

    #: A pod spec after the change, with the defaults of the namespace's limit ranges.
    pod: Mapping[str, Any]
    #: For good, and at the height of the rollout.
    steady: Amounts
    peak: Amounts
    #: Container and resource that a new pod leaves unsaid: quota on it would refuse the pod.
    unsaid: frozenset[tuple[str, str]]


def resource_quota(case: CheckInput) -> CheckResult:
    """Do the namespace's quotas still have room after the change, and while it rolls out?"""
    if "resourcequotas" not in case.objects:
        return result("resource_quota", "unknown", say("safety.quota.not_collected"))
    if case.changed is None:
        return result("resource_quota", "unknown", case.unseen)
    numbers: dict[str, str] = {}
    for item in case.changed:
        for quota in case.objects["resourcequotas"]:
            if mapping(quota.get("metadata")).get("namespace", "") != item.ref.namespace:
                continue
            verdict, reason = _one(case, item, quota, numbers)
            if verdict != "pass":
                return result("resource_quota", verdict, reason, **numbers)
    found = say("safety.quota.within") if numbers else say("safety.quota.none")
    return result("resource_quota", "pass", found, **numbers)


def _one(case: CheckInput, item: Changed, quota: Json, numbers: dict[str, str]) -> tuple[Any, str]:
    growth = _growth(case, item)
    name = str(mapping(quota.get("metadata")).get("name"))
    if isinstance(growth, str):
        return "unknown", say("safety.quota.undecided", quota=name, why=growth)
    if growth is None:
        return "pass", ""
    try:
        if not in_scope(mapping(quota.get("spec")), growth.pod, _default_priority(case)):
            return "pass", ""
    except Undecidable as failure:
        return "unknown", say("safety.quota.undecided", quota=name, why=sentence_of(failure))
    return _against(case, name, quota, growth, numbers)


def _default_priority(case: CheckInput) -> Mapping[str, Json] | None:
    if "priorityclasses" not in case.objects:
        return None
    classes = case.objects["priorityclasses"]
    chosen: Json = next((c for c in classes if c.get("globalDefault") is True), {})
    return mapping(chosen.get("metadata"))


def _against(
    case: CheckInput, name: str, quota: Json, growth: _Growth, numbers: dict[str, str]
) -> tuple[Any, str]:
    status = mapping(quota.get("status"))
    hard = mapping(status.get("hard")) or mapping(mapping(quota.get("spec")).get("hard"))
    used = mapping(status.get("used"))
    for resource, limit in hard.items():
        asked = growth.steady.get(resource, Decimal(0))
        peak = max(asked, growth.peak.get(resource, Decimal(0)))
        silent = sorted(c for c, said in growth.unsaid if said == _required(resource))
        if silent:
            return _unsaid(case, name, silent[0], resource)
        if peak <= 0:
            continue
        if resource not in used:
            return "unknown", say("safety.quota.used_unknown", quota=name, resource=resource)
        taken, ceiling = quantities.parse(used[resource]), quantities.parse(limit)
        numbers[f"{name} {resource}"] = say(
            "safety.quota.room",
            used=shown(resource, taken),
            needed=shown(resource, peak),
            hard=shown(resource, ceiling),
        )
        figures = {"quota": name, "resource": resource, "hard": shown(resource, ceiling)}
        if taken + asked > ceiling:
            would = shown(resource, taken + asked)
            return "fail", say("safety.quota.exceeded", would=would, **figures)
        if taken + peak > ceiling:
            would = shown(resource, taken + peak)
            return "fail", say("safety.quota.exceeded_rolling", would=would, **figures)
    return "pass", ""


def _required(resource: str) -> str:
    """``cpu`` in a quota means ``requests.cpu``."""
    return f"requests.{resource}" if resource in _COMPUTE else resource


def _unsaid(case: CheckInput, name: str, container: str, resource: str) -> tuple[Any, str]:
    """The API server refuses pods that do not say what a quota counts, unless an admission webhook says it for them."""
    reason = say("safety.quota.unsaid", quota=name, resource=resource, container=container)
    return ("fail" if "limitranges" in case.objects else "unknown"), reason


def _growth(case: CheckInput, item: Changed) -> _Growth | str | None:
    """What a change adds; ``None`` when it makes no pods, a reason when that cannot be known."""
    after = item.after
    if after is not None and after.get("kind") == "HorizontalPodAutoscaler":
        return _scaled(case, item, after)
    if after is None or workloads.pod_spec(after) is None:
        return None
    before = item.before
    whole = _defaulted(case, after)
    new, old = _counted(whole), _counted(_defaulted(case, before)) if before else {}
    count, had = replicas(after), _running(before) if before else 0
    names = {*old, *new}
    steady = {n: new.get(n, Decimal(0)) * count - old.get(n, Decimal(0)) * had for n in names}
    peak = steady
    if before is None or not _same_template(
        before, after
    ):  # scaling starts pods, it does not replace them
        extra = surge(after)
        peak = {n: max(steady[n], new.get(n, Decimal(0)) * max(extra, 0)) for n in names}
    # replaced pods are made anew, so what each of them must say is asked even when nothing grows
    replaced = before is None or not _same_template(before, after) or count > had
    unsaid = _silent(whole) if replaced else frozenset()
    return _Growth(workloads.pod_spec(whole) or {}, steady, peak, unsaid)


def _scaled(case: CheckInput, item: Changed, after: Json) -> _Growth | str | None:
    """An autoscaler may go as high as its bound."""
    high = workloads.highest(after)
    target = workloads.target_of(after, case.objects)
    if target is None or workloads.pod_spec(target) is None:
        return say("safety.quota.target_not_collected")
    more = high - _running(target)
    whole = _defaulted(case, target)
    grown = {n: amount * more for n, amount in _counted(whole).items()}
    return _Growth(
        workloads.pod_spec(whole) or {}, grown, grown, _silent(whole) if more > 0 else frozenset()
    )


def _running(item: Json) -> int:
    """Pods that are there, which may be fewer than wanted: quota itself may have refused them."""
    wanted = replicas(item)
    status = item.get("status")
    if item.get("kind") not in ("Deployment", "StatefulSet", "ReplicaSet") or not status:
        return wanted
    return min(wanted, strict_number(item, "status", "replicas", default=0))


def _same_template(before: Json, after: Json) -> bool:
    return workloads.pod_spec(before) == workloads.pod_spec(after)


def _counted(item: Json) -> Amounts:
    """One pod as quota counts it, under all the names that quota knows."""
    counted: Amounts = {"pods": Decimal(1), "count/pods": Decimal(1)}
    for name, amount in workloads.per_pod(item, "requests").items():
        counted[f"requests.{name}"] = amount
        if name in _COMPUTE:
            counted[name] = amount
    for name, amount in workloads.per_pod(item, "limits").items():
        counted[f"limits.{name}"] = amount
    return counted


def _silent(item: Json) -> frozenset[tuple[str, str]]:
    """What each container leaves unsaid; the pod's own figures say it for all of them."""
    spec = workloads.pod_spec(item) or {}
    found = set()
    for kind in SORTS:
        whole = pod_level(spec, kind)
        for container in workloads.containers(item):
            said = {*amounts(container, kind), *whole}
            found |= {
                (str(container.get("name")), f"{kind}.{n}") for n in _COMPUTE if n not in said
            }
    return frozenset(found)


def _defaulted(case: CheckInput, item: Json) -> Json:
    """The workload with what the namespace's limit ranges add to containers that say nothing."""
    namespace = mapping(item.get("metadata")).get("namespace", "")
    limits: dict[str, Json] = {}
    requests: dict[str, Json] = {}
    for limit_range in case.objects.get("limitranges", ()):
        if mapping(limit_range.get("metadata")).get("namespace", "") != namespace:
            continue
        for entry in mapping(limit_range.get("spec")).get("limits") or ():
            if mapping(entry).get("type") == "Container":
                limits = {**mapping(entry.get("default")), **limits}
                requests = {**mapping(entry.get("defaultRequest")), **requests}
    if not limits and not requests:
        return item
    found = copy.deepcopy(item)
    for container in workloads.containers(found):
        assert isinstance(container, dict)  # of the copy
        said = mapping(mapping(container.get("resources")).get("limits"))
        asked = {**said, **mapping(mapping(container.get("resources")).get("requests"))}
        container["resources"] = {
            "limits": {**limits, **said},
            "requests": {**limits, **requests, **asked},
        }
    return found


def limit_range(case: CheckInput) -> CheckResult:
    """Does each container and pod stay inside the namespace's LimitRanges?"""
    if "limitranges" not in case.objects:
        return result("limit_range", "unknown", say("safety.limit_range.not_collected"))
    if case.changed is None:
        return result("limit_range", "unknown", case.unseen)
    numbers: dict[str, str] = {}
    for item in case.changed:
        if item.after is None or workloads.pod_spec(item.after) is None:
            continue
        for limits in case.objects["limitranges"]:
            if mapping(limits.get("metadata")).get("namespace", "") != item.ref.namespace:
                continue
            for entry in mapping(limits.get("spec")).get("limits") or ():
                trouble = _outside(item.after, mapping(entry), numbers)
                if trouble:
                    return result("limit_range", "fail", trouble, **numbers)
    found = say("safety.limit_range.within") if numbers else say("safety.limit_range.none")
    return result("limit_range", "pass", found, **numbers)


def _outside(item: Json, entry: Mapping[str, Any], numbers: dict[str, str]) -> str:
    if entry.get("type") == "Container":
        pairs = [
            (str(c.get("name")), amounts(c, "requests"), amounts(c, "limits"))
            for c in workloads.containers(item)
        ]
    elif entry.get("type") == "Pod":
        pairs = [("pod", workloads.per_pod(item, "requests"), workloads.per_pod(item, "limits"))]
    else:
        return ""
    for who, requests, limits in pairs:
        for name, least in mapping(entry.get("min")).items():
            if name in requests:
                numbers[f"{who} {name} min"] = f"{shown(name, requests[name])} ≥ {least}"
                if requests[name] < quantities.parse(least):
                    return say(
                        "safety.limit_range.below_minimum",
                        who=who,
                        resource=name,
                        asked=shown(name, requests[name]),
                        least=str(least),
                    )
        for name, most in mapping(entry.get("max")).items():
            amount = limits.get(name, requests.get(name))
            if amount is not None:
                numbers[f"{who} {name} max"] = f"{shown(name, amount)} ≤ {most}"
                if amount > quantities.parse(most):
                    return say(
                        "safety.limit_range.above_maximum",
                        who=who,
                        resource=name,
                        amount=shown(name, amount),
                        most=str(most),
                    )
        for name, ratio in mapping(entry.get("maxLimitRequestRatio")).items():
            if (
                limits.get(name)
                and requests.get(name)
                and limits[name] / requests[name] > quantities.parse(ratio)
            ):
                return say("safety.limit_range.ratio", who=who, resource=name, ratio=str(ratio))
    return ""
