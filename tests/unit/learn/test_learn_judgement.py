"""What became of a fix, by the rules; unknown is never a success."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learn.core.judgement import SIGNALS, WorkloadState, changed, compare, judge

GOOD = WorkloadState(arrived=True, desired=3, ready=3, deaths=0)
THROTTLED = {"throttled_ratio": 0.4, "latency_ms": 200.0}
CALM = {"throttled_ratio": 0.01, "latency_ms": 120.0}


@pytest.mark.parametrize(
    ("failure_class", "state", "before", "after", "result", "why"),
    [
        ("cpu_throttling", GOOD, THROTTLED, CALM, "success", "throttled_ratio 40.0% → 1.0%"),
        ("cpu_throttling", GOOD, THROTTLED, THROTTLED, "failure", "not better"),
        (
            "cpu_throttling",
            GOOD,
            {"throttled_ratio": 0.04},
            {"throttled_ratio": 0.04},
            "success",
            "3 of 3",
        ),
        (
            "cpu_throttling",
            GOOD,
            THROTTLED,
            {**CALM, "latency_ms": 900.0},
            "partial",
            "Worse than before: latency_ms",
        ),
        (
            "cpu_throttling",
            GOOD,
            THROTTLED,
            {},
            "partial",
            "Could not be measured: latency_ms, throttled_ratio",
        ),
        (
            "cpu_throttling",
            GOOD,
            {},
            {"throttled_ratio": 0.3},
            "partial",
            "Could not be measured: throttled_ratio",
        ),
        ("cpu_throttling", GOOD, {}, {"throttled_ratio": 0.02}, "success", "3 of 3"),
        ("cpu_throttling", GOOD, {}, {}, "partial", "throttled_ratio"),
        (
            "latency_regression",
            GOOD,
            {"latency_ms": 400.0},
            {"latency_ms": 390.0},
            "failure",
            "not better",
        ),
        (
            "pod_network_delay",
            GOOD,
            {"latency_ms": 400.0},
            {"latency_ms": 90.0},
            "success",
            "latency_ms 400 → 90 ms",
        ),
        ("oom_killed", GOOD, {}, {}, "success", "no container died since"),
        ("oom_killed", GOOD, {"restarts": 4.0}, {"restarts": 0.0}, "success", "restarts 4 → 0"),
        ("oom_killed", replace(GOOD, deaths=1), {}, {}, "failure", "died once"),
        ("oom_killed", replace(GOOD, deaths=3), {}, {"restarts": 0.0}, "failure", "died 3 times"),
        ("oom_killed", GOOD, {"memory_mib": 250.0}, {"memory_mib": 380.0}, "success", "3 of 3"),
        (
            "image_not_found",
            replace(GOOD, ready=1, reasons=("ImagePullBackOff",)),
            {},
            {},
            "failure",
            "1 of 3 pods are ready (ImagePullBackOff)",
        ),
        (
            "image_not_found",
            WorkloadState(),
            {},
            {},
            "partial",
            "whether the change arrived, the state of the pods",
        ),
        (
            "image_not_found",
            replace(GOOD, arrived=None),
            {},
            {},
            "partial",
            "whether the change arrived",
        ),
        ("oom_killed", replace(GOOD, deaths=None), {}, {}, "partial", "the state of the pods"),
        ("oom_killed", replace(GOOD, arrived=False, ready=0), {}, {}, "partial", "has not arrived"),
    ],
)
def test_the_rules(
    failure_class: str,
    state: WorkloadState,
    before: dict[str, float],
    after: dict[str, float],
    result: str,
    why: str,
) -> None:
    found = judge(failure_class, state, before, after)
    assert (found.result, why in found.explanation) == (result, True), found


@pytest.mark.parametrize(
    ("name", "before", "after", "verdict"),
    [
        ("latency_ms", 100.0, 114.0, "same"),
        ("latency_ms", 100.0, 116.0, "worse"),
        ("latency_ms", 100.0, 84.0, "better"),
        ("error_rate", 0.0, 0.009, "same"),
        ("error_rate", 0.0, 0.011, "worse"),
        ("cpu_cores", 0.1, 0.9, "same"),
        ("restarts", 0.0, 0.0, "same"),
        ("restarts", None, 0.0, "unknown"),
        ("restarts", 1.0, None, "unknown"),
    ],
)
def test_a_signal_moves_only_beyond_its_noise_and_what_is_harmless(
    name: str, before: float | None, after: float | None, verdict: str
) -> None:
    assert changed(name, before, after) == verdict


def test_only_what_was_measured_is_told_in_one_order_with_units() -> None:
    told = compare({"latency_ms": 9.0, "cpu_cores": 0.2}, {"error_rate": 0.1})
    assert [(m.name, m.unit, m.verdict) for m in told] == [
        ("cpu_cores", "cores", "unknown"),
        ("error_rate", "", "unknown"),
        ("latency_ms", "ms", "unknown"),
    ]


values = st.one_of(
    st.just(0.0), st.floats(0.001, 2), st.sampled_from([0.01, 0.05, 0.5, 1.0, 400.0])
)
signals = st.dictionaries(st.sampled_from(sorted(SIGNALS)), values)
counts = st.one_of(st.none(), st.integers(0, 4))
states = st.builds(
    WorkloadState,
    arrived=st.one_of(st.none(), st.booleans()),
    desired=counts,
    ready=counts,
    deaths=counts,
)
classes = st.sampled_from(
    ["cpu_throttling", "oom_killed", "latency_regression", "image_not_found", "error_burst"]
)


@given(
    classes,
    states,
    signals,
    signals,
    st.sets(st.sampled_from(["arrived", "desired", "ready", "deaths"])),
    st.sets(st.sampled_from(sorted(SIGNALS))),
)
def test_knowing_less_never_makes_a_success(
    failure_class: str,
    state: WorkloadState,
    before: dict[str, float],
    after: dict[str, float],
    hidden_state: set[str],
    hidden_signals: set[str],
) -> None:
    """Hidden: facts of the workload, and what signals that were measured before are now."""
    blind = replace(state, **dict.fromkeys(hidden_state))
    left = {k: v for k, v in after.items() if k not in hidden_signals or k not in before}
    known, less = (
        judge(failure_class, state, before, after),
        judge(failure_class, blind, before, left),
    )
    if known.result != "success":
        assert less.result != "success", (known, less)


@given(classes, states, signals, signals)
def test_a_success_is_known_to_be_one(
    failure_class: str, state: WorkloadState, before: dict[str, float], after: dict[str, float]
) -> None:
    found = judge(failure_class, state, before, after)
    if found.result == "success":
        assert state.arrived
        assert state.healthy
        assert "worse" not in {m.verdict for m in found.measurements}
        assert not found.unsettled
