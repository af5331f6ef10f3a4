"""The cluster as rules see it: what belongs to what, with owners gone, kinds not collected and namesakes elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core.view import ClusterView, Event, node_ready
from manifests.objects.kinds import WORKLOADS
from schemas.context import DeclaredObject
from tests.support.decide.views import (
    SHOP,
    deployment,
    log,
    meta,
    pod,
    series,
    service,
    view_of,
    workload,
)

Obj = dict[str, Any]


def replica_set(name: str, owner: str = "", namespace: str = SHOP, **spec: Any) -> Obj:
    owners = [{"kind": "Deployment", "name": owner, "controller": True}] if owner else []
    return {"metadata": meta(name, namespace, ownerReferences=owners), "spec": spec}


def plain(kind: str, name: str, owner: tuple[str, str] | None = None, **spec: Any) -> Obj:
    owners = [{"kind": owner[0], "name": owner[1]}] if owner else []
    return {"kind": kind, "metadata": meta(name, ownerReferences=owners), "spec": spec}


def shape(view: ClusterView) -> dict[str, list[str]]:
    """Workloads by key, with the names of their pods."""
    return {w.ref.key: [p.name for p in w.pods] for w in view.workloads}


# --- objects


def test_what_was_listed_and_is_empty_was_collected() -> None:
    view = view_of({"pods": []})
    assert view.collected("pods")
    assert not view.collected("nodes")


def test_what_is_no_object_is_left_out() -> None:
    view = view_of({"pods": [pod("a"), "text", None, 3, pod("b")]})  # type: ignore[list-item]
    assert [p["metadata"]["name"] for p in view.all("pods")] == ["a", "b"]
    assert view.all("nodes") == []


def test_an_object_is_found_by_its_namespace_and_name() -> None:
    view = view_of({"services": [service("web"), service("web", "bank"), service("api")]})
    for namespace in (SHOP, "bank"):
        found = view.get("services", namespace, "web")
        assert found is not None
        assert found["metadata"]["namespace"] == namespace
    assert view.get("services", "bank", "api") is None
    assert view.get("configmaps", SHOP, "web") is None


def test_objects_without_metadata_are_of_no_namespace() -> None:
    view = view_of({"nodes": [{}, {"metadata": None}, {"metadata": {"name": "n"}}]})
    assert len(view.inside("nodes", "")) == 3
    assert len(view.nodes) == 3


@pytest.mark.parametrize(
    ("namespace", "spaces", "focus"),
    [
        ("shop", ("shop", "bank", "kube-system"), {"shop"}),
        ("", ("shop", "bank", "kube-system"), {"shop", "bank"}),
        ("", ("kube-system", "kube-public"), {"kube-system", "kube-public"}),
        ("", ("kubernetes", "my-kube-"), {"kubernetes", "my-kube-"}),
        ("", (), set()),
    ],
)
def test_the_focus_is_the_alerts_namespace_else_everybodys_but_the_systems(
    namespace: str, spaces: tuple[str, ...], focus: set[str]
) -> None:
    view = view_of({"pods": [pod("a", space) for space in spaces]}, namespace=namespace)
    assert view.focus == focus


@pytest.mark.parametrize("plural", sorted(WORKLOADS))
def test_a_controller_without_pods_puts_its_namespace_into_the_focus(plural: str) -> None:
    view = view_of({plural: [{"metadata": meta("x", "bank")}]}, namespace="")
    assert view.focus == {"bank"}
    assert shape(view) == {f"{WORKLOADS[plural]}/bank/x": []}


def test_here_lists_the_focus_by_namespace_and_nothing_else() -> None:
    services = [service("b", "shop"), service("a", "bank"), service("c", "kube-system")]
    view = view_of(
        {"services": services, "pods": [pod("p", "shop"), pod("q", "bank")]}, namespace=""
    )
    assert [s["metadata"]["name"] for s in view.here("services")] == ["a", "b"]
    assert [s["metadata"]["name"] for s in view.services] == ["a", "b"]


# --- workloads


def test_a_pod_belongs_to_the_topmost_owner_of_its_chain() -> None:
    view = view_of(
        {
            "deployments": [deployment("web"), deployment("web", "bank")],
            "replicasets": [replica_set("web-5d", "web"), replica_set("web-5d", "web", "bank")],
            "pods": [
                pod("web-5d-1", owner=("ReplicaSet", "web-5d")),
                pod("web-5d-2", owner=("ReplicaSet", "web-5d")),
                pod("web-5d-9", "bank", owner=("ReplicaSet", "web-5d")),
            ],
        }
    )
    assert shape(view) == {"Deployment/shop/web": ["web-5d-1", "web-5d-2"]}
    assert workload(view, "web").children == {"web-5d"}


def test_a_cron_jobs_pods_are_those_of_its_jobs() -> None:
    view = view_of(
        {
            "cronjobs": [plain("CronJob", "night")],
            "jobs": [plain("Job", "night-1", ("CronJob", "night")), plain("Job", "once")],
            "pods": [
                pod("night-1-a", owner=("Job", "night-1")),
                pod("once-a", owner=("Job", "once")),
            ],
        }
    )
    assert shape(view) == {"CronJob/shop/night": ["night-1-a"], "Job/shop/once": ["once-a"]}


def test_without_its_replica_set_a_pod_belongs_to_the_deployment_of_its_prefix() -> None:
    view = view_of(
        {
            "deployments": [deployment("web"), deployment("api")],
            "pods": [
                pod("web-5d-1", owner=("ReplicaSet", "web-5d")),
                pod("other-5d-1", owner=("ReplicaSet", "other-5d")),
            ],
        }
    )
    assert shape(view) == {
        "Deployment/shop/web": ["web-5d-1"],
        "Deployment/shop/api": [],
        "Pod/shop/other-5d-1": ["other-5d-1"],
    }


def test_a_pod_that_names_no_owner_belongs_to_the_first_controller_that_selects_it() -> None:
    view = view_of(
        {
            "deployments": [
                deployment("loose", selector={}),
                deployment("api"),
                deployment("web", "bank"),
                deployment("web"),
                deployment("web-too", labels={"app": "web"}),
            ],
            "pods": [pod("p", labels={"app": "web"}), pod("q", labels={"app": "none"})],
        }
    )
    found = shape(view)
    assert found["Deployment/shop/web"] == ["p"]
    assert found["Pod/shop/q"] == ["q"]
    assert {key for key, pods in found.items() if pods} == {"Deployment/shop/web", "Pod/shop/q"}


def test_the_controlling_owner_counts_and_the_next_one_does_not() -> None:
    one = pod("p")
    one["metadata"]["ownerReferences"] = [
        {"kind": "StatefulSet", "name": "db"},
        {"kind": "DaemonSet", "name": "agent", "controller": True},
    ]
    sets = {
        "statefulsets": [plain("StatefulSet", "db")],
        "daemonsets": [plain("DaemonSet", "agent")],
    }
    assert shape(view_of({**sets, "pods": [one]})) == {
        "StatefulSet/shop/db": [],
        "DaemonSet/shop/agent": ["p"],
    }
    one["metadata"]["ownerReferences"][1]["name"] = "gone"
    assert shape(view_of({**sets, "pods": [one]}))["StatefulSet/shop/db"] == []


def test_a_controller_that_somebody_owns_is_not_topmost() -> None:
    owned = deployment("web")
    owned["metadata"]["ownerReferences"] = [{"kind": "Application", "name": "x"}]
    assert shape(view_of({"deployments": [owned, deployment("api")]})) == {
        "Deployment/shop/api": []
    }


@pytest.mark.parametrize(
    ("spec", "stands"), [({"replicas": 1}, True), ({}, True), ({"replicas": 0}, False)]
)
def test_a_live_replica_set_stands_for_a_deployment_that_was_not_collected(
    spec: Obj, stands: bool
) -> None:
    view = view_of({"replicasets": [replica_set("web-5d", "web", **spec)]})
    assert shape(view) == ({"ReplicaSet/shop/web-5d": []} if stands else {})


def test_a_replica_set_whose_deployment_is_there_is_no_workload() -> None:
    objects = {"deployments": [deployment("web")], "replicasets": [replica_set("web-5d", "web")]}
    assert shape(view_of(objects)) == {"Deployment/shop/web": []}


def test_a_replica_set_without_owner_is_a_leftover_of_the_deployment_of_its_prefix() -> None:
    objects = {
        "deployments": [deployment("web"), deployment("other", "bank")],
        "replicasets": [replica_set("web-5d"), replica_set("lone-5d"), replica_set("other-5d")],
        "pods": [pod("web-5d-1", owner=("ReplicaSet", "web-5d"))],
    }
    view = view_of(objects)
    assert shape(view) == {
        "Deployment/shop/web": ["web-5d-1"],
        "ReplicaSet/shop/lone-5d": [],
        "ReplicaSet/shop/other-5d": [],
    }
    assert workload(view, "web").children == {"web-5d"}


@pytest.mark.parametrize(
    ("owner", "plural", "key"),
    [
        (("ReplicaSet", "web-6d4cf56db6"), "deployments", "Deployment/shop/web"),
        (("StatefulSet", "db"), "statefulsets", "StatefulSet/shop/db"),
        (("DaemonSet", "agent"), "daemonsets", "DaemonSet/shop/agent"),
    ],
)
def test_pods_tell_of_a_controller_that_was_not_collected(
    owner: tuple[str, str], plural: str, key: str
) -> None:
    name = "web-6d4cf56db6-x2x8k"
    pods = [pod(name, owner=owner, labels={"app": "a"}, containers=[{"name": "one"}])]
    pods += [
        pod("web-6d4cf56db6-zz8zk", owner=owner),
        pod("web-6d4cf56db6-zz8zk", "bank", owner=owner),
    ]
    view = view_of({"pods": pods})
    (only,) = view.workloads
    assert (only.ref.key, [p.name for p in only.pods]) == (key, [name, "web-6d4cf56db6-zz8zk"])
    assert (only.desired, only.labels, only.containers()[0].name) == (2, {"app": "a"}, "one")
    assert (only.ref.api_version, only.namespace) == ("apps/v1", SHOP)
    listed = view_of({"pods": pods[:1], plural: []})
    assert shape(listed) == {f"Pod/shop/{name}": [name]}


def test_pods_of_unknown_owners_and_of_none_count_as_their_own() -> None:
    pods = [pod("a", owner=("Machine", "m")), pod("b")]
    assert shape(view_of({"pods": pods})) == {"Pod/shop/a": ["a"], "Pod/shop/b": ["b"]}


NAMED = {
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "rollouts": "Rollout",
    "cronjobs": "CronJob",
    "jobs": "Job",
    "replicasets": "ReplicaSet",
    "replicationcontrollers": "ReplicationController",
    "pods": "Pod",
}


def test_of_namesakes_the_kind_that_people_mean_first_is_found() -> None:
    kinds = list(NAMED)
    for n, plural in enumerate(kinds):
        objects = {
            p: [plain(NAMED[p], "web", ("X", "y") if p == "pods" else None)] for p in kinds[n:]
        }
        found = view_of(objects).named(SHOP, "web")
        assert found is not None, plural
        assert found.kind == NAMED[plural]
    assert view_of({}).named(SHOP, "web") is None


def test_a_workload_is_found_by_its_own_kind() -> None:
    view = view_of(
        {"deployments": [deployment("web")], "statefulsets": [plain("StatefulSet", "web")]}
    )
    for kind in ("Deployment", "StatefulSet"):
        found = view.workload(kind, SHOP, "web")
        assert found is not None
        assert found.kind == kind
    assert view.workload("DaemonSet", SHOP, "web") is None
    assert view.workload("Deployment", "bank", "web") is None


def test_a_job_of_its_own_is_no_child_of_the_deployment_of_its_prefix() -> None:
    view = view_of(
        {
            "deployments": [deployment("web")],
            "jobs": [plain("Job", "web-migrate")],
            "events": [event("Job", "web-migrate", "FailedCreate")],
        }
    )
    assert workload(view, "web").children == frozenset()
    (failed,) = view.events
    owner = view.owner(failed)
    assert owner is not None
    assert owner.ref.key == "Job/shop/web-migrate"


# --- events


def event(kind: str, name: str, reason: str = "Failed", **fields: Any) -> Obj:
    about = {"kind": kind, "namespace": SHOP, "name": name}
    return {"metadata": meta("e"), "involvedObject": about, "reason": reason, **fields}


def test_an_event_of_the_core_group() -> None:
    given = event(
        "Pod",
        "p",
        "BackOff",
        message="m",
        type="Warning",
        count=4,
        lastTimestamp="t2",
        firstTimestamp="t1",
        eventTime="t0",
    )
    (seen,) = view_of({"events": [given]}).events
    assert seen == Event("Pod", SHOP, "p", "BackOff", "m", True, 4, "t2")


def test_an_event_of_the_events_group() -> None:
    given = {
        "metadata": meta("e", "bank"),
        "regarding": {"kind": "Pod", "name": "p"},
        "note": "n",
        "type": "Normal",
        "series": {"count": 7, "lastObservedTime": "t3"},
        "eventTime": "t0",
        "deprecatedCount": 2,
    }
    (seen,) = view_of({"events": [given]}).events
    assert seen == Event("Pod", "bank", "p", "", "n", False, 7, "t3")


@pytest.mark.parametrize(
    ("fields", "count", "last"),
    [
        ({}, 1, ""),
        ({"count": 0}, 1, ""),
        ({"deprecatedCount": 5, "eventTime": "t0", "firstTimestamp": "t1"}, 5, "t0"),
        ({"firstTimestamp": "t1"}, 1, "t1"),
        ({"count": 2, "series": {"count": 9}, "lastTimestamp": None}, 2, ""),
    ],
)
def test_what_an_event_does_not_say(fields: Obj, count: int, last: str) -> None:
    (seen,) = view_of({"events": [event("Pod", "p", **fields)]}).events
    assert (seen.count, seen.last) == (count, last)


def test_an_event_about_nothing() -> None:
    (seen,) = view_of({"events": [{"metadata": meta("e")}]}).events
    assert seen == Event("", SHOP, "", "", "", False, 1, "")


def owned() -> ClusterView:
    objects = {
        "deployments": [deployment("web")],
        "replicasets": [replica_set("web-5d", "web"), replica_set("lone-7f")],
        "cronjobs": [plain("CronJob", "night")],
        "jobs": [plain("Job", "night-1", ("CronJob", "night")), plain("Job", "once")],
        "pods": [
            pod("web-5d-1", owner=("ReplicaSet", "web-5d")),
            pod("bare"),
            pod("night-1-a", owner=("Job", "night-1")),
        ],
        "events": [
            event("Pod", "web-5d-1", "late", lastTimestamp="2026-05-04T11:59:00Z"),
            event("Deployment", "web", "own", lastTimestamp="2026-05-04T11:58:00Z"),
            event("ReplicaSet", "web-5d", "child", lastTimestamp="2026-05-04T11:57:00Z"),
            event("Pod", "web-5d-1", "early", lastTimestamp="2026-05-04T11:56:00Z"),
            event("Pod", "web-5d-gone", "gone"),
            event("Pod", "bare", "bare"),
            event("CronJob", "night", "cron"),
            event("Job", "night-1", "job"),
            event("ReplicaSet", "night-1", "no child of a CronJob"),
        ],
    }
    return view_of(objects)


@pytest.mark.parametrize(
    ("kind", "name", "owner"),
    [
        ("Pod", "web-5d-1", "Deployment/shop/web"),
        ("Pod", "web-5d-gone", ""),
        ("Pod", "bare", "Pod/shop/bare"),
        ("ReplicaSet", "web-5d", "Deployment/shop/web"),
        ("ReplicaSet", "lone-7f", "ReplicaSet/shop/lone-7f"),
        ("Job", "night-1", "CronJob/shop/night"),
        ("Job", "once", "Job/shop/once"),
        ("Deployment", "web", "Deployment/shop/web"),
        ("StatefulSet", "web", ""),
        ("Service", "web", ""),
    ],
)
def test_whose_an_event_is(kind: str, name: str, owner: str) -> None:
    found = owned().owner(Event(kind, SHOP, name, "", "", True, 1, ""))
    assert (found.ref.key if found else "") == owner


def test_a_workloads_events_are_its_own_its_childrens_and_its_pods() -> None:
    view = owned()
    for name, reasons in (
        ("web", ["own", "child", "early", "late"]),
        ("bare", ["bare"]),
        ("night", ["cron", "job"]),
        ("once", []),
    ):
        assert [e.reason for e in view.events_of_workload(workload(view, name))] == reasons


def test_events_come_oldest_first_and_those_without_a_time_before_all() -> None:
    assert [e.reason for e in owned().events][-4:] == ["early", "child", "own", "late"]
    assert [e.reason for e in owned().events_of("Pod", SHOP, "web-5d-1")] == ["early", "late"]
    assert owned().events_of("Pod", "bank", "web-5d-1") == []


# --- Services


def selected(selector: object, **objects: list[Obj]) -> list[str]:
    chosen = service("s", selector=selector)
    view = view_of({"services": [chosen], **objects})
    return [w.name for w in view.backends(chosen)]


def test_a_service_selects_by_the_templates_labels_or_by_those_of_pods() -> None:
    labelled = {"app": "web", "tier": "front"}
    apps = [
        deployment("web", labels=labelled),
        deployment("api"),
        deployment("web-2", labels=labelled),
        deployment("away", "bank", labels=labelled),
    ]
    pods = [pod("p", labels={"app": "late", "tier": "front"}, owner=("ReplicaSet", "api-5d"))]
    objects = {"deployments": apps, "pods": pods}
    assert selected({"app": "web"}, **objects) == ["web", "web-2"]
    assert selected({"tier": "front", "app": "web"}, **objects) == ["web", "web-2"]
    assert selected({"tier": "front", "app": "late"}, **objects) == ["api"]
    assert selected({"tier": "front"}, **objects) == ["web", "api", "web-2"]
    assert selected({"app": "web", "tier": "back"}, **objects) == []
    for nothing in ({}, None, "text"):
        assert selected(nothing, **objects) == []


def test_the_services_of_a_workload() -> None:
    services = [service("web"), service("front", selector={"app": "web"}), service("api")]
    view = view_of({"deployments": [deployment("web"), deployment("db")], "services": services})
    names = {key: [s["metadata"]["name"] for s in found] for key, found in view.services_of.items()}
    assert names == {"Deployment/shop/web": ["web", "front"]}


def endpoints(*ready: int, name: str = "web", namespace: str = SHOP) -> Obj:
    subsets = [{"addresses": [{"ip": "x"}] * n, "notReadyAddresses": [{"ip": "y"}]} for n in ready]
    return {"metadata": meta(name, namespace), "subsets": subsets}


def piece(*conditions: object, name: str = "web", namespace: str = SHOP) -> Obj:
    return {
        "metadata": meta("web-x", namespace, labels={"kubernetes.io/service-name": name}),
        "endpoints": [{"addresses": ["1", "2"], "conditions": c} for c in conditions],
    }


@pytest.mark.parametrize(
    ("objects", "count"),
    [
        ({}, None),
        ({"endpoints": []}, 0),
        ({"endpointslices": []}, 0),
        ({"endpoints": [endpoints(2, 3)]}, 5),
        ({"endpoints": [endpoints(0)]}, 0),
        ({"endpoints": [endpoints(2, name="api"), endpoints(2, namespace="bank")]}, 0),
        ({"endpoints": [{"metadata": meta("web"), "subsets": None}]}, 0),
        ({"endpointslices": [piece({"ready": True}, {"ready": False}, {}, None)]}, 6),
        ({"endpointslices": [piece({}), piece({}, {})]}, 6),
        ({"endpointslices": [piece({}, name="api"), piece({}, namespace="bank")]}, 0),
    ],
)
def test_ready_addresses_of_a_service(objects: dict[str, list[Obj]], count: int | None) -> None:
    assert view_of(objects).ready_addresses(service("web")) == count


# --- logs, names, tools


def test_logs_belong_to_the_owner_of_their_pod_else_to_the_service_they_name() -> None:
    view = view_of(
        {
            "deployments": [deployment("web"), deployment("api")],
            "replicasets": [replica_set("web-5d", "web")],
            "pods": [pod("web-5d-1", owner=("ReplicaSet", "web-5d"))],
        },
        logs=(
            log("web-5d-1", "one"),
            log("api-6d4cf56db6-x2x8k", "gone pod"),
            log("", "by service", service="api"),
            log("", "elsewhere", service="api", namespace="bank"),
            log("", "default", service="web", namespace=""),
            log("stranger-1", "nobody's", service="web"),
            log("", "nobody's"),
        ),
    )
    lines = {w.name: [x.lines[0] for x in view.logs_of(w)] for w in view.workloads}
    assert lines == {"web": ["one", "default", "nobody's"], "api": ["gone pod", "by service"]}


def test_recognised_lines_are_those_of_the_workloads_own_logs() -> None:
    view = view_of(
        {"deployments": [deployment("web"), deployment("api")]},
        logs=(
            log("", "dial tcp: connection refused", service="web"),
            log("", "fine", service="api"),
        ),
    )
    assert [h.signal for h in view.hits(workload(view, "web"))] == ["connection_refused"]
    assert view.hits(workload(view, "api")) == []
    assert view.hits(workload(view, "web")) is view.hits(workload(view, "web"))


def test_a_pod_that_is_gone_is_told_by_its_name() -> None:
    view = view_of(
        {
            "deployments": [deployment("web"), deployment("api")],
            "pods": [pod("api-6d4cf56db6-x2x8k", labels={"app": "web"})],
        }
    )
    for name, owner in (("api-6d4cf56db6-x2x8k", "web"), ("api-6d4cf56db6-zzzzz", "api")):
        found = view.owner_of_pod(SHOP, name)
        assert found is not None
        assert found.name == owner
    assert view.owner_of_pod("bank", "api-6d4cf56db6-zzzzz") is None


def test_what_the_alert_lists_is_read_or_kept_as_text() -> None:
    view = view_of({}, anomalies=('{"name": "web"}', "no json", "[1]"))
    assert view.anomalies == ({"name": "web"}, {"text": "no json"}, {})


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Errors of WEB", {"web"}),
        ("web, door and others", {"web", "door"}),
        ("webs", set()),
        ("pod of web.", {"web"}),
        ("web-1", set()),
        ("till", set()),
    ],
)
def test_the_title_mentions_workloads_and_services_of_the_focus(
    title: str, names: set[str]
) -> None:
    objects = {
        "deployments": [deployment("web"), deployment("till", "bank")],
        "services": [service("door"), service("desk", "bank")],
    }
    assert view_of(objects, title=title).mentioned == names


@pytest.mark.parametrize(
    ("namespace", "name", "key"),
    [
        (SHOP, "web", "Deployment/shop/web"),
        (SHOP, "door", "Deployment/shop/web"),
        (SHOP, "web-5d-1", "Deployment/shop/web"),
        (SHOP, "empty", ""),
        ("bank", "web", ""),
        (SHOP, "nobody", ""),
    ],
)
def test_a_name_that_people_use(namespace: str, name: str, key: str) -> None:
    view = view_of(
        {
            "deployments": [deployment("web"), deployment("web-too", labels={"app": "web"})],
            "pods": [pod("web-5d-1", labels={"app": "web"})],
            "services": [service("door", selector={"app": "web"}), service("empty")],
        }
    )
    found = view.resolve(namespace, name)
    assert (found.ref.key if found else "") == key


def test_declared_objects_without_a_namespace_are_of_the_alerts() -> None:
    def declared(obj: Obj) -> DeclaredObject:
        return DeclaredObject(path="a.yaml", object=obj)

    one = {"kind": "Deployment", "metadata": {"name": "web"}}
    two = {"kind": "Deployment", "metadata": {"name": "web", "namespace": "bank"}}
    view = view_of({}, declared=tuple(map(declared, (one, two, {}))))
    assert view.declared == {
        ("Deployment", SHOP, "web"): one,
        ("Deployment", "bank", "web"): two,
        ("", SHOP, ""): {},
    }


def test_series_and_tools_by_name() -> None:
    found = (series("a", 1.0), series("b", 2.0), series("a", 3.0))
    view = view_of({}, metrics=found, extra={"tool": [1]})
    assert [s.values for s in view.series("a")] == [(1.0,), (3.0,)]
    assert view.tool("tool") == [1]
    assert view.tool("other") is None


def test_what_is_remembered_is_made_once() -> None:
    view, made = view_of({}), []
    for _ in range(2):
        assert view.memo("key", lambda: made.append(1) or "value") == "value"
    assert made == [1]


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        ([{"type": "Ready", "status": "False"}], "False"),
        (
            [{"type": "DiskPressure", "status": "False"}, {"type": "Ready", "status": "Unknown"}],
            "Unknown",
        ),
        ([], "True"),
        ([{"type": "Ready"}], "True"),
    ],
)
def test_a_node_is_ready_unless_it_says_otherwise(conditions: list[Obj], ready: str) -> None:
    assert node_ready({"status": {"conditions": conditions}}) == ready
