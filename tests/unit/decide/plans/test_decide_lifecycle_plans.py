"""What is drafted for rollouts that do not go on and budgets that let nobody move."""

from __future__ import annotations

import copy
from typing import Any

from decide.core.families.lifecycle import plans
from decide.core.families.lifecycle.facts import HeldByBudget, StuckRollout
from tests.support.decide.drafted import BACK, changed_lately, drafted, pod_spec, shop


def _held(
    spec: dict[str, Any],
    *,
    replicas: int = 2,
    pods: int = 2,
    never: bool = True,
    kind: str = "Deployment",
    volume: dict[str, Any] | None = None,
) -> list[str]:
    cluster = shop()
    found = cluster.get("deployments", "web")
    found["spec"]["replicas"] = replicas
    pod_spec(cluster)["volumes"] = [{"name": "tmp", "emptyDir": {}}, *([volume] if volume else ())]
    pod = cluster.objects["pods"][0]
    for n in range(1, pods):
        more = copy.deepcopy(pod)
        more["metadata"]["name"] += str(n)
        cluster.objects["pods"].append(more)
    if kind != "Deployment":
        cluster.objects["deployments"].clear()
        cluster.objects["statefulsets"] = [found | {"kind": kind}]
        for one in cluster.objects["pods"]:
            one["metadata"]["ownerReferences"] = [{"kind": kind, "name": "web", "controller": True}]
    budget = cluster.add("poddisruptionbudgets", "least", api="policy/v1", spec=spec)
    return drafted(
        plans.budget, cluster, lambda w, _: HeldByBudget(workload=w, budget=budget, never=never)
    )


def test_a_budget_that_keeps_all_gets_a_replica_more_or_lets_one_go() -> None:
    assert _held({"minAvailable": 2}) == [
        "set_replicas 0.8 drafting.replicas n=3 workload=web",
        "  why drafting.because detail=seen",
        "  risk drafting.risk.cost",
        "  apps/v1 Deployment/shop/web spec.replicas: 2 → 3",
        "other 0.72 lifecycle.budget.title budget=least",
        "  why drafting.because detail=seen",
        "  risk lifecycle.budget.risk",
        "  time drafting.time.seconds",
        "  policy/v1 PodDisruptionBudget/shop/least spec.minAvailable: 2 → 1",
    ]


def test_a_replica_more_than_the_budget_keeps_or_than_there_are_whichever_is_more() -> None:
    for least, replicas, more in ((3, 3, 4), (1, 2, 3), (2, 2, 3)):
        lines = _held({"minAvailable": least}, replicas=replicas, pods=replicas)
        assert lines[0] == f"set_replicas 0.8 drafting.replicas n={more} workload=web"


def test_a_budget_of_unavailable_pods_lets_one_go() -> None:
    assert _held({"maxUnavailable": 0}) == [
        "other 0.72 lifecycle.budget.title budget=least",
        "  why drafting.because detail=seen",
        "  risk lifecycle.budget.risk",
        "  time drafting.time.seconds",
        "  policy/v1 PodDisruptionBudget/shop/least spec.maxUnavailable: 0 → 1",
    ]


def test_a_budget_in_percent_is_loosened_to_a_number() -> None:
    assert _held({"minAvailable": "100%"}, replicas=4, pods=4) == [
        "other 0.72 lifecycle.budget.title budget=least",
        "  why drafting.because detail=seen",
        "  risk lifecycle.budget.risk",
        "  time drafting.time.seconds",
        '  policy/v1 PodDisruptionBudget/shop/least spec.minAvailable: "100%" → 3',
    ]


def test_a_budget_that_would_allow_one_is_not_loosened() -> None:
    assert [x for x in _held({"minAvailable": 2}, never=False) if not x.startswith(" ")] == [
        "set_replicas 0.8 drafting.replicas n=3 workload=web",
    ]


def test_a_budget_of_the_only_replica_is_not_loosened() -> None:
    found = _held({"minAvailable": 1}, replicas=1, pods=1)
    assert [x for x in found if not x.startswith(" ")] == [
        "set_replicas 0.8 drafting.replicas n=2 workload=web",
    ]


def test_a_replica_more_is_nothing_for_what_shares_a_claim_is_no_deployment_or_is_short_of_pods() -> (
    None
):
    claim = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
    for case in ({"volume": claim}, {"kind": "StatefulSet"}, {"pods": 1}):
        found = _held({"minAvailable": 2}, **case)
        assert [x for x in found if not x.startswith(" ")] == [
            "other 0.72 lifecycle.budget.title budget=least",
        ], case


def test_a_paused_rollout_goes_on() -> None:
    cluster = shop()
    cluster.get("deployments", "web")["spec"]["paused"] = True
    changed_lately(cluster)
    assert drafted(plans.rollout, cluster, lambda w, _: StuckRollout(workload=w, paused=True)) == [
        "set_strategy 0.82 lifecycle.paused.title workload=web",
        "  why drafting.because detail=seen",
        "  risk lifecycle.paused.risk",
        "  risk drafting.risk.restart",
        "  apps/v1 Deployment/shop/web spec.paused: true → false",
    ]


def test_another_stuck_rollout_goes_back() -> None:
    cluster = shop()
    changed_lately(cluster)
    assert drafted(plans.rollout, cluster, lambda w, _: StuckRollout(workload=w)) == BACK
