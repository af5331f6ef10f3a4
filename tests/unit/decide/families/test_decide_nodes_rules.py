"""What the rules of nodes and of the scheduler find, at which score, and where they stay silent."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core.families.nodes.rules import find
from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.rules_say import found, heads, shop, whole

_SOCKET = "dial unix /run/containerd/containerd.sock: connect: no such file or directory"


def _units(c: Cluster, **texts: str) -> None:
    c.extra["node_services"] = {key.replace("__", "/"): text for key, text in texts.items()}


@pytest.mark.parametrize(
    ("unit", "class_id"),
    [
        ("kubelet", "node_kubelet_unavailable"),
        ("containerd", "node_runtime_unavailable"),
        ("crio", "node_runtime_unavailable"),
        ("docker", "node_runtime_unavailable"),
        ("cri-docker.socket", "node_runtime_unavailable"),
        ("kube-proxy", "node_kube_proxy_unavailable"),
        ("kube-scheduler.service", "scheduler_unavailable"),
        ("sshd", ""),
    ],
)
def test_a_unit_of_a_machine_that_does_not_run_tells_what_is_missing(
    unit: str, class_id: str
) -> None:
    c = shop("web")
    c.extra["node_services"] = {f"n2/{unit}": "● unit\n   Active: inactive (dead) since Mon \n x"}
    text = f"nodes.unit line=Active: inactive (dead) since Mon, node=n2, unit={unit}"
    expected = [
        f"0.97 {class_id} of Node/n2",
        f"told: {text}",
        f"object Node/n2: {text}",
        "facts: Facts",
    ]
    assert whole(find, c) == (expected if class_id else [])


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Active: failed (Result: exit-code)", 0.97),
        ("Active: deactivating (stop)", 0.97),
        ("Active: activating (auto-restart)", 0.97),
        ("active:   inactive", 0.97),
        ("Active: active (running)", None),
        ("Unit kubelet.service could not be found.", 0.4),
        ("Unit kubelet.service not found.", 0.4),
        ("-" * 1486 + "Active: failed", 0.97),
        ("-" * 1487 + "Active: failed", None),
    ],
)
def test_a_unit_is_down_by_its_state_and_hardly_by_its_absence(
    text: str, score: float | None
) -> None:
    c = shop("web")
    _units(c, n1__kubelet=text)
    assert [one.score for one in found(find, c)] == ([score] if score else [])


def test_a_unit_without_a_line_of_its_state_is_told_by_the_words_that_were_found() -> None:
    c = shop("web")
    _units(c, n1__kubelet="x could not be found y")
    assert "line=could not be found," in whole(find, c)[1]


def test_units_that_are_no_table_tell_nothing_and_healthy_ones_do_not_hide_others() -> None:
    c = shop("web")
    c.extra["node_services"] = ["Active: failed"]
    assert heads(find, c) == []
    _units(c, n1__sshd="Active: failed", n1__kubelet="Active: active", n2__kubelet="Active: failed")
    assert heads(find, c) == ["0.97 node_kubelet_unavailable of Node/n2"]


def _ready(c: Cluster, status: str, node: str = "n2", **said: str) -> None:
    c.get("nodes", node)["status"]["conditions"] = [{"type": "Ready", "status": status, **said}]


@pytest.mark.parametrize(
    ("status", "message", "score", "class_id"),
    [
        ("Unknown", "", 0.93, "node_kubelet_unavailable"),
        ("Unknown", "NetworkPluginNotReady", 0.93, "node_kubelet_unavailable"),
        ("False", "Kubelet stopped posting node status.", 0.93, "node_kubelet_unavailable"),
        ("False", "reason:NetworkPluginNotReady", 0.94, "node_network_plugin_unavailable"),
        ("False", "cni plugin not initialized", 0.94, "node_network_plugin_unavailable"),
        ("False", _SOCKET, 0.94, "node_runtime_unavailable"),
        ("False", "container runtime is down", 0.94, "node_runtime_unavailable"),
        ("False", "PLEG is not healthy: pleg was last seen", 0.94, "node_runtime_unavailable"),
        ("False", "something else", 0.85, "node_not_ready"),
    ],
)
def test_what_a_node_says_when_it_is_not_ready_tells_which_part_fails(
    status: str, message: str, score: float, class_id: str
) -> None:
    c = shop("web")
    _ready(c, status, message=message)
    if message:
        text = f"nodes.ready_is message={message}, state={status}"
    else:
        text = f"nodes.ready_is_alone state={status}"
    assert whole(find, c) == [
        f"{score:g} {class_id} of Node/n2",
        f"told: {text}",
        f"object Node/n2: nodes.node node=n2, told={text}",
        "facts: Facts",
    ]


def test_a_node_without_a_message_is_told_by_its_reason() -> None:
    c = shop("web")
    _ready(c, "False", reason="KubeletNotReady")
    assert whole(find, c)[1] == "told: nodes.ready_is message=KubeletNotReady, state=False"


def test_a_node_that_says_nothing_is_ready() -> None:
    c = shop("web")
    c.get("nodes", "n2")["status"] = {}
    assert heads(find, c) == []


def _node_event(c: Cluster, message: str, *, namespace: str, kind: str = "Warning") -> None:
    c.event("Node", "n1", "ContainerGCFailed", message)
    c.objects["events"][-1]["involvedObject"] = {
        "kind": "Node",
        "name": "n1",
        "namespace": namespace,
    }
    c.objects["events"][-1]["metadata"]["namespace"] = namespace
    c.objects["events"][-1]["type"] = kind


@pytest.mark.parametrize("namespace", ["", "default"])
def test_events_of_a_node_that_is_not_ready_tell_of_its_runtime(namespace: str) -> None:
    c = shop("web")
    _ready(c, "False", "n1", message="not now")
    _node_event(c, "image filesystem is full", namespace=namespace)
    assert heads(find, c) == ["0.85 node_not_ready of Node/n1"]
    _node_event(c, _SOCKET, namespace=namespace, kind="Normal")
    assert heads(find, c) == ["0.85 node_not_ready of Node/n1"]
    _node_event(c, _SOCKET, namespace=namespace)
    assert heads(find, c) == ["0.94 node_runtime_unavailable of Node/n1"]


def _sandbox(c: Cluster, app: str, message: str, reason: str = "FailedCreatePodSandBox") -> None:
    c.event("Pod", c.pod(app)["metadata"]["name"], reason, message)


def test_pods_that_get_no_sandbox_tell_of_a_runtime_on_a_node_that_says_it_is_ready() -> None:
    c = shop("web", "cart", "shelf")
    c.stopped("cart")
    _sandbox(c, "cart", "network is slow")
    _sandbox(c, "cart", _SOCKET, "Failed")
    assert heads(find, c) == []
    _sandbox(c, "cart", f"1 {_SOCKET}")
    _sandbox(c, "cart", f"2 {_SOCKET}")
    text = f"1 {_SOCKET}"
    assert whole(find, c) == [
        "0.85 node_runtime_unavailable of Node/n2",
        f"told: {text}",
        f"event Node/n2: {text}",
        "facts: Facts",
    ]


def test_a_runtime_is_only_missed_where_a_pod_waits_for_it() -> None:
    c = shop("web", "cart")
    _sandbox(c, "cart", _SOCKET)
    assert heads(find, c) == [], "the pod got its sandbox since"
    c.stopped("web")
    assert heads(find, c) == [], "on another node"


def test_pods_without_a_sandbox_on_a_node_that_is_not_ready_are_told_once_at_it() -> None:
    c = shop("web", "cart")
    c.stopped("cart")
    _sandbox(c, "cart", _SOCKET)
    _ready(c, "False", "n2", message="not now")
    assert heads(find, c) == ["0.94 node_runtime_unavailable of Node/n2"]
    c.get("nodes", "n1")["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    assert heads(find, c) == [
        "0.85 node_not_ready of Node/n1",
        "0.94 node_runtime_unavailable of Node/n2",
    ]


def test_a_node_that_is_not_ready_does_not_hide_the_next_one_s_runtime() -> None:
    c = shop("web", "cart")
    c.stopped("cart")
    _sandbox(c, "cart", _SOCKET)
    _ready(c, "False", "n1", message="not now")
    assert heads(find, c) == [
        "0.85 node_not_ready of Node/n1",
        "0.85 node_runtime_unavailable of Node/n2",
    ]


@pytest.mark.parametrize(
    "message",
    [
        "crio.sock: connection refused",
        "cri-dockerd.sock: no such file",
        "docker.service connection refused",
        "containerd no such file",
        "runtime network not ready",
        "rpc error: code = Unavailable desc = connection error: dial unix x.sock",
    ],
)
def test_a_runtime_that_is_away_is_known_by_its_socket_and_its_words(message: str) -> None:
    c = shop("web")
    c.stopped("web")
    _sandbox(c, "web", message)
    assert heads(find, c) == ["0.85 node_runtime_unavailable of Node/n1"]


def _ignored(c: Cluster, app: str = "web", **spec: Any) -> Obj:
    pod = c.pod(app)
    pod["spec"] = {**pod["spec"], **spec}
    pod["spec"].pop("nodeName", None)
    pod["status"] = {"phase": "Pending"}
    return pod


def test_pods_that_no_scheduler_looked_at_tell_that_it_does_not_run() -> None:
    c = shop("cart", "web")
    pod = _ignored(c)["metadata"]["name"]
    text = f"nodes.scheduler.silent pod={pod}, scheduler=default-scheduler"
    assert whole(find, c) == [
        "0.8 scheduler_unavailable of Deployment/shop/web",
        f"told: {text}",
        f"object Deployment/shop/web: {text}",
        "facts: Facts",
    ]
    c.get("nodes", "n3")["metadata"]["labels"]["node-role.kubernetes.io/control-plane"] = ""
    assert whole(find, c)[0] == "0.8 scheduler_unavailable of Node/n3"


def test_a_scheduler_of_another_name_that_placed_nobody_is_unknown() -> None:
    c = shop("web", "cart")
    pod = _ignored(c, schedulerName="packer")["metadata"]["name"]
    _ignored(c, "cart", schedulerName="packer")
    text = f"nodes.scheduler.silent pod={pod}, scheduler=packer"
    assert whole(find, c) == [
        "0.9 scheduler_unknown of Deployment/shop/web",
        f"told: {text}",
        f"object Deployment/shop/web: {text}",
        "facts: UnknownScheduler workload=Deployment web",
    ]


def test_a_scheduler_of_another_name_that_placed_some_pod_is_down() -> None:
    c = shop("web", "cart")
    _ignored(c, schedulerName="packer")
    c.pod("cart")["spec"] = {**c.pod("cart")["spec"], "schedulerName": "packer"}
    assert heads(find, c) == ["0.8 scheduler_unavailable of Deployment/shop/web"]


def test_a_pod_that_the_scheduler_spoke_of_or_that_is_gated_is_not_ignored() -> None:
    c = shop("web", "cart")
    _ignored(c)["status"]["conditions"] = [{"type": "PodScheduled", "status": "False"}]
    assert heads(find, c) == []
    c = shop("web", "cart")
    pod = _ignored(c)
    c.event("Pod", pod["metadata"]["name"], "FailedScheduling", "0/3 nodes are available: x")
    assert heads(find, c) == []
    c = shop("web", "cart")
    _ignored(c)
    _ignored(c, "cart", schedulingGates=[{"name": "hold"}])
    assert heads(find, c) == []


def _tests(c: Cluster, failing: dict[str, int], total: int = 3) -> None:
    c.extra["service_connectivity"] = {
        f"service-{n}": "\n".join(
            f"Debug Pod x deployed on {node}: Connection "
            f"{'Failed' if n < count else 'Succeeded'} to it"
            for node, count in failing.items()
        )
        for n in range(total)
    }


def test_a_node_from_which_alone_nothing_is_reached_lost_its_proxy() -> None:
    c = shop("web")
    _tests(c, {"n1": 0, "n2": 4, "n3": 1}, 4)
    text = "nodes.one_sided n=4, node=n2, total=4"
    assert whole(find, c) == [
        "0.75 node_kube_proxy_unavailable of Node/n2",
        f"told: {text}",
        f"object Node/n2: {text}",
        "facts: Facts",
    ]


@pytest.mark.parametrize(
    ("failing", "total", "blamed"),
    [
        ({"n1": 3, "n2": 0}, 3, True),
        ({"n1": 2, "n2": 0}, 2, False),  # too few tests
        ({"n1": 4, "n2": 0}, 5, False),  # four of five
        ({"n1": 5, "n2": 0}, 6, True),
        ({"n1": 10, "n2": 4}, 10, True),
        ({"n1": 10, "n2": 5}, 10, False),  # half of another's fail too
        ({"n1": 10, "n2": 0, "n3": 5}, 10, False),
        ({"n1": 3}, 3, False),  # nobody to compare with
    ],
)
def test_a_node_lost_its_proxy_where_nearly_all_its_tests_fail_and_fewer_than_half_elsewhere(
    failing: dict[str, int], total: int, blamed: bool
) -> None:
    c = shop("web")
    _tests(c, failing, total)
    assert heads(find, c) == (["0.75 node_kube_proxy_unavailable of Node/n1"] if blamed else [])


def test_tests_that_are_no_table_tell_nothing() -> None:
    c = shop("web")
    c.extra["service_connectivity"] = "deployed on n1: Connection Failed"
    assert heads(find, c) == []


def _pressed(c: Cluster, kind: str, status: str = "True", **said: str) -> None:
    c.get("nodes", "n2")["status"]["conditions"] += [{"type": kind, "status": status, **said}]


@pytest.mark.parametrize(
    "kind", ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"]
)
def test_a_node_under_pressure_is_told_and_surer_where_its_pods_suffer(kind: str) -> None:
    c = shop("web", "cart")
    _pressed(c, kind, message="too little left")
    text = f"nodes.pressure condition={kind}, message=too little left"
    assert whole(find, c) == [
        "0.55 node_pressure of Node/n2",
        f"told: {text}",
        f"object Node/n2: {text}",
        "facts: Facts",
    ]
    c.stopped("web")
    assert heads(find, c) == ["0.55 node_pressure of Node/n2"], "a pod of another node"
    c.stopped("cart")
    assert heads(find, c) == ["0.85 node_pressure of Node/n2"]


def test_a_pod_that_failed_there_suffers_even_where_it_counts_as_ready() -> None:
    c = shop("web", "cart", "shelf", "case", "desk")
    _pressed(c, "DiskPressure", reason="KubeletHasDiskPressure")
    assert heads(find, c) == ["0.55 node_pressure of Node/n2"]
    c.pod("cart")["status"] = {
        "phase": "Failed",
        "conditions": c.pod("web")["status"]["conditions"],
    }
    assert heads(find, c) == ["0.85 node_pressure of Node/n2"]
    assert whole(find, c)[1].endswith("message=KubeletHasDiskPressure")


@pytest.mark.parametrize(
    ("kind", "status"), [("DiskPressure", "False"), ("DiskPressure", "Unknown"), ("Other", "True")]
)
def test_a_condition_that_is_not_true_or_another_one_is_no_pressure(kind: str, status: str) -> None:
    c = shop("web")
    _pressed(c, kind, status)
    assert heads(find, c) == []
