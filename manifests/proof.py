"""Proof by rendering: after the edit, the planned objects differ in the planned fields, and nothing else differs. Pure.

Everybody who reads a changed file is asked before and after: the overlays and releases that the map of installers names,
each with what it lays on top, or the file itself where nobody does. Exactly one of them has to change, the one of the
environment that was asked for; one that cannot be rendered beside others is a refusal that names both.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from manifests import dependencies, kustomize, paths, reading, rendering
from manifests.environments import is_exact, speaks
from manifests.index import Index, changed_index
from manifests.installers import Installer, Map, read_map, settings
from manifests.kustomize import Graph
from manifests.layers import Release
from manifests.releases import (
    INSTALLING,
    Releases,
    declared,
    makes_installers,
    read_releases,
    with_values,
)
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
    #: Does it fail only because somebody who reads a changed file cannot be rendered?
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the rendering should show. ``carried``: changes of objects that carry values for others (a HelmRelease)."""

    changes: Sequence[KubernetesChange]
    carried: Sequence[KubernetesChange] = ()
    #: Does the chart that makes an object stand elsewhere, so that only its values can be seen?
    elsewhere: bool = False
    #: (release, namespace) of charts whose releases say none, by chart.
    installed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    #: The environment that was asked for.
    environment: str = "unknown"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a planned object changed as planned."""

    label: str
    words: tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """What the renderings showed."""

    #: Where each planned object changed as planned.
    places: dict[str, list[_Place]] = field(default_factory=dict)
    objects: dict[str, Json] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    #: Who reads a changed file, rendered or not.
    readers: dict[str, None] = field(default_factory=dict)
    #: Does somebody read a changed file whose doings cannot be followed, whatever programs are installed?
    untold: bool = False
    rendered: int = 0
    unchanged: list[str] = field(default_factory=list)
    #: Who makes a planned object too, where the edit does not reach.
    others: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Side:
    """The repository before or after."""

    index: Index
    bench: Workbench
    releases: Releases
    whole: Map


@dataclass(frozen=True, slots=True)
class _Unit:
    """Something to render before and after. ``extra``: files that are there for the rendering alone."""

    label: str
    before: Recipe
    after: Recipe
    words: tuple[str, ...] = ()
    namespace: str = ""
    forced: bool = False
    extra: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
    #: ConfigMaps made of changed values files: they carry values to a release, whose own rendering is looked at.
    carriers: tuple[str, ...] = ()
    #: Is it rendered only to see that it stays as it is, since it reads none of the changed files?
    witness: bool = False


def prove(index: Index, changed: Mapping[str, str], wanted: Wanted, bench: Workbench) -> Proof:
    """Renders before and after ``changed`` (texts by path) and compares. Never raises for what cannot be rendered."""
    after = changed_index(index, changed)
    seen = _Seen()
    if _is_ordinary(index, changed):
        # Nothing that builds or installs was touched, so that the map is the same afterwards.
        read_map(index)
        after.memo |= {key: index.memo[key] for key in ("graph", "map", "charts")}
        sides = _bare(index, bench), _bare(after, bench)
    else:
        first = _side(index, bench)
        sides = first, _after(first, after, changed, _Changed(bench, changed))
    units = {
        unit.label + str(unit.before): unit
        for unit in (
            *_built(sides, changed, wanted, seen),
            *_release_units(sides, changed, wanted, seen),
        )
    }
    if len(units) > _MOST:
        return Proof("fail", f"{len(units)} renderings depend on it", doubtful=True)
    for unit in units.values():
        _judge_unit(unit, changed, bench, wanted, seen)
    for path in changed:
        if _is_plain(sides, path):
            _compare_plain(path, sides, wanted, seen)
    _check_carriers(sides[0], wanted, seen)
    _check_others(sides[0], wanted, seen)
    return _verdict(wanted, seen)


def _is_ordinary(index: Index, changed: Mapping[str, str]) -> bool:
    """Are the changed files plain manifests, in a repository whose installers can be read without a rendering?"""
    graph = kustomize.read_graph(index)
    charts = dependencies.charts(index)
    if any(makes_installers(index, chart) for chart in charts):
        return False
    if any(graph.roots_of(p) for kind in INSTALLING for p in index.by_kind.get(kind, ())):
        return False
    declaring = {path for kind in INSTALLING for path in index.by_kind.get(kind, ())}
    return all(
        any(path in found for found in index.by_kind.values())
        and path not in declaring
        and not graph.builds_of(path)
        and not any(path.startswith(f"{chart}/" if chart else "") for chart in charts)
        for path in changed
    )


def _bare(index: Index, bench: Workbench) -> _Side:
    return _Side(index, bench, Releases(), read_map(index))


def _side(index: Index, bench: Workbench) -> _Side:
    if not dependencies.charts(index) and not any(index.by_kind.get(kind) for kind in INSTALLING):
        return _bare(index, bench)
    graph = kustomize.read_graph(index)
    releases = read_releases(index, graph, bench)
    known = [*declared(index, graph, bench, []), *releases.made]
    return _Side(index, bench, releases, read_map(index, known))


def _after(first: _Side, after: Index, changed: Mapping[str, str], bench: Workbench) -> _Side:
    """The repository after the edit; where only values files changed, everybody installs what they did before."""
    charts = first.releases.charts
    read = {layer.path for one in first.releases.found for layer in one.layers}
    declaring = {path for found in after.by_kind.values() for path in found}
    simple = all(path in read and path not in declaring for path in changed)
    if not simple or any(makes_installers(after, chart) for chart in charts):
        return _side(after, bench)
    after.memo |= {key: first.index.memo[key] for key in ("charts",) if key in first.index.memo}
    releases = with_values(first.releases, after, changed)
    return _Side(after, bench, releases, first.whole)


def _built(
    sides: tuple[_Side, _Side], changed: Mapping[str, str], wanted: Wanted, seen: _Seen
) -> Iterator[_Unit]:
    """Folders that kustomize builds, as their installers lay settings over them."""
    carriers = tuple(
        name
        for k in sides[0].whole.graph.by_folder.values()
        for name, _, file in k.generated
        if wanted.installed and file in changed
    )
    folders: dict[str, None] = {}
    for one, other in _readers(sides, changed):
        folder = one.folder
        if one.trouble:
            _doubt(seen, one.said_by, one.trouble)
        elif folder is not None and sides[1].whole.is_built(folder):
            seen.readers[one.said_by] = folders[folder] = None
            first, second = _on_top(folder, one.on_top), _on_top(folder, other.on_top)
            yield _Unit(
                one.said_by,
                KustomizeBuild(settings.FOLDER if first else folder),
                KustomizeBuild(settings.FOLDER if second else folder),
                one.words,
                one.namespace,
                one.forced,
                (first, second),
                carriers,
            )
        elif folder is not None and sides[0].whole.chart_of(folder):
            _check_known(sides[0], folder, one, seen)
    for folder in _witnesses(sides[0].whole.graph, list(folders)):
        yield _Unit(folder, KustomizeBuild(folder), KustomizeBuild(folder), witness=True)


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


def _check_known(side: _Side, chart: str, one: Installer, seen: _Seen) -> None:
    if not side.releases.of(chart):
        _doubt(seen, one.said_by, "it is not known what it installs")


def _readers(
    sides: tuple[_Side, _Side], changed: Mapping[str, str]
) -> Iterator[tuple[Installer, Installer]]:
    """Everybody who reads a changed file, as they are before and after."""
    found: dict[tuple[str, str | None], Installer] = {}
    for side in reversed(sides):
        for path in changed:
            for one in side.whole.reaching(path):
                found[one.said_by, one.folder] = one
    later = {(one.said_by, one.folder): one for one in sides[1].whole.installers}
    for key, one in found.items():
        yield one, later.get(key, one)


def _on_top(folder: str, on_top: Mapping[str, object]) -> dict[str, str]:
    return dict([settings.wrapped(folder, on_top)]) if on_top else {}


def _doubt(seen: _Seen, label: str, why: str) -> None:
    seen.readers[label] = None
    seen.unknown.append(f"{label}: {why}")
    seen.untold = True


def _release_units(
    sides: tuple[_Side, _Side], changed: Mapping[str, str], wanted: Wanted, seen: _Seen
) -> Iterator[_Unit]:
    then = {_identity(release): release for release in sides[1].releases.found}
    for release in sides[0].releases.found:
        later = then.get(_identity(release))
        if not _is_reached(sides, release, later, changed):
            continue
        if release.chart is None or later is None or release.trouble:
            _doubt(seen, release.said_by, release.trouble or "its chart is kept elsewhere")
            continue
        default = posixpath.basename(release.chart) or "release", ""
        name, namespace = wanted.installed.get(release.chart, default)
        before, after = release.recipe(name, namespace), later.recipe(name, namespace)
        seen.readers[release.said_by] = None
        yield _Unit(release.said_by, before, after, release.words, release.namespace)


def _is_reached(
    sides: tuple[_Side, _Side], release: Release, later: Release | None, changed: Mapping[str, str]
) -> bool:
    """Does the release read one of the changed files?"""
    if {layer.path for layer in release.layers} & changed.keys():
        return True
    if release.chart is None:
        return False
    if later is not None and release.recipe("r") != later.recipe("r"):
        return True
    folders = [release.chart, *dependencies.folders(sides[0].index, release.chart)]
    return any(
        (path.startswith(f"{folder}/") if folder else True)
        for path in changed
        for folder in folders
        if not _is_values_of_another(sides[0].releases, release, path)
    )


def _is_values_of_another(releases: Releases, release: Release, path: str) -> bool:
    """Values files for other releases stand in the chart's folder too; templates do not read them."""
    return any(
        layer.path == path and not layer.default
        for other in releases.of(release.chart or "")
        if other is not release
        for layer in other.layers
    )


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
        before = bench.render(unit.before, unit.extra[0] or None)
        after = bench.render(unit.after, {**changed, **unit.extra[1]})
        for name in unit.carriers:
            before, after = (kustomize.without_hash(text, name) for text in (before, after))
        differences = [
            d
            for d in rendering.compare(before, after)
            if not (d.key[0] == "ConfigMap" and d.key[2] in unit.carriers)
        ]
        if any(_planned(d, wanted, unit) is None for d in differences):
            noise = rendering.unsteady(bench, unit.before)
            differences = [
                d
                for d in differences
                if _planned(d, wanted, unit) is not None or d.key not in noise
            ]
        seen.rendered += 2
    except NotRendered as failure:
        if not unit.witness:
            seen.unknown.append(f"{unit.label}: {failure}")
        return
    _judge(unit, differences, wanted, seen)


def _is_plain(sides: tuple[_Side, _Side], path: str) -> bool:
    """Is the file applied as it is? Values files declare nothing."""
    if any(side.whole.graph.builds_of(path) for side in sides):
        return False
    folder, charts = posixpath.dirname(path), dependencies.charts(sides[1].index)
    if any(folder == chart or folder.startswith(chart + "/") for chart in charts if chart):
        return False
    return any(path in found for found in sides[1].index.by_kind.values())


def _compare_plain(path: str, sides: tuple[_Side, _Side], wanted: Wanted, seen: _Seen) -> None:
    """Documents are compared in their order; a file of its own is applied as it is, by everybody who applies it."""
    index, after = sides[0].index, sides[1].index
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
    own = Installer(path, words=(path,))
    applied = [o for o in sides[0].whole.reaching(path) if not o.trouble and not _builds(sides, o)]
    for one in applied or [own]:
        seen.readers[one.said_by] = None
        nothing = KustomizeBuild(path)
        words = (*one.words, path)
        unit = _Unit(one.said_by, nothing, nothing, words, one.namespace, one.forced)
        _judge(unit, differences, wanted, seen)


def _builds(sides: tuple[_Side, _Side], one: Installer) -> bool:
    folder = one.folder
    return folder is not None and (
        sides[0].whole.is_built(folder) or sides[0].whole.chart_of(folder)
    )


def _documents(index: Index, path: str) -> list[Json]:
    return rendering.parsed(reading.without_bom(index.texts[path])[1])


def _judge(unit: _Unit, differences: Sequence[Difference], wanted: Wanted, seen: _Seen) -> None:
    differences = [d for d in differences if not rendering.is_derived(d)]
    if not differences:
        seen.unchanged.append(unit.label)
    for difference in differences:
        change = _planned(difference, wanted, unit)
        if change is None or not _as_planned(difference, change):
            seen.unexpected.append(f"{unit.label}: {_named(difference)}")
            continue
        key = change.object.key
        seen.places.setdefault(key, []).append(_Place(unit.label, unit.words))
        if difference.after is not None:
            seen.objects[key] = _placed(difference.after, change.object)


def _planned(difference: Difference, wanted: Wanted, unit: _Unit) -> KubernetesChange | None:
    """The change that means the object; where the installer says a namespace, one of that namespace."""
    kind, namespace, name = difference.key
    if unit.namespace and (unit.forced or not namespace):
        namespace = unit.namespace
    for change in (*wanted.changes, *wanted.carried):
        where = namespace if change.object.namespace else ""
        if rendering.means((kind, where, name), change.object):
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
        planned = rendering.expected(difference.before, change.fields)
        return rendering.same(rendering.steady(planned), rendering.steady(difference.after))
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


def _check_others(side: _Side, wanted: Wanted, seen: _Seen) -> None:
    """Who else makes the object in the environment asked for, without the edit: then that one may be the one meant."""
    for change in wanted.changes:
        places = {place.label for place in seen.places.get(change.object.key, ())}
        if change.action != "patch" or not places:
            continue
        found, _ = side.index.sightings(change.object.kind, change.object.name)
        namespace = change.object.namespace
        found = [s for s in found if not namespace or s.namespace in ("", namespace)]
        readers = {one.said_by: one for s in found for one in side.whole.reaching(s.path)}
        unnamed = any(label in readers and readers[label].unnamed for label in places)
        exact = all(
            _is_exact(place.words, wanted.environment) for place in seen.places[change.object.key]
        )
        for label, one in readers.items():
            if label in places or not _may_hold(one, change.object):
                continue
            said = speaks(one.words, wanted.environment, change.object.name)
            if exact and one.unnamed and not _is_exact(one.words, wanted.environment):
                continue  # production-eu beside production
            if said == "yes" or (unnamed and not one.unnamed and said != "no"):
                seen.others.append(f"{label} makes it too, and would not change")


def _is_exact(words: Sequence[str], environment: str) -> bool:
    return any(is_exact(word, environment) for word in words)


def _may_hold(one: Installer, ref: ObjectRef) -> bool:
    return one.namespace in ("", ref.namespace) or not ref.namespace


def _check_carriers(side: _Side, wanted: Wanted, seen: _Seen) -> None:
    """A ConfigMap or Secret that deployers take values from reaches what they install."""
    for change in wanted.changes:
        ref = change.object
        if ref.kind not in ("ConfigMap", "Secret"):
            continue
        for path in (*side.index.by_kind.get("helmrelease", ()), *_flux_files(side.index)):
            text = side.index.texts[path]
            if ref.name in text and ("valuesFrom" in text or "substituteFrom" in text):
                _doubt(seen, path, f"it takes values from {ref.kind} {ref.name}")


def _flux_files(index: Index) -> list[str]:
    return [p for p in index.by_kind.get("kustomization", ()) if "substituteFrom" in index.texts[p]]


def _verdict(wanted: Wanted, seen: _Seen) -> Proof:
    numbers = {
        key: f"as planned in {', '.join(place.label for place in places)}"
        for key, places in seen.places.items()
    }
    numbers["renderings"] = str(seen.rendered)
    if seen.unchanged:
        numbers["unchanged"] = ", ".join(seen.unchanged)
    reason = _objection(wanted, seen)
    if reason:
        return Proof("fail", reason, numbers, seen.objects)
    if seen.unknown:
        reason = f"not rendered: {'; '.join(seen.unknown[:3])}"
        if len(seen.readers) > 1 or (seen.untold and not wanted.elsewhere):
            named = [label for label in seen.readers if not seen.unknown[0].startswith(f"{label}:")]
            beside = f", beside {', '.join(named[:3])}" if named else ""
            reason = f"{seen.unknown[0]}; so nobody can tell what the edit changes there{beside}"
            return Proof("fail", reason, numbers, seen.objects, doubtful=True)
        return Proof("unknown", reason, numbers, seen.objects)
    missing = [c.object.key for c in wanted.changes if c.object.key not in seen.places]
    carried = all(c.object.key in seen.places for c in wanted.carried)
    if missing and wanted.elsewhere and carried:
        carriers = ", ".join(c.object.key for c in wanted.carried) or "only the value"
        reason = (
            f"{carriers} changes as planned; the chart that makes {missing[0]} is kept elsewhere"
        )
        return Proof("unknown", reason, numbers, seen.objects)
    missing += [c.object.key for c in wanted.carried if c.object.key not in seen.places]
    if missing:
        return Proof("fail", f"nothing changes for {missing[0]}", numbers, seen.objects)
    return Proof(
        "pass",
        "rendered before and after: the planned fields change, and nothing else",
        numbers,
        seen.objects,
    )


def _objection(wanted: Wanted, seen: _Seen) -> str:
    """Why the edit must not be made, as far as it was rendered; empty when nothing speaks against it."""
    if seen.unexpected:
        return f"more than the plan would change: {'; '.join(seen.unexpected[:3])}"
    for key, places in seen.places.items():
        if len(places) > 1:
            listed = ", ".join(place.label for place in places)
            return f"{key} would change in {len(places)} places: {listed}"
        name = key.rpartition("/")[2]
        for place in places:
            if speaks(place.words, wanted.environment, name) == "no":
                return f"{wanted.environment} was asked for, and {place.label} deploys {key} to another environment"
        if seen.others:
            return f"{key} changes in {places[0].label}; {seen.others[0]}"
    return ""
