"""A person who is forgotten is recognised where their words are quoted on one line, as lessons and the memory quote them."""

from __future__ import annotations

from kfix.infra.store.people import Person, said_by
from learn.core.lessons import lesson
from learn.core.people import people_json
from schemas.feedback import Feedback
from tests.support.learn import PROPOSAL

SAID = Feedback(author="ada", text='We "use"\n\tVPA here,\nnot limits by hand', role="developer")


def test_words_with_line_breaks_and_quotation_marks_leave_lesson_and_memory() -> None:
    ada = Person("ada", frozenset(said_by(Person("ada"), SAID.model_dump(mode="json"))))
    quoted = (lesson(PROPOSAL, "rejected", "", "en", [SAID]), people_json([SAID]))
    for text in quoted:
        assert "VPA" in text
        left = ada.without(text)
        assert "VPA" not in left
        assert "ada" not in left.split("turned down")[-1].replace("metadata", "")
