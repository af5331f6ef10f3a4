"""Entries of generated ConfigMaps: which line of a kustomization file, or of a file that it reads, makes them. Pure.

Source: kustomize's configMapGenerator (literals, envs, files). The outermost Kustomization's entry wins, as with
``behavior: merge``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kfix.texts import say
from manifests.objects import paths
from manifests.objects.shapes import items, mappings
from manifests.objects.shapes import text as text_of
from manifests.refused import NotEditable
from manifests.repository import own_map, spaces
from manifests.repository.choosing import Choice
from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Graph, Kustomization, without_hash
from manifests.repository.locate import Hints
from manifests.repository.naming import built_names
from manifests.text import equivalence
from schemas.base import ObjectRef

_GENERATOR = "configMapGenerator"


@dataclass(frozen=True, slots=True)
class Generated:
    """A generated ConfigMap as one overlay makes it."""

    root: Kustomization
    #: Its name in the cluster without the hash.
    name: str
    #: Every Kustomization that says something of it, outermost first, with the positions of its generators.
    makers: tuple[tuple[Kustomization, int], ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GeneratedEntry:
    """What makes one key. ``file``: the file that has it; ``at``: the literal's place, where a kustomization file has it."""

    maker: Kustomization
    key: str
    value: str
    file: str
    at: paths.Path = ()
    #: Is the whole file the value?
    whole: bool = False


def generated(
    index: RepositoryIndex, graph: Graph, ref: ObjectRef, hints: Hints
) -> Generated | None:
    """The generated ConfigMap that is meant; ``None`` where none is. Raises NotEditable where several may be."""
    if ref.kind != "ConfigMap":
        return None
    makers = [(k, n, name) for k in graph.by_folder.values() for n, name in _named(index, k)]
    roots: dict[str, tuple[Kustomization, str]] = {}
    for maker, _, name in makers:
        for root in graph.builds_of(maker.path):
            for built in built_names(graph, root, maker.path, name):
                if built in (ref.name, without_hash(ref.name, built)) and _may_be_in(
                    graph, root, ref
                ):
                    roots[root.folder] = (root, built)
    if not roots:
        return None
    steps: list[str] = []
    choice = Choice(hints.environment, ref.name, steps.append)
    maps = own_map.narrowing(index, ref, hints.environment, hints.folders)
    folders = [f for f in sorted(roots) if all(own_map.is_below(f, names) for _, names in maps)]
    if not folders:
        return None
    root, built = roots[choice.only(folders, folders, say("manifests.overlays"))]
    chain = graph.below(root)
    said = sorted(
        ((chain.index(k), k, n) for k, n, name in makers if k in chain and name in built),
        key=lambda one: one[0],
    )
    return Generated(root, built, tuple((k, n) for _, k, n in said), tuple(steps))


def _named(index: RepositoryIndex, kustomization: Kustomization) -> Iterator[tuple[int, str]]:
    content = _content(index, kustomization)
    for n, entry in enumerate(mappings(content, _GENERATOR)):
        if text_of(entry, "name"):
            yield n, text_of(entry, "name")


def _content(index: RepositoryIndex, kustomization: Kustomization) -> Mapping[str, Any]:
    if kustomization.trouble:
        return {}
    documents = index.parsed(kustomization.path)
    found = equivalence.value_of(documents[0].root) if documents else None
    return found if isinstance(found, Mapping) else {}


def _may_be_in(graph: Graph, root: Kustomization, ref: ObjectRef) -> bool:
    return spaces.may_be_in(graph, root, ref.namespace)


def entry_of(index: RepositoryIndex, made: Generated, key: str) -> GeneratedEntry | None:
    """What makes a key of it; ``None`` where nothing does. Raises NotEditable where the file cannot be read."""
    for maker, n in made.makers:
        generator = mappings(_content(index, maker), _GENERATOR)[n]
        for one in (
            *_literals(maker, n, generator),
            *_lines(index, maker, generator),
            *_files(index, maker, generator),
        ):
            if one.key == key:
                return one
    return None


def _literals(
    maker: Kustomization, n: int, generator: Mapping[str, Any]
) -> Iterator[GeneratedEntry]:
    for at, literal in enumerate(items(generator, "literals")):
        key, _, value = str(literal).partition("=")
        where = (_GENERATOR, n, "literals", at)
        yield GeneratedEntry(maker, key.strip(), _unquoted(value), maker.path, where)


def _lines(
    index: RepositoryIndex, maker: Kustomization, generator: Mapping[str, Any]
) -> Iterator[GeneratedEntry]:
    names = [*items(generator, "envs"), generator.get("env")]
    for file in (posixpath.normpath(posixpath.join(maker.folder, str(n))) for n in names if n):
        for line in _text(index, file).splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.lstrip().startswith("#"):
                yield GeneratedEntry(maker, key.strip(), value, file)


def _files(
    index: RepositoryIndex, maker: Kustomization, generator: Mapping[str, Any]
) -> Iterator[GeneratedEntry]:
    for item in items(generator, "files"):
        key, _, name = str(item).rpartition("=")
        file = posixpath.normpath(posixpath.join(maker.folder, name))
        yield GeneratedEntry(
            maker, key or posixpath.basename(file), _text(index, file), file, whole=True
        )


def _text(index: RepositoryIndex, file: str) -> str:
    content = index.files.get(file)
    if content is None:
        raise NotEditable("NOT_FOUND", say("manifests.no_file", path=file))
    try:
        return content if isinstance(content, str) else content.decode()
    except UnicodeDecodeError as failure:
        raise NotEditable("NOT_UTF8", say("manifests.byte_not_utf", start=failure.start)) from None


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
