"""Overlays that are not in use: nobody deploys them, and another one on the same base is deployed in their place. Pure."""

from __future__ import annotations

from manifests.repository.deployed import naming
from manifests.repository.environments import is_beside, of_cluster, speaks
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import Installer, may_tell, read_map
from manifests.repository.kustomize import Graph, Kustomization
from schemas.base import ObjectRef

_DEPLOYERS = ("argocd", "flux", "fleet")


def instead_of(
    index: RepositoryIndex, graph: Graph, root: Kustomization, ref: ObjectRef, environment: str
) -> Installer | None:
    """Who deploys another overlay on a base of this one into the namespace and the environment asked for, where nobody
    deploys this one, or into any namespace where this one says neither a namespace nor the environment; ``None`` where
    nobody does, or where the folders may be those of two places."""
    if not ref.namespace or not may_tell(index) or naming(index, root.path):
        return None
    bases = _bases(graph, root)
    anywhere = _is_of_nowhere(graph, root, ref, environment)
    for one in read_map(index).installers if bases else ():
        other = graph.by_folder.get(one.folder) if one.folder is not None else None
        if other is None or other.folder == root.folder or one.by not in _DEPLOYERS:
            continue
        if one.trouble or one.cannot_read or not _bases(graph, other) & bases:
            continue
        if not (anywhere or (other.namespace or one.namespace) == ref.namespace):
            continue
        if _is_there(one, environment, ref.name) and not _are_two_places(root, other):
            return one
    return None


def _is_of_nowhere(graph: Graph, root: Kustomization, ref: ObjectRef, environment: str) -> bool:
    """Does an overlay say neither a namespace nor the environment that is asked for? Then it is no place of its own."""
    if environment in ("", "unknown") or any(k.namespace for k in graph.below(root)):
        return False
    return speaks([root.folder], environment, ref.name) != "yes"


def _bases(graph: Graph, root: Kustomization) -> set[str]:
    return {k.folder for k in graph.below(root) if not k.component} - {root.folder}


def _is_there(one: Installer, environment: str, name: str) -> bool:
    if of_cluster(one.words, environment) == "no":
        return False
    asked = environment not in ("", "unknown")
    return speaks(one.words, environment, name) == ("yes" if asked else "silent")


def _are_two_places(one: Kustomization, other: Kustomization) -> bool:
    """Do the folders differ in a name that may say a cluster or a region?"""
    mine, theirs = set(one.folder.split("/")), set(other.folder.split("/"))
    return any(is_beside(a, b) for a in mine - theirs for b in theirs - mine)
