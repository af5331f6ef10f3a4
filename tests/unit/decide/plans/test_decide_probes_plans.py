"""What is drafted for probes that ask something else than the program serves, or give it too little time."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from decide.core.families.probes import plans
from decide.core.families.probes.facts import FailingProbe
from decide.core.findings import Finding
from decide.core.view import ClusterView
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import (
    BACK,
    changed_lately,
    drafted,
    pod_spec,
    shop,
    workload_of,
)


def _probed(probes: dict[str, Any], ports: list[dict[str, Any]] | None = None) -> Cluster:
    cluster = shop()
    pod_spec(cluster)["containers"].insert(0, {"name": "side", "image": "s:1"})
    main = pod_spec(cluster)["containers"][1]
    main |= {f"{name}Probe": spec for name, spec in probes.items()}
    if ports is not None:
        main["ports"] = ports
    return cluster


def _drafts(
    what: str, cluster: Cluster, probe: str = "readiness", container: str = "main"
) -> list[str]:
    spec = pod_spec(cluster)["containers"][1][f"{probe}Probe"]
    return drafted(
        plans.probe,
        cluster,
        lambda w, _: FailingProbe(
            workload=w, container=container, probe=probe, spec=spec, why="it fails"
        ),
        of=f"{probe}_probe_{what}",
    )


def _changes(what: str, cluster: Cluster, probe: str = "readiness") -> list[str]:
    """Just the changes of it, without their object and container."""
    start = "  apps/v1 Deployment/shop/web :containers[name=main]."
    found = _drafts(what, cluster, probe)
    return [line.removeprefix(start) for line in found if line.startswith(start)]


def _http(port: object, path: str = "/") -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": port}}


def test_a_probe_asks_the_port_of_the_other_probes_then_the_containers() -> None:
    probes = {"readiness": _http(1), "liveness": {"tcpSocket": {"port": 9090}}}
    cluster = _probed(probes, [{"containerPort": 8080}, {"containerPort": 8081}])
    changed_lately(cluster)
    assert _drafts("port", cluster) == [
        "set_probe 0.93 probes.port.title container=main port=9090 probe=readiness",
        "  why probes.port.why port=9090 why=it fails",
        "  risk drafting.risk.restart",
        "  apps/v1 Deployment/shop/web :containers[name=main].readinessProbe.httpGet.port: 1 → 9090",
        "set_probe 0.73 probes.port.title container=main port=8080 probe=readiness",
        "  why probes.port.why port=8080 why=it fails",
        "  risk drafting.risk.restart",
        "  apps/v1 Deployment/shop/web :containers[name=main].readinessProbe.httpGet.port: 1 → 8080",
        *BACK,
    ]


def test_two_ports_at_most_are_drafted_none_twice_and_not_the_one_that_fails() -> None:
    probes = {"readiness": _http(8080), "liveness": _http(9090), "startup": _http(9090)}
    ports = [{"containerPort": port} for port in (8080, 9090, 0, 7070, 6060)]
    assert _changes("port", _probed(probes, ports)) == [
        "readinessProbe.httpGet.port: 8080 → 9090",
        "readinessProbe.httpGet.port: 8080 → 7070",
    ]


def test_the_port_of_another_probe_may_be_a_name_of_the_container() -> None:
    probes = {"readiness": {"grpc": {"port": 1}}, "liveness": _http("web")}
    ports = [{"containerPort": 80}, {"containerPort": 81, "name": "web"}]
    assert _changes("port", _probed(probes, ports))[0] == "readinessProbe.grpc.port: 1 → 81"


def test_a_probe_that_asks_no_port_is_just_a_reason_to_go_back() -> None:
    cluster = _probed({"readiness": {"exec": {"command": ["x"]}}, "liveness": _http(1)})
    changed_lately(cluster)
    for what in ("port", "protocol"):
        assert _drafts(what, cluster) == BACK


def test_a_probe_of_an_unknown_container_gives_no_plan_at_all() -> None:
    cluster = _probed({"readiness": _http(1)})
    changed_lately(cluster)
    assert _drafts("port", cluster, container="gone") == []


def test_a_probe_that_fails_otherwise_is_just_a_reason_to_go_back() -> None:
    cluster = _probed({"readiness": _http(1)})
    changed_lately(cluster)
    assert _drafts("path", cluster) == BACK


def test_a_probe_speaks_what_the_other_probes_speak_or_asks_whether_the_port_is_open() -> None:
    probes = {
        "readiness": _http(8080) | {"periodSeconds": 5},
        "liveness": {"grpc": {"port": 9090}, "periodSeconds": 7},
    }
    cluster = _probed(probes)
    changed_lately(cluster)
    assert _drafts("protocol", cluster) == [
        "set_probe 0.9 probes.protocol.title container=main protocol=grpc",
        "  why probes.protocol.asked protocol=grpc why=it fails",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].readinessProbe: {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 5} → {"periodSeconds": 5, "grpc": {"port": 9090}}',
        "set_probe 0.7 probes.protocol.title container=main protocol=tcpSocket",
        "  why probes.protocol.open protocol=tcpSocket why=it fails",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].readinessProbe: {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 5} → {"periodSeconds": 5, "tcpSocket": {"port": 8080}}',
        *BACK,
    ]


def test_a_probe_of_an_open_port_speaks_what_the_others_speak_and_nothing_less() -> None:
    probes = {"readiness": {"tcpSocket": {"port": 1}}, "liveness": _http(8080)}
    assert _changes("protocol", _probed(probes)) == [
        'readinessProbe: {"tcpSocket": {"port": 1}} → {"httpGet": {"path": "/", "port": 8080}}',
    ]
    assert _changes("protocol", _probed({"readiness": {"tcpSocket": {"port": 1}}})) == []


def test_two_protocols_at_most_are_drafted_and_each_once() -> None:
    probes = {
        "readiness": _http(8080),
        "liveness": {"tcpSocket": {"port": 2}},
        "startup": {"grpc": {"port": 3}},
    }
    assert _changes("protocol", _probed(probes)) == [
        'readinessProbe: {"httpGet": {"path": "/", "port": 8080}} → {"grpc": {"port": 3}}',
        'readinessProbe: {"httpGet": {"path": "/", "port": 8080}} → {"tcpSocket": {"port": 2}}',
    ]
    probes["startup"] = {"tcpSocket": {"port": 4}}
    assert _changes("protocol", _probed(probes)) == [
        'readinessProbe: {"httpGet": {"path": "/", "port": 8080}} → {"tcpSocket": {"port": 2}}',
    ]


_HASTY = {
    "failureThreshold": 1,
    "periodSeconds": 2,
    "timeoutSeconds": 1,
    "initialDelaySeconds": 0,
}


def test_a_hasty_readiness_probe_becomes_as_patient_as_is_usual() -> None:
    cluster = _probed({"readiness": _http(1) | _HASTY})
    changed_lately(cluster)
    assert _drafts("timing", cluster) == [
        "set_probe 0.88 probes.timing.title container=main probe=readiness",
        "  why probes.timing.why why=it fails",
        "  risk probes.timing.late",
        "  risk drafting.risk.restart",
        "  apps/v1 Deployment/shop/web :containers[name=main].readinessProbe.failureThreshold: 1 → 3",
        "  apps/v1 Deployment/shop/web :containers[name=main].readinessProbe.periodSeconds: 2 → 10",
        "  apps/v1 Deployment/shop/web :containers[name=main].readinessProbe.timeoutSeconds: 1 → 3",
        "  apps/v1 Deployment/shop/web :containers[name=main].readinessProbe.initialDelaySeconds: 0 → 15",
        *BACK,
    ]


@pytest.mark.parametrize(
    ("field", "least", "default"),
    [
        ("failureThreshold", 3, 3),
        ("periodSeconds", 10, 10),
        ("timeoutSeconds", 3, 1),
        ("initialDelaySeconds", 15, 0),
    ],
)
def test_only_what_is_below_the_usual_patience_moves(field: str, least: int, default: int) -> None:
    patient = {
        "failureThreshold": 9,
        "periodSeconds": 99,
        "timeoutSeconds": 9,
        "initialDelaySeconds": 99,
    }
    for value, moves in ((least - 1, True), (least, False), (least + 1, False)):
        cluster = _probed({"readiness": _http(1) | patient | {field: value}})
        expected = [f"readinessProbe.{field}: {value} → {least}"] if moves else []
        assert _changes("timing", cluster) == expected
    left_out = _http(1) | {key: value for key, value in patient.items() if key != field}
    expected = [f"readinessProbe.{field}: + {least}"] if default < least else []
    assert _changes("timing", _probed({"readiness": left_out})) == expected


def test_a_hasty_liveness_probe_gets_a_startup_probe_that_asks_the_same() -> None:
    cluster = _probed({"liveness": _http(1) | _HASTY})
    changed_lately(cluster)
    assert _drafts("timing", cluster, "liveness") == [
        "set_probe 0.88 probes.timing.both title=(probes.timing.title container=main probe=liveness)",
        "  why drafting.after first=(probes.timing.why why=it fails) second=(probes.timing.startup)",
        "  risk probes.timing.late",
        "  risk drafting.risk.restart",
        "  apps/v1 Deployment/shop/web :containers[name=main].livenessProbe.failureThreshold: 1 → 3",
        "  apps/v1 Deployment/shop/web :containers[name=main].livenessProbe.periodSeconds: 2 → 10",
        "  apps/v1 Deployment/shop/web :containers[name=main].livenessProbe.timeoutSeconds: 1 → 3",
        "  apps/v1 Deployment/shop/web :containers[name=main].livenessProbe.initialDelaySeconds: 0 → 15",
        '  apps/v1 Deployment/shop/web :containers[name=main].startupProbe: + {"httpGet": {"path": "/", "port": 1}, "periodSeconds": 10, "failureThreshold": 30}',
        "set_probe 0.72 probes.timing.title container=main probe=liveness",
        "  why probes.timing.why why=it fails",
        "  risk probes.timing.late",
        "  risk drafting.risk.restart",
        "  apps/v1 Deployment/shop/web :containers[name=main].livenessProbe.failureThreshold: 1 → 3",
        "  apps/v1 Deployment/shop/web :containers[name=main].livenessProbe.periodSeconds: 2 → 10",
        "  apps/v1 Deployment/shop/web :containers[name=main].livenessProbe.timeoutSeconds: 1 → 3",
        "  apps/v1 Deployment/shop/web :containers[name=main].livenessProbe.initialDelaySeconds: 0 → 15",
        "set_probe 0.7 probes.timing.add_startup container=main",
        "  why probes.timing.startup",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].startupProbe: + {"httpGet": {"path": "/", "port": 1}, "periodSeconds": 10, "failureThreshold": 30}',
        *BACK,
    ]


def test_a_startup_probe_asks_whatever_the_liveness_probe_asks() -> None:
    for asked in (
        {"grpc": {"port": 1}},
        {"tcpSocket": {"port": 1}},
        {"exec": {"command": ["x"]}},
    ):
        found = _changes("timing", _probed({"liveness": asked}), "liveness")
        made = f"{str(asked)[:-1]}, 'periodSeconds': 10, 'failureThreshold': 30}}"
        assert found[-1] == "startupProbe: + " + made.replace("'", '"')


def test_no_startup_probe_is_made_beside_one_or_for_a_probe_that_asks_nothing() -> None:
    beside = _probed({"liveness": _http(1), "startup": _http(1)})
    assert _changes("timing", beside, "liveness") == [
        "livenessProbe.timeoutSeconds: + 3",
        "livenessProbe.initialDelaySeconds: + 15",
    ]
    assert _changes("timing", _probed({"liveness": {"periodSeconds": 10}}), "liveness") == [
        "livenessProbe.timeoutSeconds: + 3",
        "livenessProbe.initialDelaySeconds: + 15",
    ]


def test_a_startup_probe_gives_five_minutes() -> None:
    cluster = _probed({"startup": _http(1) | {"periodSeconds": 5, "failureThreshold": 3}})
    changed_lately(cluster)
    assert _drafts("timing", cluster, "startup") == [
        "set_probe 0.88 probes.start.title container=main seconds=300",
        "  why probes.start.why failures=30 period=10 seconds=300 why=it fails",
        "  risk probes.start.late",
        "  risk drafting.risk.restart",
        "  apps/v1 Deployment/shop/web :containers[name=main].startupProbe.periodSeconds: 5 → 10",
        "  apps/v1 Deployment/shop/web :containers[name=main].startupProbe.failureThreshold: 3 → 30",
        *BACK,
    ]


def test_a_startup_probe_fails_thirty_times_at_least_and_gives_no_less_time_than_before() -> None:
    for period, before, failures in (
        (None, None, 30),
        (9, 3, 30),
        (10, 29, 30),
        (11, 3, 30),
        (10, 31, 31),
        (1, 301, 31),
        (45, 60, 60),
    ):
        stated = {"periodSeconds": period, "failureThreshold": before}
        spec = _http(1) | {key: value for key, value in stated.items() if value is not None}
        found = _drafts("timing", _probed({"startup": spec}), "startup")
        seconds = max(10, period or 10) * failures
        assert found[0].endswith(f"title container=main seconds={seconds}")
        moved = [x.rpartition("Probe.")[2] for x in found if "startupProbe." in x]
        expected = [f"periodSeconds: {period} → 10"] if (period or 10) < 10 else []
        if before is None:
            expected.append(f"failureThreshold: + {failures}")
        elif before != failures:
            expected.append(f"failureThreshold: {before} → {failures}")
        assert moved == expected


def _differs(what: str, here: dict[str, Any] | None, there: dict[str, Any] | None) -> bool:
    cluster = _probed({"readiness": here} if here is not None else {})
    view = ClusterView(cluster.bundle())
    workload = workload_of(view, "web")
    other = _probed({"readiness": there} if there is not None else {})
    twin = workload_of(ClusterView(other.bundle()), "web")
    finding = Finding(
        failure_class=f"readiness_probe_{what}",
        object=workload.ref,
        score=0.9,
        facts=FailingProbe(
            workload=workload, container="main", probe="readiness", spec=here or {}, why=""
        ),
    )
    return plans.differs(finding, workload, twin)


def test_a_declared_probe_differs_only_in_what_the_class_is_about() -> None:
    base = _http(80, "/a")
    for what, other in (
        ("port", _http(81, "/a")),
        ("path", _http(80, "/b")),
        ("protocol", {"tcpSocket": {"port": 80}}),
        ("timing", base | {"initialDelaySeconds": 1}),
        ("timing", base | {"periodSeconds": 11}),
        ("timing", base | {"failureThreshold": 4}),
        ("timing", base | {"timeoutSeconds": 2}),
    ):
        assert _differs(what, base, other), (what, other)
        assert not _differs(what, base, copy.deepcopy(base))
        for another in {"port", "path", "protocol", "timing"} - {what}:
            if what != "protocol" or another == "port":
                assert not _differs(another, base, other), (another, other)


def test_defaults_are_the_same_whether_they_are_stated_or_not() -> None:
    stated = {
        "initialDelaySeconds": 0,
        "periodSeconds": 10,
        "failureThreshold": 3,
        "timeoutSeconds": 1,
    }
    assert not _differs("timing", _http(80), _http(80) | stated)
    assert not _differs("path", {"httpGet": {"port": 80}}, _http(80, "/"))
    assert not _differs("path", {"httpGet": {"port": 80}}, {"tcpSocket": {"port": 80}})


def test_a_probe_differs_from_none_and_none_from_none_does_not() -> None:
    for what in ("port", "path", "protocol", "timing"):
        assert _differs(what, _http(80), None)
        assert not _differs(what, None, None)


def test_a_container_that_the_declared_workload_lacks_does_not_differ() -> None:
    cluster = _probed({"readiness": _http(80)})
    view = ClusterView(cluster.bundle())
    workload = workload_of(view, "web")
    for name in ("gone", "side"):
        twin = workload_of(ClusterView(shop().bundle()), "web")
        facts = FailingProbe(workload=workload, container=name, probe="readiness", spec={}, why="")
        finding = Finding(
            failure_class="readiness_probe_port", object=workload.ref, score=0.9, facts=facts
        )
        assert not plans.differs(finding, workload, twin)
        assert not plans.differs(finding, twin, workload)
