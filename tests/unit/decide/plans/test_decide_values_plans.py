"""What is drafted for requests and limits that a LimitRange bounds, a quota demands, or validation refuses."""

from __future__ import annotations

from typing import Any

from decide.core.families.admission.facts import RefusedPods
from decide.core.families.admission.plans import values
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import BACK, Builder, changed_lately, drafted, pod_spec, shop


def _with(*containers: dict[str, Any], init: dict[str, Any] | None = None) -> Cluster:
    """``web`` with containers ``main`` and ``side`` of these resources."""
    cluster = shop()
    spec = pod_spec(cluster)
    spec["containers"] = [
        {"name": name, "image": "i:1", "resources": resources}
        for name, resources in zip(("main", "side"), containers, strict=False)
    ]
    if init is not None:
        spec["initContainers"] = [{"name": "first", "image": "i:1", "resources": init}]
    return cluster


def _drafts(builder: Builder, cluster: Cluster, message: str) -> list[str]:
    return drafted(builder, cluster, lambda w, _: RefusedPods(workload=w, message=message))


def _changes(builder: Builder, cluster: Cluster, message: str) -> list[str]:
    """Just the changes of it, without their object."""
    start = "  apps/v1 Deployment/shop/web :"
    found = _drafts(builder, cluster, message)
    return [line.removeprefix(start) for line in found if line.startswith(start)]


def test_what_is_above_the_maximum_comes_down_to_it_in_each_container() -> None:
    cluster = _with(
        {"requests": {"memory": "64Mi"}, "limits": {"memory": "2Gi"}},
        {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        init={"requests": {"memory": "1025Mi"}, "limits": {"memory": "1025Mi"}},
    )
    changed_lately(cluster)
    message = "maximum memory usage per Container is 1Gi, but limit is 2Gi"
    assert _drafts(values.limit_range, cluster, message) == [
        "set_memory 0.8 admission.limit_range.title workload=web",
        "  why admission.limit_range.why detail=seen",
        "  risk admission.limit_range.too_little",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :initContainers[name=first].resources.limits.memory: "1025Mi" → "1Gi"',
        '  apps/v1 Deployment/shop/web :initContainers[name=first].resources.requests.memory: "1025Mi" → "1Gi"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits.memory: "2Gi" → "1Gi"',
        *BACK,
    ]


def test_what_is_below_the_minimum_goes_up_to_it_in_each_container() -> None:
    cluster = _with(
        {"requests": {"cpu": "50m"}, "limits": {"cpu": "200m"}},
        {"requests": {"cpu": "100m"}, "limits": {"cpu": "100m"}},
        init={"requests": {"cpu": "99m"}, "limits": {"cpu": "99m"}},
    )
    message = "minimum cpu usage per Container is 100m, but request is 50m"
    assert _drafts(values.limit_range, cluster, message) == [
        "set_cpu 0.8 admission.limit_range.title workload=web",
        "  why admission.limit_range.why detail=seen",
        "  risk admission.limit_range.too_little",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :initContainers[name=first].resources.limits.cpu: "99m" → "100m"',
        '  apps/v1 Deployment/shop/web :initContainers[name=first].resources.requests.cpu: "99m" → "100m"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.cpu: "50m" → "100m"',
    ]


def test_a_limit_or_request_that_is_missing_is_stated_at_the_bound() -> None:
    cluster = _with({"requests": {"cpu": "1"}}, {"limits": {"cpu": "1"}}, init={})
    limit = "maximum cpu usage per Container is 2.  No limit is specified"
    assert _changes(values.limit_range, cluster, limit) == [
        'initContainers[name=first].resources.limits: + {"cpu": "2"}',
        'containers[name=main].resources.limits: + {"cpu": "2"}',
    ]
    request = "minimum cpu usage per Container is 200m. No request is specified"
    assert _changes(values.limit_range, cluster, request) == [
        'initContainers[name=first].resources.requests: + {"cpu": "200m"}',
        'containers[name=side].resources.requests: + {"cpu": "200m"}',
    ]
    nothing = "minimum cpu usage per Container is 200m, but request is 100m"
    assert _changes(values.limit_range, cluster, nothing) == []


def test_two_bounds_in_one_refusal_are_both_kept() -> None:
    cluster = _with({"requests": {"cpu": "3", "memory": "2Gi"}, "limits": {"cpu": "3"}})
    message = (
        "[maximum cpu usage per Container is 2, but limit is 3, "
        "maximum memory usage per Container is 1Gi, but request is 2Gi]"
    )
    assert _drafts(values.limit_range, cluster, message) == [
        "set_memory 0.8 admission.limit_range.title workload=web",
        "  why admission.limit_range.why detail=seen",
        "  risk admission.limit_range.too_little",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits.cpu: "3" → "2"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.cpu: "3" → "2"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.memory: "2Gi" → "1Gi"',
    ]


def test_a_bound_on_the_pod_takes_the_same_part_from_each_container() -> None:
    cluster = _with(
        {"requests": {"memory": "3Gi"}, "limits": {"memory": "3Gi"}},
        {"requests": {"memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        init={"limits": {"memory": "9Gi"}},
    )
    message = "maximum memory usage per Pod is 2Gi, but limit is 4294967296"
    assert _changes(values.limit_range, cluster, message) == [
        'containers[name=main].resources.limits.memory: "3Gi" → "1536Mi"',
        'containers[name=main].resources.requests.memory: "3Gi" → "1536Mi"',
        'containers[name=side].resources.limits.memory: "1Gi" → "512Mi"',
    ]


def test_a_bound_on_the_pods_requests_leaves_its_limits() -> None:
    cluster = _with({"requests": {"cpu": "2"}, "limits": {"cpu": "3"}}, {"requests": {"cpu": "1"}})
    message = "maximum cpu usage per Pod is 1, but request is 3"
    assert _changes(values.limit_range, cluster, message) == [
        'containers[name=main].resources.requests.cpu: "2" → "666m"',
        'containers[name=side].resources.requests.cpu: "1" → "333m"',
    ]


def test_a_bound_on_a_pod_whose_limits_are_missing_is_about_its_limits() -> None:
    cluster = _with({"limits": {"cpu": "2"}}, {"limits": {"cpu": "2"}})
    message = "maximum cpu usage per Pod is 3.  No limit is specified"
    assert _changes(values.limit_range, cluster, message) == [
        'containers[name=main].resources.limits.cpu: "2" → "1500m"',
        'containers[name=side].resources.limits.cpu: "2" → "1500m"',
    ]


def test_a_pod_within_its_bound_and_one_below_its_minimum_stay_as_they_are() -> None:
    cluster = _with({"limits": {"cpu": "2"}}, {"limits": {"cpu": "1"}})
    within = "maximum cpu usage per Pod is 3, but limit is 3"
    assert _changes(values.limit_range, cluster, within) == []
    below = "minimum cpu usage per Pod is 4, but limit is 3"
    assert _changes(values.limit_range, cluster, below) == []
    nothing = "maximum memory usage per Pod is 0, but limit is 3"
    assert _changes(values.limit_range, cluster, nothing) == []


def test_requests_come_nearer_to_limits_that_are_too_many_times_as_large() -> None:
    cluster = _with(
        {"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}},
        {"requests": {"cpu": "500m"}, "limits": {"cpu": "2"}},
        init={"requests": {"cpu": "0"}, "limits": {"cpu": "2"}},
    )
    message = "cpu max limit to request ratio per Container is 4, but provided ratio is 10.000000"
    assert _drafts(values.limit_range, cluster, message) == [
        "set_cpu 0.8 admission.limit_range.title workload=web",
        "  why admission.limit_range.why detail=seen",
        "  risk admission.limit_range.too_little",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.cpu: "100m" → "250m"',
    ]


def test_a_ratio_is_no_matter_where_one_of_the_two_is_missing() -> None:
    message = "memory max limit to request ratio per Container is 1.5, but provided ratio is 2"
    for stated in ({"limits": {"memory": "3Gi"}}, {"requests": {"memory": "3Gi"}}):
        assert _changes(values.limit_range, _with(stated), message) == []
    both = {"requests": {"memory": "1Gi"}, "limits": {"memory": "3Gi"}}
    assert _changes(values.limit_range, _with(both), message) == [
        'containers[name=main].resources.requests.memory: "1Gi" → "2Gi"',
    ]


def test_values_that_a_quota_demands_are_taken_from_the_containers_own_other_value() -> None:
    cluster = _with({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1"}})
    changed_lately(cluster)
    message = "failed quota: q: must specify limits.cpu for: main; requests.memory for: main"
    assert _drafts(values.stated_values, cluster, message) == [
        "set_memory 0.78 admission.values.title values=[limits.cpu, requests.memory] workload=web",
        "  why admission.values.why detail=seen",
        "  risk admission.values.too_low",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.memory: + "1Gi"',
        *BACK,
    ]


def test_values_are_demanded_in_two_spellings_and_without_a_word_before() -> None:
    cluster = _with({"limits": {"cpu": "1"}, "requests": {"memory": "1Gi"}})
    assert _changes(values.stated_values, cluster, "must specify limits.memory,requests.cpu") == [
        'containers[name=main].resources.limits.memory: + "1Gi"',
        'containers[name=main].resources.requests.cpu: + "1"',
    ]
    assert _changes(values.stated_values, cluster, "must specify cpu for: main") == [
        'containers[name=main].resources.requests.cpu: + "1"',
    ]


def test_what_a_quota_demands_of_cpu_alone_is_a_plan_for_cpu() -> None:
    cluster = _with(
        {"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, init={"limits": {"cpu": "3"}}
    )
    assert _drafts(values.stated_values, cluster, "must specify requests.cpu") == [
        "set_cpu 0.78 admission.values.title values=[requests.cpu] workload=web",
        "  why admission.values.why detail=seen",
        "  risk admission.values.too_low",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :initContainers[name=first].resources.requests: + {"cpu": "3"}',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests: + {"cpu": "1"}',
        '  apps/v1 Deployment/shop/web :containers[name=side].resources.requests: + {"cpu": "2"}',
    ]


def test_no_value_is_drafted_where_one_of_them_cannot_be_told() -> None:
    cluster = _with({"limits": {"storage": "1"}}, {})
    changed_lately(cluster)
    assert _drafts(values.stated_values, cluster, "must specify requests.storage") == BACK


def test_nothing_is_changed_where_all_that_is_demanded_is_stated() -> None:
    cluster = _with({"requests": {"cpu": "1"}})
    assert _changes(values.stated_values, cluster, "must specify requests.cpu") == []
    assert _changes(values.stated_values, cluster, "no demand at all") == []


_REFUSED = (
    "spec.containers[0].resources.requests: Invalid value: "
    '"{now}": must be less than or equal to {resource} limit{of}'
)


def test_a_request_above_its_limit_comes_down_to_it() -> None:
    cluster = _with(
        {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}},
        {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        init={"requests": {"memory": "3Gi"}, "limits": {"memory": "2Gi"}},
    )
    changed_lately(cluster)
    message = _REFUSED.format(now="2Gi", resource="memory", of="")
    assert _drafts(values.invalid, cluster, message) == [
        *BACK,
        "set_memory 0.85 admission.invalid.lower resource=(drafting.resource.memory)",
        "  why drafting.because detail=seen",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :initContainers[name=first].resources.requests.memory: "3Gi" → "2Gi"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.memory: "2Gi" → "1Gi"',
    ]


def test_a_request_above_a_default_limit_gets_a_limit_of_its_own_first() -> None:
    cluster = _with(
        {"requests": {"cpu": "2"}},
        {"requests": {"cpu": "1"}},
        init={"requests": {"cpu": "2"}, "limits": {"cpu": "1500m"}},
    )
    message = _REFUSED.format(now="2", resource="cpu", of=" of 1")
    assert _drafts(values.invalid, cluster, message) == [
        "set_cpu 0.88 admission.invalid.state resource=(drafting.resource.cpu)",
        "  why drafting.because detail=seen",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits: + {"cpu": "2"}',
        "set_cpu 0.7 admission.invalid.lower resource=(drafting.resource.cpu)",
        "  why drafting.because detail=seen",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :initContainers[name=first].resources.requests.cpu: "2" → "1500m"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.cpu: "2" → "1"',
    ]


def test_an_init_container_above_a_default_limit_gets_a_limit_of_its_own_too() -> None:
    cluster = _with({"requests": {"cpu": "1"}}, init={"requests": {"cpu": "2"}})
    message = _REFUSED.format(now="2", resource="cpu", of=" of 1")
    assert _changes(values.invalid, cluster, message) == [
        'initContainers[name=first].resources.limits: + {"cpu": "2"}',
        'initContainers[name=first].resources.requests.cpu: "2" → "1"',
    ]


def test_a_limit_is_no_default_where_the_refusal_names_no_bound() -> None:
    cluster = _with({"requests": {"cpu": "2"}})
    assert _changes(values.invalid, cluster, _REFUSED.format(now="2", resource="cpu", of="")) == []


def test_another_refusal_is_just_a_reason_to_go_back() -> None:
    cluster = _with({"requests": {"cpu": "2"}})
    changed_lately(cluster)
    assert _drafts(values.invalid, cluster, "Invalid value") == BACK
