"""What words mean as environments: a closed vocabulary. Pure.

A value is what somebody wrote into a field that is there for an environment; a name only happens to carry one. In a value
every part has to be known (``eu-staging-2``), since ``staging-mirror`` may be anything; in both, one part that means
production is enough.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal, NamedTuple

from schemas.base import Environment


class Meaning(NamedTuple):
    """What a word counts as, and what its folders are called."""

    environment: Environment
    place: Environment


PRODUCTION = Meaning("production", "production")
STAGING = Meaning("staging", "staging")
DEVELOPMENT = Meaning("development", "development")
#: It has production's data or takes its traffic as often as not: protected like production, kept in its own folders.
PRE_PRODUCTION = Meaning("production", "staging")
UNKNOWN = Meaning("unknown", "unknown")

WORDS: dict[str, Meaning] = {
    **dict.fromkeys(("prod", "production", "prd", "live", "produktion"), PRODUCTION),
    **dict.fromkeys(("preprod", "preprd", "preproduction", "prelive"), PRE_PRODUCTION),
    **dict.fromkeys(("staging", "stage", "stg", "uat"), STAGING),
    **dict.fromkeys(
        ("dev", "devel", "development", "test", "testing", "qa", "sandbox"), DEVELOPMENT
    ),
}
#: Words beside an environment that say where, not what: regions of the clouds, zones, numbers, what a cluster is called.
_PLACES = re.compile(
    r"(?:eu|us|usa|uk|ap|sa|ca|me|af|il|mx|de|fr|ch|es|it|nl|se|pl|ie|jp|in|au|sg|hk|kr|br|asia|europe|emea|apac"
    r"|amer|latam|na|gov|global|north|south|east|west|central|northeast|northwest|southeast|southwest"
    r"|euw|use|usw|euc|apse|apne|weu|neu|eus|wus|aws|gcp|gke|eks|aks|azure|k8s|kube|kubernetes|cluster|clusters"
    r"|env|environment|environments|region|zone|[a-z])?[0-9]*"
)
#: A part that says production without being the word: ``euprod``, ``prod2b``, ``aksprdweu``, other languages' words; not
#: ``product`` and ``producer``.
_LIKE_PRODUCTION = re.compile(r"prod(?!uc(?!tion|cion|ao))|prd|produzione|productie")
#: Words of files' names that say nothing of where they go.
_FILES = frozenset(
    [
        "yaml",
        "yml",
        "json",
        "values",
        "value",
        "kustomization",
        "config",
        "settings",
        "patch",
        "patches",
        "overlay",
        "app",
        "apps",
        "application",
    ]
)
_JOINED = (
    (re.compile(r"(?<![a-z0-9])pre[^a-z0-9]*(?=prod|prd|live)"), "pre"),
    (re.compile(r"(?<![a-z0-9])non?[^a-z0-9]*(?=prod|prd|live)"), "non"),
)
_PARTS = re.compile(r"[a-z0-9]+")
_NEGATED = re.compile(r"non?(?:prod|prd|live)")
#: Characters of a text that are looked at.
_LOOKED_AT = 300
#: Texts whose meaning is kept: there are few different ones.
_KEPT = 4096


@lru_cache(_KEPT)
def of_value(text: str) -> Meaning:
    """The meaning of a value. A word that is not known, or two that differ, mean ``unknown``."""
    parts = _parts(text)
    found = [_of_part(part) for part in parts]
    strange = not text.isascii()
    known = {meaning for meaning in found if meaning is not None}
    if PRODUCTION in known:
        return PRODUCTION
    strange |= any(
        m is None and not _PLACES.fullmatch(p) for p, m in zip(parts, found, strict=True)
    )
    return known.pop() if len(known) == 1 and not strange else UNKNOWN


@lru_cache(_KEPT)
def of_name(text: str) -> Meaning | None:
    """The meaning of a name of something else; ``None``: it speaks of no environment.

    Production anywhere in it counts, a lower one only at its end or its beginning: ``shop-staging``, ``dev-eu``.
    """
    parts = [part for part in _parts(text) if not _PLACES.fullmatch(part)]
    found = [_of_part(part) for part in parts]
    if PRODUCTION in found or PRE_PRODUCTION in found:
        return PRODUCTION if PRODUCTION in found else PRE_PRODUCTION
    ends = {m for m in (found[0], found[-1]) if m is not None} if found else set()
    if len(ends) > 1:
        return UNKNOWN
    return ends.pop() if ends else None


@lru_cache(_KEPT)
def of_segment(text: str) -> Meaning | None:
    """The meaning of a folder's or a file's name: production anywhere in it, a lower one only when nothing else is there."""
    bare = "-".join(part for part in _parts(text) if part not in _FILES)
    named = of_name(bare)
    if named is None or named in (PRODUCTION, PRE_PRODUCTION):
        return named
    whole = of_value(bare)
    return None if whole == UNKNOWN else whole


def of_way(
    kind: Literal["path", "name", "unresolved"], text: str
) -> tuple[tuple[str, Meaning], ...]:
    """What a name on a file's way to a cluster says: the words that speak of an environment, with their meanings.

    ``path``: each folder and file on its own; ``name``: of anything else; ``unresolved``: nobody knows what it means.
    """
    if kind == "unresolved":
        return ((text, UNKNOWN),)
    read = of_segment if kind == "path" else of_name
    parts = text.split("/") if kind == "path" else [text]
    return tuple((part, meaning) for part in parts if (meaning := read(part)) is not None)


def spoken(text: str) -> frozenset[str]:
    """The words for environments in a value or name, without numbers behind them: ``uat`` of ``shop-uat-2``."""
    bare = ((part, part.rstrip("0123456789")) for part in _parts(text))
    return frozenset(part if part in WORDS else stem for part, stem in bare if stem in WORDS)


def _parts(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text[:_LOOKED_AT]).strip().lower()
    for pattern, joined in _JOINED:
        folded = pattern.sub(joined, folded)
    return _PARTS.findall(folded)


def _of_part(part: str) -> Meaning | None:
    """``None``: the part is no word of an environment."""
    meaning = WORDS.get(part) or WORDS.get(part.rstrip("0123456789"))
    if meaning is not None:
        return meaning
    if _NEGATED.match(part):
        return UNKNOWN
    return PRODUCTION if _LIKE_PRODUCTION.search(part) else None
