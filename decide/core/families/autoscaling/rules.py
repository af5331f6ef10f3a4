"""Autoscalers: at their ceiling, blind, without target, or at odds with each other.

Sources: k8s.io/kubernetes pkg/controller/podautoscaler (conditions and their reasons); autoscaler/vertical-pod-autoscaler.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from decide.core.clock import age
from decide.core.findings import Fact, Finding, quote
from decide.core.names import alike
from decide.core.objects import Obj, Workload, at, items, mapping, name_of, namespace_of, number
from decide.core.view import ClusterView
from schemas.base import ObjectRef

Data = dict[str, object]
_MISSING = re.compile(
    r"missing request for (?P<resource>\w+)(?: in container (?P<container>[\w.-]+))?"
)
_BLIND = re.compile(
    r"^FailedGet\w+Metrics?$|InvalidMetricSourceType|InvalidSelector|FailedComputeMetricsReplicas"
)
#: Pods younger than this have no metrics yet.
_WARMING = timedelta(minutes=5)
#: Modes in which a VerticalPodAutoscaler changes pods; Auto is the default.
_ACTING = frozenset({"Auto", "Recreate", "InPlaceOrRecreate", "Initial"})


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about autoscalers, at the workload they scale, else at the autoscaler."""
    scalers = [s for s in view.all("horizontalpodautoscalers") if namespace_of(s) in view.focus]
    for scaler in scalers:
        yield from _scaler(view, scaler)
        yield from _against_vertical(view, scaler)
    yield from _doubled(view, scalers)


def scaler_ref(scaler: Obj) -> ObjectRef:
    """An HPA's reference."""
    return ObjectRef(
        api_version=str(scaler.get("apiVersion") or "autoscaling/v2"),
        kind="HorizontalPodAutoscaler",
        namespace=namespace_of(scaler),
        name=name_of(scaler),
    )


def target_of(view: ClusterView, scaler: Obj, field: str = "scaleTargetRef") -> Workload | None:
    """The workload that an autoscaler names."""
    target = mapping(at(scaler, "spec", field))
    return view.workload(str(target.get("kind")), namespace_of(scaler), str(target.get("name")))


def _scaler(view: ClusterView, scaler: Obj) -> Iterator[Finding]:
    workload, ref = target_of(view, scaler), scaler_ref(scaler)
    conditions = {
        str(mapping(c).get("type")): mapping(c) for c in items(at(scaler, "status", "conditions"))
    }
    data: Data = {"workload": workload, "scaler": scaler, "scaler_ref": ref}
    subject = workload.ref if workload else ref
    yield from _ceiling(scaler, subject, ref, conditions.get("ScalingLimited", {}), data)
    able, active = conditions.get("AbleToScale", {}), conditions.get("ScalingActive", {})
    if able.get("status") == "False" and able.get("reason") == "FailedGetScale":
        yield _without_target(view, scaler, ref, str(able.get("message") or ""))
    elif active.get("status") == "False" and active.get("reason") != "ScalingDisabled":
        yield _blind(
            view, scaler, subject, str(active.get("reason")), str(active.get("message")), data
        )
    elif not active:
        for event in view.events_of("HorizontalPodAutoscaler", ref.namespace, ref.name)[-1:]:
            if _BLIND.search(event.reason):
                yield _blind(view, scaler, subject, event.reason, event.message, data)
            elif event.reason == "FailedGetScale":
                yield _without_target(view, scaler, ref, event.message)


def _ceiling(
    scaler: Obj, subject: ObjectRef, ref: ObjectRef, limited: Obj, data: Data
) -> Iterator[Finding]:
    current, most = (
        number(at(scaler, "status", "currentReplicas")),
        number(at(scaler, "spec", "maxReplicas")),
    )
    least = number(at(scaler, "spec", "minReplicas"), 1)
    above = above_target(scaler)
    if not most or current < most or most <= least or limited.get("status") == "False":
        return
    told = limited.get("reason") == "TooManyReplicas"
    if told or above:
        # A ceiling that is reached is no trouble as long as the metric is content.
        score = 0.5 + (0.08 if told else 0) + (0.34 if above else 0)
        text = f"{current} of at most {most} replicas" + (f", {above}" if above else "")
        yield Finding(
            failure_class="autoscaler_at_ceiling",
            object=subject,
            score=score,
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
            against=[],
            facts={**data, "above": above},
        )


def above_target(scaler: Obj) -> str:
    """``cpu 93 % against 70 %`` when a metric stands above its target, else empty."""
    wanted = {}
    for metric in items(at(scaler, "spec", "metrics")):
        for kind in ("resource", "containerResource"):
            name, target = (
                at(metric, kind, "name"),
                at(metric, kind, "target", "averageUtilization"),
            )
            if name and target:
                wanted[name] = number(target)
    for metric in items(at(scaler, "status", "currentMetrics")):
        for kind in ("resource", "containerResource"):
            name = at(metric, kind, "name")
            now = number(at(metric, kind, "current", "averageUtilization"))
            if name in wanted and now > wanted[name]:
                return f"{name} {now} % against {wanted[name]} %"
    return ""


def _blind(  # noqa: PLR0917
    view: ClusterView, scaler: Obj, subject: ObjectRef, reason: str, message: str, data: Data
) -> Finding:
    if reason == "AmbiguousSelector":
        return Finding(
            failure_class="autoscaler_conflict",
            object=subject,
            score=0.9,
            detail=quote(message),
            evidence=[Fact(source="object", statement=quote(message), object=scaler_ref(scaler))],
            against=[],
            facts=data,
        )
    missing = _MISSING.search(message)
    named = (
        {"resource": missing["resource"], "container": missing["container"] or ""}
        if missing
        else {}
    )
    text = quote(f"{reason}: {message}")
    target = target_of(view, scaler)
    ages = (
        [age(p.obj, view.bundle.alerted_at, "status", "startTime") for p in target.pods]
        if target
        else []
    )
    waits = "did not receive metrics for" in message
    young = waits and any(a is not None and a < _WARMING for a in ages)
    score = 0.4 if young else 0.9 if missing else 0.72
    return Finding(
        failure_class="autoscaler_without_metrics",
        object=subject,
        score=score,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=scaler_ref(scaler))],
        against=[],
        facts={**data, **named},
    )


def _without_target(view: ClusterView, scaler: Obj, ref: ObjectRef, message: str) -> Finding:
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
    text = quote(f"{target.get('kind')} {wanted}: {message}")
    return Finding(
        failure_class="autoscaler_target_missing",
        object=ref,
        score=0.9,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=ref)],
        against=[],
        facts={"scaler": scaler, "near": near, "name": wanted},
    )


def _against_vertical(view: ClusterView, scaler: Obj) -> Iterator[Finding]:
    """A VPA that changes the requests which the HPA measures against."""
    measured = {
        str(at(m, k, "name"))
        for m in items(at(scaler, "spec", "metrics"))
        for k in ("resource", "containerResource")
        if at(m, k, "name")
    }
    workload = target_of(view, scaler)
    for vertical in view.all("verticalpodautoscalers"):
        mode = str(at(vertical, "spec", "updatePolicy", "updateMode") or "Auto")
        same = target_of(view, vertical, "targetRef")
        if workload is None or same is not workload or mode not in _ACTING:
            continue
        shared = sorted(measured & _controlled(vertical))
        if not shared:
            continue
        swings = [
            e
            for e in view.events_of_workload(workload)
            if e.reason in ("EvictedByVPA", "EvictedPod")
        ]
        swings += view.events_of("HorizontalPodAutoscaler", namespace_of(scaler), name_of(scaler))
        text = f"VerticalPodAutoscaler {name_of(vertical)} (mode {mode}) changes {', '.join(shared)}, by which HPA {name_of(scaler)} scales"
        ref = ObjectRef(
            api_version=str(vertical.get("apiVersion") or ""),
            kind="VerticalPodAutoscaler",
            namespace=namespace_of(vertical),
            name=name_of(vertical),
        )
        facts = [
            Fact(source="object", statement=text, object=ref),
            *(Fact(source="event", statement=quote(e.message)) for e in swings[-2:]),
        ]
        yield Finding(
            failure_class="autoscaler_conflict",
            object=workload.ref,
            score=0.88 if swings else 0.7,
            detail=text,
            evidence=facts,
            against=[],
            facts={"workload": workload, "vertical": vertical, "vertical_ref": ref},
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


def _doubled(view: ClusterView, scalers: list[Obj]) -> Iterator[Finding]:
    """Two HPAs on one target."""
    for one, two in pairwise(sorted(scalers, key=_target_key)):
        workload = target_of(view, one)
        if _target_key(one) == _target_key(two) and workload is not None:
            text = f"HorizontalPodAutoscalers {name_of(one)} and {name_of(two)} both scale {workload.ref.key}"
            yield Finding(
                failure_class="autoscaler_conflict",
                object=workload.ref,
                score=0.85,
                detail=text,
                evidence=[Fact(source="object", statement=text, object=scaler_ref(one))],
                against=[],
                facts={"workload": workload},
            )
