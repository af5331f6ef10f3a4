"""Which clusters a repository itself tells from the one that is asked for. Pure."""

from __future__ import annotations

from manifests.repository.environments import (
    AskedEnvironment,
    have_own_words,
    is_beside,
    is_counterpart,
)
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import read_map


def told_apart(index: RepositoryIndex, environment: str) -> str:
    """The environment, with the clusters that the repository has beside the one that is asked for: those that its
    installers deploy to where one of them deploys to that one, and folders beside one that is called like it: those that
    are called alike, and all of ``clusters/``. Where nothing is called like it, what is called as it is but for a number or
    a region is another cluster's, and so is what is called alike in ``clusters/``."""
    if not isinstance(environment, AskedEnvironment) or not environment.cluster:
        return environment
    asked = environment.cluster
    others = _deployed_to(index, asked) | _beside(index, asked) | _instead(index, asked)
    others -= environment.other_clusters
    return environment.beside(others) if others else environment


def _deployed_to(index: RepositoryIndex, asked: frozenset[str]) -> set[str]:
    said = {one.cluster.lower().rpartition("/")[2] for one in read_map(index).installers}
    return said - asked - {""} if said & asked else set()


#: Folders that hold one folder for each cluster, what stands among those for all of them, and files that tell nothing.
_HOLDING = frozenset({"clusters", "cluster"})
_FOR_ALL = frozenset(
    {"all", "any", "app", "applications", "apps", "base", "bases", "common", "components", "default", "defaults", "global",
     "infra", "infrastructure", "lib", "platform", "shared", "system", "template", "templates", "tenants"}
)  # fmt: skip
_EVERYWHERE = frozenset({"kustomization.yaml", "kustomization.yml", "readme.md", ".gitkeep"})


def _are_clusters(index: RepositoryIndex, parent: str, names: tuple[str, str]) -> bool:
    """Do two folders of one that holds clusters have something of the same name, and neither is for all clusters?"""
    if parent.rpartition("/")[2] not in _HOLDING or _FOR_ALL & set(names):
        return False
    one, other = (_inside(index, f"{parent}/{name}/") for name in names)
    return bool(one & other - _EVERYWHERE) and have_own_words(*names)


def _inside(index: RepositoryIndex, folder: str) -> set[str]:
    at = len(folder)
    return {
        path.lower()[at:].partition("/")[0]
        for path in index.files
        if path.lower().startswith(folder)
    }


def _beside(index: RepositoryIndex, asked: frozenset[str]) -> set[str]:
    by_parent: dict[str, set[str]] = {}
    for folder in index.folders():
        parent, _, name = folder.lower().rpartition("/")
        by_parent.setdefault(parent, set()).add(name)
    return {
        name
        for parent, names in by_parent.items()
        for own in names & asked
        for name in names - asked
        if is_beside(name, own) or _are_clusters(index, parent, (name, own))
    }


def _instead(index: RepositoryIndex, asked: frozenset[str]) -> set[str]:
    """Names that other clusters have where none is called like the one that is asked for."""
    folders = {folder.lower() for folder in index.folders()}
    stems = {path.lower().rpartition("/")[2].partition(".")[0] for path in index.files}
    said = {one.cluster.lower().rpartition("/")[2] for one in read_map(index).installers}
    names = {folder.rpartition("/")[2] for folder in folders} | stems | said
    if names & asked:
        return set()
    held = {
        name
        for parent, _, name in (folder.rpartition("/") for folder in folders)
        if parent.rpartition("/")[2] in _HOLDING and name not in _FOR_ALL
    }
    return {
        name
        for name in names - {""}
        for own in asked
        if is_counterpart(name, own) or (name in held and is_beside(name, own))
    }
