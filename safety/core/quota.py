"""ResourceQuota and LimitRange arithmetic. Pure.

A dry-run cannot do this: dry-runs do not add up, and a Deployment's dry-run shows neither.
Source: kubernetes.io/docs/concepts/policy/resource-quotas and …/limit-range.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.kinds import plural_of
from manifests.objects.meta import condition, name_of, namespace_of, ref_of
from manifests.objects.pods import strict_containers
from manifests.objects.resources import COMPUTE, SORTS, Amounts, amounts, counted, pod_level
from manifests.objects.rollouts.course import Course
from manifests.objects.rollouts.reading import course
from manifests.objects.shapes import Obj, strict_mapping, strict_number
from manifests.objects.workloads import replicas
from safety.core import workloads
from safety.core.checks import CheckInput, mapping, result, shown
from safety.core.quota_scopes import Undecidable, in_scope
from safety.core.workloads import Changed
from schemas.base import Json
from schemas.text import sentence_of
from schemas.validated import CheckResult


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
    #: How the rollout goes in the room that is given; ``None`` for what is not rolled out.
    course: Callable[[Amounts], Course | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class _Reckoned:
    """What was reckoned of one quota so far."""

    #: For people; the same mapping for all quotas.
    numbers: dict[str, str]
    #: What the plan's changes before this one leave in use beside what is.
    ahead: Amounts = field(default_factory=dict)


def resource_quota(case: CheckInput) -> CheckResult:
    """Do the namespace's quotas still have room after the change, and while it rolls out?"""
    if "resourcequotas" not in case.objects:
        return result("resource_quota", "unknown", say("safety.quota.not_collected"))
    if case.changed is None:
        return result("resource_quota", "unknown", case.unseen)
    numbers: dict[str, str] = {}
    for quota in _quotas(case, case.changed):
        reckoned = _Reckoned(numbers)
        for item in (*case.changed, *_refused(case, case.changed, quota)):
            if mapping(quota.get("metadata")).get("namespace", "") != item.ref.namespace:
                continue
            verdict, reason = _one(case, item, quota, reckoned)
            if verdict != "pass":
                return result("resource_quota", verdict, reason, **numbers)
    found = say("safety.quota.within") if numbers else say("safety.quota.none")
    return result("resource_quota", "pass", found, **numbers)


def _quotas(case: CheckInput, changed: Sequence[Changed]) -> Iterator[Json]:
    """The quotas as they will be; what they count in use is what it is now."""
    after = {item.ref.key: item.after for item in changed if item.ref.kind == "ResourceQuota"}
    for quota in case.objects["resourcequotas"]:
        planned = after.get(ref_of(quota, "ResourceQuota").key)
        if planned is None:
            yield quota
        else:
            bound = strict_mapping(planned, "spec", "hard")
            yield {**planned, "status": {**mapping(quota.get("status")), "hard": bound}}


def _refused(case: CheckInput, changed: Sequence[Changed], quota: Json) -> Iterator[Changed]:
    """Where a quota is changed: the workloads that want pods which are not there, and get them then."""
    if ref_of(quota, "ResourceQuota").key not in {item.ref.key for item in changed}:
        return
    known = {item.ref.key for item in changed}
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        for item in case.objects.get(plural_of(kind), ()):
            ref = ref_of(item, kind)
            if namespace_of(item) != namespace_of(quota) or ref.key in known:
                continue
            if condition(item, "ReplicaFailure").get("status") == "True" or (
                kind == "StatefulSet" and _running(item) < replicas(item)
            ):
                yield Changed(ref, item, item)


def _one(case: CheckInput, item: Changed, quota: Json, reckoned: _Reckoned) -> tuple[Any, str]:
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
    return _against(case, quota, growth, reckoned)


def _default_priority(case: CheckInput) -> Mapping[str, Json] | None:
    if "priorityclasses" not in case.objects:
        return None
    classes = case.objects["priorityclasses"]
    chosen: Json = next((c for c in classes if c.get("globalDefault") is True), {})
    return mapping(chosen.get("metadata"))


def _against(
    case: CheckInput, quota: Json, growth: _Growth, reckoned: _Reckoned
) -> tuple[Any, str]:
    name, ahead = name_of(quota), reckoned.ahead
    status = mapping(quota.get("status"))
    hard = mapping(status.get("hard")) or mapping(mapping(quota.get("spec")).get("hard"))
    used = mapping(status.get("used"))
    room: Amounts = {}
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
        taken = quantities.parse(used[resource]) + max(Decimal(0), ahead.get(resource, Decimal(0)))
        ceiling = quantities.parse(limit)
        room[resource] = ceiling - taken
        reckoned.numbers[f"{name} {resource}"] = say(
            "safety.quota.room",
            used=shown(resource, taken),
            needed=shown(resource, peak),
            hard=shown(resource, ceiling),
        )
        figures = {"quota": name, "resource": resource, "hard": shown(resource, ceiling)}
        if taken + asked > ceiling:
            would = shown(resource, taken + asked)
            return "fail", say("safety.quota.exceeded", would=would, **figures)
        if taken + peak > ceiling and _stops(growth, room):
            would = shown(resource, taken + peak)
            return "fail", say("safety.quota.exceeded_rolling", would=would, **figures)
    for resource, amount in growth.steady.items():
        ahead[resource] = ahead.get(resource, Decimal(0)) + amount
    return "pass", ""


def _stops(growth: _Growth, room: Amounts) -> bool:
    """The rollout does not get through: a pod that it cannot do without is refused."""
    found = growth.course(room)
    return found is None or found.stop == "no_room"


def _required(resource: str) -> str:
    """``cpu`` in a quota means ``requests.cpu``."""
    return f"requests.{resource}" if resource in COMPUTE else resource


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
    before, counts = item.before, partial(_counted, case, item.ref.namespace)
    played = partial(course, before, after, counts, workloads.beside(case.objects))
    free = played()
    count, had = replicas(after), _running(before) if before else 0
    if free is not None:
        steady, peak = free.steady(), free.growth()
    else:
        new, old = counts(_pod(after)), counts(_pod(before)) if before else {}
        names = {*old, *new}
        steady = {n: new.get(n, Decimal(0)) * count - old.get(n, Decimal(0)) * had for n in names}
        peak = steady
    # replaced pods are made anew, so what each of them must say is asked even when nothing grows
    replaced = before is None or not _same_template(before, after) or count > had
    whole = _defaulted(case, item.ref.namespace, _pod(after))
    unsaid = _silent(whole) if replaced else frozenset()
    return _Growth(whole, steady, peak, unsaid, lambda room: played(room=room))


def _pod(item: Json) -> Obj:
    return workloads.pod_spec(item) or {}


def _counted(case: CheckInput, namespace: str, spec: Obj) -> Amounts:
    return counted(_defaulted(case, namespace, spec))


def _scaled(case: CheckInput, item: Changed, after: Json) -> _Growth | str | None:
    """An autoscaler may go as high as its bound."""
    high = workloads.highest(after)
    target = workloads.target_of(after, case.objects)
    if target is None or workloads.pod_spec(target) is None:
        return say("safety.quota.target_not_collected")
    more = high - _running(target)
    whole = _defaulted(case, item.ref.namespace, _pod(target))
    grown = {n: amount * more for n, amount in counted(whole).items()}
    return _Growth(whole, grown, grown, _silent(whole) if more > 0 else frozenset())


def _running(item: Json) -> int:
    """Pods that are there, which may be fewer than wanted: quota itself may have refused them."""
    wanted = replicas(item)
    status = item.get("status")
    if item.get("kind") not in ("Deployment", "StatefulSet", "ReplicaSet") or not status:
        return wanted
    return min(wanted, strict_number(item, "status", "replicas", default=0))


def _same_template(before: Json, after: Json) -> bool:
    return workloads.pod_spec(before) == workloads.pod_spec(after)


def _silent(spec: Obj) -> frozenset[tuple[str, str]]:
    """What each container leaves unsaid; the pod's own figures say it for all of them."""
    found = set()
    for kind in SORTS:
        whole = pod_level(spec, kind)
        for container in strict_containers(spec):
            said = {*amounts(container, kind), *whole}
            found |= {(str(container.get("name")), f"{kind}.{n}") for n in COMPUTE if n not in said}
    return frozenset(found)


def _defaulted(case: CheckInput, namespace: str, spec: Obj) -> Obj:
    """The pod spec with what the namespace's limit ranges add to containers that say nothing."""
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
        return spec
    found = copy.deepcopy(spec)
    for container in strict_containers(found):
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
