"""What is drafted for pods that fit on no node for want of CPU or memory."""

from __future__ import annotations

import copy
from typing import Any

from decide.core.families.scheduling.facts import Unplaced
from decide.core.families.scheduling.plans import capacity
from decide.core.view import ClusterView
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import BACK, changed_lately, drafted, pod_spec, shop, workload_of


def _cluster(
    *nodes: dict[str, Any],
    asks: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    held: dict[str, list[dict[str, Any]]] | None = None,
    waiting: int = 1,
) -> Cluster:
    """``web`` asks for so much in ``waiting`` pods; nodes offer this; other pods hold ``requests`` on nodes."""
    cluster = shop("web", "cart")
    cluster.objects["nodes"] = [cluster.node(f"n{n}") for n in range(len(nodes))]
    for node, offered in zip(cluster.objects["nodes"], nodes, strict=True):
        node["status"]["allocatable"] = offered
    resources = {} if asks is None else {"requests": asks}
    pod_spec(cluster)["containers"][0]["resources"] = resources | (
        {} if limits is None else {"limits": limits}
    )
    cluster.get("deployments", "web")["spec"]["replicas"] = waiting
    pod = cluster.pod("web")
    pod["spec"].pop("nodeName", None)
    pod["status"] = {"phase": "Pending"}
    other = cluster.pod("cart")
    cluster.objects["pods"].remove(other)
    for node, requests in (held or {}).items():
        for n, one in enumerate(requests):
            more = copy.deepcopy(other)
            more["metadata"]["name"] = f"cart-{node}-{n}"
            more["spec"] = {
                "nodeName": node,
                "containers": [{"name": "main", "resources": {"requests": one}}, {"name": "b"}],
            }
            cluster.objects["pods"].append(more)
    return cluster


def _drafts(cluster: Cluster, resource: str = "cpu") -> list[str]:
    return drafted(
        capacity.capacity,
        cluster,
        lambda w, _: Unplaced(workload=w, pod=w.pods[0], message=""),
        of=f"insufficient_{resource}",
    )


def _used(cluster: Cluster, resource: str, *values: float) -> None:
    """Samples a quarter of a minute apart, in cores or MiB."""
    metric, unit = (
        ("kubernetes.cpu.usage.total", 1e9)
        if resource == "cpu"
        else ("kubernetes.memory.usage", 2**20)
    )
    cluster.series(metric, [one * unit for one in values], kube_deployment="web")


def _after(cluster: Cluster, resource: str = "cpu") -> list[str]:
    """The amounts that requests come down to."""
    return [
        line.rpartition(" ")[2]
        for line in _drafts(cluster, resource)
        if ".requests." in line and not line.startswith("  why")
    ]


def test_an_unmeasured_request_comes_down_to_half_of_the_largest_gap() -> None:
    cluster = _cluster(
        {"cpu": "2"}, {"cpu": "4"}, asks={"cpu": "3"}, held={"n1": [{"cpu": "2500m"}]}
    )
    changed_lately(cluster)
    assert _drafts(cluster) == [
        "set_cpu 0.65 scheduling.request.title container=main new=1 resource=(drafting.resource.cpu)",
        "  why scheduling.request.why basis=(scheduling.request.gaps room=2) container=main new=1 now=3 resource=(drafting.resource.cpu)",
        "  risk scheduling.request.less",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.cpu: "3" → "1"',
        *BACK,
    ]


def test_a_measured_request_comes_down_to_what_is_used() -> None:
    cluster = _cluster({"cpu": "2"}, asks={"cpu": "3"})
    _used(cluster, "cpu", *[0.4] * 800)
    changed_lately(cluster)
    assert _drafts(cluster) == [
        "set_cpu 0.85 scheduling.request.title container=main new=460m resource=(drafting.resource.cpu)",
        "  why scheduling.request.why basis=(scheduling.request.samples n=800) container=main new=460m now=3 resource=(drafting.resource.cpu)",
        "  risk scheduling.request.less",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.cpu: "3" → "460m"',
        *BACK,
    ]


def test_memory_comes_down_in_steps_of_sixty_four_mebibytes() -> None:
    cluster = _cluster({"memory": "1000Mi"}, asks={"memory": "2Gi"})
    assert _drafts(cluster, "memory") == [
        "set_memory 0.65 scheduling.request.title container=main new=448Mi resource=(drafting.resource.memory)",
        "  why scheduling.request.why basis=(scheduling.request.gaps room=1000Mi) container=main new=448Mi now=2Gi resource=(drafting.resource.memory)",
        "  risk scheduling.request.less",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.memory: "2Gi" → "448Mi"',
    ]


def test_measured_memory_comes_down_to_what_is_used() -> None:
    cluster = _cluster({"memory": "1000Mi"}, asks={"memory": "2Gi"})
    _used(cluster, "memory", *[200.0] * 800)
    assert _drafts(cluster, "memory") == [
        "set_memory 0.85 scheduling.request.title container=main new=256Mi resource=(drafting.resource.memory)",
        "  why scheduling.request.why basis=(scheduling.request.samples n=800) container=main new=256Mi now=2Gi resource=(drafting.resource.memory)",
        "  risk scheduling.request.less",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.memory: "2Gi" → "256Mi"',
    ]


def test_what_is_used_and_does_not_fit_is_not_asked_for() -> None:
    for offered, fits in (("459m", False), ("460m", True), ("461m", True)):
        cluster = _cluster({"cpu": offered}, asks={"cpu": "3"})
        _used(cluster, "cpu", *[0.4] * 800)
        assert bool(_after(cluster)) is fits, offered


def test_three_hours_and_a_hundred_samples_tell_what_is_used_and_less_does_not() -> None:
    for count, after in ((721, '"460m"'), (720, '"1"')):
        cluster = _cluster({"cpu": "2"}, asks={"cpu": "3"})
        _used(cluster, "cpu", *[0.4] * count)
        assert _after(cluster) == [after], count


def test_what_is_used_is_asked_for_where_nobody_knows_the_nodes() -> None:
    cluster = _cluster(asks={"cpu": "3"})
    _used(cluster, "cpu", *[0.4] * 800)
    assert _after(cluster) == [
        '"460m"',
    ]
    assert _drafts(_cluster(asks={"cpu": "3"})) == []


def test_a_request_that_would_not_come_down_stays() -> None:
    cluster = _cluster({"cpu": "2"}, asks={"cpu": "400m"})
    _used(cluster, "cpu", *[0.4] * 800)
    assert _after(cluster) == []
    assert _after(_cluster({"cpu": "2"}, asks={"cpu": "1"})) == []
    assert _after(_cluster({"cpu": "2"}, asks={"cpu": "1001m"})) == [
        '"1"',
    ]


def test_a_gap_too_small_for_a_step_gives_no_request() -> None:
    assert _after(_cluster({"memory": "127Mi"}, asks={"memory": "2Gi"}), "memory") == []
    assert _after(_cluster({"memory": "128Mi"}, asks={"memory": "2Gi"}), "memory") == [
        '"64Mi"',
    ]
    assert _after(_cluster({"cpu": "1"}, asks={"cpu": "2"}, held={"n0": [{"cpu": "1"}]})) == []


def test_pods_that_wait_share_the_gaps() -> None:
    for waiting, after in ((1, '"1500m"'), (2, '"1"'), (3, '"750m"'), (4, '"500m"')):
        cluster = _cluster({"cpu": "3"}, {"cpu": "2"}, asks={"cpu": "9"}, waiting=waiting)
        assert _after(cluster) == [after], waiting


def test_twenty_pods_at_most_share_one_gap() -> None:
    for waiting, fits in ((20, True), (21, False)):
        cluster = _cluster({"cpu": "21"}, asks={"cpu": "30"}, waiting=waiting)
        assert bool(_after(cluster)) is fits, waiting


def test_pods_that_are_ready_need_no_place() -> None:
    cluster = _cluster({"cpu": "2"}, asks={"cpu": "9"}, waiting=2)
    ready = copy.deepcopy(cluster.pod("web"))
    ready["metadata"]["name"] += "r"
    ready["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    cluster.objects["pods"].append(ready)
    assert _after(cluster) == [
        '"1"',
    ]


def test_nodes_that_the_pod_may_not_use_have_no_gap() -> None:
    cluster = _cluster({"cpu": "8"}, {"cpu": "8"}, {"cpu": "2"}, {}, asks={"cpu": "9"})
    nodes = cluster.objects["nodes"]
    for node, disk in zip(nodes, ("hdd", "ssd", "ssd", "ssd"), strict=True):
        node["metadata"]["labels"] = {"disk": disk, "arch": "arm" if node is nodes[1] else "amd"}
    spec = pod_spec(cluster)
    spec["nodeSelector"] = {"disk": "ssd"}
    terms = [{"matchExpressions": [{"key": "arch", "operator": "In", "values": ["amd"]}]}]
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    spec["affinity"] = {"nodeAffinity": {required: {"nodeSelectorTerms": terms}}}
    assert _after(cluster) == [
        '"1"',
    ]


def test_all_containers_of_pods_on_a_node_hold_it_and_what_cannot_be_read_holds_nothing() -> None:
    held = {"n0": [{"cpu": "500m"}, {"cpu": "500m"}, {"cpu": "much"}, {"memory": "1Gi"}]}
    assert _after(_cluster({"cpu": "3"}, asks={"cpu": "9"}, held=held)) == [
        '"1"',
    ]


def test_what_is_held_is_counted_by_node() -> None:
    held = {"n0": [{"cpu": "500m"}, {"cpu": "250m"}], "n1": [{"cpu": "1"}]}
    cluster = _cluster({"cpu": "3"}, {"cpu": "3"}, asks={"cpu": "1"}, held=held)
    pods, used = capacity.held(ClusterView(cluster.bundle()), "cpu")
    assert dict(pods) == {"n0": 2, "n1": 1}
    assert used == {"n0": 0.75, "n1": 1.0}


def test_the_first_container_that_can_ask_for_less_does_and_containers_share_the_gap() -> None:
    cluster = _cluster({"cpu": "2"}, asks={"memory": "1Gi"})
    pod_spec(cluster)["containers"] += [
        {"name": "small", "resources": {"requests": {"cpu": "100m"}}},
        {"name": "large", "resources": {"requests": {"cpu": "2"}}},
        {"name": "larger", "resources": {"requests": {"cpu": "3"}}},
    ]
    assert [x for x in _drafts(cluster) if ".requests." in x] == [
        '  apps/v1 Deployment/shop/web :containers[name=large].resources.requests.cpu: "2" → "250m"',
    ]


def test_a_limit_counts_as_the_request_that_nobody_states() -> None:
    cluster = _cluster({"cpu": "1"}, limits={"cpu": "3"})
    assert _drafts(cluster)[:5] == [
        "set_cpu 0.65 scheduling.request.title container=main new=500m resource=(drafting.resource.cpu)",
        "  why scheduling.request.why basis=(scheduling.request.gaps room=1) container=main new=500m now=3 resource=(drafting.resource.cpu)",
        "  risk scheduling.request.less",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests: + {"cpu": "500m"}',
    ]
    cluster = _cluster({"cpu": "1"}, asks={"cpu": "400m"}, limits={"cpu": "3"})
    assert _after(cluster) == []


def test_the_request_that_the_repository_declares_is_the_one_that_comes_down() -> None:
    cluster = _cluster({"cpu": "1"}, asks={"cpu": "3"})
    declared = copy.deepcopy(cluster.get("deployments", "web"))
    declared["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "2500m"
    cluster.declared.append(declared)
    assert _drafts(cluster)[1:] == [
        "  why scheduling.request.why basis=(scheduling.request.gaps room=1) container=main new=500m now=2500m resource=(drafting.resource.cpu)",
        "  risk scheduling.request.less",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests.cpu: "2500m" → "500m"',
    ]


def test_without_anything_that_is_asked_for_there_is_just_the_way_back() -> None:
    cluster = _cluster({"cpu": "1"})
    changed_lately(cluster)
    assert _drafts(cluster) == BACK


def test_a_node_is_usable_while_it_has_a_place_for_a_pod_a_hundred_and_ten_where_it_says_nothing() -> (
    None
):
    for places, pods, usable in (
        ("3", 2, True),
        ("3", 3, False),
        (None, 109, True),
        (None, 110, False),
    ):
        offered = {"cpu": "4"} | ({} if places is None else {"pods": places})
        cluster = _cluster(offered, asks={"cpu": "1"}, held={"n0": [{}] * pods})
        view = ClusterView(cluster.bundle())
        assert bool(capacity.usable(view, workload_of(view, "web"))) is usable, (places, pods)
