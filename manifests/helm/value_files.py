"""Values files of a chart: its own, those of charts that it brings along, and those of environments. Pure."""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from kfix.texts import say
from manifests.helm.layers import FileValues, Layer
from manifests.objects import paths
from manifests.refused import EditRefused
from manifests.repository import subcharts
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers.model import Apart
from manifests.text import equivalence
from manifests.text.read import Document
from schemas.base import Json

_VALUES_FILE = re.compile(r"(^|[-_.])values([-_.]|$)", re.IGNORECASE)
_ENVIRONMENT_FOLDERS = frozenset({"values", "env", "envs", "environments", "config"})


def is_dependency(chart: str, charts: Set[str]) -> bool:
    """Is the chart brought along by another, from below its folder?"""
    parts = chart.split("/")
    return any(
        part == "charts" and "/".join(parts[:n]) in charts for n, part in enumerate(parts[:-1])
    )


class OutsideOfCharts:
    """Values files that stand in no chart's folder, looked for once for all charts."""

    def __init__(self, index: RepositoryIndex, charts: Sequence[str]) -> None:
        self.charts = frozenset(charts)
        self.declaring = {path for found in index.by_kind.values() for path in found}
        self._alone = sum(not is_dependency(other, self.charts) for other in charts) == 1
        self._found = [path for path in index.texts if self._is_one(path)]
        self._by_word: dict[str, list[str]] = {}
        for path in self._found:
            for word in set(re.split(r"[/.]", path)):
                self._by_word.setdefault(word, []).append(path)

    def _is_one(self, path: str) -> bool:
        if path in self.declaring or not _is_values(path, depth=6):
            return False
        parts = path.split("/")[:-1]
        return not any("/".join(parts[: n + 1]) in self.charts for n in range(len(parts)))

    def of(self, chart: str) -> list[str]:
        """Those that name the chart, or all where it is the only one."""
        if self._alone:
            return self._found
        name = posixpath.basename(chart)
        called = [path for path in self._found if name in posixpath.basename(path)]
        return [*dict.fromkeys((*self._by_word.get(name, ()), *called))]


def environment_files(index: RepositoryIndex, chart: str, outside: OutsideOfCharts) -> list[str]:
    """Values files for a chart beside its own: ``values-prod.yaml``, ``environments/prod/values.yaml`` in its folder;
    outside of all charts those that name it, or any where it is the only chart."""
    inside = f"{chart}/" if chart else ""
    own = [
        path
        for path in index.texts_below(chart)
        if path != f"{inside}values.yaml"
        and path not in outside.declaring
        and _is_values(path.removeprefix(inside))
    ]
    return own + (outside.of(chart) if chart else [])


def _is_values(path: str, depth: int = 3) -> bool:
    parts = path.split("/")
    if parts[0] in ("templates", "charts", "crds", "ci", "tests", ".github") or len(parts) > depth:
        return False
    stem = parts[-1].rpartition(".")[0]
    if stem in ("kustomization", "Chart"):
        return False
    return bool(_VALUES_FILE.search(stem)) or bool(_ENVIRONMENT_FOLDERS & set(parts[:-1]))


def defaults(index: RepositoryIndex, chart: str | None) -> list[Layer]:
    """What Helm reads by itself: the values of charts in ``charts/`` under their names, then the chart's own."""
    if chart is None:
        return [Layer(say("manifests.own_values_of_chart"), {}, default=True)]
    known = index.memo.setdefault("default values", {})
    assert isinstance(known, dict)
    if chart not in known:
        known[chart] = tuple(_defaults_of(index, chart))
    return list(known[chart])


def _defaults_of(index: RepositoryIndex, chart: str) -> list[Layer]:
    layers = list(_brought(index, chart))
    path = posixpath.join(chart, "values.yaml")
    if path not in index.texts:
        return [*layers, Layer(say("manifests.own_values_of_chart"), {}, default=True)]
    return [*layers, replace(file(index, path), default=True)]


def _brought(index: RepositoryIndex, chart: str) -> Iterator[Layer]:
    """The values of charts that a chart brings along, under their names; the innermost first, since theirs are lowest."""
    for keys, folder in reversed(list(subcharts.tree_of(index, chart))[1:]):
        values = subcharts.values_of(index, folder)
        path = posixpath.join(folder, "values.yaml")
        if not values:
            continue
        for key in reversed(keys):
            values = {str(key): values}
        if folder.startswith(posixpath.join(chart, "charts") + "/"):
            why = EditRefused("TEMPLATED", say("manifests.chart_others_keep", path=path))
            yield Layer(path, values, sealed=why, default=True)
        else:
            why = EditRefused("VALUE_FANOUT", say("manifests.chart_others_use", kept=path))
            yield Layer(path, values, path, sealed=why, default=True)


def file_of(index: RepositoryIndex, path: str, apart: Apart | None) -> Layer:
    """A values file as a release reads it: of another revision its text is not here."""
    if apart is None or not apart.surely:
        return file(index, path)
    return Layer(
        path,
        {},
        sealed=EditRefused("NOT_RENDERED", say("manifests.about", what=path, why=apart.why)),
    )


def file(index: RepositoryIndex, path: str) -> Layer:
    """A values file of the repository; sealed where there is none of this path."""
    if path not in index.texts:
        return Layer(
            path,
            {},
            sealed=EditRefused(
                "NOT_RENDERED", say("manifests.no_values_file_repository", path=path)
            ),
        )
    return Layer(path, FileValues(functools.partial(_read_values, index, path)), path=path)


def absent(path: str) -> Layer:
    """A values file that may be missing, and is."""
    return Layer(path, {}, path=path, absent=True)


def entry(
    index: RepositoryIndex, path: str, inline: Mapping[str, Any] | None, at: paths.Path
) -> Layer:
    """An entry of a deployer's list of values: a file, or values that stand inside of ``path`` at ``at``."""
    if inline is None:
        return file(index, path)
    why = None if at else EditRefused("UNSUPPORTED", say("manifests.values_inside", path=path))
    said = say("manifests.values_in", path=path)
    return Layer(said, inline, at=at, holder=path, sealed=why, absent=not inline)


def _read_values(index: RepositoryIndex, path: str) -> Json | EditRefused:
    content = index.parsed_fact(path, _first)
    if not isinstance(content, EditRefused):
        return content
    return EditRefused(content.code, say("manifests.about", what=path, why=content.reason))


def _first(documents: list[Document] | EditRefused) -> Json | EditRefused:
    """The first document's value, or the refusal to read it."""
    if isinstance(documents, EditRefused):
        return documents
    return equivalence.filled(documents[0].root) if documents else {}
