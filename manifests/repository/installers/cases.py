"""The ways through a script that a ``case`` of a shell makes: one for each of its arms. Pure: nothing is run.

Only a ``case`` at the start of a line is followed, since one within a function or a loop may run for other reasons. An arm
that ends the script installs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from manifests.repository.environments import is_called

_CASE = re.compile(
    r"(?m)^case[ \t]+(\S[^\n]{0,200}?)[ \t]+in[ \t]*\n((?s:.{1,8000}?))^esac\b[^\n]*"
)
_ARM = re.compile(r"(?m)^[ \t]*\(?[ \t]*([^\s()#;][^()\n;]{0,200}?)[ \t]*\)((?s:.*?))(?:;;|\Z)")
_NESTED = re.compile(r"(?m)^[ \t]*(?:case|if|for|while|until)\b")
_ENDS = re.compile(r"(?m)^[ \t]*(?:exit|return)\b")
#: Ways through one script.
_WAYS = 20


@dataclass(frozen=True, slots=True)
class Way:
    """A text as one turn of its cases leaves it. ``environment``: what the arm is called, where that is an environment."""

    text: str
    environment: str = ""


def ways(text: str) -> list[Way]:
    """Every way through the cases of a script; the text itself where it has none, or too many to follow."""
    found = list(_CASE.finditer(text))
    arms = [_arms(one[2]) for one in found]
    if not found or any(not one for one in arms):
        return [Way(text)]
    turns: list[dict[str, str]] = [{}]
    for one, known in zip(found, arms, strict=True):
        # Two cases of one variable take the arms of the same name together.
        asked = one[1].strip("\"'")
        turns = [
            turn | {asked: label}
            for turn in turns
            for label in known
            if turn.get(asked, label) == label
        ]
        if len(turns) > _WAYS:
            return [Way(text)]
    return [_way(text, found, arms, turn) for turn in turns] or [Way(text)]


def _arms(body: str) -> Mapping[str, str]:
    """Bodies by label, without those that end the script; empty where they cannot be told apart."""
    found = list(_ARM.finditer(body))
    if not found or any(_NESTED.search(one[2]) for one in found):
        return {}
    return {one[1]: one[2] for one in found if not _ENDS.search(one[2])}


def _way(
    text: str, found: Sequence[re.Match[str]], arms: Sequence[Mapping[str, str]], turn: Mapping[str, str]
) -> Way:  # fmt: skip
    out, at = [], 0
    for one, known in zip(found, arms, strict=True):
        body = known[turn[one[1].strip("\"'")]]
        lines = [line.strip() for line in re.split(r"[\n;]", body)]
        out += [text[at : one.start()], "\n".join(line for line in lines if line)]
        at = one.end()
    labels = [label.replace("|", " ").strip("\"'") for label in turn.values()]
    called = [label for label in labels if is_called(label)]
    return Way("".join([*out, text[at:]]), called[0] if len(called) == 1 else "")
