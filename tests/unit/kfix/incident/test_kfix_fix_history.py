"""What a person's word changes, and how a kind of fix has fared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfix.incident import judgements
from kfix.incident.fix_record import (
    HALF_LIFE,
    diagnosis_doubted,
    posterior,
    result_with_feedback,
)
from schemas.context import OutcomeResult
from schemas.feedback import Feedback

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RESULTS: tuple[OutcomeResult, ...] = get_args(OutcomeResult)


def said(*verdicts: str) -> list[Feedback]:
    return [Feedback(author="ada", verdict=v) for v in verdicts]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("result", "verdicts", "counts"),
    [
        ("success", (), "success"),
        ("success", ("comment",), "success"),
        ("success", ("bad",), "failure"),
        ("success", ("partial",), "partial"),
        ("partial", ("good",), "success"),
        ("partial", ("partial",), "partial"),
        ("failure", ("good",), "failure"),
        ("failure", ("partial",), "failure"),
        ("success", ("bad", "good"), "success"),
        ("success", ("good", "bad", "comment"), "failure"),
        ("rejected", ("good",), "rejected"),
        ("expired", ("bad",), "expired"),
    ],
)
def test_the_newest_judgement_of_a_person_counts(
    result: OutcomeResult, verdicts: tuple[str, ...], counts: str
) -> None:
    assert result_with_feedback(result, said(*verdicts)) == counts


CAUSE = Feedback(author="bob", verdict="bad", about="cause")


@pytest.mark.parametrize("result", RESULTS)
def test_a_wrong_cause_doubts_the_diagnosis_and_leaves_the_fix_as_it_was(
    result: OutcomeResult,
) -> None:
    assert result_with_feedback(result, [CAUSE]) == result
    assert diagnosis_doubted([CAUSE])
    later = [Feedback(author="ada", verdict="partial"), CAUSE]
    assert result_with_feedback(result, later) == result_with_feedback(result, said("partial"))
    assert diagnosis_doubted(later)


def test_a_wrong_fix_counts_against_the_fix_and_says_nothing_of_the_cause() -> None:
    wrong = Feedback(author="ada", verdict="bad", about="fix")
    assert result_with_feedback("success", [wrong]) == "failure"
    assert not diagnosis_doubted([wrong])
    assert diagnosis_doubted([CAUSE, wrong])


def test_a_person_who_changes_their_mind_takes_back_what_they_said() -> None:
    wrong = Feedback(author="Ada", verdict="bad", about="fix")
    cause = Feedback(author="ada ", verdict="bad", about="cause")
    assert result_with_feedback("success", [wrong, cause]) == "success"
    assert not diagnosis_doubted([cause, wrong])
    assert not diagnosis_doubted([CAUSE, *said("good")]), "somebody confirmed it later"
    assert diagnosis_doubted([*said("good"), CAUSE])


@pytest.mark.parametrize(
    ("score", "counts"),
    [(1.0, "success"), (0.3, "partial"), (0.0, "partial"), (-0.3, "partial"), (-0.5, "failure")],
)
def test_a_number_is_a_judgement(score: float, counts: str) -> None:
    assert result_with_feedback("success", [Feedback(author="ada", score=score)]) == counts


def test_what_travels_with_an_outcome_is_bounded_and_decides_as_all_of_it_would() -> None:
    words = [Feedback(author=f"p{n}", text="word") for n in range(100)]
    votes = [Feedback(author="ada", verdict="good") for _ in range(100)]
    kept = judgements.kept([CAUSE, *words, *votes, *words])
    assert len(kept) == 22
    assert kept[0] == CAUSE
    assert result_with_feedback("partial", kept) == "success"
    assert judgements.kept(kept) == kept


histories = st.lists(st.tuples(st.sampled_from(RESULTS), st.integers(0, 2000)), max_size=20)


def chance(history: list[tuple[OutcomeResult, int]]) -> float:
    return posterior([(result, NOW - timedelta(days=age)) for result, age in history], NOW).mean


def test_nothing_known_is_one_half_and_never_certain() -> None:
    empty = posterior([], NOW)
    assert (empty.mean, empty.merged, empty.held) == (0.5, 0, 0)
    assert empty.deviation == pytest.approx((1 / 12) ** 0.5)


def test_counts_are_told_plainly() -> None:
    results: list[OutcomeResult] = ["success"] * 11 + ["failure", "rejected", "expired"]
    found = posterior([(result, NOW) for result in results], NOW)
    assert (found.merged, found.held, found.rejected) == (12, 11, 1)
    assert found.mean == pytest.approx(12 / 14.5)


def test_an_outcome_counts_half_after_half_a_year() -> None:
    assert posterior([("success", NOW - HALF_LIFE)], NOW).mean == pytest.approx(1.5 / 2.5)
    assert posterior([("success", NOW - 20 * HALF_LIFE)], NOW).mean == pytest.approx(0.5, abs=1e-5)
    assert posterior([("success", NOW + HALF_LIFE)], NOW).mean == pytest.approx(2 / 3)


@given(histories, st.integers(0, 2000))
def test_one_more_success_never_lowers_it_and_one_more_failure_never_raises_it(
    history: list[tuple[OutcomeResult, int]], age: int
) -> None:
    before = chance(history)
    assert 0 < before < 1
    assert chance([*history, ("success", age)]) >= before
    assert chance([*history, ("failure", age)]) <= before
    assert chance([*history, ("rejected", age)]) <= before
    assert chance([*history, ("expired", age)]) == before


@given(histories)
def test_the_order_of_history_does_not_count(history: list[tuple[OutcomeResult, int]]) -> None:
    assert chance(history) == pytest.approx(chance(history[::-1]))
