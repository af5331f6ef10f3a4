"""Autoscalers: at their ceiling, blind, without target, or at odds with each other.

Sources: k8s.io/kubernetes pkg/controller/podautoscaler (conditions and their reasons); autoscaler/vertical-pod-autoscaler.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from decide.core.clock import age
from decide.core.drafting.containers import resource_word
from decide.core.facts import Facts
from decide.core.families.autoscaling.facts import (
    AboveTarget,
    BlindScaler,
    FoughtOver,
    FullScaler,
    LostScaler,
)
from decide.core.findings import Fact, Finding, quote
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import condition, name_of, namespace_of, ref_of
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef

_MISSING = re.compile(r"missing request for (?P<resource>\w+)")
_BLIND = re.compile(
    r"^FailedGet\w+Metrics?$|InvalidMetricSourceType|InvalidSelector|FailedComputeMetricsReplicas"
)
#: Pods younger than this have no metrics yet.
_WARMING = timedelta(minutes=5)
#: Modes in which a VerticalPodAutoscaler changes pods; Auto is the default.
_ACTING = frozenset({"Auto", "Recreate", "InPlaceOrRecreate", "Initial"})


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about autoscalers, at the workload they scale, else at the autoscaler."""
    scalers = [s for s in view.all("horizontalpodautoscalers") if namespace_of(s) in view.focus]
    for scaler in scalers:
        yield from _scaler(view, scaler)
        yield from _against_vertical(view, scaler)
    yield from _doubled(view, scalers)


def scaler_ref(scaler: Obj) -> ObjectRef:
    """An HPA's reference."""
    return ref_of(scaler, "HorizontalPodAutoscaler", version="autoscaling/v2")


def target_of(view: ClusterView, scaler: Obj, field: str = "scaleTargetRef") -> Workload | None:
    """The workload that an autoscaler names."""
    target = mapping(at(scaler, "spec", field))
    return view.workload(str(target.get("kind")), namespace_of(scaler), str(target.get("name")))


def _scaler(view: ClusterView, scaler: Obj) -> Iterator[Finding[Facts]]:
    yield from _ceiling(view, scaler)
    able, active = condition(scaler, "AbleToScale"), condition(scaler, "ScalingActive")
    if able.get("status") == "False" and able.get("reason") == "FailedGetScale":
        yield _without_target(view, scaler, str(able.get("message") or ""))
    elif active.get("status") == "False" and active.get("reason") != "ScalingDisabled":
        yield _blind(view, scaler, str(active.get("reason")), str(active.get("message")))
    elif not active:
        yield from _by_events(view, scaler)


def _by_events(view: ClusterView, scaler: Obj) -> Iterator[Finding[Facts]]:
    """What the newest event says of an autoscaler without conditions."""
    ref = scaler_ref(scaler)
    for event in view.events_of("HorizontalPodAutoscaler", ref.namespace, ref.name)[-1:]:
        if _BLIND.search(event.reason):
            yield _blind(view, scaler, event.reason, event.message)
        elif event.reason == "FailedGetScale":
            yield _without_target(view, scaler, event.message)


def _subject(view: ClusterView, scaler: Obj) -> ObjectRef:
    """The workload that it scales, else the autoscaler."""
    workload = target_of(view, scaler)
    return workload.ref if workload is not None else scaler_ref(scaler)


def _ceiling(view: ClusterView, scaler: Obj) -> Iterator[Finding[FullScaler]]:
    current = number(at(scaler, "status", "currentReplicas"))
    most = number(at(scaler, "spec", "maxReplicas"))
    least = number(at(scaler, "spec", "minReplicas"), 1)
    limited = condition(scaler, "ScalingLimited")
    if not most or current < most or most <= least or limited.get("status") == "False":
        return
    told, excess = limited.get("reason") == "TooManyReplicas", above_target(scaler)
    if not told and excess is None:
        return
    text = _at_ceiling(current, most, excess)
    ref = scaler_ref(scaler)
    yield Finding(
        failure_class="autoscaler_at_ceiling",
        object=_subject(view, scaler),
        # A ceiling that is reached is no trouble as long as the metric is content.
        score=0.5 + (0.08 if told else 0) + (0.34 if excess else 0),
        detail=text,
        evidence=[
            Fact(
                source="object",
                statement=text,
                object=ref,
                value=float(current),
                unit="replicas",
            )
        ],
        facts=FullScaler(workload=target_of(view, scaler), scaler=scaler, ref=ref, excess=excess),
    )


def _at_ceiling(current: int, most: int, excess: AboveTarget | None) -> str:
    if excess is None:
        return say("autoscaling.full", current=current, most=most)
    return say(
        "autoscaling.full_above",
        current=current,
        most=most,
        metric=resource_word(excess.metric),
        now=excess.now,
        target=excess.target,
    )


def above_target(scaler: Obj) -> AboveTarget | None:
    """A metric that stands above its target, in percent of requests; ``None`` without one."""
    wanted = {
        str(name): number(target)
        for name, target in _utilisations(scaler, "spec", "metrics", "target")
        if target
    }
    for name, now in _utilisations(scaler, "status", "currentMetrics", "current"):
        target = wanted.get(str(name))
        if target is not None and number(now) > target:
            return AboveTarget(metric=str(name), now=number(now), target=target)
    return None


def _utilisations(
    scaler: Obj, part: str, field: str, which: str
) -> Iterator[tuple[object, object]]:
    """Names of the resources that it scales by, with an average utilisation."""
    for metric in items(at(scaler, part, field)):
        for kind in ("resource", "containerResource"):
            name = at(metric, kind, "name")
            if name:
                yield name, at(metric, kind, which, "averageUtilization")


def _blind(view: ClusterView, scaler: Obj, reason: str, message: str) -> Finding[Facts]:
    target, ref = target_of(view, scaler), scaler_ref(scaler)
    if reason == "AmbiguousSelector":
        return Finding(
            failure_class="autoscaler_conflict",
            object=_subject(view, scaler),
            score=0.9,
            detail=quote(message),
            evidence=[Fact(source="object", statement=quote(message), object=ref)],
            facts=FoughtOver(workload=target),
        )
    missing = _MISSING.search(message)
    young = "did not receive metrics for" in message and _warms_up(view, target)
    text = say("autoscaling.condition", reason=quote(reason), message=quote(message))
    return Finding(
        failure_class="autoscaler_without_metrics",
        object=_subject(view, scaler),
        score=0.4 if young else 0.9 if missing else 0.72,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=ref)],
        facts=BlindScaler(workload=target, resource=missing["resource"] if missing else ""),
    )


def _warms_up(view: ClusterView, workload: Workload | None) -> bool:
    """One of its pods is too young to have metrics."""
    ages = (
        age(pod.obj, view.bundle.alerted_at, "status", "startTime")
        for pod in (workload.pods if workload is not None else ())
    )
    return any(a is not None and a < _WARMING for a in ages)


def _without_target(view: ClusterView, scaler: Obj, message: str) -> Finding[LostScaler]:
    ref = scaler_ref(scaler)
    target = mapping(at(scaler, "spec", "scaleTargetRef"))
    wanted = str(target.get("name") or "")
    same = [
        w.name
        for w in view.workloads
        if w.kind == target.get("kind") and w.namespace == ref.namespace
    ]
    near = max(
        (n for n in same if alike(n, wanted) >= 0.7 or n in wanted or wanted in n),
        key=lambda n: alike(n, wanted),
        default="",
    )
    text = say(
        "autoscaling.lost",
        kind=str(target.get("kind")),
        target=wanted,
        message=quote(message),
    )
    return Finding(
        failure_class="autoscaler_target_missing",
        object=ref,
        score=0.9,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=ref)],
        facts=LostScaler(scaler=scaler, name=wanted, near=near),
    )


def _against_vertical(view: ClusterView, scaler: Obj) -> Iterator[Finding[FoughtOver]]:
    """A VPA that changes the requests which the HPA measures against."""
    measured = {str(name) for name, _ in _utilisations(scaler, "spec", "metrics", "target")}
    workload = target_of(view, scaler)
    if workload is None:
        return
    for vertical in view.all("verticalpodautoscalers"):
        shared = sorted(measured & _controlled(vertical))
        if shared and target_of(view, vertical, "targetRef") is workload and _acts(vertical):
            yield _fought_over(view, scaler, vertical, workload, shared)


def _mode(vertical: Obj) -> str:
    return str(at(vertical, "spec", "updatePolicy", "updateMode") or "Auto")


def _acts(vertical: Obj) -> bool:
    """It changes pods, and does not just recommend."""
    return _mode(vertical) in _ACTING


def _fought_over(
    view: ClusterView, scaler: Obj, vertical: Obj, workload: Workload, shared: list[str]
) -> Finding[FoughtOver]:
    swings = [
        e for e in view.events_of_workload(workload) if e.reason in ("EvictedByVPA", "EvictedPod")
    ]
    swings += view.events_of("HorizontalPodAutoscaler", namespace_of(scaler), name_of(scaler))
    text = say(
        "autoscaling.fought_over",
        vertical=name_of(vertical),
        mode=_mode(vertical),
        resources=shared,
        scaler=name_of(scaler),
    )
    ref = ref_of(vertical, "VerticalPodAutoscaler")
    return Finding(
        failure_class="autoscaler_conflict",
        object=workload.ref,
        score=0.88 if swings else 0.7,
        detail=text,
        evidence=[
            Fact(source="object", statement=text, object=ref),
            *(Fact(source="event", statement=quote(e.message)) for e in swings[-2:]),
        ],
        facts=FoughtOver(workload=workload, vertical=vertical, vertical_ref=ref),
    )


def _controlled(vertical: Obj) -> set[str]:
    policies = [
        mapping(p) for p in items(at(vertical, "spec", "resourcePolicy", "containerPolicies"))
    ]
    if policies and all(p.get("mode") == "Off" for p in policies):
        return set()
    stated = [
        set(map(str, items(p.get("controlledResources"))))
        for p in policies
        if "controlledResources" in p
    ]
    return set.union(*stated) if stated else {"cpu", "memory"}


def _target_key(scaler: Obj) -> tuple[str, str, str]:
    target = mapping(at(scaler, "spec", "scaleTargetRef"))
    return namespace_of(scaler), str(target.get("kind")), str(target.get("name"))


def _doubled(view: ClusterView, scalers: list[Obj]) -> Iterator[Finding[FoughtOver]]:
    """Two HPAs on one target."""
    for one, two in pairwise(sorted(scalers, key=_target_key)):
        workload = target_of(view, one)
        if _target_key(one) == _target_key(two) and workload is not None:
            text = say(
                "autoscaling.doubled",
                one=name_of(one),
                two=name_of(two),
                workload=workload.ref.key,
            )
            yield Finding(
                failure_class="autoscaler_conflict",
                object=workload.ref,
                score=0.85,
                detail=text,
                evidence=[Fact(source="object", statement=text, object=scaler_ref(one))],
                facts=FoughtOver(workload=workload),
            )
