"""What live objects say after a merge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from learn.core.judgement import WorkloadState
from learn.core.workload import state_of
from schemas.base import ObjectRef
from schemas.plans import ActionPlan, FieldChange, KubernetesChange

MERGED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
REF = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="cart")
CPU = "spec.template.spec.containers[name=app].resources.limits.cpu"


def at(minutes: float) -> str:
    return (MERGED + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def plan(*changes: KubernetesChange) -> ActionPlan:
    return ActionPlan(
        plan_id="p",
        title="t",
        fix_kind="set_cpu",
        confidence=0.9,
        justification="j",
        kubernetes_changes=changes
        or (
            KubernetesChange(
                object=REF, fields=(FieldChange(path=CPU, before="250m", after="500m"),)
            ),
        ),
    )


def workload(cpu: Any = "500m", kind: str = "Deployment", **status: Any) -> dict[str, Any]:
    containers = [{"name": "app", "resources": {"limits": {"cpu": cpu}}}]
    return {
        "kind": kind,
        "metadata": {"name": "cart", "namespace": "shop", "generation": 2},
        "spec": {"replicas": 2, "template": {"spec": {"containers": containers}}},
        "status": {"observedGeneration": 2, "updatedReplicas": 2, "readyReplicas": 2, **status},
    }


def container(restarts: int = 0, **more: Any) -> dict[str, Any]:
    return {"name": "app", "restartCount": restarts, "state": {"running": {}}, **more}


def ended(minutes: float, code: int = 137) -> dict[str, Any]:
    return {"terminated": {"finishedAt": at(minutes), "exitCode": code}}


def pod(
    *containers: dict[str, Any], made: float = 1, init: tuple[Any, ...] = (), **meta: Any
) -> dict[str, Any]:
    return {
        "metadata": {"creationTimestamp": at(made), **meta},
        "status": {
            "containerStatuses": list(containers) or [container()],
            "initContainerStatuses": list(init),
        },
    }


def state(live: dict[str, Any] | None, *pods: dict[str, Any]) -> WorkloadState:
    return state_of(plan(), {REF.key: live}, live, pods, MERGED)


def test_all_pods_of_the_new_spec_ready() -> None:
    assert state(workload(), pod(), pod()) == WorkloadState(True, 2, 2, 0, ())


@pytest.mark.parametrize("cpu", ["0.5", 0.5, "500m", "500000u"])
def test_quantities_are_equal_however_they_are_written(cpu: Any) -> None:
    assert state(workload(cpu)).arrived is True


def test_a_field_that_has_its_old_value_has_not_arrived() -> None:
    assert state(workload("250m")).arrived is False


def test_an_object_that_is_gone_has_no_new_values_and_one_not_read_is_unknown() -> None:
    assert state(None) == WorkloadState(arrived=False)
    assert state_of(plan(), {}, workload(), [], MERGED).arrived is None
    nothing = plan().model_copy(update={"kubernetes_changes": ()})
    assert state_of(nothing, {}, workload(), [], MERGED).arrived is None


def test_a_field_that_a_plan_removes_must_be_gone() -> None:
    remove = KubernetesChange(
        object=REF, fields=(FieldChange(op="remove", path=CPU, before="500m"),)
    )
    with_limit, without = workload(), workload()
    del without["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"]
    for live, arrived in ((with_limit, False), (without, True)):
        assert state_of(plan(remove), {REF.key: live}, live, [], MERGED).arrived is arrived


def test_created_objects_are_there_with_what_was_written_and_deleted_ones_are_not() -> None:
    ref = ObjectRef(api_version="v1", kind="ConfigMap", namespace="shop", name="settings")
    written = {"metadata": {"name": "settings"}, "data": {"a": "1"}}
    created = plan(KubernetesChange(object=ref, action="create", manifest=written))
    live = {"metadata": {"name": "settings", "uid": "u"}, "data": {"a": "1"}, "immutable": False}
    other = {**live, "data": {"a": "2"}}
    deleted = plan(KubernetesChange(object=ref, action="delete"))
    for chosen, found, arrived in (
        (created, live, True),
        (created, other, False),
        (created, None, False),
        (deleted, None, True),
        (deleted, live, False),
    ):
        assert state_of(chosen, {ref.key: found}, None, None, MERGED).arrived is arrived


def test_lists_are_equal_item_by_item_with_the_servers_defaults() -> None:
    path = "spec.template.spec.containers"
    wanted = [{"name": "app", "resources": {"limits": {"cpu": 0.5}}}]
    change = KubernetesChange(object=REF, fields=(FieldChange(path=path, after=wanted),))
    live = workload()
    live["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always"
    assert state_of(plan(change), {REF.key: live}, live, [], MERGED).arrived is True
    live["spec"]["template"]["spec"]["containers"].append({"name": "other"})
    assert state_of(plan(change), {REF.key: live}, live, [], MERGED).arrived is False


@pytest.mark.parametrize(
    "status",
    [
        {"observedGeneration": 1},
        {"updatedReplicas": 1, "readyReplicas": 2},
        {"updatedReplicas": None, "readyReplicas": 2},
    ],
    ids=["not seen by the controller", "half way", "no new pod yet"],
)
def test_a_rollout_under_way_has_not_arrived(status: dict[str, Any]) -> None:
    assert state(workload(**status), pod(made=-60)).arrived is False


def test_old_pods_that_are_ready_do_not_count_for_new_ones() -> None:
    stopped = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    live = workload(updatedReplicas=None, readyReplicas=2, conditions=[stopped])
    assert state(live, pod(made=-60)) == WorkloadState(True, 2, 0, 0, ())


def test_a_rollout_that_something_stands_in_the_way_of_has_arrived_and_is_not_ready() -> None:
    waiting = container(state={"waiting": {"reason": "ImagePullBackOff"}})
    found = state(workload(updatedReplicas=1, readyReplicas=1), pod(waiting))
    assert found == WorkloadState(True, 2, 1, 0, ("ImagePullBackOff",))
    assert found.healthy is False


def test_pods_that_are_starting_or_cannot_be_placed() -> None:
    starting = container(state={"waiting": {"reason": "ContainerCreating"}})
    init = container(state={"waiting": {"reason": "PodInitializing"}})
    assert state(workload(), pod(starting, init=(init,))).reasons == ()
    unplaced = pod()
    unplaced["status"]["conditions"] = [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    ]
    assert state(workload(), unplaced).reasons == ("Unschedulable",)


@pytest.mark.parametrize(
    ("seen", "deaths"),
    [
        (pod(container(3), made=1), 3),
        (pod(container(0, state=ended(2)), made=1), 1),
        (pod(container(2, state=ended(5), lastState=ended(4)), made=1), 3),
        (pod(container(7), made=-60), 0),
        (pod(container(7, lastState=ended(-5)), made=-60), 0),
        (pod(container(8, lastState=ended(2)), made=-60), 1),
        (pod(container(), init=(container(0, state=ended(1, code=0)),), made=0.5), 0),
        (pod(container(), init=(container(2, lastState=ended(1, code=1)),), made=0.5), 2),
        (pod(container(0, state=ended(2)), made=-60, deletionTimestamp=at(1)), 0),
        (pod(container(4, state=ended(2, code=0)), made=-60), 1),
    ],
    ids=[
        "restarts of a new pod",
        "died and not restarted",
        "restarts and the last end",
        "old restarts of an old pod",
        "an end before the merge",
        "an end after it",
        "init that is done",
        "init that fails",
        "an old pod that is told to go",
        "ended without an error",
    ],
)
def test_deaths_since_the_merge(seen: dict[str, Any], deaths: int) -> None:
    assert state(workload(), seen).deaths == deaths


def test_pods_that_were_not_read_are_unknown() -> None:
    found = state_of(plan(), {REF.key: workload()}, workload(), None, MERGED)
    assert (found.deaths, found.healthy) == (None, None)


@pytest.mark.parametrize(
    ("kind", "status", "counts"),
    [
        ("StatefulSet", {"updatedReplicas": 2, "readyReplicas": 1}, (2, 1)),
        ("ReplicaSet", {"updatedReplicas": None, "readyReplicas": 2}, (2, 2)),
        (
            "DaemonSet",
            {"desiredNumberScheduled": 5, "numberAvailable": 5, "updatedNumberScheduled": 4},
            (5, 4),
        ),
        (
            "DaemonSet",
            {"desiredNumberScheduled": 5, "numberAvailable": 4, "updatedNumberScheduled": 5},
            (5, 4),
        ),
        ("CronJob", {}, (None, None)),
        ("HorizontalPodAutoscaler", {}, (None, None)),
    ],
)
def test_pods_are_counted_by_kind(
    kind: str, status: dict[str, Any], counts: tuple[int | None, int | None]
) -> None:
    found = state(workload(kind=kind, **status))
    assert (found.desired, found.ready) == counts


def test_an_autoscalers_change_is_looked_at_on_its_target() -> None:
    ref = ObjectRef(
        api_version="autoscaling/v2", kind="HorizontalPodAutoscaler", namespace="shop", name="cart"
    )
    change = KubernetesChange(
        object=ref, fields=(FieldChange(path="spec.maxReplicas", before=4, after=8),)
    )
    scaler = {"kind": ref.kind, "metadata": {"generation": 9}, "spec": {"maxReplicas": 8}}
    found = state_of(plan(change), {ref.key: scaler}, workload(), [pod()], MERGED)
    assert found == WorkloadState(True, 2, 2, 0, ())


def test_no_replicas_wanted_is_none_and_unsaid_is_one() -> None:
    none, unsaid = workload(), workload()
    none["spec"]["replicas"] = 0
    del unsaid["spec"]["replicas"]
    assert state(none).desired == 0
    assert state(unsaid).desired == 1
