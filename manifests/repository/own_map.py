"""A repository's own word on where objects are declared: ``declared`` in the ``.kfix.yaml`` of its root. Pure.

It narrows, and does nothing else: of the places that are found it leaves those below the folders that it names. It adds no
place, says nothing of which environment a place is, and excuses nobody who reads a changed file. Whoever can write it can
write the manifests too; still it is text from outside, so that one that is not exactly as below refuses every edit.
What else the file says is what its owners let be proposed, which publish reads.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kfix.texts import say
from manifests.refused import NotEditable
from manifests.repository import tree
from manifests.repository.environments import words_of
from manifests.repository.index import RepositoryIndex
from manifests.text import equivalence
from schemas.base import ObjectRef
from schemas.text import sentence_of

NAME = ".kfix.yaml"
_VERSION = 1
_ENTRY = frozenset({"for", "environment", "below"})
_NAME = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_FOR = re.compile(rf"{_NAME}|[A-Z][A-Za-z0-9]{{0,62}}(?:/{_NAME}){{1,2}}")
_WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
#: Entries of the list, and folders of one.
MOST, _FOLDERS = 500, 20


@dataclass(frozen=True, slots=True)
class DeclaredPlace:
    """``subject``: a namespace, or ``Kind/namespace/name``. ``environment``: the only one that it is said for; empty: any."""

    subject: str
    environment: str
    below: tuple[str, ...]


def check(index: RepositoryIndex) -> None:
    """Raises NotEditable INVALID_YAML where the file is there and not as it has to be."""
    _entries(index)


def below(index: RepositoryIndex, ref: ObjectRef, environment: str) -> tuple[str, ...]:
    """The only folders that declare the object; empty where the file says nothing of it. The object's own entry comes
    before its namespace's, one for the environment before one for any. Raises NotEditable INVALID_YAML."""
    entries = _entries(index)
    for subject in (ref.key, ref.namespace):
        for only in (True, False):
            for entry in entries if subject else ():
                said = bool(entry.environment)
                if entry.subject == subject and said == only and _is_for(entry, environment):
                    return entry.below
    return ()


def _is_for(entry: DeclaredPlace, environment: str) -> bool:
    return not entry.environment or bool(words_of(entry.environment) & words_of(environment))


def _entries(index: RepositoryIndex) -> tuple[DeclaredPlace, ...]:
    known = index.memo.get(NAME)
    if not isinstance(known, tuple):
        known = index.memo[NAME] = tuple(_read(index))
    return known


def _read(index: RepositoryIndex) -> Iterator[DeclaredPlace]:
    if NAME in index.unreadable:
        raise _bad(index.unreadable[NAME].reason)
    if NAME.replace("yaml", "yml") in index.files:
        raise _bad(say("manifests.own_map_called", name=NAME))
    if NAME not in index.texts:
        return
    try:
        documents = index.parsed(NAME)
    except NotEditable as refused:
        raise _bad(refused.reason) from None
    content = equivalence.value_of(documents[0].root) if len(documents) == 1 else None
    if not isinstance(content, Mapping):
        raise _bad(say("manifests.own_map_document"))
    if "declared" not in content:
        return
    if documents[0].duplicate or documents[0].aliased:
        raise _bad(say("manifests.own_map_plain"))
    if content.get("version") is not _VERSION:
        raise _bad(say("manifests.own_map_version", version=_VERSION))
    try:
        entries = entries_of(content["declared"])
    except InvalidMap as invalid:
        raise _bad(sentence_of(invalid)) from None
    for number, entry in enumerate(entries, 1):
        for written in entry.below:
            if written not in index.texts and written not in index.folders():
                raise _bad(say("manifests.own_map_folder", number=number, name=written))
        yield entry


class InvalidMap(ValueError):
    """What is listed under ``declared`` is no such map. The message is for people."""


def entries_of(listed: Any) -> tuple[DeclaredPlace, ...]:
    """What is listed under ``declared``, whatever the repository has. Raises InvalidMap."""
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST:
        raise InvalidMap(say("manifests.own_map_entries", most=MOST))
    seen: set[tuple[str, frozenset[str]]] = set()
    found = []
    for number, item in enumerate(listed, 1):
        entry = _entry(item, number)
        words = words_of(entry.environment) if entry.environment else frozenset[str]()
        if (entry.subject, words) in seen:
            raise InvalidMap(say("manifests.own_map_twice", number=number))
        seen.add((entry.subject, words))
        found.append(entry)
    return tuple(found)


def _entry(item: Any, number: int) -> DeclaredPlace:
    if not isinstance(item, Mapping) or set(item) - _ENTRY or not {"for", "below"} <= set(item):
        raise InvalidMap(say("manifests.own_map_entry_keys", number=number, names=sorted(_ENTRY)))
    subject, environment = item["for"], item.get("environment", "")
    if not isinstance(subject, str) or not _FOR.fullmatch(subject):
        raise InvalidMap(say("manifests.own_map_for", number=number))
    if "environment" in item and not (
        isinstance(environment, str) and _WORD.fullmatch(environment)
    ):
        raise InvalidMap(say("manifests.own_map_environment", number=number))
    folders = item["below"]
    if not isinstance(folders, list) or not 0 < len(folders) <= _FOLDERS:
        raise InvalidMap(say("manifests.own_map_below", number=number, most=_FOLDERS))
    return DeclaredPlace(subject, environment, tuple(_folder(one, number) for one in folders))


def _folder(written: Any, number: int) -> str:
    """A folder or file as it is written, from the repository's root."""
    if (
        isinstance(written, str)
        and written not in ("", ".")
        and posixpath.normpath(written) == written
    ):
        try:
            tree.check_path(written)
        except NotEditable:
            written = None
        if written is not None:
            return str(written)
    raise InvalidMap(say("manifests.own_map_folder", number=number, name=str(written)[:100]))


def _bad(why: str) -> NotEditable:
    return NotEditable("INVALID_YAML", say("manifests.own_map_bad", file=NAME, why=why))


def is_below(path: str, folders: Sequence[str]) -> bool:
    """Is it one of these folders or files, or below one? An empty folder is the whole repository."""
    return any(not f or path == f or path.startswith(f.rstrip("/") + "/") for f in folders)


def narrowing(
    index: RepositoryIndex, ref: ObjectRef, environment: str, mapped: Sequence[str]
) -> list[tuple[str, tuple[str, ...]]]:
    """(who says it, the only folders) of the static map (``mapped``) and of the repository's own. Raises NotEditable."""
    said = [(say("manifests.static_map"), tuple(mapped))] if mapped else []
    own = below(index, ref, environment)
    return [*said, (NAME, own)] if own else list(said)
