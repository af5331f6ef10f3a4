"""Proof by rendering: after the edit, the planned objects differ in the planned fields, and nothing else differs. Pure.

Everything that a changed file reaches is rendered before and after: the Kustomizations above it, the releases of its
chart, or the file itself where nothing builds from it; and, as witnesses, overlays that share a base with them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from manifests import kustomize, paths, reading, rendering
from manifests.index import Index, changed_index
from manifests.kustomize import Graph
from manifests.layers import Release
from manifests.releases import read_releases
from manifests.rendering import Difference, KustomizeBuild, NotRendered, Recipe, Workbench
from schemas.base import Json, ObjectRef
from schemas.plans import KubernetesChange

#: Overlays rendered to see that they stay as they are.
_WITNESSES = 8
_MOST = 60


@dataclass(frozen=True, slots=True)
class Proof:
    """A verdict with its numbers, and the planned objects as they will reach the cluster, by ``ObjectRef.key``."""

    verdict: Literal["pass", "fail", "unknown"]
    reason: str
    numbers: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the rendering should show. ``carried``: changes of objects that carry values for others (a HelmRelease)."""

    changes: Sequence[KubernetesChange]
    carried: Sequence[KubernetesChange] = ()
    #: Does the chart that makes an object stand elsewhere, so that only its values can be seen?
    elsewhere: bool = False
    #: (release, namespace) of charts whose releases say none, by chart.
    installed: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Seen:
    """What the renderings showed."""

    #: Units in which each planned object changed as planned.
    places: dict[str, list[str]] = field(default_factory=dict)
    objects: dict[str, Json] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    rendered: int = 0
    unchanged: list[str] = field(default_factory=list)


def prove(index: Index, changed: Mapping[str, str], wanted: Wanted, bench: Workbench) -> Proof:
    """Renders before and after ``changed`` (texts by path) and compares. Never raises for what cannot be rendered."""
    after = changed_index(index, changed)
    sides = _Side(index, kustomize.read_graph(index)), _Side(after, kustomize.read_graph(after))
    seen = _Seen()
    units = _units(sides, changed, bench, wanted, seen)
    if len(units) > _MOST:
        return Proof("unknown", f"{len(units)} renderings depend on it")
    for unit in units:
        _judge_unit(unit, changed, bench, wanted, seen)
    for path in changed:
        if _is_plain(sides, path):
            _compare_plain(path, index, after, wanted, seen)
    return _verdict(wanted, seen)


@dataclass(frozen=True, slots=True)
class _Side:
    """The repository before or after."""

    index: Index
    graph: Graph


@dataclass(frozen=True, slots=True)
class _Unit:
    """Something to render before and after."""

    label: str
    before: Recipe
    after: Recipe
    #: ConfigMaps made of changed values files: they carry values to a release, whose own rendering is looked at.
    carriers: tuple[str, ...] = ()


def _units(
    sides: tuple[_Side, _Side],
    changed: Mapping[str, str],
    bench: Workbench,
    wanted: Wanted,
    seen: _Seen,
) -> list[_Unit]:
    folders = dict.fromkeys(
        root.folder for path in changed for side in sides for root in side.graph.builds_of(path)
    )
    folders |= dict.fromkeys(_witnesses(sides[0].graph, list(folders)))
    graph = sides[0].graph
    carriers = tuple(
        name
        for k in graph.by_folder.values()
        for name, _, file in k.generated
        if wanted.installed and file in changed
    )
    units = [_Unit(f or ".", KustomizeBuild(f), KustomizeBuild(f), carriers) for f in folders]
    return [*units, *_release_units(sides, changed, bench, wanted, seen)]


def _witnesses(graph: Graph, folders: Sequence[str]) -> list[str]:
    """Other overlays that build from a folder which these build from."""
    mine = [graph.by_folder[f] for f in folders if f in graph.by_folder]
    shared = {k.folder for root in mine for k in graph.below(root)} - set(folders)
    others = {
        root.folder
        for folder in sorted(shared)
        for root in graph.roots_of(folder)
        if not root.component
    }
    return sorted(others - set(folders))[:_WITNESSES]


def _release_units(
    sides: tuple[_Side, _Side],
    changed: Mapping[str, str],
    bench: Workbench,
    wanted: Wanted,
    seen: _Seen,
) -> Iterator[_Unit]:
    if not any(posixpath.basename(path) == "Chart.yaml" for path in sides[0].index.texts):
        return
    first = read_releases(sides[0].index, sides[0].graph, bench)
    second = read_releases(sides[1].index, sides[1].graph, _Changed(bench, changed))
    then = {_identity(release): release for release in second.found}
    for release in first.found:
        later = then.get(_identity(release))
        if release.chart is None or later is None:
            continue
        reached = {layer.path for layer in release.layers} & changed.keys()
        folder = f"{release.chart}/" if release.chart else ""
        inside = any(path.startswith(f"{folder}templates/") for path in changed)
        if not (reached or inside or release.recipe("r") != later.recipe("r")):
            continue
        if release.trouble:
            seen.unknown.append(f"{release.said_by}: {release.trouble}")
            continue
        default = posixpath.basename(release.chart) or "release", ""
        name, namespace = wanted.installed.get(release.chart, default)
        before, after = release.recipe(name, namespace), later.recipe(name, namespace)
        yield _Unit(release.said_by, before, after)


def _identity(release: Release) -> tuple[str | None, str, str, str]:
    return release.chart, release.said_by, release.name, release.namespace


@dataclass(frozen=True, slots=True)
class _Changed:
    """A workbench on which the edit has been made."""

    bench: Workbench
    changed: Mapping[str, str]

    def render(self, recipe: Recipe, changed: Mapping[str, str] | None = None) -> str:
        return self.bench.render(recipe, {**self.changed, **(changed or {})})


def _judge_unit(
    unit: _Unit, changed: Mapping[str, str], bench: Workbench, wanted: Wanted, seen: _Seen
) -> None:
    try:
        before, after = bench.render(unit.before), bench.render(unit.after, changed)
        for name in unit.carriers:
            before, after = (kustomize.without_hash(text, name) for text in (before, after))
        differences = [
            d
            for d in rendering.compare(before, after)
            if not (d.key[0] == "ConfigMap" and d.key[2] in unit.carriers)
        ]
        if any(_planned(d, wanted) is None for d in differences):
            noise = rendering.unsteady(bench, unit.before)
            differences = [
                d for d in differences if _planned(d, wanted) is not None or d.key not in noise
            ]
        seen.rendered += 2
    except NotRendered as failure:
        seen.unknown.append(f"{unit.label}: {failure}")
        return
    _judge(unit.label, differences, wanted, seen)


def _is_plain(sides: tuple[_Side, _Side], path: str) -> bool:
    """Is the file applied as it is? Values files declare nothing."""
    if any(side.graph.builds_of(path) for side in sides):
        return False
    texts, folder = sides[1].index.texts, posixpath.dirname(path)
    charts = [posixpath.dirname(p) for p in texts if posixpath.basename(p) == "Chart.yaml"]
    if any(folder == chart or folder.startswith(chart + "/") for chart in charts):
        return False
    return any(path in found for found in sides[1].index.by_kind.values())


def _compare_plain(path: str, index: Index, after: Index, wanted: Wanted, seen: _Seen) -> None:
    """Documents are compared in their order; a file of its own is applied as it is."""
    try:
        old = _documents(index, path) if path in index.texts else []
        new = _documents(after, path)
    except NotRendered as failure:
        seen.unknown.append(f"{path}: {failure}")
        return
    if len(old) not in (0, len(new)):
        seen.unexpected.append(f"{path}: {len(old)} documents become {len(new)}")
        return
    differences = [
        Difference(rendering.key_of(item), before, item)
        for before, item in zip(old or [None] * len(new), new, strict=True)
        if before != item
    ]
    _judge(path, differences, wanted, seen)


def _documents(index: Index, path: str) -> list[Json]:
    return rendering.parsed(reading.without_bom(index.texts[path])[1])


def _judge(label: str, differences: Sequence[Difference], wanted: Wanted, seen: _Seen) -> None:
    if not differences:
        seen.unchanged.append(label)
    for difference in differences:
        change = _planned(difference, wanted)
        if change is None or not _as_planned(difference, change):
            seen.unexpected.append(f"{label}: {_named(difference)}")
            continue
        key = change.object.key
        seen.places.setdefault(key, []).append(label)
        if difference.after is not None:
            seen.objects[key] = _placed(difference.after, change.object)


def _planned(difference: Difference, wanted: Wanted) -> KubernetesChange | None:
    for change in (*wanted.changes, *wanted.carried):
        if rendering.means(difference.key, change.object):
            return change
    return None


def _as_planned(difference: Difference, change: KubernetesChange) -> bool:
    if change.action == "create":
        return difference.before is None and rendering.same(
            _spec(difference.after), _spec(change.manifest)
        )
    if change.action != "patch" or difference.before is None or difference.after is None:
        return False
    try:
        return rendering.same(
            rendering.expected(difference.before, change.fields), difference.after
        )
    except paths.Missing:
        return False


def _spec(item: Json) -> Json:
    """Without metadata, to which Kustomizations add."""
    return {k: v for k, v in item.items() if k != "metadata"} if isinstance(item, dict) else {}


def _named(difference: Difference) -> str:
    what = "/".join(part for part in difference.key if part)
    if difference.before is None:
        return f"{what} appears"
    if difference.after is None:
        return f"{what} goes away"
    return f"{what} changes otherwise"


def _placed(item: Json, ref: ObjectRef) -> Json:
    metadata = {**(item.get("metadata") or {})}
    if ref.namespace:
        metadata.setdefault("namespace", ref.namespace)
    return {**item, "metadata": metadata}


def _verdict(wanted: Wanted, seen: _Seen) -> Proof:
    numbers = {key: f"as planned in {', '.join(places)}" for key, places in seen.places.items()}
    numbers["renderings"] = str(seen.rendered)
    if seen.unchanged:
        numbers["unchanged"] = ", ".join(seen.unchanged)
    if seen.unexpected:
        reason = f"more than the plan would change: {'; '.join(seen.unexpected[:3])}"
        return Proof("fail", reason, numbers, seen.objects)
    several = {key: places for key, places in seen.places.items() if len(places) > 1}
    for key, places in several.items():
        reason = f"{key} would change in {len(places)} places: {', '.join(places)}"
        return Proof("fail", reason, numbers, seen.objects)
    if seen.unknown:
        return Proof(
            "unknown", f"not rendered: {'; '.join(seen.unknown[:3])}", numbers, seen.objects
        )
    missing = [c.object.key for c in wanted.changes if c.object.key not in seen.places]
    if missing and wanted.elsewhere:
        carriers = ", ".join(c.object.key for c in wanted.carried) or "only the value"
        reason = (
            f"{carriers} changes as planned; the chart that makes {missing[0]} is kept elsewhere"
        )
        return Proof("unknown", reason, numbers, seen.objects)
    if missing:
        return Proof("fail", f"nothing changes for {missing[0]}", numbers, seen.objects)
    return Proof(
        "pass",
        "rendered before and after: the planned fields change, and nothing else",
        numbers,
        seen.objects,
    )
