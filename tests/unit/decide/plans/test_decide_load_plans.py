"""What is drafted for load: more CPU, more replicas, a limit for a greedy neighbour."""

from __future__ import annotations

from typing import Any

from decide.core.families.performance import plans as performance
from decide.core.families.performance.facts import ShortOfCpu
from decide.core.families.regressions import plans as regressions
from decide.core.families.regressions.facts import GreedyNeighbour, Overrun
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import drafted, pod_spec, shop, workload_of


def _cluster(replicas: int = 2, *, resources: dict[str, Any] | None = None) -> Cluster:
    cluster = shop("web", "cart")
    cluster.get("deployments", "web")["spec"]["replicas"] = replicas
    if resources is not None:
        pod_spec(cluster)["containers"][0]["resources"] = resources
    return cluster


def _used(cluster: Cluster, *cores: float, app: str = "web", **tags: str) -> None:
    cluster.series(
        "kubernetes.cpu.usage.total", [one * 1e9 for one in cores], kube_deployment=app, **tags
    )


def _scaled(cluster: Cluster, kind: str = "Deployment", name: str = "web") -> None:
    target = {"kind": kind, "name": name}
    cluster.add("horizontalpodautoscalers", "scaler", spec={"scaleTargetRef": target})


def _cpu(cluster: Cluster) -> list[str]:
    return drafted(performance.cpu, cluster, lambda w, _: ShortOfCpu(workload=w))


def _surge(cluster: Cluster, factor: float) -> list[str]:
    return drafted(regressions.surge, cluster, lambda w, _: Overrun(workload=w, factor=factor))


def _heads(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith(" ")]


def test_unmeasured_cpu_grows_by_half_and_a_replica_more_comes_second() -> None:
    assert _cpu(_cluster()) == [
        "set_cpu 0.8 performance.cpu.title container=main limit=300m request=150m",
        "  why drafting.size.cpu_why basis=(drafting.size.cpu_step old=0.2 unseen=(drafting.size.unmeasured)) detail=seen limit=300m request=150m",
        "  risk drafting.risk.cost",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.cpu: "100m" → "150m"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits.cpu: "200m" → "300m"',
        "set_replicas 0.65 drafting.replicas n=3 workload=web",
        "  why performance.replicas.why detail=seen n=3",
        "  risk drafting.risk.cost",
        "  apps/v1 Deployment/shop/web spec.replicas: 2 → 3",
    ]


def test_measured_cpu_is_sized_by_its_use_and_compared_with_other_recommenders() -> None:
    cluster = _cluster()
    _used(cluster, *[0.1] * 99, 0.12, 0.15)
    assert _cpu(cluster)[:6] == [
        "set_cpu 0.9 performance.cpu.title container=main limit=250m request=120m",
        "  why drafting.after first=(drafting.size.cpu_why basis=(drafting.size.cpu_measured high=0.1 seen=(drafting.size.samples_minutes count=101 minutes=25) top=0.15) detail=seen limit=250m request=120m) second=(drafting.peers.krr_and_vpa krr=100m vpa=115m)",
        "  risk drafting.risk.cost",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.cpu: "100m" → "120m"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits.cpu: "200m" → "250m"',
    ]


def test_a_few_samples_are_compared_with_the_one_recommender_that_speaks() -> None:
    cluster = _cluster()
    _used(cluster, *[0.1] * 30)
    assert (
        _cpu(cluster)[1]
        == "  why drafting.after first=(drafting.size.cpu_why basis=(drafting.size.cpu_measured high=0.1 seen=(drafting.size.samples_minutes count=30 minutes=7.25) top=0.1) detail=seen limit=250m request=120m) second=(drafting.peers.vpa vpa=115m)"
    )


def test_no_limit_is_set_where_none_stands() -> None:
    assert _cpu(_cluster(resources={"requests": {"cpu": "100m"}}))[:5] == [
        "set_cpu 0.8 performance.cpu.title container=main limit=150m request=150m",
        "  why drafting.size.cpu_why basis=(drafting.size.cpu_step old=0.1 unseen=(drafting.size.unmeasured)) detail=seen limit=150m request=150m",
        "  risk drafting.risk.cost",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.cpu: "100m" → "150m"',
    ]


def test_cpu_that_is_neither_stated_nor_measured_is_not_sized() -> None:
    assert _heads(_cpu(_cluster(resources={}))) == [
        "set_replicas 0.65 drafting.replicas n=3 workload=web",
    ]


def test_what_one_container_of_several_uses_is_its_own() -> None:
    cluster = _cluster()
    pod_spec(cluster)["containers"].append({"name": "side"})
    _used(cluster, *[0.9] * 30, kube_container_name="side")
    _used(cluster, *[0.1] * 30, kube_container_name="main")
    assert [x for x in _cpu(cluster) if "→" in x] == [
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.cpu: "100m" → "120m"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits.cpu: "200m" → "250m"',
        "  apps/v1 Deployment/shop/web spec.replicas: 2 → 3",
    ]


def test_a_replica_more_is_nothing_where_an_autoscaler_owns_them() -> None:
    cluster = _cluster()
    _scaled(cluster)
    assert _heads(_cpu(cluster)) == [
        "set_cpu 0.8 performance.cpu.title container=main limit=300m request=150m",
    ]
    for kind, name in (("StatefulSet", "web"), ("Deployment", "cart")):
        cluster = _cluster()
        _scaled(cluster, kind, name)
        assert len(_heads(_cpu(cluster))) == 2


def test_a_replica_more_is_nothing_for_pods_with_data_or_without_replicas() -> None:
    cluster = _cluster()
    claim = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
    pod_spec(cluster)["volumes"] = [{"name": "tmp", "emptyDir": {}}, claim]
    assert _heads(_cpu(cluster)) == [
        "set_cpu 0.8 performance.cpu.title container=main limit=300m request=150m",
    ]
    assert _heads(_cpu(_cluster(replicas=0))) == [
        "set_cpu 0.8 performance.cpu.title container=main limit=300m request=150m",
    ]
    assert len(_heads(_cpu(_cluster(replicas=1)))) == 2
    cluster = _cluster()
    cluster.objects["statefulsets"] = [
        cluster.objects["deployments"].pop(0) | {"kind": "StatefulSet"}
    ]
    assert _heads(_cpu(cluster)) == [
        "set_cpu 0.8 performance.cpu.title container=main limit=300m request=150m",
    ]


def test_nothing_is_drafted_for_a_workload_without_containers() -> None:
    cluster = _cluster()
    pod_spec(cluster)["containers"] = []
    assert _cpu(cluster) == []


def test_replicas_grow_with_the_requests_before_cpu_does() -> None:
    assert _surge(_cluster(), 1.6) == [
        "set_replicas 0.86 regressions.surge.title more=4 workload=web",
        "  why regressions.surge.why detail=seen factor=1.6 more=4 now=2",
        "  risk drafting.risk.cost",
        "  risk regressions.surge.risk",
        "  apps/v1 Deployment/shop/web spec.replicas: 2 → 4",
        "set_cpu 0.8 performance.cpu.title container=main limit=300m request=150m",
        "  why drafting.size.cpu_why basis=(drafting.size.cpu_step old=0.2 unseen=(drafting.size.unmeasured)) detail=seen limit=300m request=150m",
        "  risk drafting.risk.cost",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.cpu: "100m" → "150m"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits.cpu: "200m" → "300m"',
    ]


def test_replicas_grow_by_one_at_least_and_to_four_times_at_most() -> None:
    for replicas, factor, more in ((2, 1.1, 3), (2, 1.5, 3), (3, 1.4, 5), (2, 4.0, 8), (2, 9.0, 8)):
        first = _heads(_surge(_cluster(replicas), factor))[0]
        assert first.startswith(f"set_replicas 0.86 regressions.surge.title more={more} "), first


def test_replicas_that_are_not_ours_to_set_stay() -> None:
    scaled = _cluster()
    _scaled(scaled)
    stateful = _cluster()
    stateful.objects["statefulsets"] = [
        stateful.objects["deployments"].pop(0) | {"kind": "StatefulSet"}
    ]
    for cluster in (scaled, stateful, _cluster(replicas=0)):
        assert [x.split()[0] for x in _heads(_surge(cluster, 2.0))] == ["set_cpu"]


def _greedy(cluster: Cluster) -> list[str]:
    return drafted(
        regressions.neighbour,
        cluster,
        lambda w, view: GreedyNeighbour(workload=w, victim=workload_of(view, "cart")),
    )


def test_a_greedy_neighbour_gets_a_limit_of_twice_what_it_used_before_it_rose() -> None:
    cluster = _cluster(resources={})
    spec = pod_spec(cluster)
    spec["containers"].append({"name": "side"})
    spec["containers"].append({"name": "bound", "resources": {"limits": {"cpu": "1"}}})
    _used(cluster, *[0.21] * 11, *[3.0] * 10)
    assert _greedy(cluster) == [
        "set_cpu 0.76 regressions.neighbour.title limit=450m workload=web",
        "  why regressions.neighbour.why detail=seen limit=450m usual=0.21",
        "  risk regressions.neighbour.risk",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits: + {"cpu": "450m"}',
        '  apps/v1 Deployment/shop/web :containers[name=side].resources: + {"limits": {"cpu": "450m"}}',
    ]


def test_the_limit_of_a_greedy_neighbour_is_in_steps_and_a_tenth_of_a_core_at_least() -> None:
    for usual, limit in (
        (0.0, "100m"),
        (0.05, "100m"),
        (0.051, "150m"),
        (0.1, "200m"),
        (0.625, "1250m"),
    ):
        cluster = _cluster(resources={})
        _used(cluster, *[9.0] * 20, *[usual] * 20)
        assert f"limit={limit} " in _greedy(cluster)[0], usual


def test_a_greedy_neighbour_that_nobody_measured_long_enough_gets_no_limit() -> None:
    for count, known in ((19, False), (20, True)):
        cluster = _cluster(resources={})
        _used(cluster, *[1.0] * count)
        assert bool(_greedy(cluster)) is known
