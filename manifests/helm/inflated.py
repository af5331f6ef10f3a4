"""Charts that Kustomizations inflate (``helmCharts``), as releases with the layers of their values. Pure.

Source: kustomize's helmCharts reference: ``valuesInline`` wins over ``additionalValuesFiles``, those over ``valuesFile``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from kfix.texts import say
from manifests.helm import value_files
from manifests.helm.layers import Layer, Release, missing
from manifests.objects import paths
from manifests.objects.shapes import items, mapping, mappings, text
from manifests.refused import NotEditable
from manifests.repository.declared import values_of
from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Graph, Kustomization


def releases(index: RepositoryIndex, graph: Graph) -> Iterator[Release]:
    """One for each entry of each Kustomization."""
    for one in graph.by_folder.values():
        if not one.charts or one.trouble:
            continue
        try:
            documents = values_of(index, one.path)
        except NotEditable:
            continue
        content = documents[0] if documents else {}
        for number, entry in enumerate(mappings(content, "helmCharts")):
            home = text(content, "helmGlobals", "chartHome") or "charts"
            release = _release(index, one, number, entry, home)
            roots = [root.folder for root in graph.roots_of(one.path)]
            yield replace(release, words=(one.folder, *roots))


def _release(
    index: RepositoryIndex, one: Kustomization, number: int, entry: Mapping[str, Any], home: str
) -> Release:
    folder = posixpath.normpath(posixpath.join(one.folder, home, text(entry, "name")))
    here = not entry.get("repo") and posixpath.join(folder, "Chart.yaml") in index.texts
    layers = value_files.defaults(index, folder if here else None)
    named = [entry.get("valuesFile"), *items(entry, "additionalValuesFiles")]
    for name in (str(name) for name in named if name):
        path = posixpath.normpath(posixpath.join(one.folder, name))
        layers.append(value_files.file(index, path))
    at: paths.Path = ("helmCharts", number, "valuesInline")
    inline = mapping(entry, "valuesInline")
    said = say("manifests.values_in", path=one.path)
    layers.append(Layer(said, inline, at=at, holder=one.path, absent=not inline))
    trouble = missing(layers)
    if text(entry, "valuesMerge") not in ("", "override"):
        trouble = say("manifests.not_followed", key="valuesMerge")
    elif not entry.get("releaseName"):
        trouble = say("manifests.release_without_name")
    return Release(
        folder if here else None,
        text(entry, "releaseName"),
        text(entry, "namespace") or one.namespace,
        tuple(layers),
        say("manifests.object_in_place", object=text(entry, "name"), place=one.path),
        trouble=trouble,
        kept="" if here else posixpath.basename(text(entry, "name")),
        inflated_in=one.folder,
    )
