"""When nothing is to be changed, and which kind of nothing it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from decide.core.families.no_fault.rules import calm, quiet
from decide.core.view import ClusterView
from schemas.alerts import FiredRule
from schemas.context import ContextBundle, Monitor, SourceStatus
from tests.support.decide.clusters import AT, Cluster, Obj
from tests.support.decide.rules_say import shop, whole


def _calm(c: Cluster) -> bool:
    return calm(ClusterView(c.bundle()))


def _quiet(given: Cluster | ContextBundle) -> list[str]:
    return whole(lambda view: iter([quiet(view)]), given)


def _with(c: Cluster, *, alert: dict[str, Any] | None = None, **fields: Any) -> ContextBundle:
    bundle = c.bundle()
    fields["alert"] = bundle.alert.model_copy(update=alert or {})
    return bundle.model_copy(update=fields)


def _status(c: Cluster, app: str = "web", **container: Any) -> None:
    """Its pod's container, and a controller that still says it is available."""
    c.status(app, **container)
    c.get("deployments", app)["status"] = {"readyReplicas": 1}
    c.get("deployments", app)["spec"]["replicas"] = 0


@pytest.mark.parametrize(
    "reason",
    [
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    ],
)
def test_a_pod_that_waits_for_what_does_not_pass_is_not_calm(reason: str) -> None:
    c = shop("web", "cart")
    _status(c, state={"waiting": {"reason": reason}})
    assert not _calm(c)
    _status(c, state={"waiting": {"reason": "ContainerCreating"}})
    assert _calm(c)


@pytest.mark.parametrize(
    ("ready", "restarts", "is_calm"),
    [(False, 1, True), (False, 2, False), (True, 2, True), (True, 9, True)],
)
def test_a_pod_that_tried_more_than_once_and_is_not_ready_is_not_calm(
    ready: bool, restarts: int, is_calm: bool
) -> None:
    c = shop("web")
    _status(c, ready=ready, restartCount=restarts, state={"running": {}})
    assert _calm(c) is is_calm


def test_restarts_of_a_container_that_is_ready_do_not_count_against_a_pod_that_is_not() -> None:
    c = shop("web")
    c.status("web", restartCount=5, state={"running": {}})
    _status(c, restartCount=5, ready=False, state={"running": {}})
    pod = c.pod("web")
    side = {"name": "side", "ready": False, "restartCount": 0, "state": {"running": {}}}
    pod["spec"] = {**pod["spec"], "containers": [*pod["spec"]["containers"], {"name": "side"}]}
    pod["status"]["containerStatuses"] = [
        {**pod["status"]["containerStatuses"][0], "ready": True},
        side,
    ]
    assert _calm(c)
    side["restartCount"] = 2
    assert not _calm(c)


@pytest.mark.parametrize("change", ["deleting", "Succeeded", "Failed"])
def test_a_pod_that_is_going_or_has_ended_disturbs_nobody(change: str) -> None:
    c = shop("web")
    _status(c, state={"waiting": {"reason": "CrashLoopBackOff"}})
    assert not _calm(c)
    if change == "deleting":
        c.pod("web")["metadata"]["deletionTimestamp"] = "2026-05-04T11:59:00Z"
    else:
        c.pod("web")["status"]["phase"] = change
    assert _calm(c)


def test_one_workload_that_is_not_available_ends_the_calm() -> None:
    c = shop("web", "cart")
    assert _calm(c)
    c.down("cart")
    assert not _calm(c)


def _crashing_pod(c: Cluster, kind: str, owner: str) -> None:
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    status = {"name": "main", "ready": False, "restartCount": 5, "state": waiting}
    pod = c.add("pods", f"{owner}-x", kind="Pod", spec={"containers": [{"name": "main"}]})
    pod["status"] = {"phase": "Running", "containerStatuses": [status]}
    if kind:
        pod["metadata"]["ownerReferences"] = [{"kind": kind, "name": owner, "controller": True}]


def test_jobs_cron_jobs_and_bare_pods_come_and_go() -> None:
    c = shop("web")
    c.add("jobs", "load", kind="Job", spec={})
    c.add("cronjobs", "nightly", kind="CronJob", spec={})
    run = c.add("jobs", "nightly-1", kind="Job", spec={})
    run["metadata"]["ownerReferences"] = [{"kind": "CronJob", "name": "nightly"}]
    for kind, owner in (("Job", "load"), ("Job", "nightly-1"), ("", "bare")):
        _crashing_pod(c, kind, owner)
    assert _calm(c)


def test_a_workload_without_pods_is_calm_and_one_failing_pod_of_two_is_not() -> None:
    c = shop("web")
    c.objects["pods"].clear()
    c.get("deployments", "web")["spec"]["replicas"] = 0
    assert _calm(c)
    c = shop("web", "cart")
    more = {**c.pod("web"), "metadata": {**c.pod("web")["metadata"], "name": "web-more"}}
    c.objects["pods"].append(more)
    _status(c, state={"waiting": {"reason": "CrashLoopBackOff"}})
    assert not _calm(c)


def test_one_container_of_several_that_restarts_is_enough() -> None:
    c = shop("web")
    _status(c, restartCount=5, state={"running": {}})
    pod = c.pod("web")
    pod["spec"] = {**pod["spec"], "containers": [{"name": "main"}, {"name": "side"}]}
    side = {"name": "side", "ready": False, "restartCount": 0, "state": {"running": {}}}
    pod["status"]["containerStatuses"].append(side)
    assert not _calm(c)


def test_without_workloads_nothing_is_calm_and_nothing_is_determined() -> None:
    c = shop()
    assert not _calm(c)
    assert _quiet(c) == [
        "0.3 undetermined of Namespace/shop",
        "told: no_fault.no_workload",
        "facts: Facts",
    ]


_TWO = "no_fault.available available=2, total=2"


def test_when_all_is_available_and_nothing_else_is_told_it_is_healthy() -> None:
    c = shop("web", "cart")
    assert _quiet(c) == [
        "0.85 healthy of Namespace/shop",
        f"told: {_TWO}",
        f"object: {_TWO}",
        "facts: Facts",
    ]


def test_with_one_workload_down_it_is_undetermined() -> None:
    c = shop("web", "cart")
    c.down("cart")
    text = "no_fault.available available=1, total=2"
    assert _quiet(c) == [
        "0.4 undetermined of Namespace/shop",
        f"told: {text}",
        f"object: {text}",
        "facts: Facts",
    ]


@pytest.mark.parametrize(
    ("gone", "class_id"),
    [
        (["pods"], "undetermined"),
        (["deployments", "replicasets"], "undetermined"),
        (["services"], "undetermined"),
        (["endpoints"], "undetermined"),
        (["networkpolicies"], "healthy"),
        (["nodes"], "healthy"),
    ],
)
def test_without_pods_controllers_services_or_endpoints_health_cannot_be_told(
    gone: list[str], class_id: str
) -> None:
    c = shop("web", "cart")
    for plural in gone:
        del c.objects[plural]
    assert _quiet(c)[0].split()[1] == class_id


def test_each_missing_source_up_to_three_takes_a_tenth_and_is_told() -> None:
    c = shop("web", "cart")
    names = ["logs", "metrics", "monitor", "changes"]
    for count, score in enumerate(("0.85", "0.75", "0.65", "0.55", "0.55")):
        sources = [SourceStatus(name=name, state="missing") for name in names[:count]]
        sources.append(SourceStatus(name="events", state="ok"))
        lines = _quiet(_with(c, sources=tuple(sources)))
        assert lines[0] == f"{score} healthy of Namespace/shop"
        against = [f"against: decide.no_evidence source={name}" for name in names[:count]]
        assert lines[3:-1] == against


def test_the_object_is_the_alert_s_subject_else_its_namespace_else_its_monitor_else_itself() -> (
    None
):
    c = shop("web")
    assert _quiet(c.bundle("web"))[0] == "0.85 healthy of Deployment/shop/web"
    bare = c.bundle()
    context = bare.k8s_context.model_copy(update={"namespace": ""})
    rule = FiredRule(id="123")
    told = _with(c, alert={"rule": rule}, k8s_context=context)
    assert _quiet(told)[0] == "0.85 healthy of Monitor/123"
    told = _with(c, k8s_context=context, trouble="tr-1")
    assert _quiet(told)[0] == "0.85 healthy of Alert/tr-1"
    told = _with(c, k8s_context=context)
    assert _quiet(told)[0] == "0.85 healthy of Alert/cy-1"


def test_the_namespace_is_referred_to_as_the_core_group_s() -> None:
    found = quiet(ClusterView(shop("web").bundle()))
    assert found.object.api_version == "v1"


def _kind(given: Cluster | ContextBundle) -> list[str]:
    """The class, what is told, and the evidence for it."""
    head, told, first, *_ = _quiet(given)
    return [head.split()[1], told.removeprefix("told: "), first.split(":")[0]]


@pytest.mark.parametrize("title", ["[TEST] x", "[test] x"])
def test_a_test_notification_is_noise(title: str) -> None:
    told = _with(shop("web"), alert={"title": title})
    assert _kind(told) == ["alert_noise", "no_fault.noise.test", "monitor"]
    assert _quiet(told)[3] == "object: no_fault.available available=1, total=1"


def test_a_title_that_only_speaks_of_a_test_is_none() -> None:
    assert _kind(_with(shop("web"), alert={"title": "web [TEST]"}))[0] == "undetermined"


def test_an_alert_for_want_of_data_is_noise_while_all_is_well() -> None:
    told = _with(shop("web"), alert={"state": "no_data"})
    assert _kind(told) == ["alert_noise", "no_fault.noise.no_data", "monitor"]


_PLAIN = "avg(last_5m):avg:shop.latency{*}"


def _measured(values: list[float], query: str, metric: str = "shop.latency") -> list[str]:
    c = shop("web")
    if metric:
        c.series(metric, values, service="web")
    return _kind(_with(c, monitor=Monitor(query=query)))


@pytest.mark.parametrize(
    ("side", "highest", "class_id"),
    [
        ("> 5", 4.9, "alert_noise"),
        ("> 5", 5, "alert_noise"),
        ("> 5", 5.1, "recovered"),
        (">= 5", 4.9, "alert_noise"),
        (">5", 4.9, "alert_noise"),
        ("> 5.05", 5.1, "recovered"),
        ("> 5.15", 5.1, "alert_noise"),
        ("> -1", 0, "undetermined"),
        ("< 1", 4, "alert_noise"),
        ("< 1.5", 4, "undetermined"),
        ("< -3", 4, "alert_noise"),
    ],
)
def test_a_measure_that_never_crossed_its_threshold_is_noise(
    side: str, highest: float, class_id: str
) -> None:
    values = [1.0] * 5 + [highest] + [1.0] * 4
    assert _measured(values, f"avg(last_5m):avg:shop.latency{{*}} {side}")[0] == class_id


def test_the_threshold_and_what_was_measured_are_told() -> None:
    values = [1.0] * 9 + [2.0]
    assert _measured(values, "avg(last_5m):avg:shop.latency{*} > 5") == [
        "alert_noise",
        "no_fault.noise.uncrossed least=1.0, limit=5.0, most=2.0, side=>",
        "monitor",
    ]


@pytest.mark.parametrize(
    ("count", "query", "metric", "class_id"),
    [
        (10, f"{_PLAIN} > 5", "shop.latency", "alert_noise"),
        (9, f"{_PLAIN} > 5", "shop.latency", "undetermined"),
        (10, f"{_PLAIN} > 5", "shop.errors", "undetermined"),
        (10, f"{_PLAIN} > 5", "", "undetermined"),
        (10, _PLAIN, "shop.latency", "undetermined"),
        (10, f"{_PLAIN} > 5 or so", "shop.latency", "undetermined"),
        (10, "avg:shop.latency{*} > 5", "shop.latency", "undetermined"),
        (10, "", "shop.latency", "healthy"),
    ],
)
def test_too_few_samples_another_metric_or_no_threshold_tell_nothing(
    count: int, query: str, metric: str, class_id: str
) -> None:
    assert _measured([1.0] * count, query, metric)[0] == class_id


@pytest.mark.parametrize(
    ("history", "class_id"),
    [
        (["8:00 Triggered", "8:05 Recovered"] * 3, "flapping_within_bounds"),
        (["8:00 Triggered", "8:05 Recovered"] * 2, "healthy"),
        (["8:05 RECOVERED"] * 3, "flapping_within_bounds"),
        (["8:00 Triggered"] * 9, "healthy"),
    ],
)
def test_three_recoveries_are_a_habit(history: list[str], class_id: str) -> None:
    told = _with(shop("web"), monitor=Monitor(history=tuple(history)))
    assert _kind(told)[0] == class_id


def test_the_recoveries_are_counted() -> None:
    told = _with(shop("web"), monitor=Monitor(history=("a Recovered", "b Alert", *["Recover"] * 3)))
    assert _kind(told) == ["flapping_within_bounds", "no_fault.flaps count=4", "monitor"]


def _cordoned(minutes: float, **event: Any) -> Cluster:
    c = shop("web")
    c.get("nodes", "n2")["spec"]["unschedulable"] = True
    c.event("Node", "n2", "NodeNotSchedulable", "closed")
    told: Obj = {"lastTimestamp": (AT - timedelta(minutes=minutes)).isoformat(), **event}
    c.objects["events"][-1] |= told
    return c


def test_a_node_that_was_closed_lately_is_maintenance() -> None:
    assert _kind(_cordoned(59)) == ["maintenance", "no_fault.drained at=11:01, node=n2", "event"]


@pytest.mark.parametrize(
    ("minutes", "event", "class_id"),
    [
        (59.99, {}, "maintenance"),
        (60, {}, "healthy"),
        (5, {"lastTimestamp": "lately"}, "healthy"),
        (5, {"reason": "NodeReady"}, "healthy"),
        (5, {"involvedObject": {"kind": "Node", "name": "n1", "namespace": "shop"}}, "healthy"),
        (5, {"involvedObject": {"kind": "Pod", "name": "n2", "namespace": "shop"}}, "healthy"),
    ],
)
def test_maintenance_is_told_by_an_event_of_the_last_hour_at_a_closed_node(
    minutes: float, event: Obj, class_id: str
) -> None:
    assert _kind(_cordoned(minutes, **event))[0] == class_id


def test_other_events_do_not_hide_maintenance_and_a_node_that_opened_again_is_none() -> None:
    c = _cordoned(5)
    c.event("Node", "n1", "NodeReady", "ready")
    c.objects["events"].insert(0, {**c.objects["events"][-1], "lastTimestamp": "2026-05-01"})
    assert _kind(c)[0] == "maintenance"
    c.get("nodes", "n2")["spec"]["unschedulable"] = False
    assert _kind(c)[0] == "healthy"


def test_the_control_plane_is_always_closed() -> None:
    c = _cordoned(5)
    c.get("nodes", "n2")["metadata"]["labels"]["node-role.kubernetes.io/control-plane"] = ""
    assert _kind(c)[0] == "healthy"


def test_an_alert_that_says_resolved_has_recovered() -> None:
    told = _with(shop("web"), alert={"state": "resolved"})
    assert _kind(told) == ["recovered", "no_fault.recovery.alert", "monitor"]


@pytest.mark.parametrize(
    ("groups", "overall", "class_id"),
    [
        ({}, "OK", "recovered"),
        ({}, "ok", "recovered"),
        ({}, "Alert", "healthy"),
        ({}, "", "healthy"),
        ({"service:web": "OK"}, "Alert", "recovered"),
        ({"service:web": "Alert"}, "OK", "healthy"),
        ({"service:cart": "OK"}, "OK", "healthy"),
    ],
)
def test_a_monitor_s_own_group_tells_that_it_is_over_else_the_whole_where_it_has_none(
    groups: dict[str, str], overall: str, class_id: str
) -> None:
    told = _with(
        shop("web"),
        alert={"rule": FiredRule(group="service:web")},
        monitor=Monitor(group_states=groups, overall_state=overall),
    )
    assert _kind(told)[0] == class_id


def test_a_monitor_that_says_ok_is_quoted() -> None:
    told = _with(shop("web"), monitor=Monitor(overall_state="OK"))
    assert _kind(told) == ["recovered", "no_fault.recovery.monitor", "monitor"]


def _restarted(minutes: float, restarts: int = 1, *, ready: bool = True) -> Cluster:
    c = shop("cart", "web")
    started = (AT - timedelta(minutes=minutes)).isoformat()
    c.status("web", ready=ready, restartCount=restarts, state={"running": {"startedAt": started}})
    return c


def test_a_container_that_came_back_lately_has_recovered() -> None:
    assert _kind(_restarted(20)) == [
        "recovered",
        "no_fault.recovery.restarted at=11:40, workload=Deployment/shop/web",
        "monitor",
    ]


@pytest.mark.parametrize(
    ("minutes", "restarts", "class_id"),
    [
        (59.99, 1, "recovered"),
        (60, 1, "healthy"),
        (0, 1, "recovered"),
        (-0.01, 1, "healthy"),
        (20, 0, "healthy"),
        (20, 7, "recovered"),
    ],
)
def test_only_a_restart_of_the_last_hour_before_the_alert_counts(
    minutes: float, restarts: int, class_id: str
) -> None:
    assert _kind(_restarted(minutes, restarts))[0] == class_id


def test_noise_comes_before_flapping_flapping_before_maintenance_and_that_before_recovery() -> None:
    c = _cordoned(5)
    started = (AT - timedelta(minutes=20)).isoformat()
    c.status("web", ready=True, restartCount=1, state={"running": {"startedAt": started}})
    history = Monitor(history=("Recovered",) * 3)
    assert _kind(_with(c, monitor=history, alert={"state": "no_data"}))[0] == "alert_noise"
    assert _kind(_with(c, monitor=history))[0] == "flapping_within_bounds"
    assert _kind(c)[0] == "maintenance"
    c.objects["events"].clear()
    assert _kind(c)[0] == "recovered"
