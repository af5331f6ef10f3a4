"""What is drafted for autoscalers that are blind, lost, full, or fight with another one."""

from __future__ import annotations

from typing import Any

from decide.core.families.autoscaling import plans
from decide.core.families.autoscaling.facts import (
    AboveTarget,
    BlindScaler,
    FoughtOver,
    FullScaler,
    LostScaler,
)
from decide.core.findings import Finding
from decide.core.view import ClusterView
from schemas.base import ObjectRef
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import drafted, pod_spec, shop, workload_of

_HPA = ObjectRef(
    api_version="autoscaling/v2", kind="HorizontalPodAutoscaler", namespace="shop", name="web"
)
_VPA = ObjectRef(
    api_version="autoscaling.k8s.io/v1", kind="VerticalPodAutoscaler", namespace="shop", name="up"
)


def _with(*resources: dict[str, Any]) -> Cluster:
    cluster = shop()
    pod_spec(cluster)["containers"] = [
        {"name": f"c{n}", "resources": one} for n, one in enumerate(resources)
    ]
    return cluster


def _blind(cluster: Cluster, resource: str, known: bool = True) -> list[str]:
    return drafted(
        plans.blind_scaler,
        cluster,
        lambda w, _: BlindScaler(workload=w if known else None, resource=resource),
        at=_HPA,
    )


def test_each_container_without_the_request_states_it() -> None:
    cluster = _with(
        {"limits": {"cpu": "1"}}, {"requests": {"cpu": "2"}}, {"limits": {"cpu": "300m"}}
    )
    assert _blind(cluster, "cpu") == [
        "set_cpu 0.85 autoscaling.request.title resource=(drafting.resource.cpu) workload=web",
        "  why autoscaling.request.why detail=seen",
        "  risk autoscaling.request.reserved",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=c0].resources.requests: + {"cpu": "1"}',
        '  apps/v1 Deployment/shop/web :containers[name=c2].resources.requests: + {"cpu": "300m"}',
    ]


def test_a_request_for_memory_is_a_plan_for_memory() -> None:
    assert (
        _blind(_with({"limits": {"memory": "1Gi"}}), "memory")[0]
        == "set_memory 0.85 autoscaling.request.title resource=(drafting.resource.memory) workload=web"
    )


def test_no_request_is_drafted_where_one_of_them_cannot_be_told_or_nobody_knows_of_what() -> None:
    cluster = _with({"limits": {"cpu": "1"}})
    assert _blind(_with({"limits": {"cpu": "1"}}, {}), "memory") == []
    assert _blind(cluster, "storage") == []
    assert _blind(cluster, "") == []
    assert _blind(cluster, "cpu", known=False) == []


def test_a_lost_scaler_aims_at_the_workload_of_the_nearest_name() -> None:
    scaler = {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "wbe"}}}
    for near in ("web", ""):
        found = drafted(
            plans.scaler_target,
            shop(),
            lambda *_, near=near: LostScaler(scaler=scaler, name="wbe", near=near),
            at=_HPA,
        )
        assert found == (
            [
                "set_autoscaler_bounds 0.82 autoscaling.target.title near=web",
                "  why drafting.near_exists detail=seen near=web",
                "  risk autoscaling.target.owned",
                "  time drafting.time.seconds",
                "  autoscaling/v2 HorizontalPodAutoscaler/shop/web spec.scaleTargetRef.name: "
                '"wbe" → "web"',
            ]
            if near
            else []
        )


def test_a_vertical_autoscaler_that_fights_only_recommends() -> None:
    vertical = {"spec": {"updatePolicy": {"updateMode": "Auto"}}}
    found = drafted(
        plans.conflict, shop(), lambda *_: FoughtOver(vertical=vertical, vertical_ref=_VPA)
    )
    assert found == [
        "set_autoscaler_bounds 0.82 autoscaling.recommends.title vertical=up",
        "  why autoscaling.recommends.why detail=seen",
        "  risk autoscaling.recommends.risk",
        "  time drafting.time.seconds",
        '  autoscaling.k8s.io/v1 VerticalPodAutoscaler/shop/up spec.updatePolicy.updateMode: "Auto" → "Off"',
    ]
    for facts in (FoughtOver(), FoughtOver(vertical=vertical), FoughtOver(vertical_ref=_VPA)):
        assert drafted(plans.conflict, shop(), lambda *_, facts=facts: facts) == []


def _full(most: int, now: int | None = None, target: int = 50, known: bool = False) -> list[str]:
    excess = AboveTarget(metric="cpu", now=now, target=target) if now is not None else None
    return drafted(
        plans.ceiling,
        shop(),
        lambda w, _: FullScaler(
            workload=w if known else None,
            scaler={"spec": {"maxReplicas": most}},
            ref=_HPA,
            excess=excess,
        ),
    )


def test_a_full_scaler_gets_a_higher_maximum_and_its_workload_more_cpu() -> None:
    assert _full(4, 60, known=True) == [
        "set_autoscaler_bounds 0.9 autoscaling.maximum.title new=5 scaler=web",
        "  why autoscaling.maximum.why detail=seen new=5 now=4",
        "  risk drafting.risk.cost",
        "  risk autoscaling.maximum.nodes",
        "  time autoscaling.maximum.time",
        "  autoscaling/v2 HorizontalPodAutoscaler/shop/web spec.maxReplicas: 4 → 5",
        "set_cpu 0.8 performance.cpu.title container=main limit=300m request=150m",
        "  why drafting.size.cpu_why basis=(drafting.size.cpu_step old=0.2 unseen=(drafting.size.unmeasured)) detail=seen limit=300m request=150m",
        "  risk drafting.risk.cost",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.cpu: "100m" → "150m"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits.cpu: "200m" → "300m"',
    ]


def test_the_maximum_grows_with_the_metric_by_one_at_least_and_to_double_at_most() -> None:
    for most, now, target, new in (
        (10, 60, 50, 12),
        (10, 51, 50, 11),
        (10, 50, 50, 11),
        (10, 200, 50, 20),
        (10, 100, 50, 20),
        (3, 70, 50, 5),
        (10, None, 50, 15),
        (10, 80, 0, 15),
        (1, None, 50, 2),
    ):
        found = _full(most, now, target)
        assert found[-1].endswith(f"spec.maxReplicas: {most} → {new}"), (most, now, target)
        assert len(found) == 6


def _differ(here: dict[str, Any], there: dict[str, Any], resource: str = "cpu") -> bool:
    view = ClusterView(_with({"requests": {"cpu": "1", "memory": "1"}}, here).bundle())
    workload = workload_of(view, "web")
    twin = workload_of(
        ClusterView(_with({"requests": {"cpu": "2", "memory": "2"}}, there).bundle()), "web"
    )
    facts = BlindScaler(workload=workload, resource=resource)
    finding = Finding(
        failure_class="autoscaler_without_metrics", object=_HPA, score=0.9, facts=facts
    )
    return plans.requests_differ(finding, workload, twin)


def test_requests_differ_where_what_the_pods_lack_is_declared() -> None:
    declared = {"requests": {"cpu": "1"}}
    assert _differ({}, declared)
    assert _differ({}, declared, resource="")
    assert not _differ({}, declared, resource="memory")
    assert not _differ({}, {})
    assert not _differ({}, {"limits": {"cpu": "1"}})
    assert not _differ(declared, {"requests": {"cpu": "2"}})


def test_requests_of_a_container_that_is_not_declared_do_not_differ() -> None:
    view = ClusterView(_with({}, {}).bundle())
    workload = workload_of(view, "web")
    finding = Finding(
        failure_class="autoscaler_without_metrics",
        object=_HPA,
        score=0.9,
        facts=BlindScaler(workload=workload, resource="cpu"),
    )
    for declared, differ in (((), False), (({}, {"requests": {"cpu": "1"}}), True)):
        twin = workload_of(ClusterView(_with(*declared).bundle()), "web")
        assert plans.requests_differ(finding, workload, twin) is differ
