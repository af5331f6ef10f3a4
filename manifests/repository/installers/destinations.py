"""Where a file of the repository deploys to, as the repository itself says it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from manifests.repository.environments import WORDS, speaks
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers.mapping import read_map
from manifests.repository.installers.model import Installer


@dataclass(frozen=True, slots=True)
class Destination:
    """One place that a file is deployed to. Empty texts: not said.

    ``environments``: those that the installer's names and paths speak of, as ``environments.WORDS`` calls them; several
    contradict each other, none says nothing.
    """

    said_by: str
    cluster: str = ""
    namespace: str = ""
    environments: tuple[str, ...] = ()


def destinations(index: RepositoryIndex, paths: Iterable[str]) -> tuple[Destination, ...]:
    """Everywhere that edited files deploy to: one destination for each installer that reads one of them.

    A file that nobody names is judged by its own path. Several destinations mean that an edit of the file reaches
    all of them, unless a rendering shows that it changes nothing in one.
    """
    found: dict[Destination, None] = {}
    whole = read_map(index)
    for path in paths:
        reaching = whole.reaching(path)
        for one in reaching or [Installer(path, words=(path,))]:
            found[_of(one)] = None
    return tuple(found)


def _of(one: Installer) -> Destination:
    heard = tuple(e for e in WORDS if speaks(one.words, e) == "yes")
    return Destination(one.said_by, one.cluster, one.namespace, heard)
