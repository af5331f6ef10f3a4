"""Charts of a registry that the configured cache has: their releases, and charts that bring them along, are rendered. Pure.

Only an exact version is looked up. A ``Chart.lock`` counts where its digest is that of what Chart.yaml asks for.
Sources: Helm's chart reference, and how its resolver hashes dependencies (``sha256`` of both lists as Go writes JSON).
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kfix.texts import say
from manifests.helm.layers import Layer, Release
from manifests.objects.shapes import mappings, text
from manifests.refused import EditRefused, NotEditable
from manifests.repository import packed, subcharts
from manifests.repository.dependencies import called
from manifests.repository.index import RepositoryIndex
from manifests.repository.rendering import CACHED, RenderSession
from manifests.text import equivalence, read

_EXACT = re.compile(r"v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
#: What Go's JSON writes otherwise.
_ESCAPED = {"&": "\\u0026", "<": "\\u003c", ">": "\\u003e"}


def is_cached(chart: str | None) -> bool:
    """Is it a chart that the cache has, and not the repository?"""
    return chart is not None and chart.startswith(f"{CACHED}/")


def of_release(index: RepositoryIndex, bench: RenderSession, release: Release) -> Release:
    """A release of a chart that is kept elsewhere with the chart of the cache, where that has just that version."""
    if release.chart is not None or not release.kept:
        return release
    path = _known(index, bench, release.kept, release.version)
    if not path:
        return release
    layers = [layer for layer in release.layers if not layer.default]
    return replace(release, chart=path, layers=(_defaults(index, path), *layers), kept="")


def of_dependencies(
    index: RepositoryIndex, bench: RenderSession, chart: str, lacking: Sequence[tuple[str, str]]
) -> tuple[dict[str, str], list[Layer]]:
    """(packed chart by the name that its values stand under, their own values) of the dependencies that the cache has."""
    wanted = {key for key, _ in lacking}
    locked = _locked(index, chart)
    found: dict[str, str] = {}
    layers: list[Layer] = []
    for entry in subcharts.declared(index, chart):
        name, key = text(entry, "name"), called(entry)
        version = text(entry, "version") if locked is None else locked.get(name, "")
        path = _known(index, bench, name, version) if key in wanted else ""
        if path:
            found[key] = path
            own = _defaults(index, path)
            layers.append(replace(own, values={key: own.values}))
    return found, layers


def _known(index: RepositoryIndex, bench: RenderSession, name: str, version: str) -> str:
    """How a recipe names the packed chart; empty where the cache does not have it."""
    if not _EXACT.fullmatch(version):
        return ""
    path = posixpath.join(CACHED, f"{name}-{version}.tgz")
    content = bench.cached(posixpath.basename(path))
    if content is None:
        return ""
    packed.keep(index, path, content)
    said = subcharts.yaml_of(index, path, "Chart.yaml")
    return path if (text(said, "name"), text(said, "version")) == (name, version) else ""


def _defaults(index: RepositoryIndex, path: str) -> Layer:
    why = say("manifests.named_chart_kept_elsewhere", chart=posixpath.basename(path))
    values = subcharts.values_of(index, path)
    return Layer(path, values, default=True, sealed=EditRefused("VALUE_FANOUT", why))


def _locked(index: RepositoryIndex, chart: str) -> Mapping[str, str] | None:
    """Versions by name; ``None`` without a lock. A lock of other dependencies says none."""
    content = index.files.get(posixpath.join(chart, "Chart.lock"))
    if content is None:
        return None
    try:
        documents = read.read(read.decode(content))
    except NotEditable:
        return {}
    lock = equivalence.filled(documents[0].root) if documents else None
    listed = mappings(lock, "dependencies")
    if text(lock, "digest") != digest(subcharts.declared(index, chart), listed):
        return {}
    return {text(entry, "name"): text(entry, "version") for entry in listed}


def digest(required: Sequence[Mapping[str, Any]], locked: Sequence[Mapping[str, Any]]) -> str:
    """The digest that ``helm dependency update`` writes into a Chart.lock."""
    both = [[_told(entry) for entry in entries] for entries in (required, locked)]
    written = json.dumps(both, separators=(",", ":"), ensure_ascii=False)
    written = re.sub("[&<>]", lambda char: _ESCAPED[char[0]], written)
    return "sha256:" + hashlib.sha256(written.encode()).hexdigest()


def _told(entry: Mapping[str, Any]) -> dict[str, Any]:
    optional = ("condition", "tags", "enabled", "import-values", "alias")
    version = {"version": text(entry, "version")} if entry.get("version") else {}
    rest = {key: _sorted(entry[key]) for key in optional if entry.get(key)}
    return {"name": text(entry, "name"), **version, "repository": text(entry, "repository"), **rest}


def _sorted(node: Any) -> Any:
    """With the keys of mappings in order, as Go writes them."""
    if isinstance(node, Mapping):
        return {key: _sorted(node[key]) for key in sorted(node)}
    return [_sorted(item) for item in node] if isinstance(node, list) else node
