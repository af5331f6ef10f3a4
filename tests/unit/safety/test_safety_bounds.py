"""Quotas and disruption budgets in the shapes that clusters have: scopes, expressions, percentages, defaults, autoscalers."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from manifests.objects.selectors import matches
from manifests.objects.workloads import replicas as wanted_of
from manifests.objects.workloads import rounded
from safety.core import workloads
from schemas.base import ObjectRef
from schemas.plans import FieldChange
from tests.unit.safety.test_safety_checks import (
    cpu,
    deployment,
    examined,
    objects,
    plan,
    quota,
    replicas,
    scaler,
    verdict,
)

HPA = ObjectRef(
    api_version="autoscaling/v2", kind="HorizontalPodAutoscaler", namespace="shop", name="api"
)


def with_pod(**fields: Any) -> dict[str, Any]:
    found = deployment()
    found["spec"]["template"]["spec"] |= fields
    return found


def scoped(*scopes: str, **selector: Any) -> dict[str, Any]:
    """A quota without any room for the pods in its scope."""
    spec: dict[str, Any] = {"scopes": list(scopes)} if scopes else {}
    if selector:
        spec["scopeSelector"] = {"matchExpressions": [selector]}
    return quota({"pods": "2"}, {"pods": "2"}, **spec)


NO_RESOURCES = [{"name": "app", "image": "a"}]


@pytest.mark.parametrize(
    ("pod", "limits", "expected"),
    [
        ({}, scoped("NotTerminating"), "fail"),
        ({}, scoped("Terminating"), "pass"),
        ({"activeDeadlineSeconds": 60}, scoped("Terminating"), "fail"),
        ({"activeDeadlineSeconds": 60}, scoped("NotTerminating"), "pass"),
        ({}, scoped("NotBestEffort", "NotTerminating"), "fail"),
        ({}, scoped("NotBestEffort", "Terminating"), "pass"),
        ({"containers": NO_RESOURCES}, scoped("BestEffort"), "fail"),
        ({"containers": NO_RESOURCES}, scoped("NotBestEffort"), "pass"),
        (
            {"containers": NO_RESOURCES, "resources": {"requests": {"cpu": "1"}}},
            scoped("BestEffort"),
            "pass",
        ),
        (
            {"priorityClassName": "high"},
            scoped(scopeName="PriorityClass", operator="In", values=["high", "top"]),
            "fail",
        ),
        (
            {"priorityClassName": "low"},
            scoped(scopeName="PriorityClass", operator="In", values=["high"]),
            "pass",
        ),
        (
            {"priorityClassName": "low"},
            scoped(scopeName="PriorityClass", operator="NotIn", values=["high"]),
            "fail",
        ),
        (
            {"priorityClassName": "low"},
            scoped(scopeName="PriorityClass", operator="DoesNotExist"),
            "pass",
        ),
        ({"priorityClassName": "low"}, scoped("PriorityClass"), "fail"),
        ({}, scoped(scopeName="PriorityClass", operator="Exists"), "unknown"),
        ({}, scoped(scopeName="CrossNamespacePodAffinity", operator="Exists"), "pass"),
        (
            {
                "affinity": {
                    "podAntiAffinity": {
                        "preferredDuringSchedulingIgnoredDuringExecution": [
                            {"weight": 1, "podAffinityTerm": {"namespaces": ["x"]}}
                        ]
                    }
                }
            },
            scoped(scopeName="CrossNamespacePodAffinity", operator="Exists"),
            "fail",
        ),
        ({}, scoped("SomethingNew"), "unknown"),
        ({}, scoped(scopeName="BestEffort", operator="Near"), "unknown"),
    ],
)
def test_a_quota_counts_the_pods_in_its_scope(pod: Any, limits: Any, expected: str) -> None:
    found = objects(deployments=[with_pod(**pod)], resourcequotas=[limits])
    done = examined(plan(replicas(3)), found)
    assert verdict(done, "resource_quota")[0] == expected, verdict(done, "resource_quota")


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([], "pass"),
        ([{"metadata": {"name": "usual"}, "globalDefault": True}], "fail"),
        ([{"metadata": {"name": "usual"}}], "pass"),
    ],
)
def test_a_pod_without_a_class_has_the_clusters_default(classes: Any, expected: str) -> None:
    limits = scoped(scopeName="PriorityClass", operator="In", values=["usual"])
    found = objects(resourcequotas=[limits], priorityclasses=classes)
    assert verdict(examined(plan(replicas(3)), found), "resource_quota")[0] == expected


def limit_range(**entry: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "l", "namespace": "shop"},
        "spec": {"limits": [{"type": "Container", **entry}]},
    }


@pytest.mark.parametrize(
    ("hard", "ranges", "expected"),
    [
        ({"requests.cpu": "10"}, [], "fail"),
        ({"cpu": "10"}, [], "fail"),
        ({"limits.memory": "10Gi"}, [limit_range(default={"cpu": "1"})], "fail"),
        ({"requests.cpu": "10"}, [limit_range(defaultRequest={"cpu": "1"})], "pass"),
        ({"requests.cpu": "2"}, [limit_range(defaultRequest={"cpu": "1"})], "fail"),
        ({"requests.cpu": "10"}, [limit_range(default={"cpu": "1"})], "pass"),
        ({"requests.cpu": "10"}, None, "unknown"),
        ({"pods": "10"}, [], "pass"),
    ],
)
def test_what_a_container_leaves_unsaid_is_the_limit_ranges_or_refused(
    hard: dict[str, str], ranges: Any, expected: str
) -> None:
    limits = quota(hard, {name: "2" if name != "limits.memory" else "0" for name in hard})
    found = objects(deployments=[with_pod(containers=NO_RESOURCES)], resourcequotas=[limits])
    found |= {"limitranges": ranges}
    if ranges is None:
        del found["limitranges"]
    done = examined(plan(replicas(3)), found)
    assert verdict(done, "resource_quota")[0] == expected, verdict(done, "resource_quota")


def test_pods_that_quota_itself_refused_are_not_there_yet() -> None:
    """Wanted 2, one made: going to 3 makes two more."""
    starved = {**deployment(), "status": {"replicas": 1, "observedGeneration": 4}}
    limits = quota({"pods": "2"}, {"pods": "1"})
    found = objects(deployments=[starved], resourcequotas=[limits])
    assert verdict(examined(plan(replicas(3)), found), "resource_quota")[0] == "fail"


@pytest.mark.parametrize(("high", "expected"), [(5, "pass"), (6, "fail")])
def test_an_autoscaler_may_go_as_high_as_its_bound(high: int, expected: str) -> None:
    limits = quota({"limits.cpu": "1"}, {"limits.cpu": "400m"})
    found = objects(horizontalpodautoscalers=[scaler()], resourcequotas=[limits])
    change = FieldChange(path="spec.maxReplicas", before=4, after=high)
    done = examined(plan(change, kind="set_autoscaler_bounds", ref=HPA), found)
    assert verdict(done, "resource_quota")[0] == expected
    del found["deployments"]
    done = examined(plan(change, kind="set_autoscaler_bounds", ref=HPA), found)
    assert verdict(done, "resource_quota")[0] == "unknown"


def container(cpu: str, **more: Any) -> dict[str, Any]:
    return {"name": "c", "resources": {"requests": {"cpu": cpu}}, **more}


@pytest.mark.parametrize(
    ("pod", "cpu_cores"),
    [
        ({"containers": [container("1"), container("500m")]}, "1.5"),
        ({"containers": [container("1")], "initContainers": [container("3")]}, "3"),
        (
            {
                "containers": [container("1")],
                "initContainers": [container("2", restartPolicy="Always")],
            },
            "3",
        ),
        (
            {
                "containers": [container("1")],
                "initContainers": [container("2", restartPolicy="Always"), container("3")],
            },
            "5",
        ),
        (
            {
                "containers": [container("1")],
                "initContainers": [container("3"), container("1", restartPolicy="Always")],
            },
            "3",
        ),
        ({"containers": [container("1")], "resources": {"requests": {"cpu": "4"}}}, "4"),
        ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, "1.25"),
    ],
)
def test_a_pod_is_counted_as_the_scheduler_counts_it(pod: Any, cpu_cores: str) -> None:
    assert workloads.per_pod(with_pod(**pod), "requests")["cpu"] == Decimal(cpu_cores)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"parallelism": 4}}}}, 4),
        ({"kind": "Job", "spec": {"parallelism": 0}}, 0),
        ({"kind": "Job", "spec": {}}, 1),
        ({"kind": "DaemonSet", "status": {"desiredNumberScheduled": 7}}, 7),
        ({"kind": "Deployment", "spec": {"replicas": 0}}, 0),
    ],
)
def test_replicas_stand_where_each_kind_keeps_them(item: Any, expected: int) -> None:
    assert wanted_of(item) == expected


def budget(**spec: Any) -> dict[str, Any]:
    known = {"selector": {"matchLabels": {"app": "api"}}, **spec}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b", "namespace": "shop"},
        "spec": known,
    }


@pytest.mark.parametrize(
    ("spec", "before", "after", "expected"),
    [
        ({"minAvailable": 2}, 3, 2, "fail"),
        ({"minAvailable": 2}, 4, 3, "pass"),
        ({"minAvailable": 3}, 3, 3, "pass"),  # had no room before
        ({"minAvailable": 3}, 3, 2, "fail"),
        ({"minAvailable": "50%"}, 4, 2, "pass"),
        ({"minAvailable": "50%"}, 2, 1, "fail"),
        ({"minAvailable": "100%"}, 3, 2, "pass"),  # never had any
        ({"minAvailable": "67%"}, 4, 3, "fail"),  # three are needed of three
        ({"maxUnavailable": 1}, 3, 1, "pass"),
        ({"maxUnavailable": "10%"}, 3, 1, "pass"),  # rounds up
        ({"maxUnavailable": 0}, 3, 2, "pass"),
        ({}, 3, 1, "pass"),
        ({"minAvailable": "half"}, 3, 1, "unknown"),
        ({"minAvailable": 1.5}, 3, 1, "unknown"),
    ],
)
def test_a_budget_keeps_its_room(spec: Any, before: int, after: int, expected: str) -> None:
    found = objects(
        deployments=[deployment(replicas=before)], poddisruptionbudgets=[budget(**spec)]
    )
    change = replicas(after, before) if before != after else cpu("300m")
    done = examined(plan(change), found)
    assert verdict(done, "disruption_budget")[0] == expected, verdict(done, "disruption_budget")


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {
        "selector": {
            "matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]
        }
    }


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (expression("app", "In", "api", "web"), "fail"),
        (expression("app", "In", "web"), "pass"),
        (expression("app", "NotIn", "web"), "fail"),
        (expression("tier", "NotIn", "web"), "fail"),
        (expression("app", "Exists"), "fail"),
        (expression("app", "DoesNotExist"), "pass"),
        (expression("app", "Gt", "1"), "unknown"),
        ({"selector": {}}, "fail"),
        ({"selector": None}, "pass"),
        (
            {
                "selector": {
                    "matchLabels": {"app": "api"},
                    **expression("app", "DoesNotExist")["selector"],
                }
            },
            "pass",
        ),
    ],
)
def test_a_budgets_pods_are_those_its_selector_says(spec: Any, expected: str) -> None:
    found = objects(poddisruptionbudgets=[budget(minAvailable=2, **spec)])
    assert verdict(examined(plan(replicas(1)), found), "disruption_budget")[0] == expected


def test_an_old_budget_with_an_empty_selector_selects_nothing() -> None:
    old = {**budget(minAvailable=2, selector={}), "apiVersion": "policy/v1beta1"}
    found = objects(poddisruptionbudgets=[old])
    assert verdict(examined(plan(replicas(1)), found), "disruption_budget")[0] == "pass"


def test_workloads_that_share_a_budget_count_together() -> None:
    other = deployment(replicas=2)
    other["metadata"] = {"name": "api-canary", "namespace": "shop"}
    both = [deployment(), other]
    found = objects(deployments=both, poddisruptionbudgets=[budget(minAvailable=2)])
    assert verdict(examined(plan(replicas(1)), found), "disruption_budget")[0] == "pass"


def test_pods_that_leave_their_budget_are_unguarded() -> None:
    found = objects(poddisruptionbudgets=[budget(minAvailable=1)])
    change = FieldChange(path="spec.template.metadata.labels.app", before="api", after="web")
    done = examined(plan(change, kind="other"), found)
    assert verdict(done, "disruption_budget") == (
        "fail",
        "budget b would not guard these pods any more",
    )


@pytest.mark.parametrize(("low", "expected"), [(1, "fail"), (2, "pass"), (3, "pass")])
def test_an_autoscalers_lowest_point_keeps_the_budget(low: int, expected: str) -> None:
    found = objects(
        horizontalpodautoscalers=[scaler(minReplicas=3, maxReplicas=6)],
        poddisruptionbudgets=[budget(minAvailable=1)],
    )
    change = FieldChange(path="spec.minReplicas", before=3, after=low)
    done = examined(plan(change, kind="set_autoscaler_bounds", ref=HPA), found)
    assert verdict(done, "disruption_budget")[0] == expected


@pytest.mark.parametrize(
    ("value", "whole", "up", "expected"),
    [
        (3, 10, True, 3),
        ("25%", 10, True, 3),
        ("25%", 10, False, 2),
        ("0%", 10, True, 0),
        ("150%", 2, True, 3),
    ],
)
def test_percentages_round_as_told(value: Any, whole: int, up: bool, expected: int) -> None:
    assert rounded(value, whole, math.ceil if up else math.floor) == expected


@pytest.mark.parametrize("value", [None, True, 2.5, "2", "-5%", "x%", ""])
def test_what_is_neither_number_nor_percentage_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="neither"):
        rounded(value, 10, math.ceil)


def test_an_empty_selector_matches_everything() -> None:
    assert matches({}, {})
    assert matches({}, {"a": "b"})
    assert not matches({"matchLabels": {"a": "b"}}, {})
