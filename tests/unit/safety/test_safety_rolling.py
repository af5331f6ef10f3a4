"""Nodes and budgets while a plan rolls out: the places that its pods need, and the pods that are ready at the fewest."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.plans import FieldChange
from tests.unit.safety.test_safety_checks import (
    REF,
    cpu,
    deployment,
    examined,
    objects,
    plan,
    replicas,
    verdict,
)


def node(name: str, cpu: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "Node",
        "metadata": {"name": name, **more.pop("metadata", {})},
        "status": {"allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "20"}},
        **more,
    }


def pod(name: str, place: str, cpu: str = "100m", *, owner: str = "") -> dict[str, Any]:
    owned = [{"kind": "ReplicaSet", "name": owner, "controller": True}] if owner else []
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop" if owner else "bank",
            "ownerReferences": owned,
            "labels": {"app": "api"} if owner else {},
        },
        "spec": {
            "nodeName": place,
            "containers": [
                {"name": "app", "resources": {"requests": {"cpu": cpu, "memory": "128Mi"}}}
            ],
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "app", "ready": True}],
        },
    }


def strategy(**rolling: Any) -> dict[str, Any]:
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}


SURGES, LEAVES = (
    strategy(maxSurge=1, maxUnavailable=0),
    strategy(maxSurge=1, maxUnavailable=1),
)


def cluster(
    spec: dict[str, Any], *nodes: dict[str, Any], filler: str = "", running: int = 2
) -> dict[str, list[Any]]:
    """Two pods of 100m on the first node; ``filler``: what another namespace's pod asks for there."""
    found = deployment(**spec)
    found["status"] = {"replicas": running, "readyReplicas": running}
    owner = {"kind": "Deployment", "name": "api", "controller": True}
    old = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "api-1", "namespace": "shop", "ownerReferences": [owner]},
        "spec": {"replicas": running, "template": found["spec"]["template"]},
        "status": {"replicas": running, "readyReplicas": running},
    }
    pods = [pod(f"api-1-{n}", "n1", owner="api-1") for n in range(running)]
    pods += [pod("ledger", "n1", filler)] if filler else []
    return objects(deployments=[found], replicasets=[old], pods=pods, nodes=list(nodes))


REQUEST = FieldChange(
    path="spec.template.spec.containers[name=app].resources.requests.cpu",
    before="100m",
    after="150m",
)


@pytest.mark.parametrize(
    ("spec", "size", "expected"),
    [
        (SURGES, "1", "pass"),
        (SURGES, "299m", "fail"),
        (SURGES, "300m", "pass"),
        (LEAVES, "200m", "pass"),
        ({"strategy": {"type": "Recreate"}}, "200m", "pass"),
        ({}, "200m", "fail"),
    ],
    ids=["room", "no place beside", "a place beside", "one leaves first", "all leave", "default"],
)
def test_a_rollout_finds_the_places_that_its_strategy_needs(
    spec: dict[str, Any], size: str, expected: str
) -> None:
    found = cluster(spec, node("n1", size))
    assert verdict(examined(plan(cpu("150m")), found), "node_fit")[0] == expected


def test_an_old_pods_place_is_too_small_for_one_that_asks_for_more() -> None:
    grown = plan(REQUEST)
    assert verdict(examined(grown, cluster(LEAVES, node("n1", "200m"))), "node_fit")[0] == "fail"
    assert verdict(examined(grown, cluster(LEAVES, node("n1", "500m"))), "node_fit")[0] == "pass"


def test_what_an_old_pod_leaves_and_what_was_free_beside_it_are_one_place_together() -> None:
    grown = plan(REQUEST)
    assert verdict(examined(grown, cluster(LEAVES, node("n1", "300m"))), "node_fit")[0] == "pass"
    recreate = {"strategy": {"type": "Recreate"}}
    assert verdict(examined(grown, cluster(recreate, node("n1", "300m"))), "node_fit")[0] == "pass"
    assert verdict(examined(grown, cluster(SURGES, node("n1", "300m"))), "node_fit")[0] == "fail"


def test_more_replicas_need_places_too() -> None:
    for size, expected in (("299m", "fail"), ("300m", "pass")):
        found = cluster(LEAVES, node("n1", size))
        assert verdict(examined(plan(replicas(3)), found), "node_fit")[0] == expected


def test_pods_of_others_take_places_and_the_reason_says_how_many_are_left() -> None:
    found = cluster(SURGES, node("n1", "1"), filler="750m")
    word, reason = verdict(examined(plan(cpu("150m")), found), "node_fit")
    assert word == "fail"
    assert "0" in reason
    assert "100m" in reason


@pytest.mark.parametrize(
    "closed",
    [
        {"spec": {"unschedulable": True}},
        {"spec": {"taints": [{"key": "team", "value": "batch", "effect": "NoSchedule"}]}},
    ],
)
def test_a_node_that_takes_no_pod_of_it_has_no_place(closed: dict[str, Any]) -> None:
    found = cluster(SURGES, node("n1", "200m"), node("n2", "4", **closed))
    assert verdict(examined(plan(cpu("150m")), found), "node_fit")[0] == "fail"
    found = cluster(SURGES, node("n1", "200m"), node("n2", "4"))
    assert verdict(examined(plan(cpu("150m")), found), "node_fit")[0] == "pass"


def test_where_nodes_are_made_for_pods_that_find_none_a_place_is_no_bound() -> None:
    made = node("n1", "200m", metadata={"labels": {"karpenter.sh/nodepool": "shared"}})
    assert verdict(examined(plan(cpu("150m")), cluster(SURGES, made)), "node_fit")[0] == "pass"


def test_where_no_pods_were_read_the_largest_node_alone_is_asked() -> None:
    found = cluster(SURGES, node("n1", "200m"))
    del found["pods"]
    assert verdict(examined(plan(cpu("150m")), found), "node_fit")[0] == "pass"


def budgeted(spec: dict[str, Any], bound: dict[str, Any], *fields: FieldChange) -> str:
    found = cluster(spec, node("n1", "4"))
    found["poddisruptionbudgets"] = [
        {
            "metadata": {"name": "b", "namespace": "shop"},
            "spec": {**bound, "selector": {"matchLabels": {"app": "api"}}},
        }
    ]
    return verdict(examined(plan(*fields, ref=REF), found), "disruption_budget")[0]


RECREATE = FieldChange(path="spec.strategy", before=SURGES["strategy"], after={"type": "Recreate"})
AWAY = FieldChange(path="spec.strategy.rollingUpdate.maxUnavailable", before=0, after=1)


def test_a_strategy_may_not_come_to_leave_fewer_pods_than_a_budget_keeps() -> None:
    assert budgeted(SURGES, {"minAvailable": 1}, RECREATE) == "fail"
    assert budgeted(SURGES, {"maxUnavailable": 1}, RECREATE) == "fail"
    assert budgeted(SURGES, {"minAvailable": 1}, AWAY) == "pass"
    assert budgeted(SURGES, {"minAvailable": 2}, AWAY) == "fail"


def test_a_strategy_that_left_as_few_before_is_no_fault_of_the_plan() -> None:
    assert budgeted(LEAVES, {"minAvailable": 2}, cpu("300m")) == "pass"
    recreate = {"strategy": {"type": "Recreate"}}
    assert budgeted(recreate, {"minAvailable": 1}, cpu("300m")) == "pass"
