"""Charts that a chart brings along from the same repository: ``repository: file://../api``. Pure.

Source: Helm's chart reference (dependencies), https://helm.sh/docs/topics/charts/.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from manifests import reading, values
from manifests.index import Index
from manifests.refused import Refused
from manifests.rendering import Files
from manifests.shapes import mappings, text

_DEEP = 8


def local(chart_file: str) -> Iterator[tuple[str, str]]:
    """(name that its values stand under, folder as written) of each dependency by ``file://`` in a Chart.yaml."""
    try:
        documents = reading.read(reading.without_bom(chart_file)[1])
    except Refused:
        return
    content = values.value_of(documents[0].root) if documents else None
    for entry in mappings(content, "dependencies"):
        repository = text(entry, "repository")
        if repository.startswith("file://"):
            yield text(entry, "alias") or text(entry, "name"), repository.removeprefix("file://")


def kept(texts: Mapping[str, str], chart: str) -> list[tuple[str, str]]:
    """(name, folder in the repository) of a chart's dependencies by ``file://``."""
    found = []
    for name, written in local(texts.get(posixpath.join(chart, "Chart.yaml"), "")):
        folder = posixpath.normpath(posixpath.join(chart, written))
        if folder != "." and not folder.startswith("..") and f"{folder}/Chart.yaml" in texts:
            found.append((name, folder))
    return found


def folders(index: Index, chart: str) -> list[str]:
    """The folders of all charts that a chart brings along, theirs included."""
    found: dict[str, None] = {}
    waiting = [chart]
    while waiting:
        for _, folder in kept(index.texts, waiting.pop()):
            if folder not in found and folder != chart:
                found[folder] = None
                waiting.append(folder)
    return list(found)


def vendored(files: Files, texts: Mapping[str, str], chart: str) -> dict[str, bytes | str]:
    """The files that ``helm dependency build`` would put below ``charts/``, for what is in the repository."""
    out: dict[str, bytes | str] = {}
    waiting = [(chart, chart, 0)]
    while waiting:
        source, target, depth = waiting.pop()
        for _, folder in kept(texts, source) if depth < _DEEP else ():
            # One folder for each chart: Helm tells aliases of one chart apart by Chart.yaml.
            inside = posixpath.join(target, "charts", posixpath.basename(folder))
            for path, content in files.items():
                if path.startswith(folder + "/"):
                    out[posixpath.join(inside, path.removeprefix(folder + "/"))] = content
            waiting.append((folder, inside, depth + 1))
    return out
