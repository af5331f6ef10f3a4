"""Predicted confidence follows what was measured, by little where little is known."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decide.core.experience.calibrating import LEAST, counted, fitted
from schemas.context import OutcomeResult


def outcomes(count: int, share: float, predicted: int = 800) -> list[tuple[int, OutcomeResult]]:
    held = round(count * share)
    return [(predicted, "success" if n < held else "failure") for n in range(count)]


def test_below_the_least_number_nothing_changes() -> None:
    found = fitted(counted(outcomes(LEAST - 1, 0.1)))
    assert (found.said(0.8), found.outcomes) == (0.8, LEAST - 1)


def test_what_holds_less_often_than_it_was_said_to_is_said_less_surely() -> None:
    few, many = fitted(counted(outcomes(LEAST, 0.4))), fitted(counted(outcomes(900, 0.4)))
    assert 0.4 < few.said(0.8) < 0.75
    assert many.said(0.8) == pytest.approx(0.4, abs=0.05)


def test_what_was_right_stays_as_it_was() -> None:
    sure = [*outcomes(300, 0.9, 900), *outcomes(300, 0.6, 600), *outcomes(300, 0.3, 300)]
    found = fitted(counted(sure))
    for predicted in (0.3, 0.6, 0.9):
        assert found.said(predicted) == pytest.approx(predicted, abs=0.04)


def test_one_record_more_or_less_moves_little() -> None:
    base = outcomes(LEAST, 0.8)
    one, other = fitted(counted([*base, (900, "failure")])), fitted(counted(base))
    assert one.said(0.8) == pytest.approx(other.said(0.8), abs=0.025)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(20, 980), st.sampled_from(["success", "partial", "failure"])),
        min_size=LEAST,
        max_size=120,
    ),
    st.integers(0, 100),
)
def test_no_plan_overtakes_another_and_the_order_of_records_does_not_count(
    found: list[tuple[int, OutcomeResult]], seed: int
) -> None:
    shuffled = list(found)
    Random(seed).shuffle(shuffled)
    made = fitted(counted(found))
    assert fitted(counted(shuffled)) == made
    said = [made.said(one / 100) for one in range(3, 98)]
    assert said == sorted(said)
    assert len(set(said)) == len(said)
    assert all(0 < one < 1 for one in said)
