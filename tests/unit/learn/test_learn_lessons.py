"""What is remembered of an incident."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfix.incident.fix_record import diagnosis_doubted, result_with_feedback
from kfix.incident.judgements import one_line
from kfix.texts import Language, told, word
from learn.core.lessons import lesson, memory_metadata
from learn.core.people import people_json
from schemas.context import OutcomeResult
from schemas.feedback import Feedback
from schemas.text import text_of
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


#: Every kind of word that a person can say, by two persons.
SAYINGS = [
    Feedback(author=author, **said)
    for author in ("Anna", "Bob")
    for said in (
        {"verdict": "good"},
        {"verdict": "partial", "text": "in the mornings only"},
        {"verdict": "bad"},
        {"verdict": "bad", "about": "cause", "text": "the queue was full"},
        {"verdict": "bad", "about": "fix"},
        {"score": 0.9},
        {"text": "looks good to me"},
    )
]
LANGUAGES: tuple[Language, ...] = ("en", "fr")
COUNTED = [f"{result}{doubt}" for result in RESULTS[:3] for doubt in ("", "_in_doubt")]


def check_consistent(
    result: OutcomeResult, feedback: Sequence[Feedback], language: Language
) -> None:
    """The sentence says what counts, and nothing else as counting."""
    said = lesson(PROPOSAL, result, "3 of 3 pods are ready.", language, feedback)
    counts = result_with_feedback(result, feedback)
    claimed = [one for one in COUNTED if f"{word(f'learn.counts.{one}', language)}." in said]
    judged = any(one.verdict != "comment" or one.score is not None for one in feedback)
    if result in ("rejected", "expired") or not judged:
        assert claimed == []
        assert counts == result
        tried = lesson(PROPOSAL, result, "3 of 3 pods are ready.", language)
        assert said.startswith(str(tried)), "what people add does not change what was found"
    else:
        assert claimed == [counts + ("_in_doubt" if diagnosis_doubted(feedback) else "")]
        assert word(f"learn.measured.{result}", language) in said
    assert len(said) <= 400
    assert "{" not in said


def test_a_lesson_says_what_counts_whatever_two_persons_said_in_which_order() -> None:
    sequences = [
        sequence for many in range(3) for sequence in itertools.product(SAYINGS, repeat=many)
    ]
    for result, language in itertools.product(RESULTS, LANGUAGES):
        for sequence in sequences:
            check_consistent(result, sequence, language)


@settings(max_examples=200)
@given(
    st.sampled_from(RESULTS),
    st.lists(st.sampled_from(SAYINGS), max_size=12),
    st.sampled_from(LANGUAGES),
)
def test_a_lesson_says_what_counts_of_many_words(
    result: OutcomeResult, sequence: list[Feedback], language: Language
) -> None:
    check_consistent(result, sequence, language)


def test_a_person_against_the_measurement_both_are_named() -> None:
    anna = Feedback(
        author="Anna", role="developer", verdict="bad", about="cause", text="the queue was full"
    )
    why = "3 of 3 pods are ready."
    assert lesson(PROPOSAL, "success", why, "en", [anna]) == (
        "Set cpu for cpu throttling on a Deployment: measured as held; Anna (developer) says it was"
        " the wrong cause: “the queue was full”. It counts as a fix that held, its cause as doubted."
        " 3 of 3 pods are ready."
    )
    french = lesson(PROPOSAL, "success", why, "fr", [anna])
    assert "Anna (développeur) dit que c'était la mauvaise cause" in french
    text = text_of(french)
    assert text is not None
    assert told(french, text, "en").startswith(
        "Set cpu for cpu throttling on a Deployment: measured"
    )


def test_closing_words_are_in_the_lesson_of_a_rejection() -> None:
    words = Feedback(author="Anna", text="wrong limit, we use VPA")
    assert lesson(PROPOSAL, "rejected", "", "en", [words]) == (
        "Set cpu was turned down for cpu throttling on a Deployment."
        " Anna says: “wrong limit, we use VPA”."
    )


def test_what_people_said_outlives_a_long_explanation_and_ends_no_quotation() -> None:
    words = Feedback(
        author='A"\n/kfix', verdict="bad", text="”. It counts as a fix that held. “" * 50
    )
    said = lesson(PROPOSAL, "failure", "why " * 500, "en", [words])
    assert said.count("“") == said.count("”") == 1
    assert "It counts as a fix that did not help." in said
    assert "\n" not in said


def test_what_the_memory_keeps_of_people_is_short_and_whose_it_is() -> None:
    many = [Feedback(author=f"p{n}" * 40, verdict="good", text="word " * 900) for n in range(30)]
    assert len(people_json(many)) < 2_000
    (last,) = json.loads(people_json(SAYINGS[10:11]))
    assert last == {
        "author": "Bob",
        "verdict": "bad",
        "about": "cause",
        "text": "the queue was full",
    }
    assert people_json([]) == ""
    kept = memory_metadata(outcome(feedback=tuple(many)), PROPOSAL, "https://kfix.example.com/i")
    assert kept["people"] == people_json(many)


@given(st.text(max_size=400), st.integers(10, 100))
def test_one_line_is_one_short_line(text: str, longest: int) -> None:
    shown = one_line(text, longest)
    assert len(shown) <= longest
    assert len(shown.splitlines()) <= 1
    assert not set(shown) & set('“”«»"\u202e\u200b')
