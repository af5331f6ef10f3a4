"""Charts that a chart brings along from the same repository: ``repository: file://../api``. Pure.

Source: Helm's chart reference (dependencies), https://helm.sh/docs/topics/charts/.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

import yaml

from kfix.texts import say
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
    if "file://" not in chart_file:
        return
    try:
        documents = readings.read(chart_file)
    except NotEditable:
        return
    content = equivalence.filled(documents[0].root) if documents else None
    for entry in mappings(content, "dependencies"):
        repository = text(entry, "repository")
        if repository.startswith("file://"):
            yield called(entry), repository.removeprefix("file://")


def kept(texts: Mapping[str, str], chart: str, readings: Readings) -> list[tuple[str, str]]:
    """(name, folder in the repository) of a chart's dependencies by ``file://``."""
    found = []
    for name, written in local(texts.get(posixpath.join(chart, "Chart.yaml"), ""), readings):
        folder = posixpath.normpath(posixpath.join(chart, written))
        if folder != "." and not folder.startswith("..") and f"{folder}/Chart.yaml" in texts:
            found.append((name, folder))
    return found


def folders(index: RepositoryIndex, chart: str) -> list[str]:
    """The folders of all charts that a chart brings along, theirs included; looked up once for an index."""
    known = index.memo.setdefault("brought charts", {})
    assert isinstance(known, dict)
    if chart not in known:
        known[chart] = tuple(_folders(index, chart))
    return list(known[chart])


def _folders(index: RepositoryIndex, chart: str) -> list[str]:
    found: dict[str, None] = {}
    waiting = [chart]
    while waiting:
        for _, folder in kept(index.texts, waiting.pop(), index.readings):
            if folder not in found and folder != chart:
                found[folder] = None
                waiting.append(folder)
    return list(found)


def brought(
    files: Files, chart: str, readings: Readings, without: Sequence[str] = ()
) -> dict[str, bytes | str]:
    """``vendored`` for files as they are kept, and the chart's own file without the dependencies that are ``without``
    a copy here. Raises NotRendered where a copy of such a chart lies there already; a chart that is kept there itself
    is none."""
    own = files.get(posixpath.join(chart, "Chart.yaml"), "")
    stripped = _without(files, chart, without) if without else {}
    if b"file://" not in (own if isinstance(own, bytes) else own.encode()):
        return stripped
    texts = {
        path: content if isinstance(content, str) else content.decode("utf-8", "replace")
        for path, content in files.items()
        if posixpath.basename(path) == "Chart.yaml"
    }
    below = posixpath.join(chart, "charts") + "/"
    for _, folder in kept(texts, chart, readings):
        copy = below + posixpath.basename(folder)
        same = "-[0-9]" if folder == copy else "(/|-[0-9])"
        if any(re.match(rf"{re.escape(copy)}{same}", path) for path in files):
            raise NotRendered(say("manifests.has_copy_below_charts", chart=chart, folder=folder))
    return vendored(files, texts, chart, readings) | stripped


def _without(files: Files, chart: str, names: Sequence[str]) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    for name in ("Chart.yaml", "requirements.yaml"):
        path = posixpath.join(chart, name)
        if path not in files:
            continue
        content = files[path]
        try:
            whole = yaml.safe_load(content)
        except yaml.YAMLError as error:
            raise NotRendered(say("manifests.no_mapping", found=path)) from error
        if isinstance(whole, dict) and isinstance(whole.get("dependencies"), list):
            left = [d for d in mappings(whole, "dependencies") if called(d) not in names]
            found[path] = yaml.safe_dump({**whole, "dependencies": left}, sort_keys=False)
    return found


def called(dependency: Mapping[str, object]) -> str:
    """The name that a dependency's values stand under."""
    return text(dependency, "alias") or text(dependency, "name")


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
