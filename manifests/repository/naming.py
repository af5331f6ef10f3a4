"""What Kustomizations make of names: prefixes and suffixes. Pure. Source: kustomize's namePrefix and nameSuffix."""

from __future__ import annotations

from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Graph, Kustomization
from schemas.base import ObjectRef

#: Kustomizations within Kustomizations that rename.
_DEEPEST = 8


def named_in_files(index: RepositoryIndex, graph: Graph, ref: ObjectRef) -> ObjectRef:
    """The object under the name that a file declares it by, from which a Kustomization makes the one in the cluster.

    The object itself where a file has its name, or where none can be meant, or several.
    """
    renaming = [k for k in graph.by_folder.values() if k.prefix or k.suffix]
    if not renaming or index.sightings(ref.kind, ref.name)[0]:
        return ref
    found = {
        name
        for name in _shorter(ref.name, renaming)
        for seen in index.sightings(ref.kind, name)[0]
        for root in graph.roots_of(seen.path)
        if ref.name in built_names(graph, root, seen.path, name)
    }
    return ref.model_copy(update={"name": found.pop()}) if len(found) == 1 else ref


def _shorter(name: str, renaming: list[Kustomization]) -> set[str]:
    """Names from which the Kustomizations could make ``name``."""
    found, fresh = set[str](), {name}
    for _ in range(_DEEPEST):
        fresh = {
            one[len(k.prefix) : len(one) - len(k.suffix)]
            for one in fresh
            for k in renaming
            if one.startswith(k.prefix) and one.endswith(k.suffix)
            if len(one) > len(k.prefix) + len(k.suffix)
        } - found
        found |= fresh
    return found


def built_names(graph: Graph, root: Kustomization, path: str, name: str) -> set[str]:
    """What a root calls the object that a file names ``name``; empty where it does not build from the file."""
    return _built(graph, root, path, name, 0)


def _built(graph: Graph, here: Kustomization, path: str, name: str, depth: int) -> set[str]:
    if depth > _DEEPEST:
        return set()
    inner = {name} if path in here.uses or path in here.patch_files or path == here.path else set()
    for folder in here.uses:
        below = graph.by_folder.get(folder)
        if below is not None:
            inner |= _built(graph, below, path, name, depth + 1)
    return {f"{here.prefix}{one}{here.suffix}" for one in inner}
