"""Which environment a path or a name speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

#: Words in paths that mean an environment.
WORDS: dict[str, frozenset[str]] = {
    "production": frozenset({"production", "prod", "prd", "live"}),
    "staging": frozenset({"staging", "stage", "stg", "preprod", "uat"}),
    "development": frozenset({"development", "dev", "devel", "sandbox"}),
    "test": frozenset({"test", "testing", "qa"}),
}
#: Words that products and folders are called by too: they speak of an environment only as a whole segment.
_LOOSE = frozenset({"live", "stage", "sandbox", "test", "testing", "qa"})


def words_of(environment: str) -> frozenset[str]:
    """Every word for an environment: ``prod`` and ``production`` are one; a name of one's own has itself."""
    asked = environment.lower()
    return next((words for words in WORDS.values() if asked in words), frozenset({asked}))


def matches(path: str, environment: str) -> bool:
    """Does a path name the environment, by one of its usual words or by its own name as a whole segment?"""
    if environment in re.split(r"[/ ]", path):
        return True
    known = any(environment.lower() in words for words in WORDS.values())
    return known and bool(words_of(environment) & set(re.split(r"[/._ -]", path.lower())))


def is_exact(path: str, environment: str) -> bool:
    """Is a whole folder of the path, or its file but for the suffix, called like the environment?"""
    stems = {part.partition(".")[0] for part in path.lower().split("/")}
    return bool(words_of(environment) & stems)


def speaks(
    texts: Iterable[str], environment: str, ignoring: str = ""
) -> Literal["yes", "no", "silent"]:
    """What names and paths say of the environment: that it is theirs, that another one is, or nothing.

    The first text that says anything decides, so the surest come first. ``ignoring``: a name (the object's) whose words
    say nothing of environments. ``unknown`` contradicts nobody.
    """
    if environment in ("", "unknown"):
        return "silent"
    wanted = words_of(environment)
    others = frozenset().union(*WORDS.values()) - wanted
    named = set(_tokens(ignoring))
    for text in texts:
        segments = {part.partition(".")[0] for part in text.lower().split("/")}
        tokens = _tokens(text)
        if wanted & (segments | tokens):
            return "yes"
        if (((tokens - _LOOSE) | segments) & others) - named:
            return "no"
    return "silent"


def _tokens(text: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", text.lower()))
