"""Which environment a path or a name speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from typing import Literal

#: Words in paths that mean an environment.
WORDS: dict[str, frozenset[str]] = {
    "production": frozenset({"production", "prod", "prd", "live"}),
    "staging": frozenset(
        {"staging", "stage", "stg", "uat", "preprod", "preproduction", "preprd", "prelive"}
    ),
    "development": frozenset({"development", "dev", "devel", "sandbox"}),
    "test": frozenset({"test", "testing", "qa"}),
}
#: Words that products and folders are called by too: they speak of an environment only as a whole segment.
_LOOSE = frozenset({"live", "stage", "sandbox", "test", "testing", "qa"})


#: ``pre-prod`` is written as one word.
_PRE = re.compile(r"(?<![a-z0-9])pre[^a-z0-9/]*(?=(?:prod|prd|live)(?:uction)?(?![a-z]))")
#: ``non-prod`` and ``prod-like`` are called by production's word, and are something else.
_NOT = re.compile(
    r"(?<![a-z0-9])(?:non?|not)[^a-z0-9/]*(?:production|prod|prd|live)(?![a-z])"
    r"|(?<![a-z0-9])(?:production|prod)[^a-z0-9/]*(?:like|mirror|copy|clone)(?![a-z])"
)
_ELSE = "notproduction"


def words_of(environment: str) -> frozenset[str]:
    """Every word for an environment: ``prod`` and ``production`` are one; a name of one's own has itself."""
    asked = environment.lower()
    return next((words for words in WORDS.values() if asked in words), frozenset({asked}))


def matches(path: str, environment: str) -> bool:
    """Does a path name the environment, by one of its usual words or by its own name as a whole segment?"""
    if environment in re.split(r"[/ ]", path):
        return True
    known = any(environment.lower() in words for words in WORDS.values())
    return known and _says(path, words_of(environment), frozenset()) == "yes"


def is_exact(path: str, environment: str) -> bool:
    """Is a whole folder of the path, or its file but for the suffix, called like the environment?"""
    stems = {part.partition(".")[0] for part in path.lower().split("/")}
    return bool(words_of(environment) & stems)


def is_called(name: str) -> bool:
    """Is a folder called like an environment, alone or with something beside it (``prod-eu``)?"""
    told = _tokens(name)
    return bool((told - _LOOSE | {name.lower()}) & frozenset().union(*WORDS.values()))


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
    for text in texts:
        said = _says(text, wanted, _tokens(ignoring))
        if said != "silent":
            return said
    return "silent"


def _says(text: str, wanted: frozenset[str], named: Set[str]) -> Literal["yes", "no", "silent"]:
    """What one text says. A folder called by two environments' words (``prod-staging``) is neither's."""
    if wanted & {part.partition(".")[0] for part in text.lower().split("/")}:
        return "yes"
    others = frozenset().union(*WORDS.values()) - wanted | {_ELSE}
    told = set()
    for part in _NOT.sub(_ELSE, _PRE.sub("pre", text.lower())).split("/"):
        tokens, stem = _tokens(part), part.partition(".")[0]
        other = (((tokens - _LOOSE) | {stem}) & others) - named
        both = wanted & tokens and (
            other or (tokens & others - named and wanted & tokens <= _LOOSE)
        )
        told |= {"no"} if other or both else {"yes"} if wanted & tokens else set()
    return "yes" if "yes" in told else "no" if told else "silent"


def _tokens(text: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", text.lower()))
