"""The arithmetic of rollouts: room that is needed, pods that are replaced first, and where a rollout stops."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from manifests.objects.resources import counted
from manifests.objects.rollouts.course import Course, PodSet
from manifests.objects.rollouts.deployments import Rolling, roll
from manifests.objects.rollouts.reading import Beside, course, strategy
from manifests.objects.shapes import Misshapen

UNKNOWN = Beside()


def workload(kind: str, image: str = "v1", cpu: str = "100m", **spec: Any) -> dict[str, Any]:
    container = {"name": "app", "image": image, "resources": {"requests": {"cpu": cpu}}}
    template = {"metadata": {"labels": {"app": "till"}}, "spec": {"containers": [container]}}
    return {
        "kind": kind,
        "metadata": {"name": "till", "namespace": "shop"},
        "spec": {"template": template, **spec},
    }


def replicaset(of: dict[str, Any], born: int, wanted: int, made: int, ready: int) -> dict[str, Any]:
    return {
        "metadata": {
            "name": f"till-{born}",
            "namespace": "shop",
            "creationTimestamp": f"2026-05-0{born}T08:00:00Z",
            "ownerReferences": [{"kind": "Deployment", "name": "till", "controller": True}],
        },
        "spec": {"replicas": wanted, "template": of["spec"]["template"]},
        "status": {"replicas": made, "readyReplicas": ready},
    }


def played(before: Any, after: Any, beside: Beside = UNKNOWN, **room: int | str) -> Course:
    bounds = {name.replace("_", "."): Decimal(value) for name, value in room.items()}
    found = course(before, after, counted, beside, bounds or None)
    assert found is not None
    return found


ROLLING = "rollingUpdate"


@pytest.mark.parametrize(
    ("kind", "fields", "wanted", "extra"),
    [
        ("Deployment", {}, 1, 1),
        ("Deployment", {}, 2, 1),
        ("Deployment", {}, 3, 1),
        ("Deployment", {}, 4, 0),
        ("Deployment", {"strategy": {"type": "Recreate"}}, 4, 0),
        ("Deployment", {"strategy": {ROLLING: {"maxUnavailable": 0, "maxSurge": 2}}}, 3, 1),
        ("Deployment", {"strategy": {ROLLING: {"maxUnavailable": "9%", "maxSurge": 0}}}, 10, 0),
        ("Deployment", {"strategy": {ROLLING: {"maxUnavailable": None, "maxSurge": None}}}, 2, 1),
        ("StatefulSet", {}, 3, 0),
        ("DaemonSet", {}, 5, 0),
        ("DaemonSet", {"updateStrategy": {ROLLING: {"maxSurge": 2}}}, 5, 1),
        ("DaemonSet", {"updateStrategy": {ROLLING: {"maxSurge": None}}}, 5, 0),
    ],
)
def test_a_rollout_gets_through_with_so_many_pods_more_and_not_with_fewer(
    kind: str, fields: dict[str, Any], wanted: int, extra: int
) -> None:
    before, after = (workload(kind, image, replicas=wanted, **fields) for image in ("v1", "v2"))
    for item in (before, after):
        if kind == "DaemonSet":
            item["status"] = {
                "desiredNumberScheduled": wanted,
                "currentNumberScheduled": wanted,
                "numberReady": wanted,
            }
    assert played(before, after, pods=extra).complete
    assert played(before, after, pods=extra - 1).stop == "no_room"


def test_both_bounds_at_nothing_take_one_pod_away() -> None:
    rolling = {ROLLING: {"maxSurge": 0, "maxUnavailable": "10%"}}
    item = workload("Deployment", replicas=5, strategy=rolling)
    assert strategy(item) == (0, 1, False)


def test_a_stuck_rollouts_own_pods_go_before_a_new_one_is_made() -> None:
    """Four run, the fifth of a bad release waits: the next release never makes a sixth."""
    good, bad = workload("Deployment", replicas=4), workload("Deployment", "bad", replicas=4)
    kept = [replicaset(good, 1, 4, 4, 4), replicaset(bad, 2, 1, 1, 0)]
    found = played(bad, workload("Deployment", "next", replicas=4), Beside(replicasets=kept))
    assert (found.complete, found.peak["pods"]) == (True, 5)


def test_going_back_reuses_the_pods_that_are_there() -> None:
    good, bad = workload("Deployment", replicas=4), workload("Deployment", "bad", "2", replicas=4)
    kept = [replicaset(good, 1, 4, 4, 4), replicaset(bad, 2, 1, 0, 0)]
    found = played(bad, good, Beside(replicasets=kept), pods=0, requests_cpu=0)
    assert found.complete
    assert found.growth()["requests.cpu"] == 0
    assert found.fewest_ready == 4


def test_a_larger_pod_needs_room_beside_the_old_ones() -> None:
    before = workload("Deployment", replicas=3)
    after = workload("Deployment", "v2", "300m", replicas=3)
    found = played(before, after)
    assert found.steady()["cpu"] == Decimal("0.6")
    assert found.growth()["cpu"] == Decimal("0.7")  # three new ones, and the last old one
    assert played(before, after, cpu="0.7").complete
    assert played(before, after, cpu="0.69").stop == "no_room"


def test_more_replicas_and_a_new_template_scale_the_old_ones_first() -> None:
    before, after = workload("Deployment", replicas=2), workload("Deployment", "v2", replicas=4)
    found = played(before, after)
    assert found.complete
    assert found.peak["pods"] == 5


def test_a_paused_deployment_is_not_rolled_out() -> None:
    before = workload("Deployment", replicas=2)
    after = workload("Deployment", "v2", replicas=2, paused=True)
    assert played(before, after).stop == "paused"


def test_pods_that_are_replaced_on_deletion_stay() -> None:
    fields = {"updateStrategy": {"type": "OnDelete"}, "replicas": 2}
    before, after = (workload("StatefulSet", image, **fields) for image in ("v1", "v2"))
    assert played(before, after).stop == "on_delete"


def test_a_partition_keeps_the_lower_pods() -> None:
    fields = {"updateStrategy": {ROLLING: {"partition": 2}}, "replicas": 3}
    before, after = (workload("StatefulSet", image, **fields) for image in ("v1", "v2"))
    found = played(before, after)
    assert (found.stop, found.new.made, found.old[0].made) == ("partition", 1, 2)


@pytest.mark.parametrize(("managed", "stop"), [("OrderedReady", "not_ready"), ("Parallel", "")])
def test_an_ordered_set_waits_for_a_pod_that_never_gets_ready(managed: str, stop: str) -> None:
    fields = {"replicas": 3, "podManagementPolicy": managed}
    before, after = (workload("StatefulSet", image, **fields) for image in ("bad", "v2"))
    before["status"] = {"replicas": 3, "readyReplicas": 2}
    assert played(before, after).stop == stop


def test_a_rollout_of_pods_that_never_get_ready_stops() -> None:
    each = {"pods": Decimal(1)}
    old, new = PodSet(wanted=3, made=3, ready=3, each=each), PodSet(each=each)
    found = roll(Rolling(desired=3, surge=1, sets=(old, new), new=1))
    assert (found.stop, found.peak["pods"], found.fewest_ready) == ("not_ready", 4, 3)


def test_numbers_that_nobody_runs_are_refused() -> None:
    with pytest.raises(Misshapen):
        played(None, workload("Deployment", replicas=2_000_000_000))
