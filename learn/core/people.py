"""People's words as the vector memory keeps them: short, one line each, whose they are beside them. Pure.

A vector store holds flat values, so they are one JSON text. They were masked before they reached learn.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from kfix.incident import judgements
from kfix.incident.judgements import one_line
from schemas.feedback import Feedback
from schemas.outcomes import Outcome

#: Persons whose word is kept beside a vector, and characters of each: with the lesson below 3 KB of Pinecone's 40.
_PERSONS, _NAME, _WORDS = 4, 60, 240
#: Characters of a lesson's text as data; a longer one is remembered as a sentence in learn's language alone.
_LESSON = 4_000


def people_json(feedback: Sequence[Feedback]) -> str:
    """The newest judgements and words as a JSON list of ``Feedback``, the oldest first; empty where nobody said anything."""
    said = [
        one.model_copy(
            update={
                "author": one_line(one.author, _NAME),
                "text": one_line(one.text, _WORDS),
            }
        )
        for one in judgements.kept(feedback)[-_PERSONS:]
    ]
    if not said:
        return ""
    shown = [one.model_dump(mode="json", exclude_defaults=True) for one in said]
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def lesson_json(outcome: Outcome) -> str:
    """What the lesson says, for whoever reads it in another language; empty where it is not known, or long."""
    if outcome.lesson_text is None:
        return ""
    text = outcome.lesson_text.model_dump_json()
    return text if len(text) <= _LESSON else ""
