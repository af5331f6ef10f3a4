"""Pods and their controllers are read field by field: what is there, what is missing, what is null."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.objects import meta, pods, workloads
from manifests.objects.kinds import KINDS
from manifests.objects.pods import Container, Pod
from manifests.objects.shapes import Misshapen, number, text
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef


def pod(phase: str = "Running", ready: str | None = "True", **more: Any) -> dict[str, Any]:
    conditions = [{"type": "PodScheduled", "status": "True"}]
    conditions += [{"type": "Ready", "status": ready}] if ready else []
    return {
        "metadata": {"name": "api-1", "namespace": "shop"},
        "spec": {
            "nodeName": "node-7",
            "initContainers": [{"name": "setup"}],
            "containers": [
                {"name": "app", "ports": [{"containerPort": 80}, 5], "env": [{"name": "A"}, None]},
                {"name": "proxy"},
            ],
        },
        "status": {
            "phase": phase,
            "conditions": conditions,
            "initContainerStatuses": [{"name": "setup", "ready": False, "restartCount": 1}],
            "containerStatuses": [
                {"name": "proxy", "ready": True, "restartCount": 0},
                {
                    "name": "app",
                    "ready": True,
                    "restartCount": 4,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 137}},
                },
                {"name": "gone", "ready": True},
            ],
        },
    } | more


def named(containers: list[Container]) -> dict[str, Container]:
    return {one.name: one for one in containers}


def test_a_containers_spec_and_status_find_each_other_by_name() -> None:
    found = Pod(pod()).containers()
    assert [(c.name, c.init) for c in found] == [
        ("setup", True),
        ("app", False),
        ("proxy", False),
        ("gone", False),
    ]
    app, gone = named(found)["app"], named(found)["gone"]
    assert (app.restarts, app.ready, app.waiting) == (4, True, {"reason": "CrashLoopBackOff"})
    assert app.terminated == {"exitCode": 137}
    assert app.ports == [{"containerPort": 80}, {}]
    assert app.env == [{"name": "A"}, {}]
    assert (gone.spec, gone.status, gone.ports, gone.restarts) == (
        {},
        {"name": "gone", "ready": True},
        [],
        0,
    )


def test_a_containers_end_now_is_told_before_its_last_one() -> None:
    ended = {"terminated": {"exitCode": 1}}
    status = {"state": ended, "lastState": {"terminated": {"exitCode": 2}}}
    assert Container("app", {}, status).terminated == {"exitCode": 1}
    assert Container("app", {}, {}).terminated == {}
    assert Container("app", {}, {}).waiting == {}
    assert not Container("app", {}, {}).ready


def test_a_pod_says_who_it_is_and_where() -> None:
    one = Pod(pod())
    assert (one.name, one.namespace, one.node, one.phase) == ("api-1", "shop", "node-7", "Running")
    empty = Pod({"spec": None})
    assert (empty.name, empty.namespace, empty.node, empty.phase) == ("", "", "", "")
    assert not empty.deleting
    assert Pod({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}).deleting


@pytest.mark.parametrize(
    ("phase", "said", "containers", "ready"),
    [
        ("Running", "True", (True, True), True),
        ("Running", "False", (True, True), False),
        ("Running", "Unknown", (True, True), False),
        ("Running", None, (True, True), True),
        ("Running", None, (True, False), False),
        ("Running", "True", (True, False), False),
        ("Running", None, (), True),
        ("Pending", None, (True, True), False),
        ("Pending", "True", (True, True), False),
        ("Succeeded", "False", (False, False), True),
        ("Failed", "True", (True,), False),
        ("", None, (), False),
    ],
)
def test_a_pod_is_ready_where_its_condition_and_its_containers_say_so(
    phase: str, said: str | None, containers: tuple[bool, ...], ready: bool
) -> None:
    item = pod(phase, said)
    item["status"]["containerStatuses"] = [
        {"name": name, "ready": is_ready}
        for name, is_ready in zip(("app", "proxy"), containers, strict=False)
    ]
    assert Pod(item).ready is ready


def test_an_init_container_that_is_not_ready_says_nothing_of_the_pod() -> None:
    item = pod(ready=None)
    assert not named(Pod(item).containers())["setup"].ready
    assert Pod(item).ready


def test_statuses_are_those_of_the_sorts_asked_for() -> None:
    item = pod()
    item["status"]["ephemeralContainerStatuses"] = [{"name": "shell"}]
    names = [s["name"] for s in pods.statuses_of(item)]
    assert names == ["setup", "proxy", "app", "gone"]
    assert [s["name"] for s in pods.statuses_of(item, "ephemeralContainers")] == ["shell"]
    assert [s["name"] for s in pods.statuses_of(item, "containers")] == ["proxy", "app", "gone"]


def controller(kind: str, spec: dict[str, Any], status: dict[str, Any] | None = None) -> Any:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": spec,
        "status": status or {},
    }


@pytest.mark.parametrize(
    ("kind", "spec", "status", "desired"),
    [
        ("Deployment", {"replicas": 3}, {}, 3),
        ("Deployment", {"replicas": 0}, {}, 0),
        ("Deployment", {}, {"replicas": 5}, 1),
        ("Deployment", {"replicas": None}, {}, 1),
        ("StatefulSet", {"replicas": 2}, {}, 2),
        ("DaemonSet", {"replicas": 9}, {"desiredNumberScheduled": 4}, 4),
        ("DaemonSet", {}, {}, 0),
        ("Job", {"replicas": 9}, {}, 1),
        ("CronJob", {"replicas": 9}, {}, 1),
        ("Pod", {"replicas": 9}, {}, 1),
    ],
)
def test_the_pods_asked_for_are_told_by_kind(
    kind: str, spec: dict[str, Any], status: dict[str, Any], desired: int
) -> None:
    assert Workload(kind, controller(kind, spec, status)).desired == desired


def test_ready_pods_are_counted_where_there_are_pods_and_taken_from_the_status_else() -> None:
    leaving = pod(metadata={"name": "b", "deletionTimestamp": "2026-01-01T00:00:00Z"})
    seen = (Pod(pod()), Pod(pod(ready="False")), Pod(leaving))
    item = controller("Deployment", {"replicas": 1}, {"readyReplicas": 7, "numberReady": 8})
    assert (
        Workload("Deployment", item, seen).ready,
        Workload("Deployment", item, seen).created,
    ) == (1, 2)
    assert (Workload("Deployment", item).ready, Workload("Deployment", item).created) == (7, 0)
    assert Workload("DaemonSet", item).ready == 8


@pytest.mark.parametrize(
    ("kind", "ready", "said", "available"),
    [
        ("Deployment", 2, None, True),
        ("Deployment", 3, None, True),
        ("Deployment", 1, None, False),
        ("Deployment", 1, "True", False),
        ("Deployment", 2, "False", False),
        ("Deployment", 2, "Unknown", True),
        ("Job", 0, "False", True),
        ("CronJob", 0, None, True),
        ("StatefulSet", 0, None, False),
    ],
)
def test_a_workload_is_available_with_enough_ready_pods_unless_its_controller_denies_it(
    kind: str, ready: int, said: str | None, available: bool
) -> None:
    conditions = [{"type": "Progressing", "status": "False"}]
    conditions += [{"type": "Available", "status": said}] if said else []
    status = {"readyReplicas": ready, "conditions": conditions}
    assert Workload(kind, controller(kind, {"replicas": 2}, status)).available is available


def test_a_workload_gives_its_template_and_its_containers() -> None:
    spec = {"containers": [{"name": "app"}, None], "initContainers": [{"name": "setup"}]}
    template = {"metadata": {"labels": {"app": "api"}}, "spec": spec}
    one = Workload("Deployment", controller("Deployment", {"template": template}))
    assert (one.name, one.namespace) == ("api", "shop")
    assert one.ref == ObjectRef(
        api_version="apps/v1", kind="Deployment", namespace="shop", name="api"
    )
    assert (one.template, one.spec, one.labels) == (template, spec, {"app": "api"})
    assert one.template_path == "spec.template.spec"
    assert [(c.name, c.init) for c in one.containers()] == [("app", False), ("None", False)]
    assert next((c.name, c.init) for c in one.containers(init=True)) == ("setup", True)
    again = Workload(
        "CronJob", controller("CronJob", {"jobTemplate": {"spec": {"template": template}}})
    )
    assert (again.spec, again.template_path) == (spec, "spec.jobTemplate.spec.template.spec")
    bare = Workload("Pod", {"metadata": {"labels": {"a": "b"}}, "spec": spec})
    assert (bare.labels, bare.spec, bare.template_path) == ({"a": "b"}, spec, "spec")


@pytest.mark.parametrize(
    ("kind", "spec", "status", "count"),
    [
        ("Deployment", {"replicas": 4}, {}, 4),
        ("Deployment", {}, {}, 1),
        ("Deployment", {"replicas": 0}, {}, 0),
        ("DaemonSet", {}, {"desiredNumberScheduled": 6}, 6),
        ("DaemonSet", {}, {"desiredNumberScheduled": 0}, 1),
        ("DaemonSet", {}, {}, 1),
        ("Job", {"parallelism": 3, "replicas": 9}, {}, 3),
        ("Job", {}, {}, 1),
        ("CronJob", {"jobTemplate": {"spec": {"parallelism": 5}}, "parallelism": 9}, {}, 5),
        ("CronJob", {}, {}, 1),
    ],
)
def test_checks_count_the_pods_that_are_wanted(
    kind: str, spec: dict[str, Any], status: dict[str, Any], count: int
) -> None:
    assert workloads.replicas(controller(kind, spec, status)) == count


def test_labels_are_written_as_kubectl_does() -> None:
    assert meta.pairs({"tier": "front", "app": "web"}) == "app=web,tier=front"
    assert meta.pairs({}) == "nothing"


def test_a_reference_says_what_the_object_says_else_what_its_list_is_of() -> None:
    item = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "n"},
    }
    assert meta.ref_of(item) == ObjectRef(
        api_version="apps/v1", kind="Deployment", namespace="n", name="a"
    )
    assert meta.ref_of(item, "ReplicaSet", version="v2").api_version == "apps/v1"
    bare = {"metadata": {"name": "a"}}
    assert meta.ref_of(bare, "Pod", version="v1") == ObjectRef(
        api_version="v1", kind="Pod", namespace="", name="a"
    )
    assert meta.is_ref(item, meta.ref_of(item))
    for change in ({"kind": "Job"}, {"namespace": "x"}, {"name": "x"}):
        assert not meta.is_ref(item, meta.ref_of(item).model_copy(update=change))


def test_conditions_annotations_and_owners_are_found_by_their_names() -> None:
    conditions = [None, {"type": "A", "status": "1"}, {"type": "A", "status": "2"}]
    item = {"metadata": {"annotations": {"a": "b"}}, "status": {"conditions": conditions}}
    assert meta.condition(item, "A") == {"type": "A", "status": "1"}
    assert meta.condition(item, "B") == {}
    assert meta.annotations_of(item) == {"a": "b"}
    assert meta.annotations_of({"metadata": {"annotations": None}}) == {}
    assert (meta.group_of("apps/v1"), meta.group_of("v1"), meta.group_of(None)) == ("apps", "", "")
    owners = [{"kind": "A", "name": "a"}, {"kind": "B", "name": "b", "controller": True}]
    owned = {"metadata": {"ownerReferences": owners}}
    assert meta.owners_of(owned) == [("B", "b"), ("A", "a")]
    assert meta.controller_of(owned) == owners[1]
    assert meta.controller_of({"metadata": {"ownerReferences": owners[:1]}}) is None
    assert meta.owners_of({"metadata": {"ownerReferences": [{}]}}) == [("", "")]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (5, 5),
        ("7", 7),
        (2.9, 2),
        ("2.9", 4),
        (True, 4),
        (None, 4),
        ([], 4),
        (float("inf"), 4),
        (float("nan"), 4),
        ("-1", -1),
    ],
)
def test_a_number_that_is_none_is_the_default(value: object, read: int) -> None:
    assert number(value, 4) == read


def test_a_word_is_text_and_anything_else_is_empty() -> None:
    assert [text(value) for value in ("a", 1, 1.5, True)] == ["a", "1", "1.5", "True"]
    nothing: list[object] = [None, [], {}]
    assert [text(value) for value in nothing] == ["", "", ""]


def test_kinds_have_a_version_a_scope_and_short_names_of_their_own() -> None:
    found = {(one.group, one.kind): one for one in KINDS}
    assert len(found) == len(KINDS)
    assert found["", "Pod"].api_version == "v1"
    assert found["autoscaling", "HorizontalPodAutoscaler"].api_version == "autoscaling/v2"
    assert found["apps", "Deployment"].short == ("deploy",)
    assert found["apps", "Deployment"].plural == "deployments"
    assert found["apps", "Deployment"].namespaced
    clusterwide = {one.kind for one in KINDS if not one.namespaced}
    assert {"Node", "Namespace", "PersistentVolume", "StorageClass", "ClusterRole"} <= clusterwide
    assert not {"Pod", "Role", "Ingress", "EndpointSlice", "Lease"} & clusterwide


@pytest.mark.parametrize("replicas", ["3", 1.5, True, [], {}])
def test_replicas_that_are_no_whole_number_fail_a_check(replicas: Any) -> None:
    with pytest.raises(Misshapen):
        workloads.replicas(controller("Deployment", {"replicas": replicas}))
