"""The charts that a chart brings along, wherever they are: folders by ``file://`` or below ``charts/``, packed ones; and
those that are not here. Pure.

Source: Helm's chart reference (dependencies), https://helm.sh/docs/topics/charts/.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from manifests.objects import paths
from manifests.objects.shapes import mappings, text
from manifests.refused import NotEditable
from manifests.repository import dependencies
from manifests.repository.dependencies import called
from manifests.repository.index import RepositoryIndex
from manifests.repository.packed import unpacked
from manifests.text import equivalence

_PACKED = ".tgz"
_DEEP = 5


def tree_of(index: RepositoryIndex, chart: str) -> Iterator[tuple[paths.Path, str]]:
    """(keys that its values stand under, folder or packed file) of a chart and of all that it brings along, the chart
    itself first."""
    waiting: list[tuple[paths.Path, str]] = [((), chart)]
    seen: set[tuple[paths.Path, str]] = set()
    while waiting:
        keys, folder = waiting.pop(0)
        if (keys, folder) in seen or len(keys) > _DEEP:
            continue
        seen.add((keys, folder))
        yield keys, folder
        waiting += [((*keys, name), kept) for name, kept in brings(index, folder)]


def brings(index: RepositoryIndex, chart: str) -> list[tuple[str, str]]:
    """(name that its values stand under, folder or packed file) of every chart that a chart brings along itself."""
    if chart.endswith(_PACKED):
        return []
    found = dict.fromkeys(dependencies.kept(index.texts, chart, index.readings))
    names: dict[str, list[str]] = {}
    for entry in declared(index, chart):
        names.setdefault(text(entry, "name"), []).append(called(entry))
    for folder in _below(index, chart):
        own = text(yaml_of(index, folder, "Chart.yaml"), "name") or posixpath.basename(folder)
        found |= dict.fromkeys((name, folder) for name in names.get(own, [own]))
    return list(found)


def _below(index: RepositoryIndex, chart: str) -> Iterator[str]:
    inside = posixpath.join(chart, "charts") + "/"
    for path in index.below(posixpath.join(chart, "charts")):
        folder, _, name = path.removeprefix(inside).rpartition("/")
        if name == "Chart.yaml" and folder and "/" not in folder:
            yield inside + folder
        elif not folder and name.endswith(_PACKED) and unpacked(index, path):
            yield path


def lacking(index: RepositoryIndex, chart: str) -> list[tuple[str, str]]:
    """(name that its values stand under, the chart's own name) of each dependency that is not in the repository."""
    listed = [(called(entry), text(entry, "name")) for entry in declared(index, chart)]
    here = {name for name, _ in brings(index, chart)} if listed else set()
    return [(name, own) for name, own in listed if name and name not in here]


def declared(index: RepositoryIndex, chart: str) -> list[Mapping[str, Any]]:
    """The dependencies that a Chart.yaml lists; of the first API version, a requirements.yaml."""
    for name in ("Chart.yaml", "requirements.yaml"):
        if "dependencies" not in index.texts.get(posixpath.join(chart, name), "dependencies"):
            continue
        listed = mappings(yaml_of(index, chart, name), "dependencies")
        if listed:
            return listed
    return []


def values_of(index: RepositoryIndex, chart: str) -> Mapping[str, Any]:
    """The chart's own values; empty where it has none that can be read."""
    found = yaml_of(index, chart, "values.yaml")
    return found if isinstance(found, Mapping) else {}


def templates_of(index: RepositoryIndex, chart: str) -> Iterator[tuple[str, str]]:
    """(path, text) of each template."""
    if chart.endswith(_PACKED):
        for path, content in unpacked(index, chart).items():
            if path.startswith("templates/"):
                yield f"{chart}/{path}", content
        return
    for path in index.below(posixpath.join(chart, "templates")):
        found = index.files[path]
        yield path, found if isinstance(found, str) else found.decode("utf-8", "replace")


def yaml_of(index: RepositoryIndex, chart: str, name: str) -> Any:
    """A YAML file of a chart, packed or not; ``None`` where there is none that can be read."""
    if chart.endswith(_PACKED):
        content = unpacked(index, chart).get(name, "")
    else:
        content = index.texts.get(posixpath.join(chart, name), "")
    try:
        documents = index.readings.read(content) if content else []
    except NotEditable:
        return None
    return equivalence.filled(documents[0].root) if documents else None
