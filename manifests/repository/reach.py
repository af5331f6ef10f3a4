"""Where a changed file ends up, by every name that the repository gives it on its way to a cluster. Pure.

A file's own path, the Kustomizations that build from it, whoever installs it (where that stands, what it is called, the
cluster and the namespace that it names), and the branch. What a name means is not said here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from kfix.texts import say
from manifests.repository import kustomize
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import Installer, read_map
from manifests.repository.kustomize import Graph


@dataclass(frozen=True, slots=True)
class Reach:
    """A name on the way of a file to a cluster. ``path``: folders and a file; ``name``: of anything else;
    ``unresolved``: something that may install the file, and nothing here says where."""

    kind: Literal["path", "name", "unresolved"]
    name: str
    said_by: str


def reaches(index: RepositoryIndex, paths: Iterable[str], branch: str = "") -> tuple[Reach, ...]:
    """All names on the way of these files. Each once, in a stable order."""
    whole = read_map(index)
    found: dict[Reach, None] = {}
    for path in paths:
        found[Reach("path", path, say("manifests.path_file"))] = None
        for folder in _built_in(whole.graph, path):
            found[
                Reach(
                    "path",
                    folder,
                    say("manifests.built_by", folder=folder or say("manifests.root")),
                )
            ] = None
        for one in whole.reaching(path):
            found |= dict.fromkeys(_installed(one))
    if branch:
        found[Reach("path", branch, say("manifests.branch"))] = None
    return tuple(found)


def _built_in(graph: Graph, path: str) -> list[str]:
    """Every folder whose Kustomization takes the file in, the outermost ones and those on the way."""
    seen: dict[str, None] = {}
    own = path.rpartition("/")[2] in kustomize.NAMES
    waiting = [path, path.rpartition("/")[0]] if own else [path]
    while waiting:
        for user in graph.users_of(waiting.pop()):
            if user.folder not in seen:
                seen[user.folder] = None
                waiting.append(user.folder)
    return sorted(seen)


def _installed(one: Installer) -> Iterator[Reach]:
    words = [word for word in (*one.words, one.cluster, one.namespace) if word]
    if not words and one.trouble:
        yield Reach("unresolved", one.said_by, one.trouble)
    for word in words:
        is_path = "/" in word or word.endswith((".yaml", ".yml", ".json"))
        yield Reach("path" if is_path else "name", word, one.said_by)
