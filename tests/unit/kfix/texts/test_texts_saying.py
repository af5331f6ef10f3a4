"""A sentence: English where it is made, the reader's language where it is shown, and data in between."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfix.engine.wire.shapes import shape_of
from kfix.texts import both, in_language, render, say, told, word
from kfix.texts.template import NARROW, compiled
from schemas.plans import ActionPlan
from schemas.text import Said, Text, plain_json, sentence_of, text_of
from schemas.validated import CheckResult

HOSTILE = (
    "{quota}",
    "{{x}}",
    "}{",
    "{0.__class__}",
    "%s",
    "a\nb",
    "**b** [l](http://x)",
    "{n?a|b}",
)


def shown(entry: str, language: str = "en", **parameters: object) -> str:
    return compiled(entry).filled(parameters, language, str)


def exceeded(quota: str = "q") -> Said:
    return say("safety.quota.exceeded", quota=quota, resource="cpu", would="5", hard="4")


def test_a_sentence_is_english_and_can_be_told_in_french() -> None:
    said = exceeded()
    assert said == "quota q: cpu would be 5 of 4"
    assert told(said, text_of(said), "fr") == "quota q : cpu serait à 5 sur 4"
    assert told(said, text_of(said), "en") == said


def test_without_its_text_a_sentence_stays_as_it_is() -> None:
    assert told("quota q: cpu would be 5 of 4", None, "fr") == "quota q: cpu would be 5 of 4"
    assert told("as it was", Text(id="of.tomorrow", parameters={"n": 1}), "fr") == "as it was"
    assert told("as it was", Text(id="safety.quota.exceeded"), "fr") == "as it was"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_outside_text_is_never_a_template(hostile: str) -> None:
    said = exceeded(hostile)
    assert said == f"quota {hostile}: cpu would be 5 of 4"
    assert render(said.text, "fr") == f"quota {hostile} : cpu serait à 5 sur 4"
    outer = say("safety.quota.undecided", quota=hostile, why=said)
    assert outer == f"quota {hostile}: quota {hostile}: cpu would be 5 of 4"


@given(st.text())
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    assert both(text, "") == text
    assert render(both("", text).text, "fr") == text


def test_numbers_are_written_as_the_language_writes_them() -> None:
    assert shown("{n:.2f} cores", n=1.5) == "1.50 cores"
    assert shown("{n:.2f} cœurs", "fr", n=1.5) == "1,50 cœurs"
    assert shown("{n:.0%}", n=0.85) == "85%"
    assert shown("{n:.1%}", "fr", n=0.855) == f"85,5{NARROW}%"
    assert shown("{n:,}", "fr", n=12345) == f"12{NARROW}345"
    assert shown("{n:.2f}", n="many") == "many"
    assert shown("{n:d}", n=1.5) == "1.5"


@pytest.mark.parametrize(
    ("n", "english", "french"),
    [
        (0, "0 pods", "0 pod"),
        (1, "1 pod", "1 pod"),
        (2, "2 pods", "2 pods"),
        (1.5, "1.5 pods", "1,5 pod"),
    ],
)
def test_a_number_chooses_its_word_by_the_languages_rule(
    n: float, english: str, french: str
) -> None:
    assert shown("{n} {n?pod|pods}", n=n) == english
    assert shown("{n} {n?pod|pods}", "fr", n=n) == french


def test_lists_are_joined_and_their_sentences_told_in_the_language() -> None:
    assert shown("{names}; {names:; }", names=("a", "b")) == "a, b; a; b"
    said = say("safety.quota.undecided", quota="q", why=(exceeded(), "outside"))
    assert render(said.text, "fr") == "quota q : quota q : cpu serait à 5 sur 4, outside"


def test_what_is_not_finite_travels_as_a_word() -> None:
    said = say("safety.quota.undecided", quota="q", why=float("nan"))
    assert said == "quota q: nan"
    assert Text.model_validate_json(said.text.model_dump_json()) == said.text


def test_a_sentence_survives_copies_and_another_language() -> None:
    said = exceeded()
    assert copy.deepcopy(said).text == pickle.loads(pickle.dumps(said)).text == said.text
    french = in_language(said, "fr")
    assert french == "quota q : cpu serait à 5 sur 4"
    assert text_of(french) == said.text
    assert in_language("plain", "fr") == "plain"


def test_an_exception_hands_its_sentence_on() -> None:
    assert text_of(sentence_of(ValueError(exceeded()))) == exceeded().text
    assert sentence_of(ValueError("plain")) == "plain"
    assert sentence_of(ValueError()) == ""


def check(**values: object) -> CheckResult:
    return CheckResult.model_validate(
        {"name": "resource_quota", "verdict": "fail", "reason": "r", **values}
    )


def test_a_record_takes_what_its_sentences_say() -> None:
    made = check(reason=exceeded(), numbers={"a": exceeded("n"), "b": "4"})
    assert made.reason_text == exceeded().text
    assert made.numbers_text == {"a": exceeded("n").text}
    assert type(made.reason) is type(made.numbers["a"]) is str


def test_a_list_keeps_the_place_of_what_knows_nothing() -> None:
    plan = ActionPlan.model_validate(
        {
            "plan_id": "p", "title": "t", "fix_kind": "other", "confidence": 0.5, "justification": "j",
            "kubernetes_changes": (), "risks": ("plain", exceeded()),
        }
    )  # fmt: skip
    assert plan.risks_text == (None, exceeded().text)
    assert plan.title_text is None


def test_an_exchanged_sentence_takes_its_text_along() -> None:
    made = check(reason=exceeded())
    assert made.model_copy(update={"reason": "other"}).reason_text is None
    again = made.model_copy(update={"reason": exceeded("z")})
    assert (again.reason, again.reason_text) == (str(exceeded("z")), exceeded("z").text)
    assert made.model_copy(update={"elapsed_ms": 1.0}).reason_text == exceeded().text


def test_texts_travel_in_avro_and_json() -> None:
    outer = say(
        "safety.quota.undecided",
        quota="q",
        why=(
            exceeded(),
            "outside",
        ),
    )
    made = check(
        reason=outer, numbers={"a": say("safety.quota.used_unknown", quota=3, resource=0.5)}
    )
    shape = shape_of(CheckResult)
    assert shape.dump is not None
    assert shape.load is not None
    assert CheckResult.model_validate(shape.load(shape.dump(made))) == made
    assert CheckResult.model_validate_json(made.model_dump_json()) == made


def test_a_record_from_before_there_were_texts_is_read() -> None:
    old = check().model_dump(exclude={"reason_text", "numbers_text"})
    assert CheckResult.model_validate(old) == check()


def test_a_word_without_an_entry_is_shown_as_such() -> None:
    assert word("of.tomorrow", "fr", n=1) == "of.tomorrow n=1"


def test_json_for_others_has_the_sentences_and_no_texts() -> None:
    check = CheckResult(name="resource_quota", verdict="fail", reason=exceeded())
    assert check.reason_text is not None
    shown_to_others = plain_json(check)
    assert shown_to_others["reason"] == "quota q: cpu would be 5 of 4"
    assert not [name for name in shown_to_others if name.endswith("_text")]


def test_only_texts_of_sentences_are_left_out_of_json() -> None:
    """A name from outside that ends as theirs is no text: labels, numbers of a check."""
    check = CheckResult(
        name="resource_quota", verdict="pass", reason="fits", numbers={"reason_text": "7"}
    )
    assert plain_json(check)["numbers"] == {"reason_text": "7"}
