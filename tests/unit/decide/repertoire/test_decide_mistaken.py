"""Faults whose nearest explanation is the wrong one: what is said to be the cause, and what is not proposed."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from tests.support.decide.clusters import Cluster
from tests.support.decide.faults_mistaken import killed_within, refused, said_by_node, two_ports
from tests.support.decide.repaired import suffering, wanted


def _told(key: str) -> tuple[Cluster, Verdict]:
    c, app = suffering(key)
    return c, diagnose(c.bundle(subject=app))


def _statements(verdict: Verdict) -> str:
    assert verdict.analysis is not None
    return " / ".join(str(one.statement) for one in verdict.analysis.evidence)


def _class_of(verdict: Verdict) -> str:
    assert verdict.analysis is not None
    return verdict.analysis.failure_class


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("the whole node was out of memory", "has no memory limit, used 6000 MiB"),
        ("the kernel's own words of the node", "runs there without a memory limit"),
    ],
)
def test_a_node_out_of_memory_is_the_cause_with_who_takes_it_and_its_victim_gets_no_more(
    variant: str, words: str
) -> None:
    _, verdict = _told(f"node_pressure/{variant}")
    assert _class_of(verdict) == "node_pressure"
    assert verdict.reason == "outside_manifests"
    assert not verdict.plans
    assert words in _statements(verdict)


def _killed(used_mib: float, *, limit: str = "1Gi", seed: int = 4) -> tuple[Cluster, str]:
    c = Cluster(seed)
    c.app()
    app = c.app("ledger")
    killed_within(c, app, used_mib, limit)
    return c, app


def test_a_use_far_below_the_limit_speaks_against_it_and_nothing_is_raised() -> None:
    c, app = _killed(200)
    verdict = diagnose(c.bundle(subject=app))
    assert not any(plan.fix_kind == "set_memory" for plan in verdict.plans)
    assert verdict.status == "needs_human"


@pytest.mark.parametrize("used", [600, 1000])
def test_a_use_that_comes_near_the_limit_leaves_it_the_cause(used: int) -> None:
    c, app = _killed(used)
    verdict = diagnose(c.bundle(subject=app))
    assert _class_of(verdict) == "oom_killed"
    assert verdict.plans[0].fix_kind == "set_memory"


def test_a_run_of_moments_was_not_measured_and_its_limit_may_still_be_too_small() -> None:
    c, app = _killed(200)
    ended = c.pod(app)["status"]["containerStatuses"][0]["lastState"]["terminated"]
    ended["startedAt"] = "2026-05-04T11:57:50Z"
    verdict = diagnose(c.bundle(subject=app))
    assert _class_of(verdict) == "oom_killed"
    raised = [plan for plan in verdict.plans if plan.fix_kind == "set_memory"]
    assert raised
    assert all(plan.repairs.verdict != "pass" for plan in raised), "the measure speaks against it"


def test_the_kernels_words_of_a_limit_are_no_words_of_the_node() -> None:
    c, app = _killed(600)
    node = c.get("nodes", c.pod(app)["spec"]["nodeName"])
    said_by_node(c, node, "OOMKilling", "Memory cgroup out of memory: Killed process 4111 (app)")
    verdict = diagnose(c.bundle(subject=app))
    assert _class_of(verdict) == "oom_killed"


@pytest.mark.parametrize(
    ("used", "when", "found"),
    [
        (600, "2026-05-04T11:57:00Z", "node_pressure"),
        (600, "2026-05-04T09:57:00Z", "oom_killed"),
        (1000, "2026-05-04T11:57:00Z", "oom_killed"),
    ],
)
def test_a_node_answers_for_the_kills_of_that_time_that_no_full_limit_explains(
    used: int, when: str, found: str
) -> None:
    c, app = _killed(used)
    node = c.get("nodes", c.pod(app)["spec"]["nodeName"])
    said_by_node(c, node, "SystemOOM", "System OOM encountered, victim process: app, pid: 4111")
    c.objects["events"][-1]["lastTimestamp"] = when
    assert _class_of(diagnose(c.bundle(subject=app))) == found


def test_memory_pressure_of_the_node_at_the_kill_is_the_nodes_matter() -> None:
    c, app = _killed(600)
    node = c.get("nodes", c.pod(app)["spec"]["nodeName"])
    said = {"type": "MemoryPressure", "status": "True", "message": "too little"}
    node["status"]["conditions"].append(said | {"lastTransitionTime": "2026-05-04T11:57:00Z"})
    verdict = diagnose(c.bundle(subject=app))
    assert _class_of(verdict) == "node_pressure"
    assert not verdict.plans


def test_another_ones_kill_on_a_full_node_is_not_the_cause_of_this_alert() -> None:
    c, app = _killed(600)
    other = c.app("till")
    node = c.get("nodes", c.pod(app)["spec"]["nodeName"])
    said_by_node(c, node, "SystemOOM", "System OOM encountered, victim process: app, pid: 4111")
    c.pod(other)["spec"]["nodeName"] = next(n for n in c.nodes if n != node["metadata"]["name"])
    c.crashed(other, 1, "panic: no such table: till")
    assert _class_of(diagnose(c.bundle(subject=other))) != "node_pressure"


_LIVE, _READY = ":containers[name=main].livenessProbe", ":containers[name=main].readinessProbe"


@pytest.mark.parametrize(
    ("variant", "sets"),
    [
        ("the log tells another of its ports", {f"{_LIVE}.tcpSocket.port": 8080}),
        (
            "both probes ask where nobody listens",
            {f"{_LIVE}.tcpSocket.port": 8080, f"{_READY}.httpGet.port": 8080},
        ),
        ("the other probe succeeds elsewhere", {f"{_LIVE}.tcpSocket.port": 8080}),
    ],
)
def test_where_nobody_listens_the_port_is_wrong_and_neither_protocol_nor_patience(
    variant: str, sets: dict[str, int]
) -> None:
    _, verdict = _told(f"liveness_probe_port/{variant}")
    assert _class_of(verdict) == "liveness_probe_port"
    assert wanted(verdict)[0] == sets
    assert len(verdict.plans) == 1, "nothing gives it more time, or asks it otherwise there"


def _refused_probe(*lines: str, port: int = 9090) -> Verdict:
    c = Cluster(6)
    app = c.app("desk")
    two_ports(c, app)
    c.container(app)["livenessProbe"] = {"tcpSocket": {"port": port}, "initialDelaySeconds": 10}
    refused(c, app, "liveness", port=port)
    c.log(app, *lines, previous=True)
    return diagnose(c.bundle(subject=app))


@pytest.mark.parametrize(
    "line",
    [
        "http server listening on 0.0.0.0:8080",
        "Server Running: http://desk-5b6:8080",
        "INFO Tomcat initialized with port(s): 8080 (http)",
        "[INFO] Listening at: http://0.0.0.0:8080 (1)",
        "INFO: Uvicorn running on http://0.0.0.0:8080 (Press CTRL+C to quit)",
        "Now listening on: http://[::]:8080",
        '{"level":"info","msg":"serving","addr":":8080"}',
        "Example app listening on port 8080!",
    ],
)
def test_a_program_tells_in_many_words_where_it_serves(line: str) -> None:
    assert _class_of(_refused_probe("loading", line)) == "liveness_probe_port"


@pytest.mark.parametrize(
    "line",
    [
        "listening on 0.0.0.0:8080 failed: address already in use",
        "started connection to db:8080",
        "admin server listening on 0.0.0.0:9090",
        "running job at 12:30:45",
        "Migrating schema public to version 42",
    ],
)
def test_other_lines_do_not_make_the_port_wrong_of_a_program_that_may_be_starting(
    line: str,
) -> None:
    assert _class_of(_refused_probe(line)) != "liveness_probe_port"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Started Desk in 2.1 seconds", "liveness_probe_port"),
        ("Startup completed in 2100ms", "liveness_probe_port"),
        ("Started Desk in 38.2 seconds", "liveness_probe_timing"),
    ],
)
def test_a_program_that_was_up_long_before_the_probe_gave_up_needs_no_more_time(
    line: str, found: str
) -> None:
    assert _class_of(_refused_probe(line)) == found


def test_a_probe_is_not_taken_for_one_that_is_answered_while_that_one_fails_too() -> None:
    _, verdict = _told("readiness_probe_protocol/the other probe fails as well")
    assert all("httpGet" not in change for plan in wanted(verdict) for change in plan.values())
