"""Faults whose nearest explanation is the wrong one: what is said to be the cause, and what is not proposed."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core import diagnose
from decide.core.findings import Finding
from decide.core.leading import surest_first
from decide.core.opinion import Verdict
from decide.core.view import ClusterView
from kfix.incident.images import parse
from schemas.base import ObjectRef
from schemas.images import ImageAnswer, RegistryAnswers
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


def test_a_time_out_to_a_host_outside_is_no_wrong_port() -> None:
    _, verdict = _told("external_dependency_unavailable/a database outside that does not answer")
    assert _class_of(verdict) == "external_dependency_unavailable"
    assert not verdict.plans
    assert "rds.example.com" in _statements(verdict)


def test_a_name_with_the_same_beginning_in_the_cluster_is_the_clusters() -> None:
    c = Cluster(8)
    app, other = c.app("crm"), c.app("pg")
    c.crashed(app, 1, f"could not connect to pg.{c.namespace}: Connection timed out")
    verdict = diagnose(c.bundle(subject=app))
    assert other == "pg"
    assert _class_of(verdict) != "external_dependency_unavailable"


def test_a_host_outside_that_fails_is_named_before_that_nothing_is_known() -> None:
    _, verdict = _told(
        "external_dependency_unavailable/it answers with errors and the namespace is well"
    )
    assert _class_of(verdict) == "external_dependency_unavailable"
    assert verdict.status == "needs_human"


_SUBJECT = ObjectRef(kind="Deployment", namespace="shop", name="web")


def _all_read() -> ClusterView:
    """A view in which every source was read."""
    c = Cluster(3)
    c.log(c.app("web"), "GET / 200")
    c.series("service.cpu", [0.1] * 30, service="web")
    return ClusterView(c.bundle())


def _found(failure_class: str, score: float, *, open_share: float = 0.0, **more: Any) -> Finding:
    return Finding(
        failure_class=failure_class,
        object=_SUBJECT,
        score=score,
        open_share=open_share,
        **more,
    )


@pytest.mark.parametrize(
    ("first", "rival", "order"),
    [
        # what it leaves unexplained makes the first far less sure
        (("oom_killed", 0.72, 1.0), ("bad_command", 0.7, 0.0), [1, 0]),
        (("oom_killed", 0.72, 0.0), ("bad_command", 0.7, 0.0), [0, 1]),
        (("oom_killed", 0.95, 0.0), ("bad_command", 0.5, 0.0), [0, 1]),
        # a symptom takes no cause's place, and that of an answer that names none
        (("oom_killed", 0.62, 1.0), ("rollout_stuck", 0.6, 0.0), [0, 1]),
        (("undetermined", 0.3, 0.0), ("rollout_stuck", 0.6, 0.0), [1, 0]),
    ],
)
def test_the_first_answer_is_not_far_less_sure_than_a_rival(
    first: tuple[str, float, float], rival: tuple[str, float, float], order: list[int]
) -> None:
    ranked = [_found(name, score, open_share=share) for name, score, share in (first, rival)]
    led = surest_first(_all_read(), ranked)
    assert [ranked.index(one) for one in led] == order


def test_what_is_elsewhere_or_explained_by_another_does_not_lead() -> None:
    first = _found("undetermined", 0.3)
    for more in ({"elsewhere": True}, {"behind": "Deployment/shop/db"}):
        ranked = [first, _found("bad_command", 0.9, **more)]
        assert surest_first(_all_read(), ranked)[0] is first


def test_going_back_to_a_faster_start_is_no_proof_where_only_the_program_goes_back() -> None:
    _, verdict = _told("liveness_probe_timing/a newer program takes longer to start")
    assert _class_of(verdict) == "liveness_probe_timing"
    first, *_ = verdict.plans
    assert first.fix_kind == "set_probe", "more time comes before another program"
    back = [plan for plan in verdict.plans if plan.fix_kind == "rollback_revision"]
    assert back
    for plan in back:
        assert plan.repairs.verdict == "unknown"
        assert any("migration" in risk for risk in plan.risks)


def test_an_image_that_ready_pods_run_is_exchanged_only_for_one_that_is_known_to_be_there() -> None:
    key = "image_not_found/ready pods still run it"
    c, app = suffering(key)
    asked = diagnose(c.bundle(subject=app))
    assert _class_of(asked) == "image_not_found"
    assert not asked.plans
    assert asked.status == "needs_human"
    assert "1 pod that is ready runs" in _statements(asked)


def test_where_the_older_image_is_there_the_plan_says_whose_image_it_exchanges() -> None:
    c, app = suffering("image_not_found/ready pods still run it")
    older = c.container(app)["image"].removesuffix(".1")
    reference = parse(older)
    assert reference is not None
    answer = ImageAnswer(reference=reference.canonical, exists="yes")
    c.registry = RegistryAnswers(images=(answer,))
    first = diagnose(c.bundle(subject=app)).plans[0]
    assert "1 pod that is ready runs" in first.risks[0]
    assert first.confidence < 0.6


def test_a_probe_asks_a_port_that_a_service_sends_to_where_the_log_tells_the_same() -> None:
    c = Cluster(6)
    app = c.app("desk", port=8080)
    c.container(app)["ports"] = [{"containerPort": 9090}]
    c.container(app)["readinessProbe"] = {"tcpSocket": {"port": 9090}}
    refused(c, app, "readiness", port=9090)
    c.log(app, "Now listening on: http://[::]:8080")
    verdict = diagnose(c.bundle(subject=app))
    assert {f"{_READY}.tcpSocket.port": 8080} in wanted(verdict)


@pytest.mark.parametrize(
    ("host", "found"),
    [("ledger.rds.example.com", True), ("pg", False)],
)
def test_a_database_that_is_set_to_be_outside_is_outside_also_where_no_line_names_it(
    host: str, found: bool
) -> None:
    c = Cluster(8)
    c.app("pg", image="postgres:17")
    app = c.app("crm")
    c.container(app)["env"] = [{"name": "DATABASE_HOST", "value": host}]
    line = "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure"
    c.crashed(app, 1, line)
    told = _class_of(diagnose(c.bundle(subject=app))) == "external_dependency_unavailable"
    assert told is found


def test_a_node_is_heard_wherever_its_event_stands() -> None:
    c, app = _killed(600)
    node = c.get("nodes", c.pod(app)["spec"]["nodeName"])
    said_by_node(c, node, "SystemOOM", "System OOM encountered, victim process: app, pid: 4111")
    c.objects["events"][-1]["metadata"]["namespace"] = "kube-system"
    assert _class_of(diagnose(c.bundle(subject=app))) == "node_pressure"


def test_the_killed_one_is_named_too_where_it_takes_the_memory_itself() -> None:
    c, app = _killed(6000, limit="16Gi")
    node = c.get("nodes", c.pod(app)["spec"]["nodeName"])
    said_by_node(c, node, "SystemOOM", "System OOM encountered, victim process: app, pid: 4111")
    verdict = diagnose(c.bundle(subject=app))
    assert _class_of(verdict) == "node_pressure"
    assert f"{app}-" in _statements(verdict)
    assert "used 6000 MiB there and asks for 128 MiB" in _statements(verdict)
    assert not verdict.plans
