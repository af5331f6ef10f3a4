"""Which namespace a file's objects go to: said by Kustomizations above it, else by those who deploy it. Pure."""

from __future__ import annotations

from manifests.repository.deployed import naming
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import may_tell
from manifests.repository.kustomize import Graph, Kustomization


def built_namespace(graph: Graph, root: Kustomization) -> str:
    """The namespace that a Kustomization puts what it builds into; empty where it says none."""
    return next((k.namespace for k in graph.below(root) if k.namespace), "")


def built_namespaces(graph: Graph, path: str) -> set[str]:
    """The namespaces that the roots above a file put it into; an empty one where a root sets none."""
    return {built_namespace(graph, root) for root in graph.ends_of(path)}


def away(index: RepositoryIndex, graph: Graph, path: str, namespace: str) -> list[str]:
    """The other namespaces that what says none in a file goes to; empty where it may go to ``namespace``, or nobody tells."""
    if not may_tell(index):
        return []
    places = [root for root in graph.ends_of(path) if not root.component]
    found: set[str] = set()
    for one in places or (path,):
        own = "" if isinstance(one, str) else built_namespace(graph, one)
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
