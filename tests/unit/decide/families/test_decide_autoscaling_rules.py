"""What the rules of autoscalers find, at which score, and where they stay silent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from decide.core.families.autoscaling.rules import find
from tests.support.decide.clusters import AT, Cluster, Obj
from tests.support.decide.rules_say import everywhere, found, heads, shop, whole

_REF = "HorizontalPodAutoscaler/shop/scaler"


def _scaler(
    c: Cluster, target: str = "web", name: str = "scaler", *, target_kind: str = "Deployment"
) -> Obj:
    metric = {"name": "cpu", "target": {"averageUtilization": 70}}
    return c.add(
        "horizontalpodautoscalers",
        name,
        api="autoscaling/v2",
        kind="HorizontalPodAutoscaler",
        spec={
            "minReplicas": 1,
            "maxReplicas": 4,
            "scaleTargetRef": {"kind": target_kind, "name": target},
            "metrics": [{"type": "Resource", "resource": metric}],
        },
        status={"currentReplicas": 2, "conditions": []},
    )


def _says(scaler: Obj, kind: str, status: str, reason: str, message: str = "") -> None:
    said = {"type": kind, "status": status, "reason": reason, "message": message}
    scaler["status"]["conditions"].append(said)


def _measures(scaler: Obj, percent: Any, name: str = "cpu", kind: str = "resource") -> None:
    now = {kind: {"name": name, "current": {"averageUtilization": percent}}}
    scaler["status"].setdefault("currentMetrics", []).append(now)


def _vertical(c: Cluster, target: str = "web", mode: str = "", **policy: Any) -> Obj:
    spec: Obj = {"targetRef": {"kind": "Deployment", "name": target}}
    if mode:
        spec["updatePolicy"] = {"updateMode": mode}
    if policy:
        spec["resourcePolicy"] = {"containerPolicies": [{"containerName": "*", **policy}]}
    return c.add(
        "verticalpodautoscalers",
        "sizer",
        api="autoscaling.k8s.io/v1",
        kind="VerticalPodAutoscaler",
        spec=spec,
    )


def test_a_content_autoscaler_is_nothing_to_tell() -> None:
    c = shop("web")
    _measures(_scaler(c), 40)
    assert heads(find, c) == []


def test_a_full_autoscaler_above_its_target_is_told_with_the_metric() -> None:
    c = shop("web")
    scaler = _scaler(c)
    scaler["status"]["currentReplicas"] = 4
    _measures(scaler, 91)
    _says(scaler, "ScalingLimited", "True", "TooManyReplicas")
    text = (
        "autoscaling.full_above current=4, metric=drafting.resource.cpu, most=4, now=91, target=70"
    )
    assert whole(find, c) == [
        "0.92 autoscaler_at_ceiling of Deployment/shop/web",
        f"told: {text}",
        f"object {_REF}: {text} = 4 replicas",
        "facts: FullScaler excess=AboveTarget metric=cpu, now=91, target=70,"
        f" ref=autoscaling/v2 {_REF}, scaler=object scaler, workload=Deployment web",
    ]


def test_a_full_autoscaler_that_says_only_so_is_told_without_a_metric() -> None:
    c = shop("web")
    scaler = _scaler(c, "gone")
    scaler["status"]["currentReplicas"] = 4
    _says(scaler, "ScalingLimited", "True", "TooManyReplicas")
    text = "autoscaling.full current=4, most=4"
    assert whole(find, c) == [
        f"0.58 autoscaler_at_ceiling of {_REF}",
        f"told: {text}",
        f"object {_REF}: {text} = 4 replicas",
        f"facts: FullScaler ref=autoscaling/v2 {_REF}, scaler=object scaler",
    ]


@pytest.mark.parametrize(
    ("current", "least", "most", "limited", "percent", "score"),
    [
        (4, 1, 4, "", 71, 0.84),
        (4, 1, 4, "", 70, None),
        (5, 1, 4, "", 71, 0.84),
        (3, 1, 4, "", 71, None),
        (4, 4, 4, "", 71, None),
        (4, 3, 4, "", 71, 0.84),
        (4, None, 4, "", 71, 0.84),
        (1, None, 1, "", 71, None),
        (2, None, 2, "", 71, 0.84),
        (4, 1, None, "", 71, None),
        (4, 1, 4, "False", 71, None),
        (4, 1, 4, "True", 71, 0.92),
        (4, 1, 4, "True", 70, 0.58),
        (3, 1, 4, "True", 71, None),
    ],
)
def test_a_ceiling_counts_where_it_is_reached_above_the_floor_and_above_the_target(
    current: int, least: int | None, most: int | None, limited: str, percent: int, score: float
) -> None:
    c = shop("web")
    scaler = _scaler(c)
    scaler["spec"] |= {"minReplicas": least, "maxReplicas": most}
    scaler["status"]["currentReplicas"] = current
    _measures(scaler, percent)
    if limited:
        _says(scaler, "ScalingLimited", limited, "TooManyReplicas")
    assert [one.score for one in found(find, c)] == ([pytest.approx(score)] if score else [])


def test_limited_for_another_reason_is_not_told_as_full() -> None:
    c = shop("web")
    scaler = _scaler(c)
    scaler["status"]["currentReplicas"] = 4
    _says(scaler, "ScalingLimited", "True", "ScaleUpLimit")
    assert heads(find, c) == []


def test_the_first_metric_above_its_own_target_is_the_excess() -> None:
    c = shop("web")
    scaler = _scaler(c)
    scaler["status"]["currentReplicas"] = 4
    scaler["spec"]["metrics"] += [
        {"containerResource": {"name": "memory", "target": {"averageUtilization": 50}}},
        {"resource": {"name": "disk", "target": {"averageValue": "1"}}},
        {"external": {"metric": {"name": "queue"}}},
    ]
    _measures(scaler, 99, "disk")
    _measures(scaler, None)
    _measures(scaler, 69)
    _measures(scaler, 51, "memory", "containerResource")
    _measures(scaler, 99)
    (one,) = found(find, c)
    assert (one.facts.excess.metric, one.facts.excess.now, one.facts.excess.target) == (
        "memory",
        51,
        50,
    )


@pytest.mark.parametrize(
    ("status", "reason", "message", "score", "resource"),
    [
        ("False", "FailedGetResourceMetric", "missing request for cpu in container", 0.9, "cpu"),
        ("False", "FailedGetResourceMetric", "missing request for memory", 0.9, "memory"),
        ("False", "FailedGetResourceMetric", "no metrics returned", 0.72, ""),
        ("False", "InvalidSelector", "selector is required", 0.72, ""),
    ],
)
def test_an_autoscaler_that_cannot_read_its_metric_is_told_with_the_request_that_is_missing(
    status: str, reason: str, message: str, score: float, resource: str
) -> None:
    c = shop("web")
    _says(_scaler(c), "ScalingActive", status, reason, message)
    text = f"autoscaling.condition message={message}, reason={reason}"
    assert whole(find, c) == [
        f"{score:g} autoscaler_without_metrics of Deployment/shop/web",
        f"told: {text}",
        f"object {_REF}: {text}",
        f"facts: BlindScaler resource={resource}, workload=Deployment web",
    ]


@pytest.mark.parametrize(
    ("status", "reason"), [("True", "ValidMetricFound"), ("False", "ScalingDisabled")]
)
def test_an_autoscaler_that_reads_or_is_switched_off_is_not_blind(status: str, reason: str) -> None:
    c = shop("web")
    _says(_scaler(c), "ScalingActive", status, reason)
    c.event("HorizontalPodAutoscaler", "scaler", "FailedGetResourceMetric", "missing request")
    assert heads(find, c) == []


@pytest.mark.parametrize(("minutes", "score"), [(4.99, 0.4), (5, 0.72), (5.01, 0.72), (None, 0.72)])
def test_a_pod_younger_than_five_minutes_has_no_metrics_yet(
    minutes: float | None, score: float
) -> None:
    c = shop("web")
    if minutes is not None:
        started = AT - timedelta(minutes=minutes)
        c.pod("web")["status"]["startTime"] = started.isoformat()
        older = {**c.pod("web"), "metadata": {**c.pod("web")["metadata"], "name": "web-old"}}
        older["status"] = {"startTime": "2026-05-01T00:00:00Z"}
        c.objects["pods"].append(older)
    message = "did not receive metrics for targeted pods"
    _says(_scaler(c), "ScalingActive", "False", "FailedGetResourceMetric", message)
    assert [one.score for one in found(find, c)] == [score]


def test_a_young_pod_excuses_nothing_but_metrics_that_did_not_come() -> None:
    c = shop("web")
    c.pod("web")["status"]["startTime"] = (AT - timedelta(minutes=1)).isoformat()
    _says(_scaler(c), "ScalingActive", "False", "FailedGetResourceMetric", "no such API")
    assert heads(find, c) == ["0.72 autoscaler_without_metrics of Deployment/shop/web"]


def test_selectors_that_overlap_are_a_conflict() -> None:
    c = shop("web")
    message = "pods by selector app=web are controlled by multiple HPAs"
    _says(_scaler(c), "ScalingActive", "False", "AmbiguousSelector", message)
    assert whole(find, c) == [
        "0.9 autoscaler_conflict of Deployment/shop/web",
        f"told: {message}",
        f"object {_REF}: {message}",
        "facts: FoughtOver workload=Deployment web",
    ]


def test_a_target_that_does_not_exist_is_told_with_the_workload_of_the_nearest_name() -> None:
    c = shop("web", "website", "cart")
    _says(_scaler(c, "webs"), "AbleToScale", "False", "FailedGetScale", "webs not found")
    text = "autoscaling.lost kind=Deployment, message=webs not found, target=webs"
    assert whole(find, c) == [
        f"0.9 autoscaler_target_missing of {_REF}",
        f"told: {text}",
        f"object {_REF}: {text}",
        "facts: LostScaler name=webs, near=web, scaler=object scaler",
    ]


@pytest.mark.parametrize(
    ("target", "near"),
    [
        ("web-frontend", "web"),  # a name that stands in it
        ("we", "web"),  # a name that it stands in
        ("cqrt", "cart"),  # three letters of four
        ("cqqt", ""),  # two of four
        ("abcdefgxyz", "abcdefgpqr"),  # seven of ten
        ("abcdefwxyz", ""),  # six of ten
        ("zzz", ""),
    ],
)
def test_a_name_is_near_that_is_alike_or_holds_the_other(target: str, near: str) -> None:
    c = shop("web", "cart", "abcdefgpqr")
    _says(_scaler(c, target), "AbleToScale", "False", "FailedGetScale", "not found")
    assert [one.facts.near for one in found(find, c)] == [near]


def test_a_near_name_is_of_the_same_kind_and_namespace() -> None:
    c = shop("web")
    _says(
        _scaler(c, "webs", target_kind="StatefulSet"),
        "AbleToScale",
        "False",
        "FailedGetScale",
        "not found",
    )
    assert [one.facts.near for one in found(find, c)] == [""]
    c = shop("web")
    scaler = _scaler(c, "webs")
    scaler["metadata"]["namespace"] = "other"
    c.objects["pods"].append({"metadata": {"name": "p", "namespace": "other"}})
    _says(scaler, "AbleToScale", "False", "FailedGetScale", "not found")
    assert [one.facts.near for one in found(find, everywhere(c.bundle()))] == [""]
    assert heads(find, c) == [], "of another namespace than the alert's"


@pytest.mark.parametrize(
    ("status", "reason"), [("True", "FailedGetScale"), ("False", "FailedUpdateScale")]
)
def test_a_target_is_only_missing_where_it_could_not_be_read(status: str, reason: str) -> None:
    c = shop("web")
    _says(_scaler(c, "webs"), "AbleToScale", status, reason)
    assert heads(find, c) == []


def test_what_keeps_it_from_its_target_comes_before_what_it_measures() -> None:
    c = shop("web")
    scaler = _scaler(c, "webs")
    _says(scaler, "ScalingActive", "False", "FailedGetResourceMetric", "none")
    _says(scaler, "AbleToScale", "False", "FailedGetScale", "not found")
    assert heads(find, c) == [f"0.9 autoscaler_target_missing of {_REF}"]


@pytest.mark.parametrize(
    ("reason", "message", "head"),
    [
        (
            "FailedGetResourceMetric",
            "missing request for cpu",
            "0.9 autoscaler_without_metrics of Deployment/shop/web",
        ),
        (
            "FailedComputeMetricsReplicas",
            "invalid metrics",
            "0.72 autoscaler_without_metrics of Deployment/shop/web",
        ),
        (
            "FailedGetExternalMetrics",
            "none",
            "0.72 autoscaler_without_metrics of Deployment/shop/web",
        ),
        ("FailedGetScale", "web not found", f"0.9 autoscaler_target_missing of {_REF}"),
        ("SuccessfulRescale", "New size: 3", ""),
    ],
)
def test_without_conditions_the_newest_event_tells(reason: str, message: str, head: str) -> None:
    c = shop("web")
    _scaler(c)
    c.event("HorizontalPodAutoscaler", "scaler", reason, message)
    c.objects["events"].insert(
        0,
        {
            "type": "Warning",
            "reason": "FailedGetScale" if "Metric" in reason else "FailedGetResourceMetric",
            "message": "earlier",
            "involvedObject": {
                "kind": "HorizontalPodAutoscaler",
                "namespace": "shop",
                "name": "scaler",
            },
            "lastTimestamp": "2026-05-04T11:00:00Z",
        },
    )
    assert heads(find, c) == ([head] if head else [])


def test_two_autoscalers_of_one_workload_are_told_once_for_each_pair() -> None:
    c = shop("web", "cart")
    for target, name in (("web", "one"), ("cart", "other"), ("web", "two"), ("gone", "g1")):
        _scaler(c, target, name)
    _scaler(c, "gone", "g2")
    text = "autoscaling.doubled one=one, two=two, workload=Deployment/shop/web"
    assert whole(find, c) == [
        "0.85 autoscaler_conflict of Deployment/shop/web",
        f"told: {text}",
        f"object HorizontalPodAutoscaler/shop/one: {text}",
        "facts: FoughtOver workload=Deployment web",
    ]


def test_a_vertical_autoscaler_on_what_the_other_one_measures_is_a_conflict() -> None:
    c = shop("web")
    scaler = _scaler(c)
    memory = {"resource": {"name": "memory", "target": {"averageUtilization": 60}}}
    scaler["spec"]["metrics"].append(memory)
    _vertical(c)
    ref = "autoscaling.k8s.io/v1 VerticalPodAutoscaler/shop/sizer"
    text = (
        "autoscaling.fought_over mode=Auto, resources=[cpu, memory], scaler=scaler, vertical=sizer"
    )
    assert whole(find, c) == [
        "0.7 autoscaler_conflict of Deployment/shop/web",
        f"told: {text}",
        f"object VerticalPodAutoscaler/shop/sizer: {text}",
        f"facts: FoughtOver vertical=object sizer, vertical_ref={ref}, workload=Deployment web",
    ]


@pytest.mark.parametrize(
    ("mode", "acts"),
    [
        ("Auto", True),
        ("Recreate", True),
        ("InPlaceOrRecreate", True),
        ("Initial", True),
        ("Off", False),
    ],
)
def test_a_vertical_autoscaler_fights_only_where_it_changes_pods(mode: str, acts: bool) -> None:
    c = shop("web")
    _scaler(c)
    _vertical(c, mode=mode)
    expected = ["0.7 autoscaler_conflict of Deployment/shop/web"]
    assert heads(find, c) == (expected if acts else [])


@pytest.mark.parametrize(
    ("policies", "fights"),
    [
        ([{"controlledResources": ["cpu"]}], True),
        ([{"controlledResources": ["memory"]}], False),
        ([{"controlledResources": []}], False),
        ([{"controlledResources": ["memory"]}, {"controlledResources": ["cpu"]}], True),
        ([{"controlledResources": ["memory"]}, {"mode": "Auto"}], False),
        ([{"mode": "Off"}], False),
        ([{"mode": "Off"}, {"mode": "Auto"}], True),
        ([], True),
    ],
)
def test_a_vertical_autoscaler_fights_over_what_its_policies_leave_to_it(
    policies: list[Obj], fights: bool
) -> None:
    c = shop("web")
    _scaler(c)
    _vertical(c)["spec"]["resourcePolicy"] = {"containerPolicies": policies}
    assert len(heads(find, c)) == fights


def test_a_vertical_autoscaler_of_another_workload_or_of_a_missing_one_fights_with_nobody() -> None:
    c = shop("web", "cart")
    _scaler(c)
    _vertical(c, "cart")
    assert heads(find, c) == []
    c = shop("web")
    _scaler(c, "gone")
    _vertical(c, "gone")
    assert heads(find, c) == []


def test_swings_that_events_tell_of_make_the_fight_surer_and_the_last_two_are_shown() -> None:
    c = shop("web")
    _scaler(c)
    _vertical(c, mode="Recreate")
    c.event("Deployment", "web", "ScalingReplicaSet", "scaled up")
    assert heads(find, c) == ["0.7 autoscaler_conflict of Deployment/shop/web"]
    pod = c.pod("web")["metadata"]["name"]
    c.event("Pod", pod, "EvictedByVPA", "evicted by the updater")
    assert "0.88 autoscaler_conflict of Deployment/shop/web" in heads(find, c)
    c.event("Pod", pod, "EvictedPod", "evicted again")
    c.event("HorizontalPodAutoscaler", "scaler", "SuccessfulRescale", "New size: 3")
    assert whole(find, c)[3:5] == ["event: evicted again", "event: New size: 3"]


def test_the_rescaling_of_the_autoscaler_alone_is_a_swing() -> None:
    c = shop("web")
    _scaler(c)
    _vertical(c)
    c.event("HorizontalPodAutoscaler", "scaler", "SuccessfulRescale", "New size: 3")
    assert heads(find, c) == ["0.88 autoscaler_conflict of Deployment/shop/web"]
