"""``/kfix …`` in a comment on a merge request.

``/kfix feedback useful|wrong-cause|wrong-fix|good|bad|partial|<-1…1> [words]``, ``/kfix snooze <time>``, ``/kfix alternative <n>``, ``/kfix explain``,
``/kfix help``. The first line that starts with ``/kfix`` counts; words are understood in English and French. Whatever else
is asked is a wish for help. Whether the person may ask is decided where it is answered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from schemas.feedback import Feedback

_LINE = re.compile(
    r"^/kfix(?:[ \t]+(?P<word>[^\s]{1,40})(?P<rest>[^\n]{0,2000}))?[ \t]*$", re.MULTILINE
)
#: Quoted code is not a wish.
_FENCED = re.compile(r"^(`{3,}|~{3,})[^\n]*\n.*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
_COMMANDS = {
    "feedback": "feedback",
    "avis": "feedback",
    "snooze": "snooze",
    "reporter": "snooze",
    "alternative": "alternative",
    "explain": "explain",
    "expliquer": "explain",
    "help": "help",
    "aide": "help",
}
#: A word of people → the verdict, and what it is about.
_VERDICTS: dict[str, tuple[Literal["good", "bad", "partial"], Literal["", "cause", "fix"]]] = {
    "good": ("good", ""),
    "bon": ("good", ""),
    "useful": ("good", ""),
    "utile": ("good", ""),
    "bad": ("bad", ""),
    "mauvais": ("bad", ""),
    "wrong-cause": ("bad", "cause"),
    "mauvaise-cause": ("bad", "cause"),
    "wrong-fix": ("bad", "fix"),
    "mauvaise-correction": ("bad", "fix"),
    "partial": ("partial", ""),
    "partiel": ("partial", ""),
}
_SCORE = re.compile(r"[+-]?(?:1(?:\.0+)?|0(?:\.\d{1,4})?)")


@dataclass(frozen=True, slots=True)
class PersonCommand:
    """What a person asked for; ``word`` is empty when they asked for nothing."""

    word: str = ""
    argument: str = ""
    feedback: Feedback | None = None


def command_of(text: str, author: str) -> PersonCommand:
    """The command in a note that has been masked and capped already."""
    match = _LINE.search(_FENCED.sub("", text))
    if match is None:
        return PersonCommand()
    word = _COMMANDS.get((match["word"] or "").lower(), "help")
    argument = (match["rest"] or "").strip()
    if word == "feedback":
        return PersonCommand(word, argument, _feedback(argument, author))
    if word == "alternative":
        digits = re.fullmatch(r"#?(\d{1,2})", argument)
        return PersonCommand(word, digits[1] if digits else "")
    return PersonCommand(word, argument[:100] if word == "snooze" else "")


def _feedback(argument: str, author: str) -> Feedback:
    first, _, rest = argument.partition(" ")
    judged = _VERDICTS.get(first.lower().replace("_", "-"))
    if judged is not None:
        verdict, about = judged
        return Feedback(author=author, verdict=verdict, about=about, text=rest.strip())
    if _SCORE.fullmatch(first):
        return Feedback(author=author, score=float(first), text=rest.strip())
    return Feedback(author=author, text=argument)
