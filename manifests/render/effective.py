"""What a repository declares once Kustomizations have had their say: images, replicas and patches on top. Pure.

Where the built-in subset of kustomize knows an overlay, its objects stand in the place of the files that it builds
from; elsewhere files count as they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from manifests.objects.meta import kind_of, name_of
from manifests.refused import NotEditable
from manifests.render import plain_kustomize
from manifests.repository import kustomize
from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Graph, Kustomization
from manifests.repository.rendering import NotRendered, key_of, means
from manifests.text import equivalence
from schemas.base import Json, ObjectRef

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class EffectiveObject:
    """An object as it will reach the cluster, and the document that declares it."""

    path: str
    document: int
    object: Json


def rendered(index: RepositoryIndex) -> tuple[list[EffectiveObject], set[str]]:
    """(what overlays make, the files that this says everything of). Overlays that disagree about an object say nothing."""
    graph = kustomize.read_graph(index)
    made: dict[_Key, EffectiveObject | None] = {}
    covered: set[str] = set()
    for root in _roots(graph):
        try:
            built = plain_kustomize.objects(index.files, root.folder, index.readings)
        except (NotRendered, NotEditable):
            continue
        chain = graph.below(root)
        files = {f for k in chain for f in (*k.uses, *k.patch_files)}
        origins = dict(_origins(index, chain))
        for item in built:
            _take(made, origins, item)
        covered |= files
    found = [one for one in made.values() if one is not None]
    return found, covered - _disputed(index, made, graph)


def of_overlay(index: RepositoryIndex, folder: str, ref: ObjectRef) -> Json | None:
    """One object as the overlay in ``folder`` makes it; ``None`` where the subset does not know the overlay."""
    try:
        built = plain_kustomize.objects(index.files, folder, index.readings)
    except (NotRendered, NotEditable):
        return None
    return next((item for item in built if means(key_of(item), ref)), None)


def _roots(graph: Graph) -> Iterator[Kustomization]:
    for folder, one in graph.by_folder.items():
        if not one.component and not one.trouble and not graph.users_of(folder):
            yield one


def _take(
    made: dict[_Key, EffectiveObject | None],
    origins: dict[tuple[str, str], tuple[str, int]],
    item: Any,
) -> None:
    key = key_of(item)
    origin = origins.get((key[0], key[2]))
    if origin is None:
        return
    known = made.get(key)
    if key not in made:
        made[key] = EffectiveObject(*origin, item)
    elif known is None or known.object != item:
        made[key] = None


def _origins(
    index: RepositoryIndex, chain: list[Kustomization]
) -> Iterator[tuple[tuple[str, str], tuple[str, int]]]:
    patches = {f for k in chain for f in k.patch_files}
    for file in (f for k in chain for f in k.uses if f in index.texts and f not in patches):
        for document in index.parsed(file):
            value = equivalence.value_of(document.root)
            if isinstance(value, dict):
                yield (kind_of(value), name_of(value)), (file, document.index)


def _disputed(
    index: RepositoryIndex, made: dict[_Key, EffectiveObject | None], graph: Graph
) -> set[str]:
    """The files of objects that overlays do not agree about: they count as they stand."""
    return {
        seen.path
        for (kind, _, name), one in made.items()
        if one is None
        for seen in index.sightings(kind, name)[0]
        if not any(seen.path in k.patch_files for k in graph.users_of(seen.path))
    }
