"""Which environment a path or a name speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

#: Words in paths that mean an environment: those of one line are one word. Where people keep a UAT, a QA or a
#: pre-production beside staging and test they mean another place, so that each has a line of its own.
WORDS: dict[str, frozenset[str]] = {
    "production": frozenset({"production", "prod", "prd", "live", "mainnet"}),
    "preproduction": frozenset({"preproduction", "preprod", "preprd", "prelive"}),
    "staging": frozenset({"staging", "stage", "stg"}),
    "uat": frozenset({"uat"}),
    "qa": frozenset({"qa"}),
    "test": frozenset({"test", "testing"}),
    "development": frozenset({"development", "dev", "devel"}),
    "sandbox": frozenset({"sandbox"}),
    "testnet": frozenset({"testnet"}),
    "devnet": frozenset({"devnet"}),
}
#: Words that products and folders are called by too: they speak of an environment only as a whole segment, or beside words
#: that say where and what kind of file.
_LOOSE = frozenset({"live", "stage", "sandbox", "test", "testing", "qa"})
_BESIDE = re.compile(
    r"|[0-9]+|[a-z]?[0-9]+|clusters?|k8s|kube|kubernetes|eks|gke|aks|aws|gcp|azure|region|zone|envs?|environments?"
    r"|eu|us|uk|ap|sa|ca|de|fr|asia|europe|global|north|south|east|west|central|northeast|southeast"
    r"|values?|overlays?|patch|patches|kustomization|config|settings|ya?ml|json"
)

_REGIONS = frozenset(
    {"eu", "us", "uk", "ap", "sa", "ca", "de", "fr", "asia", "europe", "north", "south", "east", "west", "central",
     "northeast", "southeast"}
)  # fmt: skip

#: ``pre-prod`` is written as one word.
_PRE = re.compile(r"(?<![a-z0-9])pre[^a-z0-9/]*(?=(?:prod|prd|live)(?:uction)?(?![a-z]))")
#: ``non-prod`` and ``prod-like`` are called by production's word, and are something else.
_NOT = re.compile(
    r"(?<![a-z0-9])(?:non?|not)[^a-z0-9/]*(?:production|prod|prd|live)(?![a-z])"
    r"|(?<![a-z0-9])(?:production|prod)[^a-z0-9/]*(?:like|mirror|copy|clone)(?![a-z])"
)
_ELSE = "notproduction"


class AskedEnvironment(str):
    """An environment that is asked for, in a house that has words of its own for environments, and the cluster."""

    words: frozenset[str]
    #: Words of all other environments.
    others: frozenset[str]
    #: Names of the cluster that is asked for, and of the house's other clusters, in small letters.
    cluster: frozenset[str] = frozenset()
    other_clusters: frozenset[str] = frozenset()

    def beside(self, names: Iterable[str]) -> AskedEnvironment:
        """The same, with further names of other clusters."""
        more = AskedEnvironment(self)
        more.words, more.others, more.cluster = self.words, self.others, self.cluster
        more.other_clusters = self.other_clusters | (_as_names(names) - self.cluster)
        return more


def asked_for(environment: str, own: Mapping[str, Iterable[str]]) -> str:
    """The environment with the words of a house: ``own`` has further words by environment (``{"staging": ["uat"]}``).

    A word that it gives to one environment is no longer another's.
    """
    if not own:
        return environment
    given = {name.lower(): frozenset(word.lower() for word in words) for name, words in own.items()}
    all_given = frozenset().union(*given.values())
    table = {name: words - all_given for name, words in WORDS.items()}
    for name, words in given.items():
        known = next((key for key, theirs in table.items() if name in theirs), name)
        table[known] = table.get(known, frozenset()) | words | {name}
    asked = AskedEnvironment(environment)
    lower = environment.lower()
    asked.words = next((words for words in table.values() if lower in words), frozenset({lower}))
    asked.others = frozenset().union(*table.values()) - asked.words
    return asked


def in_cluster(environment: str, names: Iterable[str], others: Iterable[str] = ()) -> str:
    """The environment, of the cluster with these names. ``others``: names of the house's other clusters.

    A name that both have, or that is a word for environments, tells clusters apart from nothing.
    """
    mine, theirs = _as_names(names), _as_names(others)
    asked = AskedEnvironment(environment)
    asked.words, asked.others = words_of(environment), _others(environment)
    asked.cluster, asked.other_clusters = mine - theirs, theirs - mine
    return asked


def _as_names(names: Iterable[str]) -> frozenset[str]:
    found = {name.strip().lower().rpartition("/")[2] for name in names}
    return frozenset(found - {""} - _ALL)


@dataclass(frozen=True, slots=True)
class PlaceNames:
    """What a house calls its environments (``asked_for``), the cluster that is asked for, and its other clusters."""

    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cluster: Sequence[str] = ()
    other_clusters: Sequence[str] = ()

    def asked(self, environment: str) -> str:
        """The environment as it is looked for in a repository."""
        return in_cluster(asked_for(environment, self.words), self.cluster, self.other_clusters)


def of_cluster(texts: Iterable[str], environment: str) -> Literal["yes", "no", "silent"]:
    """What names and paths say of the cluster that is asked for: that it is theirs, that another of the house's is, or nothing.

    Only a whole folder, a file's stem or a whole name says a cluster. The first text that says anything decides.
    """
    if not isinstance(environment, AskedEnvironment):
        return "silent"
    for text in texts:
        parts = {part.partition(".")[0] for part in re.split(r"[/ ]", text.lower())} | {
            text.lower()
        }
        if parts & environment.cluster:
            return "yes"
        if parts & environment.other_clusters:
            return "no"
    return "silent"


def words_refused(own: Mapping[str, Iterable[str]]) -> str:
    """Why a house's words cannot be taken: the sentence, empty when they can. Each is small letters, digits and dashes, none
    is given to two environments, and production's words to no other."""
    seen: dict[str, str] = {}
    for name, words in own.items():
        for word in {name, *words}:
            if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", word):
                return "words are small letters, digits and dashes"
            if seen.setdefault(word, name) != name:
                return "a word is given to two environments"
            if word in WORDS["production"] and name not in WORDS["production"]:
                return "production's words stay production's"
    return ""


def words_of(environment: str) -> frozenset[str]:
    """Every word for an environment: ``prod`` and ``production`` are one; a name of one's own has itself."""
    if isinstance(environment, AskedEnvironment):
        return environment.words
    asked = environment.lower()
    return next((words for words in WORDS.values() if asked in words), frozenset({asked}))


def _others(environment: str) -> frozenset[str]:
    if isinstance(environment, AskedEnvironment):
        return environment.others
    return _ALL - words_of(environment)


_ALL = frozenset[str]().union(*WORDS.values())


def matches(path: str, environment: str) -> bool:
    """Does a path name the environment, by one of its usual words or by its own name as a whole segment?"""
    if environment in re.split(r"[/ ]", path):
        return True
    known = len(words_of(environment)) > 1 or environment.lower() in _ALL
    return known and _says(path, environment, "") == "yes"


def closeness(texts: Iterable[str], environment: str) -> int:
    """How surely names and paths are the environment's: 2 where a whole folder or a file's stem is called as it is asked
    for, 1 where one is called by another of its words, 0 else."""
    stems = {part.partition(".")[0] for text in texts for part in re.split(r"[/ ]", text.lower())}
    if environment.lower() in stems:
        return 2
    return 1 if words_of(environment) & stems else 0


def is_called(name: str) -> bool:
    """Is a folder called like an environment, alone or with something beside it (``prod-eu``)?"""
    told = _tokens(name)
    return bool((told - _LOOSE | {name.lower()}) & _ALL)


def is_beside(name: str, cluster: str) -> bool:
    """Is a folder beside a cluster's called like another cluster: alike, with a word of its own (``prod-us``, ``prod-eu``)?

    One that is called by an environment alone, or by words of the cluster, stands for no other.
    """
    if not have_own_words(name, cluster):
        return False
    mine, theirs = _tokens(name), _tokens(cluster)
    own = mine - theirs - _ALL
    places = all(_BESIDE.fullmatch(token) for token in (own | theirs) - _ALL)
    return places or bool(mine & theirs) or is_counterpart(name, cluster)


def is_counterpart(name: str, cluster: str) -> bool:
    """Are two names the same but for a number or a region (``cluster1`` and ``cluster2``, ``shop-eu`` and ``shop-us``)?"""
    mine, theirs = (re.findall(r"[a-z]+|[0-9]+", text.lower()) for text in (name, cluster))
    if len(mine) != len(theirs) or mine == theirs:
        return False
    apart = [(a, b) for a, b in zip(mine, theirs, strict=True) if a != b]
    return all((a.isdigit() and b.isdigit()) or {a, b} <= _REGIONS for a, b in apart)


def have_own_words(name: str, cluster: str) -> bool:
    """Has each of two names a word that the other has not, of which the first's is none for environments?"""
    mine, theirs = _tokens(name), _tokens(cluster)
    return bool(mine - theirs - _ALL and theirs - mine)


def is_same_place(name: str, path: str) -> bool:
    """Does a path name the environment that a folder is called like (``eu/prod`` and ``prod-base``)?"""
    words = _tokens(name) & _ALL or {name}
    return any(matches(path, word) for word in words)


def speaks(
    texts: Iterable[str], environment: str, ignoring: str = ""
) -> Literal["yes", "no", "silent"]:
    """What names and paths say of the environment: that it is theirs, that another one is, or nothing.

    The first text that says anything decides, so the surest come first. ``ignoring``: a name (the object's) whose words
    say nothing of environments, but in a folder that is called by an environment and not by that name. ``unknown``
    contradicts nobody.
    """
    if environment in ("", "unknown"):
        return "silent"
    texts = tuple(texts)
    if _are_called(texts, environment, ignoring):
        return "yes"
    for text in texts:
        said = _says(text, environment, ignoring)
        if said != "silent":
            return said
    return "silent"


def _are_called(texts: Sequence[str], environment: str, ignoring: str) -> bool:
    """Is one called by an environment of several words (``prod-us``) at its end, and does none speak of another than
    those words do?"""
    name = environment.lower()
    within = [word for word in re.split(r"[^a-z0-9]+", name) if word in _ALL]
    if not within or name in _ALL or name == ignoring.lower():
        return False
    called = re.compile(rf"(?:^|[^a-z0-9]){re.escape(name)}(?:\.[a-z0-9.]+)?(?=$|/)")
    return any(called.search(text.lower()) for text in texts) and all(
        speaks(texts, word, ignoring) != "no" for word in within
    )


def _says(text: str, environment: str, ignoring: str) -> Literal["yes", "no", "silent"]:
    """What one text says. A folder called by two environments' words (``prod-staging``) is neither's."""
    wanted, name, named = words_of(environment), ignoring.lower(), _tokens(ignoring)
    if wanted & {part.partition(".")[0] for part in text.lower().split("/")}:
        return "yes"
    others = _others(environment) | {_ELSE}
    told = set()
    for part in _NOT.sub(_ELSE, _PRE.sub("pre", text.lower())).split("/"):
        tokens, stem = _tokens(part), part.partition(".")[0]
        alone = all(_BESIDE.fullmatch(token) for token in tokens - _LOOSE - wanted - others)
        sure = tokens if alone else tokens - _LOOSE
        # A folder that says nothing but where it is says so for an object, too, that has the word in its name.
        hidden = set[str]() if alone and part != name and tokens & others - _LOOSE else named
        other = ((sure | {stem}) & others) - hidden
        both = wanted & tokens and (
            other or (tokens & others - named and wanted & tokens <= _LOOSE)
        )
        told |= {"no"} if other or both else {"yes"} if wanted & tokens else set()
    return "yes" if "yes" in told else "no" if told else "silent"


def _tokens(text: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", text.lower()))
