"""What people's judgements of a fix come to. Pure.

Of each person the newest judgement stands for what they think; words without a judgement decide nothing. Among the persons
the newest judgement that says something of the matter decides it:

- of the fix speak ``good``, ``partial``, and ``bad`` unless it is about the cause;
- of the cause speak ``bad`` about the cause, which doubts the diagnosis, and ``good``, which confirms it.

``kfix.incident.fix_record`` says what that weighs against the measurement.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from schemas.feedback import Feedback

Verdict = Literal["good", "bad", "partial"]
#: A number counts as ``good`` or ``bad`` beyond this, as ``partial`` between.
_CLEAR = 1 / 3
#: Words kept of an incident beside each person's judgement, and entries in all: what people read of an incident.
_WORDS, _MOST = 20, 50
#: What would end a quotation.
_QUOTES = str.maketrans({"“": "'", "”": "'", "«": "'", "»": "'", '"': "'"})
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\s]+")


def one_line(text: str, longest: int) -> str:
    """A person's words to be quoted: on one line, without control, invisible or direction characters and quotation marks."""
    shown = _UNSEEN.sub(" ", text[: longest * 8]).translate(_QUOTES).strip()
    return shown if len(shown) <= longest else f"{shown[: longest - 1].rstrip()}…"


def verdict_of(feedback: Feedback) -> Verdict | None:
    """The judgement in a feedback, also one given as a number; ``None`` for words alone."""
    if feedback.verdict != "comment":
        return feedback.verdict
    if feedback.score is None:
        return None
    if abs(feedback.score) <= _CLEAR:
        return "partial"
    return "good" if feedback.score > 0 else "bad"


def standing(feedback: Sequence[Feedback]) -> list[Feedback]:
    """Each person's newest judgement, in the order in which they came (``feedback`` is oldest first)."""
    return [feedback[at] for at in _places(feedback)]


def on_the_fix(feedback: Sequence[Feedback]) -> Feedback | None:
    """The judgement that decides about the fix; ``None`` where nobody judged it."""
    return next((one for one in reversed(standing(feedback)) if one.about != "cause"), None)


def on_the_cause(feedback: Sequence[Feedback]) -> Feedback | None:
    """The judgement that doubts the diagnosis; ``None`` where nobody does, or somebody confirmed it later."""
    for one in reversed(standing(feedback)):
        verdict = verdict_of(one)
        if verdict == "good":
            return None
        if verdict == "bad" and one.about == "cause":
            return one
    return None


def kept(feedback: Sequence[Feedback]) -> tuple[Feedback, ...]:
    """What travels with an outcome: each person's newest judgement and the newest words, in order, at most fifty in all."""
    words = [at for at, one in enumerate(feedback) if verdict_of(one) is None and one.text]
    chosen = sorted([*_places(feedback), *words[-_WORDS:]])
    return tuple(feedback[at] for at in chosen[-_MOST:])


def _places(feedback: Sequence[Feedback]) -> list[int]:
    """Where each person's newest judgement stands."""
    newest = {_person(one): at for at, one in enumerate(feedback) if verdict_of(one) is not None}
    return sorted(newest.values())


def _person(feedback: Feedback) -> str:
    return feedback.author.strip().casefold()
