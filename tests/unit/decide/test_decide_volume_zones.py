"""A volume in one zone excludes the others always: what excludes the nodes that it leaves is the cause."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from tests.support.decide.clusters import Cluster

VOLUME = "4 node(s) had volume node affinity conflict"
PLANE = "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }"


def told(*reasons: str) -> Cluster:
    cluster = Cluster(seed=6)
    app = cluster.app()
    cluster.unschedulable(app, f"0/7 nodes are available: {', '.join(reasons)}. preemption: 0/7")
    return cluster


@pytest.mark.parametrize("volume", [VOLUME, "4 node(s) had no available volume zone"])
@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("2 Insufficient memory", "insufficient_memory"),
        ("2 Insufficient cpu", "insufficient_cpu"),
        ("2 node(s) exceed max volume count", "volume_limit_reached"),
        ("2 Too many pods", "too_many_pods"),
    ],
)
def test_the_cause_is_what_excludes_the_nodes_that_the_volume_leaves(
    volume: str, reason: str, cause: str
) -> None:
    analysis = diagnose(told(reason, volume).bundle()).analysis
    assert analysis is not None
    assert analysis.failure_class == cause
    assert all(h.failure_class != "volume_node_conflict" for h in analysis.hypotheses)


@pytest.mark.parametrize("more", [(), (PLANE,)])
def test_a_volume_that_leaves_no_node_is_the_cause_itself(more: tuple[str, ...]) -> None:
    analysis = diagnose(told(*more, VOLUME).bundle()).analysis
    assert analysis is not None
    assert analysis.failure_class == "volume_node_conflict"


def test_a_volume_out_of_the_pods_own_pool_is_the_cause() -> None:
    cluster = told(
        "2 node(s) were unschedulable",
        "3 node(s) didn't match Pod's node affinity/selector",
        VOLUME,
    )
    analysis = diagnose(cluster.bundle()).analysis
    assert analysis is not None
    assert analysis.failure_class == "volume_node_conflict"


@pytest.mark.parametrize(
    ("node", "cause"), [("pool-a", "volume_node_conflict"), ("pool-b", "insufficient_memory")]
)
def test_the_volumes_own_nodes_are_asked_where_they_are_known(node: str, cause: str) -> None:
    cluster = told(
        "2 Insufficient memory", "3 node(s) didn't match Pod's node affinity/selector", VOLUME
    )
    spec = cluster.objects["pods"][0]["spec"]
    spec["nodeSelector"] = {"pool": "pool-b"}
    claimed = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    spec["volumes"] = [claimed]
    cluster.objects["nodes"] = [
        {"kind": "Node", "metadata": {"name": n, "labels": {"pool": n}}}
        for n in ("pool-a", "pool-b")
    ]
    cluster.add("persistentvolumeclaims", "data", spec={"volumeName": "pv"})
    terms = [{"matchExpressions": [{"key": "pool", "operator": "In", "values": [node]}]}]
    pv = cluster.add(
        "persistentvolumes", "pv", spec={"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}
    )
    del pv["metadata"]["namespace"]
    analysis = diagnose(cluster.bundle()).analysis
    assert analysis is not None
    assert analysis.failure_class == cause


def test_room_on_nodes_that_the_volume_cannot_reach_is_no_room() -> None:
    verdict = diagnose(told("2 Insufficient memory", VOLUME).bundle())
    assert [p.title for p in verdict.plans if p.fix_kind == "set_memory"] == []
