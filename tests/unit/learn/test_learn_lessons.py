"""What is remembered, what a person's word changes, and how a kind of fix has fared."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from fixtures_learn import PROPOSAL, outcome
from hypothesis import given
from hypothesis import strategies as st

from learn.core.history import HALF_LIFE, posterior
from learn.core.lessons import lesson, memory_metadata, result_with_feedback
from schemas.context import OutcomeResult
from schemas.merge_requests import Feedback

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RESULTS: tuple[OutcomeResult, ...] = get_args(OutcomeResult)


def said(*verdicts: str) -> list[Feedback]:
    return [Feedback(author="ada", verdict=v) for v in verdicts]  # type: ignore[arg-type]


def test_a_lesson_is_one_sentence_in_the_language_of_the_house() -> None:
    english = lesson(PROPOSAL, "success", "3 of 3 pods are ready.", "en")
    assert english == "Set cpu worked for cpu throttling on a Deployment: 3 of 3 pods are ready."
    french = lesson(PROPOSAL, "rejected", "Fermée sans fusion.", "fr")
    assert (
        french == "Set cpu a été refusé pour cpu throttling sur un Deployment. Fermée sans fusion."
    )


@pytest.mark.parametrize(("result", "language"), list(itertools.product(RESULTS, ("en", "fr"))))
def test_every_result_has_a_short_lesson(result: OutcomeResult, language: str) -> None:
    told = lesson(PROPOSAL, result, "why " * 500, language)
    assert 20 < len(told) <= 400
    assert "{" not in told


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


def test_metadata_are_flat_short_and_carry_the_result_that_counts() -> None:
    told = outcome(feedback=tuple(said("bad")), lesson="l")
    kept = memory_metadata(told, PROPOSAL, "https://kfix.example.com/incidents/inc-1")
    assert all(isinstance(value, str | float | bool) for value in kept.values())
    assert kept["result"] == "failure"
    assert (kept["fix_kind"], kept["workload_kind"]) == ("set_cpu", "Deployment")
    assert kept["changes_hash"] == PROPOSAL.plan.changes_hash


histories = st.lists(st.tuples(st.sampled_from(RESULTS), st.integers(0, 2000)), max_size=20)


def record(history: list[tuple[OutcomeResult, int]]) -> float:
    return posterior([(result, NOW - timedelta(days=age)) for result, age in history], NOW).mean


def test_nothing_known_is_one_half_and_never_certain() -> None:
    empty = posterior([], NOW)
    assert (empty.mean, empty.merged, empty.held) == (0.5, 0, 0)
    assert empty.deviation == pytest.approx((1 / 12) ** 0.5)


def test_counts_are_told_plainly() -> None:
    results: list[OutcomeResult] = ["success"] * 11 + ["failure", "rejected", "expired"]
    found = posterior([(result, NOW) for result in results], NOW)
    assert found.told() == "12 merged, 11 held"
    assert found.rejected == 1
    assert found.mean == pytest.approx(12 / 14.5)


def test_an_outcome_counts_half_after_half_a_year() -> None:
    assert posterior([("success", NOW - HALF_LIFE)], NOW).mean == pytest.approx(1.5 / 2.5)
    assert posterior([("success", NOW - 20 * HALF_LIFE)], NOW).mean == pytest.approx(0.5, abs=1e-5)
    assert posterior([("success", NOW + HALF_LIFE)], NOW).mean == pytest.approx(2 / 3)


@given(histories, st.integers(0, 2000))
def test_one_more_success_never_lowers_it_and_one_more_failure_never_raises_it(
    history: list[tuple[OutcomeResult, int]], age: int
) -> None:
    before = record(history)
    assert 0 < before < 1
    assert record([*history, ("success", age)]) >= before
    assert record([*history, ("failure", age)]) <= before
    assert record([*history, ("rejected", age)]) <= before
    assert record([*history, ("expired", age)]) == before


@given(histories)
def test_the_order_of_history_does_not_count(history: list[tuple[OutcomeResult, int]]) -> None:
    assert record(history) == pytest.approx(record(history[::-1]))
