"""ResourceQuota and LimitRange arithmetic. Pure.

A dry-run cannot do this: dry-runs do not add up, and a Deployment's dry-run shows neither.
Source: kubernetes.io/docs/concepts/policy/resource-quotas and …/limit-range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from manifests import quantities
from safety.core import workloads
from safety.core.checks import Case, mapping, result, shown
from safety.core.workloads import Changed, Resources
from schemas.base import Json
from schemas.validated import CheckResult

#: Scopes under which ordinary pods of a workload count.
_COUNTED_SCOPES = {"NotTerminating", "NotBestEffort"}


def resource_quota(case: Case) -> CheckResult:
    """Do the namespace's quotas still have room after the change, and while it rolls out?"""
    if "resourcequotas" not in case.objects:
        return result("resource_quota", "unknown", "no quotas were collected")
    if case.changed is None:
        return result("resource_quota", "unknown", case.unseen)
    numbers: dict[str, str] = {}
    for item in case.changed:
        for quota in _quotas(case, item):
            verdict, reason = _against(item, quota, numbers)
            if verdict != "pass":
                return result("resource_quota", verdict, reason, **numbers)
    return result(
        "resource_quota", "pass", "within every quota" if numbers else "no quota applies", **numbers
    )


def _quotas(case: Case, item: Changed) -> Iterable[Json]:
    if item.after is None or workloads.pod_spec(item.after) is None:
        return ()
    return [
        quota
        for quota in case.objects["resourcequotas"]
        if mapping(quota.get("metadata")).get("namespace", "") == item.ref.namespace
        and set(mapping(quota.get("spec")).get("scopes") or ()) <= _COUNTED_SCOPES
        and not mapping(quota.get("spec")).get("scopeSelector")
    ]


def _against(item: Changed, quota: Json, numbers: dict[str, str]) -> tuple[Any, str]:
    status = mapping(quota.get("status"))
    hard = mapping(status.get("hard")) or mapping(mapping(quota.get("spec")).get("hard"))
    used = mapping(status.get("used"))
    name = str(mapping(quota.get("metadata")).get("name"))
    steady, rolling = _growth(item)
    for resource, limit in hard.items():
        asked = steady.get(resource, Decimal(0))
        peak = max(asked, rolling.get(resource, Decimal(0)))
        if peak <= 0:
            continue
        if resource not in used:
            return "unknown", f"quota {name} does not say how much {resource} is used"
        taken, ceiling = quantities.parse(used[resource]), quantities.parse(limit)
        numbers[f"{name} {resource}"] = (
            f"{shown(resource, taken)} used + {shown(resource, peak)} of {shown(resource, ceiling)}"
        )
        if taken + asked > ceiling:
            return (
                "fail",
                f"quota {name}: {resource} would be {shown(resource, taken + asked)} of {shown(resource, ceiling)}",
            )
        if taken + peak > ceiling:
            return (
                "fail",
                f"quota {name}: rolling out needs {shown(resource, taken + peak)} {resource} of {shown(resource, ceiling)}",
            )
    return "pass", ""


def _growth(item: Changed) -> tuple[Resources, Resources]:
    """What the change adds for good, and at the height of its rollout."""
    after = item.after
    before_count = workloads.replicas(item.before) if item.before else 0
    after_count = workloads.replicas(after)
    old = _counted(item.before) if item.before else {}
    new = _counted(after)
    extra = workloads.surge(after)
    names = {*old, *new}
    steady = {
        n: new.get(n, Decimal(0)) * after_count - old.get(n, Decimal(0)) * before_count
        for n in names
    }
    if item.before and _same_template(item.before, after):
        return steady, steady  # scaling starts pods, it does not replace them
    rolling = {n: new.get(n, Decimal(0)) * extra for n in names}
    return steady, {n: max(steady[n], rolling[n]) for n in names}


def _same_template(before: Json, after: Json) -> bool:
    return workloads.pod_spec(before) == workloads.pod_spec(after)


def _counted(item: Json) -> Resources:
    """One pod as quota counts it, under all the names that quota knows."""
    counted: Resources = {"pods": Decimal(1), "count/pods": Decimal(1)}
    for name, amount in workloads.per_pod(item, "requests").items():
        counted[f"requests.{name}"] = amount
        if name in ("cpu", "memory", "ephemeral-storage"):
            counted[name] = amount
    for name, amount in workloads.per_pod(item, "limits").items():
        counted[f"limits.{name}"] = amount
    return counted


def limit_range(case: Case) -> CheckResult:
    """Does each container and pod stay inside the namespace's LimitRanges?"""
    if "limitranges" not in case.objects:
        return result("limit_range", "unknown", "no limit ranges were collected")
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
    return result(
        "limit_range",
        "pass",
        "within every limit range" if numbers else "no limit range applies",
        **numbers,
    )


def _outside(item: Json, entry: Mapping[str, Any], numbers: dict[str, str]) -> str:
    if entry.get("type") == "Container":
        pairs = [
            (str(c.get("name")), workloads.amounts(c, "requests"), workloads.amounts(c, "limits"))
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
                    return f"{who}: {name} request {shown(name, requests[name])} is below the minimum {least}"
        for name, most in mapping(entry.get("max")).items():
            amount = limits.get(name, requests.get(name))
            if amount is not None:
                numbers[f"{who} {name} max"] = f"{shown(name, amount)} ≤ {most}"
                if amount > quantities.parse(most):
                    return f"{who}: {name} {shown(name, amount)} is above the maximum {most}"
        for name, ratio in mapping(entry.get("maxLimitRequestRatio")).items():
            if (
                limits.get(name)
                and requests.get(name)
                and limits[name] / requests[name] > quantities.parse(ratio)
            ):
                return f"{who}: {name} limit is more than {ratio} times its request"
    return ""
