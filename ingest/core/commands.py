"""``/kfix …`` in a comment on a merge request.

``/kfix feedback good|bad|partial|<-1…1> [words]``, ``/kfix snooze <time>``, ``/kfix alternative <n>``, ``/kfix explain``.
The first line that starts with ``/kfix`` counts; words are understood in English and French.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from schemas.merge_requests import Feedback

_LINE = re.compile(r"^/kfix[ \t]+(?P<word>\w{1,20})[ \t]*(?P<rest>[^\n]{0,2000})$", re.MULTILINE)
_COMMANDS = {
    "feedback": "feedback",
    "avis": "feedback",
    "snooze": "snooze",
    "reporter": "snooze",
    "alternative": "alternative",
    "explain": "explain",
    "expliquer": "explain",
}
_VERDICTS: dict[str, Literal["good", "bad", "partial"]] = {
    "good": "good",
    "bon": "good",
    "bad": "bad",
    "mauvais": "bad",
    "partial": "partial",
    "partiel": "partial",
}
_SCORE = re.compile(r"[+-]?(?:1(?:\.0+)?|0(?:\.\d{1,4})?)")


@dataclass(frozen=True, slots=True)
class Command:
    """What a person asked for; ``word`` is empty when they asked for nothing we know."""

    word: str = ""
    argument: str = ""
    feedback: Feedback | None = None


def command_of(text: str, author: str) -> Command:
    """The command in a note that has been masked and capped already."""
    match = _LINE.search(text)
    word = _COMMANDS.get(match["word"].lower(), "") if match else ""
    if match is None or not word:
        return Command()
    argument = match["rest"].strip()
    if word == "feedback":
        return Command(word, argument, _feedback(argument, author))
    if word == "alternative":
        digits = re.fullmatch(r"#?(\d{1,2})", argument)
        return Command(word, digits[1]) if digits else Command()
    return Command(word, argument[:100])


def _feedback(argument: str, author: str) -> Feedback:
    first, _, rest = argument.partition(" ")
    verdict = _VERDICTS.get(first.lower())
    if verdict is not None:
        return Feedback(author=author, verdict=verdict, text=rest.strip())
    if _SCORE.fullmatch(first):
        return Feedback(author=author, score=float(first), text=rest.strip())
    return Feedback(author=author, text=argument)
