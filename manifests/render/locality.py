"""Does a Kustomization build from this repository alone? Asked before kustomize runs, which would fetch the rest. Pure.

kustomize reads its file as Go reads JSON: names in any case count, and merge keys are written out. What could mean
something else to it than it means here is refused.
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kfix.texts import say
from manifests.objects.shapes import items, mapping, mappings, text
from manifests.refused import NotEditable
from manifests.repository import tree
from manifests.repository.kustomize import NAMES
from manifests.repository.rendering import Files, NotRendered
from manifests.text import equivalence
from manifests.text import read as reading
from manifests.text.readings import Readings
from schemas.base import Json

_LISTS = (
    "resources",
    "bases",
    "components",
    "crds",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "patchesStrategicMerge",
)
_WITH_PATHS = ("patches", "patchesJson6902", "replacements")
_PLUGINS = ("generators", "transformers", "validators")
_GENERATORS = ("configMapGenerator", "secretGenerator")
_FETCHING = ("helmCharts", "helmChartInflationGenerator")
#: Names that can make kustomize load something, as it spells them.
_SPELLING = {
    name.lower(): name
    for name in (
        *_LISTS,
        *_WITH_PATHS,
        *_GENERATORS,
        *_FETCHING,
        "openapi",
        "path",
        "files",
        "envs",
        "env",
        "helmGlobals",
        "patchPath",
    )
}
_MOST = 200
_ADDRESS = re.compile(r"[a-z+]{2,10}://\S*|git@\S+|git::\S+|github\.com/\S+", re.IGNORECASE)


def check(files: Files, folder: str, readings: Readings) -> None:
    """Raises NotRendered when something that ``folder`` builds from is not a file or folder of the repository."""
    waiting, seen = [folder], set[str]()
    folders_here = functools.cache(lambda: tree.folders_of(files))
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        if len(seen) > _MOST:
            raise NotRendered(say("manifests.more_than_kustomizations", most=_MOST))
        content = kustomization(files, here, readings)
        _check_content(files, here, content)
        for name in _named(content):
            path = posixpath.normpath(posixpath.join(here, name))
            if path.startswith("..") or name.startswith("/"):
                raise NotRendered(
                    say("manifests.reaches_out_repository", here=here or ".", name=name[:80])
                )
            if path in files:
                continue
            if path != "." and path not in folders_here():
                raise NotRendered(
                    say("manifests.builds_from_elsewhere", where=here or ".", found=name[:80])
                )
            waiting.append("" if path == "." else path)


def folders(files: Files, folder: str, readings: Readings) -> list[str]:
    """The folders that a Kustomization is built from, its own first. Raises NotRendered as ``check``."""
    built: dict[str, None] = {}
    beside: dict[str, None] = {}
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        if here in built:
            continue
        built[here] = None
        content = kustomization(files, here, readings)
        for chart, values in charts(here, content):
            beside |= dict.fromkeys([chart, *map(posixpath.dirname, values)])
        for name in _named(content):
            path = below(here, name)
            if path in files:
                beside[posixpath.dirname(path)] = None
            else:
                waiting.append(path)
    return list(built | beside)


def _check_content(files: Files, folder: str, content: Mapping[str, Any]) -> None:
    where = folder or "."
    for key in _keys(content, 3):
        if key == "<<":
            raise NotRendered(say("manifests.uses_merge_key_hides_what", where=where))
        if _SPELLING.get(key.lower(), key) != key:
            raise NotRendered(
                say(
                    "manifests.spells_as",
                    where=where,
                    spelling=_SPELLING[key.lower()],
                    key=repr(key[:40]),
                )
            )
    if content.get("helmChartInflationGenerator"):
        raise NotRendered(say("manifests.inflates_chart_from_elsewhere", where=where))
    for chart, values in charts(folder, content):
        # With a repository kustomize asks that for the version, whatever lies here.
        if posixpath.join(chart, "Chart.yaml") not in files or _has_repository(content):
            raise NotRendered(say("manifests.inflates_chart_from_elsewhere", where=where))
        for path in values:
            if path not in files:
                raise NotRendered(
                    say("manifests.builds_from_elsewhere", where=where, found=path[:80])
                )
    for loaded in _loaded(files, folder, content):
        found = _ADDRESS.search(loaded)
        if found:
            raise NotRendered(
                say("manifests.builds_from_elsewhere", where=where, found=found[0][:80])
            )


def charts(folder: str, content: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """(folder, values files) of each chart that a Kustomization inflates, as paths of the repository."""
    home = text(mapping(content, "helmGlobals"), "chartHome") or "charts"
    for entry in mappings(content, "helmCharts"):
        named = [entry.get("valuesFile"), *items(entry, "additionalValuesFiles")]
        yield below(folder, f"{home}/{text(entry, 'name')}"), [below(folder, n) for n in named if n]


def _has_repository(content: Mapping[str, Any]) -> bool:
    return any(entry.get("repo") for entry in mappings(content, "helmCharts"))


def _keys(node: object, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield str(key)
            yield from _keys(value, depth - 1)
    elif isinstance(node, list):
        for item in node:
            yield from _keys(item, depth)


def _loaded(files: Files, folder: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Words that generators load, and the texts of plugins' own files, in which any address may be loaded."""
    for generator in _GENERATORS:
        for entry in mappings(content, generator):
            for item in [*items(entry, "files"), *items(entry, "envs"), entry.get("env")]:
                yield str(item)
    for key in _PLUGINS:
        for name in items(content, key):
            if "\n" in str(name):
                yield str(name)
            path = below(folder, name)
            yield from (_decoded(files[p]) for p in files if p == path or p.startswith(path + "/"))


def _decoded(content: bytes | str) -> str:
    return content if isinstance(content, str) else content.decode("utf-8", "replace")


def _named(content: Mapping[str, Any]) -> list[str]:
    """Every file and folder that a Kustomization names outside of its generators of ConfigMaps and Secrets."""
    found = [str(item) for key in _LISTS for item in items(content, key) if "\n" not in str(item)]
    for key in _WITH_PATHS:
        found += [text(entry, "path") for entry in mappings(content, key) if entry.get("path")]
    schema = text(mapping(content, "openapi"), "path")
    return [*found, schema] if schema else found


def below(folder: str, name: object) -> str:
    """A path that a Kustomization in ``folder`` names, as paths of the repository are written."""
    path = posixpath.normpath(posixpath.join(folder, str(name)))
    return "" if path == "." else path


def kustomization(files: Files, folder: str, readings: Readings) -> Mapping[str, Any]:
    """A folder's Kustomization. Raises NotRendered when there is none, or none that can be read."""
    found = [
        posixpath.join(folder, name) for name in NAMES if posixpath.join(folder, name) in files
    ]
    if len(found) != 1:
        raise NotRendered(
            say(
                "manifests.object_in_place",
                object=say("manifests.several_kustomizations")
                if found
                else say("manifests.no_kustomization"),
                place=folder or ".",
            )
        )
    documents = read(files, found[0], readings)
    if len(documents) != 1 or not isinstance(documents[0], Mapping):
        raise NotRendered(say("manifests.no_mapping", found=found[0]))
    return documents[0]


def read(files: Files, path: str, readings: Readings) -> list[Json]:
    """The documents of a file that are not empty. Raises NotRendered."""
    try:
        return parse(reading.decode(files[path]), readings)
    except NotEditable as refused:
        raise NotRendered(say("manifests.about", what=path, why=refused.reason)) from None


def parse(content: str, readings: Readings) -> list[Json]:
    """The documents of a text that are not empty. Raises NotEditable as ``reading.read``."""
    documents = readings.read(content)
    return [v for v in (equivalence.value_of(d.root) for d in documents) if v is not None]
