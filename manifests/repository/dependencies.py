"""Charts that a chart brings along from the same repository: ``repository: file://../api``. Pure.

Source: Helm's chart reference (dependencies), https://helm.sh/docs/topics/charts/.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kfix.texts import say
from manifests.objects import paths
from manifests.objects.shapes import mappings, text
from manifests.refused import NotEditable
from manifests.repository.index import RepositoryIndex
from manifests.repository.rendering import Files, NotRendered
from manifests.text import equivalence
from manifests.text.readings import Readings

_DEEP = 8


def charts(index: RepositoryIndex) -> tuple[str, ...]:
    """The folders of all charts of a repository."""
    known = index.memo.get("charts")
    if not isinstance(known, tuple):
        known = tuple(p.rpartition("/")[0] for p in index.texts if p.endswith("Chart.yaml"))
        index.memo["charts"] = known
    return known


def local(chart_file: str, readings: Readings) -> Iterator[tuple[str, str]]:
    """(name that its values stand under, folder as written) of each dependency by ``file://`` in a Chart.yaml."""
    try:
        documents = readings.read(chart_file)
    except NotEditable:
        return
    content = equivalence.filled(documents[0].root) if documents else None
    for entry in mappings(content, "dependencies"):
        repository = text(entry, "repository")
        if repository.startswith("file://"):
            yield text(entry, "alias") or text(entry, "name"), repository.removeprefix("file://")


def kept(texts: Mapping[str, str], chart: str, readings: Readings) -> list[tuple[str, str]]:
    """(name, folder in the repository) of a chart's dependencies by ``file://``."""
    found = []
    for name, written in local(texts.get(posixpath.join(chart, "Chart.yaml"), ""), readings):
        folder = posixpath.normpath(posixpath.join(chart, written))
        if folder != "." and not folder.startswith("..") and f"{folder}/Chart.yaml" in texts:
            found.append((name, folder))
    return found


def folders(index: RepositoryIndex, chart: str) -> list[str]:
    """The folders of all charts that a chart brings along, theirs included."""
    found: dict[str, None] = {}
    waiting = [chart]
    while waiting:
        for _, folder in kept(index.texts, waiting.pop(), index.readings):
            if folder not in found and folder != chart:
                found[folder] = None
                waiting.append(folder)
    return list(found)


def brings(index: RepositoryIndex, chart: str) -> list[tuple[str, str]]:
    """(name that its values stand under, folder) of every chart that a chart brings along itself: by ``file://``, or as
    a folder below ``charts/``, which may be called otherwise there."""
    inside = posixpath.join(chart, "charts")
    below = f"{inside}/"
    names = _names(index, chart)
    found = dict.fromkeys(kept(index.texts, chart, index.readings))
    for path in index.texts_below(inside):
        folder, _, name = path.rpartition("/")
        if name == "Chart.yaml" and "/" not in folder.removeprefix(below):
            own = _name_in(index, folder) or posixpath.basename(folder)
            found |= dict.fromkeys((called, folder) for called in names.get(own, [own]))
    return list(found)


def tree_of(index: RepositoryIndex, chart: str) -> Iterator[tuple[paths.Path, str]]:
    """(keys that its values stand under, folder) of a chart and of all that it brings along, the chart itself first."""
    waiting: list[tuple[paths.Path, str]] = [((), chart)]
    seen: set[tuple[paths.Path, str]] = set()
    while waiting:
        keys, folder = waiting.pop(0)
        if (keys, folder) in seen or len(keys) > _DEEP:
            continue
        seen.add((keys, folder))
        yield keys, folder
        waiting += [((*keys, name), kept) for name, kept in brings(index, folder)]


def _names(index: RepositoryIndex, chart: str) -> dict[str, list[str]]:
    """The names that values of each dependency stand under: its alias, or its own."""
    found: dict[str, list[str]] = {}
    for entry in declared(index, chart):
        name = text(entry, "name")
        found.setdefault(name, []).append(text(entry, "alias") or name)
    return found


def declared(index: RepositoryIndex, chart: str) -> list[Mapping[str, Any]]:
    """The dependencies that a Chart.yaml lists; of the first API version, requirements.yaml."""
    for name in ("Chart.yaml", "requirements.yaml"):
        path = posixpath.join(chart, name)
        if path not in index.texts:
            continue
        try:
            documents = index.parsed(path)
        except NotEditable:
            continue
        listed = mappings(
            equivalence.filled(documents[0].root) if documents else None, "dependencies"
        )
        if listed:
            return listed
    return []


def _name_in(index: RepositoryIndex, chart: str) -> str:
    try:
        documents = index.parsed(posixpath.join(chart, "Chart.yaml"))
    except NotEditable:
        return ""
    return text(equivalence.filled(documents[0].root) if documents else None, "name")


def brought(files: Files, chart: str, readings: Readings) -> dict[str, bytes | str]:
    """``vendored`` for files as they are kept. Raises NotRendered where a copy of such a chart lies there already."""
    own = files.get(posixpath.join(chart, "Chart.yaml"), "")
    if b"file://" not in (own if isinstance(own, bytes) else own.encode()):
        return {}
    texts = {
        path: content if isinstance(content, str) else content.decode("utf-8", "replace")
        for path, content in files.items()
        if posixpath.basename(path) == "Chart.yaml"
    }
    below = posixpath.join(chart, "charts") + "/"
    for _, folder in kept(texts, chart, readings):
        name = posixpath.basename(folder)
        if any(re.match(rf"{re.escape(below + name)}(/|-[0-9])", path) for path in files):
            raise NotRendered(say("manifests.has_copy_below_charts", chart=chart, folder=folder))
    return vendored(files, texts, chart, readings)


def vendored(
    files: Files, texts: Mapping[str, str], chart: str, readings: Readings
) -> dict[str, bytes | str]:
    """The files that ``helm dependency build`` would put below ``charts/``, for what is in the repository."""
    out: dict[str, bytes | str] = {}
    waiting = [(chart, chart, 0)]
    while waiting:
        source, target, depth = waiting.pop()
        for _, folder in kept(texts, source, readings) if depth < _DEEP else ():
            # One folder for each chart: Helm tells aliases of one chart apart by Chart.yaml.
            inside = posixpath.join(target, "charts", posixpath.basename(folder))
            for path, content in files.items():
                if path.startswith(folder + "/"):
                    out[posixpath.join(inside, path.removeprefix(folder + "/"))] = content
            waiting.append((folder, inside, depth + 1))
    return out
