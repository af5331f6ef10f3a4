"""What a second opinion came to is told to French readers in French; what machines read stays the stable word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import decide.core.opinion
import decide.core.proposals
from decide.core.opinion import settle
from decide.core.question import Opinion
from kfix.texts import ids, known, told, word
from tests.unit.decide.test_decide_opinion import AMBIGUOUS, QUESTION, UNSURE, said


@pytest.mark.parametrize(
    ("opinion", "stable", "french"),
    [
        (Opinion(failure="timed_out"), "timed_out", "le modèle n'a pas répondu à temps"),
        (said("H2", "P2"), "handed_to_a_person", "la décision est laissée à une personne"),
        (said("H9"), "unknown_hypothesis", "une cause qui ne lui était pas proposée"),
    ],
)
def test_a_reason_is_a_stable_word_with_its_french(
    opinion: Opinion, stable: str, french: str
) -> None:
    _, record = settle(UNSURE, QUESTION, opinion, certain_from=0.9)
    assert record.reason == stable
    assert french in told(record.reason, record.reason_text, "fr")


def test_a_model_that_names_text_alone_is_told_so_in_french() -> None:
    _, record = settle(AMBIGUOUS, QUESTION, said("H2", "P2"), certain_from=0.9)
    assert told(record.reason, record.reason_text, "fr").startswith("rien d'autre que du texte")


def test_a_reason_that_nobody_foresaw_is_shown_as_it_is() -> None:
    _, record = settle(UNSURE, QUESTION, Opinion(failure="egress_refused"), certain_from=0.9)
    assert (record.reason, told(record.reason, record.reason_text, "fr")) == ("egress_refused",) * 2


@pytest.mark.parametrize(
    ("opinion", "english", "french"),
    [
        (
            said("H2", "P2"),
            "The rules say oom_killed, the model says cpu_throttling.",
            "Les règles disent « Le conteneur est tué : il dépasse sa limite de mémoire »",
        ),
        (
            said("none", "none", "needs_human"),
            "The rules say oom_killed, the model says needs_human.",
            "le modèle dit « s'en remettre à une personne ».",
        ),
    ],
)
def test_a_disagreement_names_causes_by_their_french_titles(
    opinion: Opinion, english: str, french: str
) -> None:
    settled, _ = settle(UNSURE, QUESTION, opinion, certain_from=0.9)
    assert str(settled.explanation) == english
    assert french in told(settled.explanation, settled.explanation.text, "fr")  # type: ignore[attr-defined]  # a Said


def test_every_refusal_of_a_proposal_has_its_french() -> None:
    sources = [Path(str(m.__file__)) for m in (decide.core.proposals, decide.core.opinion)]
    refusals = {
        stable
        for path in sources
        for stable in re.findall(r'(?:RefusedProposal|_dropped)\([^"()]*"(\w+)"', path.read_text())
    }
    assert len(refusals) > 8
    for stable in refusals:
        assert known(f"decide.opinion.{stable}"), stable


def test_in_english_each_is_its_own_stable_word() -> None:
    found = [i for i in ids("en") if i.startswith("decide.opinion.")]
    assert found
    for text_id in found:
        assert word(text_id, "en") == text_id.rpartition(".")[2]
        assert word(text_id, "fr") != word(text_id, "en")
