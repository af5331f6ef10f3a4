"""How likely a plan holds: nothing known changes nothing, and no record changes anything alone."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.core.experience.chances import (
    MOST_PRIOR,
    PlanChance,
    evidence_of,
    order,
    posterior_mean,
)
from decide.core.experience.trials import FaredTrial
from schemas.context import OutcomeResult
from tests.support.decide.tried import NOW, fared

RESULTS: tuple[OutcomeResult, ...] = get_args(OutcomeResult)
KINDS = ("set_memory", "rollback_revision", "set_probe")


def chance(trials: list[FaredTrial], own: float = 0.7, kind: str = "set_memory") -> PlanChance:
    return evidence_of(
        trials, workload_kind="Deployment", fix_kind=kind, environment="production", now=NOW
    ).chance(own)


def test_nothing_known_is_what_the_rules_say_to_the_last_digit() -> None:
    found = chance([fared("inc-1", "success", "set_probe"), fared("inc-2", "expired")], 0.123)
    assert (found.mean, found.low, found.high, found.said) == (0.123, 0.123, 0.123, 0.123)


def test_one_failure_is_told_and_changes_no_order() -> None:
    found = chance([fared("inc-1", "failure")], 0.72)
    assert found.said == pytest.approx(6 * 0.72 / 7)
    assert (found.high, found.merged, found.held) == (0.72, 1, 0)


def test_one_success_is_not_told_as_more() -> None:
    found = chance([fared("inc-1", "success")], 0.72)
    assert found.mean > 0.72
    assert found.said == 0.72


def test_two_successes_are_told_as_what_one_of_them_says() -> None:
    two = [fared("inc-1", "success"), fared("inc-2", "success")]
    assert chance(two, 0.72).said == pytest.approx((6 * 0.72 + 1) / 7)


def test_attempts_at_one_incident_are_one_word() -> None:
    tries = [fared(name, "failure") for name in ("inc-1", "inc-1-try2", "inc-1-try3")]
    assert chance(tries).mean == pytest.approx(chance([fared("inc-1", "failure")]).mean)
    assert chance(tries).high == 0.7


def test_half_a_year_ago_counts_half() -> None:
    old = chance([fared("inc-1", "failure", days=180)])
    assert old.mean == pytest.approx(6 * 0.7 / 6.5)


def test_another_environment_tells_less_than_the_same_and_another_workload_less_than_both() -> None:
    def of(**where: str) -> float:
        return chance([fared(f"inc-{n}", "failure", **where) for n in range(30)]).mean

    cell = of()
    environment, workload = of(environment="staging"), of(workload_kind="StatefulSet")
    assert cell < 0.2
    assert environment < 0.7
    assert workload < 0.7
    own = [fared(f"inc-own-{n}", "success") for n in range(8)]
    other = [fared(f"inc-{n}", "failure", environment="staging") for n in range(300)]
    assert chance([*own, *other]).mean >= 8 / (8 + MOST_PRIOR)


@given(
    st.floats(0.05, 0.98),
    st.lists(st.tuples(st.floats(0, 40), st.floats(0, 40)), min_size=3, max_size=3),
    st.integers(0, 2),
    st.floats(0.01, 1),
)
def test_one_more_success_never_lowers_it_and_one_more_failure_never_raises_it(
    own: float, layers: list[tuple[float, float]], at: int, weight: float
) -> None:
    good = [(g + weight * (n == at), b) for n, (g, b) in enumerate(layers)]
    bad = [(g, b + weight * (n == at)) for n, (g, b) in enumerate(layers)]
    now = posterior_mean(own, layers)
    assert posterior_mean(own, bad) <= now + 1e-9
    assert posterior_mean(own, good) >= now - 1e-9
    assert 0 < now < 1


trials = st.lists(
    st.builds(
        lambda incident, attempt, result, kind, workload, environment, days: fared(
            f"inc-{incident}{attempt}",
            result,
            kind,
            days=days,
            workload_kind=workload,
            environment=environment,
        ),
        st.integers(1, 6),
        st.sampled_from(["", "-try2", "-try3"]),
        st.sampled_from(RESULTS),
        st.sampled_from(KINDS),
        st.sampled_from(["Deployment", "StatefulSet"]),
        st.sampled_from(["production", "staging"]),
        st.integers(0, 400),
    ),
    max_size=14,
)
owns = st.lists(st.floats(0.4, 0.97), min_size=3, max_size=3).map(
    lambda found: sorted(found, reverse=True)
)


def without(found: list[FaredTrial], incident: int) -> list[FaredTrial]:
    names = {f"inc-{incident}{attempt}" for attempt in ("", "-try2", "-try3")}
    return [one for one in found if one.incident_id not in names]


def chances(found: list[FaredTrial], own: list[float]) -> list[PlanChance]:
    return [chance(found, one, kind) for one, kind in zip(own, KINDS, strict=True)]


@given(trials, owns)
def test_what_goes_first_goes_first_without_any_one_incident_as_well(
    found: list[FaredTrial], own: list[float]
) -> None:
    first = order(chances(found, own))[0]
    if first == 0:
        return
    for incident in range(1, 7):
        less = chances(without(found, incident), own)
        assert less[first].mean > less[0].mean - 1e-9


@given(st.lists(trials, max_size=1).map(lambda one: one[0] if one else []), owns)
def test_one_incident_alone_changes_no_order_whatever_it_says(
    found: list[FaredTrial], own: list[float]
) -> None:
    alone = [one for one in found if one.incident_id.startswith("inc-1")]
    assert order(chances(alone, own)) == [0, 1, 2]


@given(trials, owns)
def test_the_order_of_records_does_not_count(found: list[FaredTrial], own: list[float]) -> None:
    for one, other in zip(chances(found[::-1], own), chances(found, own), strict=True):
        assert (one.mean, one.low, one.high) == pytest.approx((other.mean, other.low, other.high))


def test_two_failures_put_the_next_best_first_and_the_rest_keep_their_places() -> None:
    failed = [fared("inc-1", "failure"), fared("inc-2", "failure")]
    assert order(chances(failed, [0.8, 0.75, 0.6])) == [1, 0, 2]


def test_what_fails_often_goes_last() -> None:
    failed = [fared(f"inc-{n}", "failure") for n in range(9)]
    held = [fared(f"inc-1{n}", "success", "set_probe") for n in range(9)]
    assert order(chances([*failed, *held], [0.8, 0.75, 0.7])) == [2, 1, 0]
