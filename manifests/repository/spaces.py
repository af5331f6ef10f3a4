"""Which namespace a file's objects go to: said by Kustomizations above it, else by those who deploy it. Pure."""

from __future__ import annotations

from manifests.repository.deployed import naming
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import may_tell
from manifests.repository.kustomize import Graph, Kustomization


def built_namespace(graph: Graph, root: Kustomization, path: str) -> str:
    """The namespace that a Kustomization puts what it builds of the file into: the outermost on the way to it says it;
    empty where none does."""
    saying = [k for k in graph.below(root) if k.namespace]
    found = next((k.namespace for k in saying if _builds(graph, k, path)), "")
    if found or not any(path in k.patch_files for k in graph.below(root)):
        return found
    # A patch changes what other ones put there.
    names = {k.namespace for k in saying}
    return names.pop() if len(names) == 1 else ""


def _builds(graph: Graph, kustomization: Kustomization, path: str) -> bool:
    return any(path in one.uses or path in one.patch_files for one in graph.below(kustomization))


def may_be_in(graph: Graph, root: Kustomization, namespace: str) -> bool:
    """May a Kustomization put something that it builds into the namespace?"""
    said = {root.namespace} if root.namespace else {k.namespace for k in graph.below(root)} - {""}
    return not namespace or not said or namespace in said


def built_namespaces(graph: Graph, path: str) -> set[str]:
    """The namespaces that the roots above a file put it into; an empty one where a root sets none."""
    return {built_namespace(graph, root, path) for root in graph.ends_of(path)}


def away(index: RepositoryIndex, graph: Graph, path: str, namespace: str) -> list[str]:
    """The other namespaces that what says none in a file goes to; empty where it may go to ``namespace``, or nobody tells."""
    if not may_tell(index):
        return []
    places = [root for root in graph.ends_of(path) if not root.component]
    found: set[str] = set()
    for one in places or (path,):
        own = "" if isinstance(one, str) else built_namespace(graph, one, path)
        told = {own} if own else _told(index, one if isinstance(one, str) else one.path)
        if not told or told & {"", namespace}:
            return []
        found |= told
    return sorted(found)


def is_said(index: RepositoryIndex, path: str, namespace: str) -> bool:
    """Does somebody who deploys the file say the namespace?"""
    return namespace in _told(index, path)


def _told(index: RepositoryIndex, path: str) -> set[str]:
    return {one.namespace for one in naming(index, path)}
