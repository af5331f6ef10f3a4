"""What is remembered of an incident."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from learn.core.lessons import lesson, memory_metadata
from schemas.context import OutcomeResult
from schemas.merge_requests import Feedback
from tests.support.learn import PROPOSAL, outcome

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


def test_metadata_are_flat_short_and_carry_the_result_that_counts() -> None:
    told = outcome(feedback=tuple(said("bad")), lesson="l")
    kept = memory_metadata(told, PROPOSAL, "https://kfix.example.com/incidents/inc-1")
    assert all(isinstance(value, str | float | bool) for value in kept.values())
    assert kept["result"] == "failure"
    assert (kept["fix_kind"], kept["workload_kind"]) == ("set_cpu", "Deployment")
    assert kept["changes_hash"] == PROPOSAL.plan.changes_hash
    assert kept["cluster"] == PROPOSAL.context.cluster
