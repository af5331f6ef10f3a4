"""Which clusters a repository itself tells from the one that is asked for. Pure."""

from __future__ import annotations

from manifests.repository.environments import AskedEnvironment, is_beside
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import read_map


def told_apart(index: RepositoryIndex, environment: str) -> str:
    """The environment, with the clusters that the repository has beside the one that is asked for: those that its
    installers deploy to where one of them deploys to that one, and folders beside one that is called like it."""
    if not isinstance(environment, AskedEnvironment) or not environment.cluster:
        return environment
    asked = environment.cluster
    others = (_deployed_to(index, asked) | _beside(index, asked)) - environment.other_clusters
    return environment.beside(others) if others else environment


def _deployed_to(index: RepositoryIndex, asked: frozenset[str]) -> set[str]:
    said = {one.cluster.lower().rpartition("/")[2] for one in read_map(index).installers}
    return said - asked - {""} if said & asked else set()


def _beside(index: RepositoryIndex, asked: frozenset[str]) -> set[str]:
    by_parent: dict[str, set[str]] = {}
    for folder in index.folders():
        parent, _, name = folder.lower().rpartition("/")
        by_parent.setdefault(parent, set()).add(name)
    return {
        name
        for names in by_parent.values()
        for own in names & asked
        for name in names - asked
        if is_beside(name, own)
    }
