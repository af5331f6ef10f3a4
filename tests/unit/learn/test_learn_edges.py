"""Outcomes at their edges: when a workload counts as healthy, what a later look may change, how much is remembered."""

from __future__ import annotations

import pytest

from learn.core.judgement import WorkloadState, changed, compare, judge, own_signal
from learn.core.lessons import lesson, memory_metadata
from tests.support.learn import PROPOSAL, outcome

WELL = WorkloadState(arrived=True, desired=2, ready=2, deaths=0)
CALM = {"throttled_ratio": 0.0}
BUSY = {"throttled_ratio": 0.4}


@pytest.mark.parametrize(
    ("desired", "ready", "deaths", "healthy"),
    [
        (2, 2, 0, True),
        (2, 3, 0, True),
        (2, 1, 0, False),
        (0, 0, 0, True),
        (2, 2, 1, False),
        (None, 2, 1, False),
        (2, 1, None, False),
        (None, 2, 0, None),
        (2, None, 0, None),
        (2, 2, None, None),
        (None, None, None, None),
    ],
)
def test_a_workload_is_healthy_with_all_pods_ready_and_no_death(
    desired: int | None, ready: int | None, deaths: int | None, healthy: bool | None
) -> None:
    assert WorkloadState(True, desired, ready, deaths).healthy is healthy


@pytest.mark.parametrize(
    ("state", "after", "result", "unsettled"),
    [
        (WELL, CALM, "success", False),
        (WELL, BUSY, "failure", False),
        (WELL, CALM | {"restarts": 5.0}, "partial", False),
        (WELL, {}, "partial", True),
        (WorkloadState(True, 2, 1, 0), CALM, "failure", False),
        (WorkloadState(True, 2, 2, None), CALM, "partial", True),
        (WorkloadState(None, 2, 2, 0), CALM, "partial", True),
        (WorkloadState(False, 2, 1, 3), BUSY, "partial", True),
    ],
)
def test_only_what_has_not_arrived_or_was_not_measured_is_looked_at_again(
    state: WorkloadState, after: dict[str, float], result: str, unsettled: bool
) -> None:
    found = judge(
        "cpu_throttling", state, BUSY | {"restarts": 1.0} if "restarts" in after else BUSY, after
    )
    assert (found.result, found.unsettled) == (result, unsettled)


@pytest.mark.parametrize(
    ("failure", "signal"),
    [
        ("cpu_throttling", "throttled_ratio"),
        ("oom_killed", "restarts"),
        ("crash_loop", "restarts"),
        ("liveness_probe_failing", "restarts"),
        ("high_latency", "latency_ms"),
        ("image_not_found", ""),
    ],
)
def test_a_failure_has_the_signal_that_it_is_about(failure: str, signal: str) -> None:
    assert own_signal(failure) == signal


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ({}, {}, []),
        ({"restarts": 1.0}, {}, ["restarts"]),
        ({}, {"latency_ms": 1.0}, ["latency_ms"]),
    ],
)
def test_a_signal_is_told_where_it_was_measured_once(
    before: dict[str, float], after: dict[str, float], names: list[str]
) -> None:
    assert [one.name for one in compare(before, after)] == names


def test_what_is_remembered_is_cut_at_two_hundred_characters() -> None:
    long = PROPOSAL.model_copy(
        update={
            "context": PROPOSAL.context.model_copy(update={"alert_title": "t" * 300}),
            "plan": PROPOSAL.plan.model_copy(update={"title": "p" * 300}),
        }
    )
    kept = memory_metadata(outcome(lesson="l"), long, "u")
    assert (kept["title"], kept["plan_title"]) == ("t" * 200, "p" * 200)
    assert (kept["lesson"], kept["url"]) == ("l", "u")
    assert kept["environment"] == "production"


def test_a_lesson_of_one_that_nobody_explained_says_so() -> None:
    silent = lesson(PROPOSAL, "rejected", "", "en")
    assert silent != lesson(PROPOSAL, "rejected", "Too much.", "en")
    assert silent.endswith(".")
    assert len(lesson(PROPOSAL, "failure", "w" * 900, "en")) == 400


@pytest.mark.parametrize(
    ("signal", "harmless", "unit"),
    [
        ("restarts", 0.0, ""),
        ("error_rate", 0.01, ""),
        ("latency_ms", 0.0, "ms"),
        ("latency_p95_ms", 0.0, "ms"),
        ("throttled_ratio", 0.05, ""),
    ],
)
def test_a_signal_is_worse_just_above_what_is_harmless(
    signal: str, harmless: float, unit: str
) -> None:
    assert changed(signal, 0.0, harmless) == "same"
    assert changed(signal, 0.0, harmless + 0.0001) == "worse"
    (told,) = compare({signal: 1.0}, {})
    assert told.unit == unit


@pytest.mark.parametrize("signal", ["cpu_cores", "memory_mib"])
def test_usage_may_grow_with_what_is_allowed(signal: str) -> None:
    assert changed(signal, 1.0, 9.0) == "same"
    assert changed(signal, 1.0, 0.5) == "better"
