"""Where each check turns: what just fits passes, one unit more fails, and the object that breaks a bound may be any of
several.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety.core import Policy, check_plan, validated
from safety.core.policy import EnvironmentPolicy
from schemas.base import ObjectRef
from schemas.context import SourceStatus
from schemas.plans import ActionPlan, FieldChange, FixKind, KubernetesChange
from schemas.validated import ValidatedPlan
from tests.unit.safety.test_safety_checks import (
    CPU,
    MEMORY,
    PROVEN,
    REF,
    candidate,
    cpu,
    deployment,
    examined,
    objects,
    pattern,
    plan,
    quota,
    replicas,
    scaler,
    verdict,
)

WEB = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="web")
HPA = ObjectRef(
    api_version="autoscaling/v2", kind="HorizontalPodAutoscaler", namespace="shop", name="api"
)
#: What one pod of the sample asks for, by the names that a quota has for it; in thousandths of a core and MiB.
PER_POD = {
    "requests.cpu": (100, "m"),
    "cpu": (100, "m"),
    "limits.cpu": (200, "m"),
    "requests.memory": (128, "Mi"),
    "memory": (128, "Mi"),
    "limits.memory": (256, "Mi"),
    "pods": (1, ""),
    "count/pods": (1, ""),
}


def named(item: dict[str, Any], name: str, namespace: str = "shop") -> dict[str, Any]:
    return {**item, "metadata": {"name": name, "namespace": namespace}}


def sized(name: str = "app", **resources: Mapping[str, str]) -> dict[str, Any]:
    return {"name": name, "resources": dict(resources)}


def of_pods(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    found = deployment(**spec)
    found["spec"]["template"]["spec"] = {"containers": list(containers)}
    return found


def creating(manifest: dict[str, Any], kind: FixKind = "other") -> ActionPlan:
    about = manifest["metadata"]
    ref = ObjectRef(
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        namespace=about["namespace"],
        name=about["name"],
    )
    change = KubernetesChange(object=ref, action="create", manifest=manifest)
    return plan(kind=kind).model_copy(update={"kubernetes_changes": (change,)})


def checked(done: ValidatedPlan, name: str) -> str:
    return verdict(done, name)[0]


def numbers(done: ValidatedPlan, name: str) -> Mapping[str, str]:
    return next(c for c in done.checks if c.name == name).numbers


# --- an object that a plan creates is looked at like one that it changes


@pytest.mark.parametrize(
    ("container", "check"),
    [
        (sized(requests={"cpu": "2"}, limits={"cpu": "1"}), "requests_within_limits"),
        (sized(requests={"cpu": "17"}), "scaling_ceiling"),
        (sized(requests={"memory": "65Gi"}), "scaling_ceiling"),
        (sized(requests={"cpu": "5"}), "node_fit"),
        (sized(requests={"memory": "9Gi"}), "node_fit"),
    ],
)
def test_what_a_plan_creates_is_checked_whole(container: dict[str, Any], check: str) -> None:
    made = named(of_pods(container), "new")
    done = examined(creating(made))
    assert checked(done, check) == "fail", verdict(done, check)
    assert not done.accepted
    assert checked(examined(creating(named(deployment(), "new"))), check) == "pass"


@pytest.mark.parametrize(("room", "expected"), [(2, "pass"), (1, "fail")])
def test_all_pods_of_what_a_plan_creates_need_quota(room: int, expected: str) -> None:
    limits = quota({"pods": str(10 + room)}, {"pods": "10"})
    done = examined(
        creating(named(deployment(strategy={"type": "Recreate"}), "new")),
        objects(resourcequotas=[limits]),
    )
    assert checked(done, "resource_quota") == expected


def test_what_a_plan_creates_stays_in_the_limit_ranges_of_its_namespace() -> None:
    entry = {"type": "Container", "max": {"cpu": "150m"}}
    limits = {"metadata": {"name": "l", "namespace": "shop"}, "spec": {"limits": [entry]}}
    made = creating(named(deployment(), "new"))
    assert checked(examined(made, objects(limitranges=[limits])), "limit_range") == "fail"
    elsewhere = {**limits, "metadata": {"name": "l", "namespace": "other"}}
    assert checked(examined(made, objects(limitranges=[elsewhere])), "limit_range") == "pass"


def test_an_object_without_pods_needs_no_room() -> None:
    made = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "shop"},
        "data": {"a": "b"},
    }
    full = quota({"pods": "2", "limits.cpu": "1"}, {"pods": "2", "limits.cpu": "1"})
    done = examined(creating(made), objects(resourcequotas=[full]))
    assert done.accepted, done.rejected_by


def test_too_many_replicas_are_too_many_from_the_start() -> None:
    assert checked(
        examined(creating(named(deployment(replicas=51), "new"))), "scaling_ceiling"
    ) == ("fail")
    assert checked(
        examined(creating(named(deployment(replicas=50), "new"))), "scaling_ceiling"
    ) == ("pass")


# --- a plan of several objects is as good as its worst


@pytest.mark.parametrize("bad_first", [True, False])
@pytest.mark.parametrize(
    ("bad", "check"),
    [
        (cpu("50m"), "requests_within_limits"),
        (cpu("16001m"), "scaling_ceiling"),
        (replicas(9), "scaling_ceiling"),
        (
            FieldChange(path=MEMORY.replace("limits", "requests"), before="128Mi", after="9Gi"),
            "node_fit",
        ),
    ],
)
def test_one_bad_change_of_two_is_enough(bad: FieldChange, check: str, bad_first: bool) -> None:
    found = objects(deployments=[deployment(), named(deployment(), "web")])
    good = replicas(3)
    for ref_bad, ref_good in ((REF, WEB), (WEB, REF)):
        changes = [
            KubernetesChange(object=ref_bad, fields=(bad,)),
            KubernetesChange(object=ref_good, fields=(good,)),
        ]
        ordered = tuple(changes if bad_first else reversed(changes))
        done = examined(plan().model_copy(update={"kubernetes_changes": ordered}), found)
        assert checked(done, check) == "fail"


@pytest.mark.parametrize("order", [1, -1])
def test_every_quota_of_the_namespace_must_have_room(order: int) -> None:
    wide, narrow = (quota({"pods": most}, {"pods": "2"}) for most in ("9", "2"))
    other = named(quota({"pods": "0"}, {"pods": "0"}), "q", "other")
    found = objects(resourcequotas=[other, *[wide, narrow][::order]])
    assert checked(examined(plan(replicas(3)), found), "resource_quota") == "fail"
    found = objects(resourcequotas=[other, wide])
    assert checked(examined(plan(replicas(3)), found), "resource_quota") == "pass"


@pytest.mark.parametrize("order", [1, -1])
def test_every_budget_of_the_namespace_keeps_its_room(order: int) -> None:
    def budget(least: int, namespace: str = "shop", app: str = "api") -> dict[str, Any]:
        return {
            "apiVersion": "policy/v1",
            "metadata": {"name": f"b{least}", "namespace": namespace},
            "spec": {"minAvailable": least, "selector": {"matchLabels": {"app": app}}},
        }

    strange = [budget(2, "other"), budget(2, app="web")]
    found = objects(poddisruptionbudgets=[*strange, *[budget(0), budget(1)][::order]])
    assert checked(examined(plan(replicas(1)), found), "disruption_budget") == "fail"
    found = objects(poddisruptionbudgets=[*strange, budget(0)])
    assert checked(examined(plan(replicas(1)), found), "disruption_budget") == "pass"


# --- quota


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(PER_POD)),
    st.integers(1, 8),
    st.integers(1, 8),
    st.integers(0, 5000),
)
def test_more_replicas_need_just_what_their_pods_ask_for(
    resource: str, now: int, then: int, used: int
) -> None:
    each, unit = PER_POD[resource]
    need = max(0, then - now) * each

    def with_room(room: int) -> str:
        limits = quota({resource: f"{used + room}{unit}"}, {resource: f"{used}{unit}"})
        found = objects(deployments=[deployment(replicas=now)], resourcequotas=[limits])
        done = examined(
            plan(replicas(then, now)) if now != then else plan(replicas(then + 1, now)), found
        )
        return checked(done, "resource_quota")

    if then == now:
        need = each
    assert with_room(need) == "pass"
    if need:
        assert with_room(need - 1) == "fail"
    else:
        assert (
            with_room(-1 if used else 0) == "pass"
        )  # fewer pods fit where more is used than allowed


@settings(max_examples=60)
@given(
    st.integers(1, 7),
    st.integers(2, 6),
    st.integers(1, 4),
    st.sampled_from(["RollingUpdate", "Recreate"]),
    st.integers(0, 1),
)
def test_a_rollout_needs_its_growth_and_an_old_pod_beside_where_none_may_go_first(
    count: int, factor: int, surge: int, strategy: str, unavailable: int
) -> None:
    """Where none may go first, the last old pod is there until the last new one is ready; a surge that finds no room waits."""
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    spec: dict[str, Any] = {"type": strategy}
    if strategy == "RollingUpdate":
        spec["rollingUpdate"] = rolling
    after = 100 * factor
    beside = 100 if strategy == "RollingUpdate" and not unavailable else 0
    need = (after - 100) * count + beside

    def with_room(room: int) -> str:
        limits = quota({"requests.cpu": f"{room}m"}, {"requests.cpu": "0"})
        item = deployment(replicas=count, strategy=spec)
        found = objects(deployments=[item], resourcequotas=[limits])
        path = CPU.replace("limits", "requests")
        change = FieldChange(path=path, before="100m", after=f"{after}m")
        return checked(examined(plan(change), found), "resource_quota")

    assert with_room(need) == "pass"
    assert with_room(need - 1) == "fail"


@pytest.mark.parametrize(
    ("count", "beside"),
    [(1, 1), (2, 1), (3, 1), (4, 0), (8, 0)],
)
def test_without_a_word_a_deployment_may_lose_and_add_a_quarter(count: int, beside: int) -> None:
    """25 % of three, rounded down, is none that may go first; 25 % rounded up is one that comes beside."""

    def with_room(room: int) -> str:
        limits = quota({"limits.memory": f"{room}Mi"}, {"limits.memory": "0"})
        found = objects(deployments=[deployment(replicas=count)], resourcequotas=[limits])
        return checked(examined(plan(cpu("300m")), found), "resource_quota")

    need = 256 * beside  # the memory stays as it is
    assert with_room(need) == "pass"
    if need:
        assert with_room(need - 1) == "fail"


def test_the_numbers_of_a_quota_are_told() -> None:
    limits = quota({"limits.cpu": "1"}, {"limits.cpu": "400m"})
    done = examined(plan(replicas(4)), objects(resourcequotas=[limits]))
    assert dict(numbers(done, "resource_quota")) == {"q limits.cpu": "400m used + 400m of 1"}


def test_pods_go_from_what_is_there_to_what_is_wanted() -> None:
    """Three of four wanted pods were made; a fifth needs room for two."""
    item = {**deployment(replicas=4), "status": {"replicas": 3}}
    for room, expected in ((2, "pass"), (1, "fail")):
        limits = quota({"pods": str(3 + room)}, {"pods": "3"})
        found = objects(deployments=[item], resourcequotas=[limits])
        assert checked(examined(plan(replicas(5, 4)), found), "resource_quota") == expected


def test_more_pods_than_wanted_do_not_count_as_there() -> None:
    """While old ones still end, only the wanted ones will stay."""
    item = {**deployment(replicas=2), "status": {"replicas": 5}}
    limits = quota({"pods": "5"}, {"pods": "5"})
    found = objects(deployments=[item], resourcequotas=[limits])
    assert checked(examined(plan(replicas(3)), found), "resource_quota") == "fail"


@pytest.mark.parametrize(("high", "expected"), [(6, "pass"), (7, "fail")])
def test_an_autoscaler_may_add_what_is_between_the_running_pods_and_its_bound(
    high: int, expected: str
) -> None:
    item = {**deployment(replicas=4), "status": {"replicas": 3}}
    limits = quota({"pods": "6"}, {"pods": "3"})
    found = objects(
        deployments=[item], horizontalpodautoscalers=[scaler()], resourcequotas=[limits]
    )
    change = FieldChange(path="spec.maxReplicas", before=4, after=high)
    done = examined(plan(change, kind="set_autoscaler_bounds", ref=HPA), found)
    assert checked(done, "resource_quota") == expected


# --- the node


@pytest.mark.parametrize(
    ("resource", "asked", "expected"),
    [
        ("cpu", "4", "pass"),
        ("cpu", "4001m", "fail"),
        ("memory", "8Gi", "pass"),
        ("memory", f"{8 * 2**30 + 1}", "fail"),
    ],
)
def test_a_pod_may_fill_the_largest_node(resource: str, asked: str, expected: str) -> None:
    small = {"metadata": {"name": "n0"}, "status": {"allocatable": {"cpu": "1", "memory": "1Gi"}}}
    for place in (0, 1):
        found = objects()
        found["nodes"].insert(place, small)
        made = creating(named(of_pods(sized(requests={resource: asked})), "new"))
        assert checked(examined(made, found), "node_fit") == expected


def test_all_containers_of_a_pod_are_on_one_node() -> None:
    made = of_pods(sized("a", requests={"cpu": "3"}), sized("b", requests={"cpu": "1001m"}))
    assert checked(examined(creating(named(made, "new"))), "node_fit") == "fail"
    made = of_pods(sized("a", requests={"cpu": "3"}), sized("b", requests={"cpu": "1"}))
    assert checked(examined(creating(named(made, "new"))), "node_fit") == "pass"


def test_a_node_that_says_only_half_is_no_answer() -> None:
    half = {"metadata": {"name": "n1"}, "status": {"allocatable": {"cpu": "64"}}}
    assert checked(examined(found=objects(nodes=[half])), "node_fit") == "unknown"


# --- the ceilings


@pytest.mark.parametrize(
    ("resource", "before", "after", "expected"),
    [
        # four times is the most ...
        ("cpu", "200m", "800m", "pass"),
        ("cpu", "200m", "801m", "fail"),
        ("memory", "256Mi", "1Gi", "pass"),
        ("memory", "256Mi", "1025Mi", "fail"),
        # ... but what is small may grow to what is still small ...
        ("cpu", "10m", "100m", "pass"),
        ("cpu", "10m", "101m", "fail"),
        ("memory", "5Mi", "64Mi", "pass"),
        ("memory", "5Mi", "65Mi", "fail"),
        # ... and there is an end to it
        ("cpu", "10", "16", "pass"),
        ("cpu", "10", "16001m", "fail"),
        ("memory", "40Gi", "64Gi", "pass"),
        ("memory", "40Gi", "65537Mi", "fail"),
    ],
)
@pytest.mark.parametrize("kind", ["requests", "limits"])
def test_one_change_multiplies_by_four_up_to_the_ceiling(
    resource: str, before: str, after: str, expected: str, kind: str
) -> None:
    item = of_pods(sized("a"), sized(**{kind: {resource: before}}))
    change = FieldChange(
        path=f"spec.template.spec.containers[name=app].resources.{kind}.{resource}",
        before=before,
        after=after,
    )
    done = examined(plan(change), objects(deployments=[item]))
    assert checked(done, "scaling_ceiling") == expected, verdict(done, "scaling_ceiling")


def test_what_a_plan_leaves_as_it_is_may_be_above_the_ceiling() -> None:
    item = of_pods(sized(requests={"cpu": "40", "memory": "100Mi"}))
    path = "spec.template.spec.containers[name=app].resources.requests.memory"
    change = FieldChange(path=path, before="100Mi", after="200Mi")
    assert checked(examined(plan(change), objects(deployments=[item])), "scaling_ceiling") == "pass"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (2, 8, "pass"),
        (2, 9, "fail"),
        (40, 50, "pass"),
        (40, 51, "fail"),
        (0, 50, "pass"),
        (0, 51, "fail"),
        (1, 4, "pass"),
        (1, 5, "fail"),
        (60, 55, "fail"),
    ],
)
def test_replicas_multiply_by_four_up_to_the_ceiling(
    before: int, after: int, expected: str
) -> None:
    found = objects(deployments=[deployment(replicas=before)])
    assert checked(examined(plan(replicas(after, before)), found), "scaling_ceiling") == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(2, 16, "pass"), (2, 17, "fail"), (2, 2, "pass"), (3, 2, "fail")],
)
def test_an_autoscalers_bounds_are_in_order_and_under_the_ceiling(
    low: int, high: int, expected: str
) -> None:
    found = objects(horizontalpodautoscalers=[scaler(minReplicas=low)])
    change = FieldChange(path="spec.maxReplicas", before=4, after=high)
    done = examined(plan(change, kind="set_autoscaler_bounds", ref=HPA), found)
    assert checked(done, "scaling_ceiling") == expected


def test_an_autoscaler_that_says_no_lower_bound_has_one() -> None:
    item = scaler()
    del item["spec"]["minReplicas"]
    found = objects(horizontalpodautoscalers=[item])
    change = FieldChange(path="spec.maxReplicas", before=4, after=1)
    done = examined(plan(change, kind="set_autoscaler_bounds", ref=HPA), found)
    assert checked(done, "scaling_ceiling") == "pass"


def test_an_autoscaler_of_another_workload_owns_nothing_here() -> None:
    for other in (
        {**scaler(), "metadata": {"name": "api", "namespace": "other"}},
        scaler(scaleTargetRef={"kind": "Deployment", "name": "web"}),
        scaler(scaleTargetRef={"kind": "StatefulSet", "name": "api"}),
    ):
        done = examined(plan(replicas(3)), objects(horizontalpodautoscalers=[other]))
        assert checked(done, "scaling_ceiling") == "pass"


def test_a_request_may_equal_its_limit_and_no_more() -> None:
    for name, path, limit, over in (
        ("cpu", CPU, "100m", "99m"),
        ("memory", MEMORY, "128Mi", "127Mi"),
    ):
        before = "200m" if name == "cpu" else "256Mi"
        for after, expected in ((limit, "pass"), (over, "fail")):
            done = examined(plan(FieldChange(path=path, before=before, after=after)))
            assert checked(done, "requests_within_limits") == expected


# --- limit ranges


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"type": "Container", "min": {"cpu": "100m"}}, "pass"),
        ({"type": "Container", "min": {"cpu": "101m"}}, "fail"),
        ({"type": "Container", "min": {"memory": "128Mi"}}, "pass"),
        ({"type": "Container", "min": {"memory": "129Mi"}}, "fail"),
        ({"type": "Container", "max": {"memory": "256Mi"}}, "pass"),
        ({"type": "Container", "max": {"memory": "255Mi"}}, "fail"),
        ({"type": "Container", "maxLimitRequestRatio": {"cpu": "4"}}, "pass"),
        ({"type": "Container", "maxLimitRequestRatio": {"cpu": "3.9"}}, "fail"),
        ({"type": "Container", "maxLimitRequestRatio": {"memory": "2"}}, "pass"),
        ({"type": "Pod", "max": {"cpu": "400m"}}, "pass"),
        ({"type": "Pod", "max": {"cpu": "399m"}}, "fail"),
        ({"type": "Pod", "min": {"memory": "129Mi"}}, "fail"),
        ({"type": "Container", "min": {"cpu": "1m"}, "max": {"cpu": "399m"}}, "fail"),
        ({"type": "Container", "max": {"nvidia.com/gpu": "0"}}, "pass"),
    ],
)
def test_a_limit_range_holds_at_its_bound(entry: dict[str, Any], expected: str) -> None:
    easy = {"type": "Container", "max": {"cpu": "64"}}
    for entries in ([entry, easy], [easy, entry]):
        limits = {"metadata": {"name": "l", "namespace": "shop"}, "spec": {"limits": entries}}
        done = examined(plan(cpu("400m")), objects(limitranges=[limits]))
        assert checked(done, "limit_range") == expected, verdict(done, "limit_range")


def test_a_limit_range_of_pods_counts_all_their_containers() -> None:
    made = of_pods(
        sized("a", requests={"cpu": "1"}, limits={"cpu": "1"}),
        sized("b", requests={"cpu": "1"}, limits={"cpu": "1"}),
    )
    for most, kind, expected in (
        ("2", "Pod", "pass"),
        ("1999m", "Pod", "fail"),
        ("1", "Container", "pass"),
    ):
        entry = {"type": kind, "max": {"cpu": most}}
        limits = {"metadata": {"name": "l", "namespace": "shop"}, "spec": {"limits": [entry]}}
        done = examined(creating(named(made, "new")), objects(limitranges=[limits]))
        assert checked(done, "limit_range") == expected


@pytest.mark.parametrize(
    ("own", "entry", "need"),
    [
        ({}, {"defaultRequest": {"cpu": "300m"}}, 300),
        ({}, {"default": {"cpu": "500m"}}, 500),
        ({}, {"default": {"cpu": "500m"}, "defaultRequest": {"cpu": "300m"}}, 300),
        ({"requests": {"cpu": "50m"}}, {"defaultRequest": {"cpu": "300m"}}, 50),
        ({"limits": {"cpu": "70m"}}, {"defaultRequest": {"cpu": "300m"}}, 70),
    ],
)
def test_a_new_pod_counts_with_the_defaults_of_its_namespace(
    own: dict[str, Any], entry: dict[str, Any], need: int
) -> None:
    def limits(namespace: str, entry: dict[str, Any]) -> dict[str, Any]:
        return {
            "metadata": {"name": "l", "namespace": namespace},
            "spec": {
                "limits": [{"type": "Pod", "max": {"cpu": "9"}}, {"type": "Container", **entry}]
            },
        }

    ranges = [limits("other", {"defaultRequest": {"cpu": "7"}}), limits("shop", entry)]
    for room, expected in ((need, "pass"), (need - 1, "fail")):
        full = quota({"requests.cpu": f"{room}m"}, {"requests.cpu": "0"})
        found = objects(
            deployments=[of_pods(sized(**own))], limitranges=ranges, resourcequotas=[full]
        )
        assert checked(examined(plan(replicas(3)), found), "resource_quota") == expected


# --- budgets


@pytest.mark.parametrize(("beside", "expected"), [(0, "fail"), (1, "pass")])
def test_a_budget_counts_the_namespaces_other_pods_that_it_selects(
    beside: int, expected: str
) -> None:
    budget = {
        "apiVersion": "policy/v1",
        "metadata": {"name": "b", "namespace": "shop"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "api"}}},
    }
    other = {**deployment(replicas=beside), "kind": "StatefulSet"}
    unrelated = named(deployment(replicas=5), "web")
    unrelated["spec"]["template"] = {"metadata": {"labels": {"app": "web"}}}
    found = objects(
        deployments=[deployment(), unrelated, named(deployment(replicas=5), "far", "other")],
        statefulsets=[named(other, "api-db")],
        poddisruptionbudgets=[budget],
    )
    assert checked(examined(plan(replicas(1)), found), "disruption_budget") == expected


def test_the_room_that_a_budget_leaves_is_told() -> None:
    budget = {
        "apiVersion": "policy/v1",
        "metadata": {"name": "b", "namespace": "shop"},
        "spec": {"maxUnavailable": "30%", "selector": {"matchLabels": {"app": "api"}}},
    }
    done = examined(plan(replicas(4)), objects(poddisruptionbudgets=[budget]))
    assert dict(numbers(done, "disruption_budget")) == {
        "b maxUnavailable": "30% of 4 pods, room for 2"
    }


# --- history and policy


def test_history_counts_what_worked_and_what_failed_of_this_kind_of_fix() -> None:
    worked = (pattern(result="success"), pattern(result="success", fix_kind="set_memory"))
    failed = (
        pattern(object_key="Deployment/shop/web"),
        pattern(),
        pattern(fix_kind="set_memory"),
    )
    done = examined(successful_patterns=worked, failed_patterns=failed)
    assert dict(numbers(done, "historical_failures")) == {
        "worked": "1",
        "failed": "2",
        "failed_here": "1",
    }
    assert checked(done, "historical_failures") == "pass"
    tried, never = verdict(done, "historical_failures"), verdict(examined(), "historical_failures")
    only_failed = examined(failed_patterns=failed[:1])
    assert tried[1] != never[1]
    assert verdict(only_failed, "historical_failures")[1] not in (tried[1], never[1])


@pytest.mark.parametrize(
    ("name", "state", "expected"),
    [
        ("memory", "ok", "pass"),
        ("memory", "missing", "unknown"),
        ("datadog_logs", "missing", "pass"),
    ],
)
def test_only_a_memory_that_did_not_answer_leaves_history_unknown(
    name: str, state: Any, expected: str
) -> None:
    sources = (SourceStatus(name="kubernetes", state="ok"), SourceStatus(name=name, state=state))
    assert checked(examined(sources=sources), "historical_failures") == expected


@pytest.mark.parametrize("most", [1, 2, 3])
def test_as_many_failures_as_the_policy_says_are_a_veto(most: int) -> None:
    for count in (most - 1, most):
        failed = tuple(pattern(incident_id=f"inc-{n}") for n in range(count))
        done = examined(failed_patterns=failed, policy=Policy(veto_after_failures=most))
        expected = "fail" if count >= most else "pass"
        assert checked(done, "historical_failures") == expected


@pytest.mark.parametrize(
    ("allowed", "forbidden", "expected"),
    [
        ((), (), "pass"),
        (("set_cpu",), (), "pass"),
        (("set_memory",), (), "fail"),
        (("set_memory", "set_cpu"), ("set_image",), "pass"),
        ((), ("set_cpu",), "fail"),
        (("set_cpu",), ("set_cpu",), "fail"),
        ((), ("set_memory",), "pass"),
    ],
)
def test_a_fix_is_allowed_where_nothing_forbids_it(
    allowed: Any, forbidden: Any, expected: str
) -> None:
    rules = EnvironmentPolicy(allowed_fixes=allowed, forbidden_fixes=forbidden)
    assert checked(examined(policy=Policy(production=rules)), "fix_policy") == expected


@pytest.mark.parametrize(
    ("kind", "guard", "expected"),
    [
        ("set_network_policy", "NetworkPolicy", "pass"),
        ("set_quota", "ResourceQuota", "pass"),
        ("other", "ResourceQuota", "fail"),
        ("other", "RoleBinding", "fail"),
        ("other", "ConfigMap", "pass"),
    ],
)
def test_a_guard_of_others_changes_only_by_a_fix_that_is_for_it(
    kind: FixKind, guard: str, expected: str
) -> None:
    ref = ObjectRef(kind=guard, namespace="shop", name="g")
    done = examined(plan(FieldChange(path="spec.x", before=1, after=2), kind=kind, ref=ref))
    assert checked(done, "fix_policy") == expected


@pytest.mark.parametrize(
    ("op", "path", "expected"),
    [
        ("remove", "spec.template.spec.containers[name=app].env[name=A]", "pass"),
        ("replace", CPU, "pass"),
        ("remove", CPU, "fail"),
    ],
)
def test_only_the_removal_of_a_guard_is_refused(op: Any, path: str, expected: str) -> None:
    change = FieldChange(op=op, path=path, before="200m", after="300m" if op == "replace" else None)
    assert checked(examined(plan(change)), "fix_policy") == expected


@pytest.mark.parametrize(
    "bad",
    [
        {"max_replicas": 0},
        {"max_factor": 1},
        {"small_cpu_cores": -0.1},
        {"small_memory_mib": -0.5},
        {"max_cpu_cores": 0},
        {"max_memory_mib": 0},
        {"veto_after_failures": 0},
        {"max_cpu_cores": float("inf")},
    ],
)
def test_a_policy_that_bounds_nothing_is_no_policy(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Policy(**bad)


def test_the_least_that_a_policy_may_say_is_taken() -> None:
    found = Policy(
        max_replicas=1, small_cpu_cores=0, small_memory_mib=0, veto_after_failures=1, max_factor=1.1
    )
    assert found.max_replicas == 1


# --- what the checks come to


def test_the_first_plan_that_passes_is_the_one_to_propose() -> None:
    bad, good, also = (examined(plan(cpu(to))) for to in ("50m", "400m", "300m"))
    plans = [
        one.model_copy(update={"plan": one.plan.model_copy(update={"plan_id": name})})
        for one, name in ((bad, "bad"), (good, "good"), (also, "also"))
    ]
    done = validated(candidate(), plans, Policy())
    assert (done.status, done.recommended) == ("solution_proposed", "good")
    assert [one.plan.plan_id for one in done.plans] == ["bad", "good", "also"]
    assert not done.explanation


def test_a_record_without_plans_merges_nothing() -> None:
    eager = EnvironmentPolicy(auto_merge=True)
    done = validated(candidate("staging"), [], Policy(staging=eager))
    assert not done.auto_merge
    assert (done.status, done.recommended) == ("needs_human", "")


def test_what_stopped_each_plan_is_told_shortly() -> None:
    bad = examined(plan(cpu("50m")))
    done = validated(candidate(), [bad, bad], Policy())
    assert done.explanation.count("requests_within_limits") == 2
    assert len(validated(candidate(), [bad] * 50, Policy()).explanation) <= 1000
    assert "node_fit" not in done.explanation


def test_offline_nothing_unknown_rejects_and_what_fails_still_does() -> None:
    found = objects()
    del found["nodes"]
    for fields, accepted in ((cpu("400m"), True), (cpu("50m"), False)):
        done = check_plan(plan(fields), candidate(), found, Policy(), PROVEN, offline=True)
        assert checked(done, "node_fit") == "unknown"
        assert done.accepted is accepted
    assert not check_plan(plan(), candidate(), found, Policy(), PROVEN).accepted


def test_the_checks_come_in_the_order_in_which_people_read_them() -> None:
    assert [check.name for check in examined().checks] == [
        "environment_policy",
        "fix_policy",
        "requests_within_limits",
        "resource_quota",
        "limit_range",
        "scaling_ceiling",
        "node_fit",
        "disruption_budget",
        "historical_failures",
        "repairs",
        "manifest_edit",
        "render",
        "schema",
        "server_dry_run",
    ]


def test_a_check_that_breaks_is_unknown_under_its_own_name() -> None:
    kinds = {
        "resourcequotas": "resource_quota",
        "limitranges": "limit_range",
        "poddisruptionbudgets": "disruption_budget",
        "nodes": "node_fit",
    }
    for kind, name in kinds.items():
        done = examined(found={**objects(), kind: [{"metadata": 5, "spec": 5, "status": 5}]})
        assert [c.name for c in done.checks if c.verdict == "unknown"] == [name]
        assert done.rejected_by == (name,)
        assert all(0 <= c.elapsed_ms < 60_000 for c in done.checks)
