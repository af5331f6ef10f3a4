"""What is drafted for memory and local disk."""

from __future__ import annotations

from typing import Any

from decide.core.families.resources import plans
from decide.core.families.resources.facts import EvictedPod, KilledContainer
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import drafted, pod_spec, shop

_MIB = 2**20


def _evicted(cluster: Cluster, message: str) -> list[str]:
    return drafted(plans.disk, cluster, lambda w, _: EvictedPod(workload=w, message=message))


def test_the_volume_that_is_named_gets_half_as_much_disk_again() -> None:
    cluster = shop()
    pod_spec(cluster)["volumes"] = [
        {"name": "logs", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "2Gi"}},
        {"name": "open", "emptyDir": {}},
    ]
    message = 'Usage of EmptyDir volume "tmp" exceeds the limit "2Gi". '
    assert _evicted(cluster, message) == [
        "set_volume 0.78 resources.disk.title workload=web",
        "  why drafting.because detail=seen",
        "  risk resources.disk.risk",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :volumes[name=tmp].emptyDir.sizeLimit: "2Gi" → "3Gi"',
    ]
    assert (
        _evicted(cluster, 'EmptyDir volume "open" exceeds the limit "2Gi"')[-1]
        == "  risk drafting.risk.restart"
    )
    assert (
        _evicted(cluster, "EmptyDir volume logs exceeds the limit 1Gi.")[-1]
        == '  apps/v1 Deployment/shop/web :volumes[name=logs].emptyDir.sizeLimit: "1Gi" → "1536Mi"'
    )


def test_without_a_volume_the_containers_limits_grow() -> None:
    cluster = shop()
    pod_spec(cluster)["containers"] = [
        {"name": "main", "resources": {"limits": {"ephemeral-storage": "1Gi"}}},
        {"name": "open", "resources": {"limits": {"memory": "1Gi"}}},
        {"name": "side", "resources": {"limits": {"ephemeral-storage": "2Gi"}}},
    ]
    message = "Pod ephemeral local storage usage exceeds the total limit of containers 3Gi."
    assert _evicted(cluster, message)[4:] == [
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits.ephemeral-storage: "1Gi" → "1536Mi"',
        '  apps/v1 Deployment/shop/web :containers[name=side].resources.limits.ephemeral-storage: "2Gi" → "3Gi"',
    ]


def _killed(
    resources: dict[str, Any],
    *used: float,
    container: str = "main",
    env: list[dict[str, str]] | None = None,
) -> list[str]:
    cluster = shop()
    main = pod_spec(cluster)["containers"][0]
    main["resources"] = resources
    main["env"] = env or []
    if used:
        cluster.series(
            "kubernetes.memory.usage", [one * _MIB for one in used], kube_deployment="web"
        )
    return drafted(
        plans.memory, cluster, lambda w, _: KilledContainer(workload=w, container=container)
    )


def test_an_unmeasured_container_gets_a_hundred_mebibytes_more_or_just_as_limit() -> None:
    resources = {"requests": {"memory": "64Mi"}, "limits": {"memory": "128Mi"}}
    assert _killed(resources) == [
        "set_memory 0.85 resources.memory.title container=main size=240Mi",
        "  why drafting.after first=(resources.memory.why basis=(drafting.size.memory_bump old=128 unseen=(drafting.size.unmeasured)) container=main limit=128 size=240Mi) second=(drafting.peers.vpa vpa=263Mi)",
        "  risk drafting.risk.cost",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits.memory: "128Mi" → "240Mi"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.memory: "64Mi" → "240Mi"',
        "set_memory 0.75 resources.memory.limit_title container=main size=240Mi",
        "  why drafting.after first=(resources.memory.why basis=(drafting.size.memory_bump old=128 unseen=(drafting.size.unmeasured)) container=main limit=128 size=240Mi) second=(drafting.peers.vpa vpa=263Mi)",
        "  risk resources.memory.limit_risk",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits.memory: "128Mi" → "240Mi"',
    ]


def test_a_measured_container_is_sized_by_its_peak_and_compared_with_other_recommenders() -> None:
    resources = {"requests": {"memory": "64Mi"}, "limits": {"memory": "128Mi"}}
    assert _killed(resources, *[100.0] * 99, 300.0)[:6] == [
        "set_memory 0.95 resources.memory.title container=main size=384Mi",
        "  why drafting.after first=(resources.memory.why basis=(drafting.size.memory_measured seen=(drafting.size.samples_minutes count=100 minutes=24.75) top=300) container=main limit=128 size=384Mi) second=(drafting.peers.krr_and_vpa krr=345Mi vpa=337Mi)",
        "  risk drafting.risk.cost",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits.memory: "128Mi" → "384Mi"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.memory: "64Mi" → "384Mi"',
    ]


def test_a_request_that_is_large_enough_stays() -> None:
    limits = {"memory": "128Mi"}
    for request, changes in (("240Mi", 1), ("239Mi", 2), ("241Mi", 1)):
        found = _killed({"requests": {"memory": request}, "limits": limits})
        assert len([x for x in found if "→" in x]) == changes + 1, request


def test_a_container_without_a_limit_gets_one_from_what_it_used() -> None:
    assert _killed({}, *[100.0] * 30)[:6] == [
        "set_memory 0.95 resources.memory.title container=main size=128Mi",
        "  why drafting.after first=(resources.memory.why_unlimited basis=(drafting.size.memory_measured seen=(drafting.size.samples_minutes count=30 minutes=7.25) top=100) container=main size=128Mi) second=(drafting.peers.vpa vpa=250Mi)",
        "  risk drafting.risk.cost",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits: + {"memory": "128Mi"}',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests: + {"memory": "128Mi"}',
    ]


def test_a_limit_is_never_below_the_request() -> None:
    found = _killed({"requests": {"memory": "1Gi"}}, *[100.0] * 30)
    assert [x for x in found if "limits" in x] == [
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits: + {"memory": "1Gi"}',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits: + {"memory": "1Gi"}',
    ]


def test_nothing_is_drafted_without_a_limit_and_without_use() -> None:
    assert _killed({}) == []


def test_a_heap_that_is_fixed_gets_its_room() -> None:
    env = [{"name": "JAVA_TOOL_OPTIONS", "value": "-Xmx300m"}]
    assert _killed({"limits": {"memory": "128Mi"}}, env=env)[:2] == [
        "set_memory 0.85 resources.memory.title container=main size=400Mi",
        "  why drafting.after first=(resources.memory.why basis=(drafting.size.heap_fixed basis=(drafting.size.memory_bump old=128 unseen=(drafting.size.unmeasured)) fixed=300 flag=-Xmx share=0.75) container=main limit=128 size=400Mi) second=(drafting.peers.vpa vpa=263Mi)",
    ]


def test_nothing_is_drafted_for_a_workload_without_containers() -> None:
    cluster = shop()
    pod_spec(cluster)["containers"] = []
    assert drafted(plans.memory, cluster, lambda w, _: KilledContainer(workload=w)) == []


def test_an_init_container_that_was_killed_is_changed_there() -> None:
    cluster = shop()
    pod_spec(cluster)["initContainers"] = [
        {"name": "first", "resources": {"limits": {"memory": "64Mi"}}}
    ]
    found = drafted(
        plans.memory, cluster, lambda w, _: KilledContainer(workload=w, container="first")
    )
    assert [x for x in found if x.startswith("  apps")] == [
        '  apps/v1 Deployment/shop/web :initContainers[name=first].resources.limits.memory: "64Mi" → "176Mi"',
        '  apps/v1 Deployment/shop/web :initContainers[name=first].resources.requests: + {"memory": "176Mi"}',
        '  apps/v1 Deployment/shop/web :initContainers[name=first].resources.limits.memory: "64Mi" → "176Mi"',
    ]
