"""Faults whose nearest explanation is the wrong one: what is said to be the cause, and what is not proposed."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from tests.support.decide.clusters import Cluster
from tests.support.decide.faults_mistaken import killed_within, said_by_node
from tests.support.decide.repaired import suffering


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
