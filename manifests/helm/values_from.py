"""``valuesFrom`` of HelmReleases: ConfigMaps that the repository declares or generates.

Source: Flux's HelmRelease v2 reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from kfix.texts import say
from manifests.helm import value_files
from manifests.helm.layers import Layer
from manifests.objects.meta import ref_of
from manifests.objects.shapes import mapping, text
from manifests.refused import EditRefused, NotEditable
from manifests.repository import argocd, kustomize, rendering
from manifests.repository.declared import declared_objects
from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Graph
from manifests.repository.rendering import KustomizeBuild, NotRendered, RenderSession, parsed
from schemas.base import Json

_NAMES = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
#: A ConfigMap by its name and namespace, where just one is deployed together with who asks.
ConfigMaps = Callable[[str, str], Json | None]


def referenced(
    index: RepositoryIndex,
    graph: Graph,
    entry: Mapping[str, Any],
    beside: ConfigMaps,
    *,
    namespace: str,
    place: str,
) -> Layer:
    """The values of one entry; sealed where they are not in the repository. ``namespace``: the HelmRelease's; ``place``:
    the folder that it is built in, or its file."""
    name, key = str(entry.get("name")), str(entry.get("valuesKey") or "values.yaml")
    said, target = f"{entry.get('kind')} {name}", text(entry, "targetPath")
    path = ""
    if entry.get("kind") == "ConfigMap":
        path = graph.generated_in(place, name, key) or graph.generated_from(name, key)
    if path and not target:
        return value_files.file(index, path)
    found = beside(name, namespace) if entry.get("kind") == "ConfigMap" else None
    content = mapping(found, "data").get(key)
    if found is None or not isinstance(content, str) or (target and not _NAMES.fullmatch(target)):
        why = say("manifests.values_come_from_not_repository", said=said)
        return Layer(said, {}, sealed=EditRefused("NOT_RENDERED", why))
    owner, at = ref_of(found), ("data", key)
    if target:
        value: Any = content if entry.get("literal") else argocd.typed(content)
        leaf = tuple(target.split("."))
        for segment in reversed(leaf):
            value = {segment: value}
        return Layer(said, value, owner=owner, at=at, leaf=leaf)
    try:
        values = argocd.text_values(content)
    except NotEditable as refused:
        why = say("manifests.about", what=said, why=refused.reason)
        return Layer(said, {}, sealed=EditRefused("NOT_RENDERED", why))
    return Layer(said, values, owner=owner, at=at, written=content)


def no_config_map(_name: str, _namespace: str) -> None:
    """Of what charts make, nobody tells what stands beside it."""


def config_maps(index: RepositoryIndex, bench: RenderSession, place: str) -> ConfigMaps:
    """The ConfigMaps that are deployed with what stands in ``place``: of the same build, else plain files."""
    found: list[Json] = []

    def named(name: str, namespace: str) -> Json | None:
        if not found:
            found.extend(_deployed_in(index, bench, place))
        fitting = [
            one
            for one in found
            if text(one, "metadata", "name") == name
            and text(one, "metadata", "namespace") in ("", namespace)
        ]
        return fitting[0] if len(fitting) == 1 else None

    return named


def _deployed_in(index: RepositoryIndex, bench: RenderSession, place: str) -> list[Json]:
    if place in index.texts:
        graph = kustomize.read_graph(index)
        written = declared_objects(index, "configmap")
        return [item for path, item in written if not graph.roots_of(path)]
    try:
        built = rendering.documents_of(bench.render(KustomizeBuild(place)))
        return [one for text_of in built if "ConfigMap" in text_of for one in parsed(text_of)]
    except NotRendered:
        return []
