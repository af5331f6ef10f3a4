"""Everybody who reads changed files, before and after an edit, as something to render. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kfix.texts import say
from manifests.helm import cached
from manifests.helm.layers import Release, seen_elsewhere
from manifests.helm.releases import (
    INSTALLING,
    Releases,
    declared,
    makes_installers,
    read_releases,
    says_in_files,
    with_values,
)
from manifests.repository import dependencies, kustomize
from manifests.repository.index import RepositoryIndex, changed_index
from manifests.repository.installers import Installer, Map, read_map, settings
from manifests.repository.kustomize import Graph
from manifests.repository.rendering import KustomizeBuild, Recipe, RenderSession
from schemas.base import Json, ObjectRef

#: Who deploys charts with values of their own.
_DEPLOYERS = ("argocd", "flux", "fleet", "helmfile")
#: Overlays rendered to see that they stay as they are.
_WITNESSES = 8
#: (release, namespace) of charts whose releases say none, by chart.
Installed = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ChangedPlace:
    """Where a planned object changed as planned."""

    label: str
    words: tuple[str, ...]
    #: Why it may read another revision than the one that is edited; empty: it reads this one.
    apart: str = ""
    #: The object that says it, where one does.
    owner: ObjectRef | None = None


@dataclass(slots=True)
class RenderedChanges:
    """What the renderings showed."""

    #: Where each planned object changed as planned.
    places: dict[str, list[ChangedPlace]] = field(default_factory=dict)
    objects: dict[str, Json] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    #: Who reads a changed file, rendered or not.
    readers: dict[str, None] = field(default_factory=dict)
    #: Does somebody read a changed file whose doings cannot be followed, whatever programs are installed?
    untold: bool = False
    rendered: int = 0
    unchanged: list[str] = field(default_factory=list)
    #: Whose values change for charts that are kept elsewhere, so that what becomes of them is not seen.
    elsewhere: list[ChangedPlace] = field(default_factory=list)
    #: Who makes a planned object too, where the edit does not reach.
    others: list[str] = field(default_factory=list)

    def doubt(self, label: str, why: str) -> None:
        """Somebody reads a changed file and cannot be followed."""
        self.readers[label] = None
        self.unknown.append(say("manifests.about", what=label, why=why))
        self.untold = True


@dataclass(frozen=True, slots=True)
class Side:
    """The repository before or after."""

    index: RepositoryIndex
    bench: RenderSession
    releases: Releases
    whole: Map


@dataclass(frozen=True, slots=True)
class Unit:
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
    #: As in ``ChangedPlace``.
    apart: str = ""
    #: Objects that it makes and whose values reach releases of their own, which are looked at too.
    hands_on: frozenset[tuple[str, str, str]] = frozenset()
    #: Variables that are filled in afterwards, before and after the edit.
    variables: tuple[Mapping[str, str] | None, Mapping[str, str] | None] = (None, None)
    #: Does it read changed files only as values of a chart that is kept elsewhere? Those are compared.
    inflates: bool = False


def _is_ordinary(index: RepositoryIndex, changed: Mapping[str, str]) -> bool:
    """Are the changed files plain manifests, in a repository whose installers can be read without a rendering?"""
    graph = kustomize.read_graph(index)
    charts = dependencies.charts(index)
    if any(makes_installers(index, chart) for chart in charts):
        return False
    if any(graph.roots_of(p) for kind in INSTALLING for p in index.by_kind.get(kind, ())):
        return False
    declaring = {path for kind in INSTALLING for path in index.by_kind.get(kind, ())}
    if _may_carry(index, changed):
        return False
    return all(
        any(path in found for found in index.by_kind.values())
        and path not in declaring
        and not graph.builds_of(path)
        and not any(path.startswith(f"{chart}/" if chart else "") for chart in charts)
        for path in changed
    )


def _may_carry(index: RepositoryIndex, changed: Mapping[str, str]) -> bool:
    """May a HelmRelease take values from a changed file?"""
    if not changed.keys() & {*index.by_kind.get("configmap", ())}:
        return False
    return any("valuesFrom" in index.texts[p] for p in index.by_kind.get("helmrelease", ()))


def _bare(index: RepositoryIndex, bench: RenderSession) -> Side:
    return Side(index, bench, Releases(), read_map(index))


def side_of(index: RepositoryIndex, bench: RenderSession) -> Side:
    """A repository with all that installs something in it, also what its Kustomizations and charts make of installers."""
    declaring = any(index.by_kind.get(kind) for kind in INSTALLING) or says_in_files(index)
    if not dependencies.charts(index) and not declaring:
        return _bare(index, bench)
    graph = kustomize.read_graph(index)
    releases = read_releases(index, graph, bench)
    key = f"map by {type(bench).__module__}"
    whole = index.memo.get(key)
    if not isinstance(whole, Map):
        stated = declared(index, graph, bench, [])
        apart = [(place, item) for place, item in stated if not releases.is_template(place)]
        whole = read_map(index, [*apart, *releases.made])
        if not releases.troubles:
            index.memo[key] = whole
    return Side(index, bench, releases, whole)


def _after(
    first: Side, after: RepositoryIndex, changed: Mapping[str, str], bench: RenderSession
) -> Side:
    """The repository after the edit; where only values files changed, everybody installs what they did before."""
    charts = first.releases.charts
    read = {layer.path for one in first.releases.found for layer in one.layers}
    read -= {file for one in first.releases.found if one.filling for file in one.filling.files}
    declaring = {path for found in after.by_kind.values() for path in found}
    simple = all(path in read and path not in declaring for path in changed)
    if not simple or any(makes_installers(after, chart) for chart in charts):
        return side_of(after, bench)
    after.memo |= {key: first.index.memo[key] for key in ("charts",) if key in first.index.memo}
    releases = with_values(first.releases, after, changed)
    return Side(after, bench, releases, first.whole)


def _built(
    sides: tuple[Side, Side],
    changed: Mapping[str, str],
    seen: RenderedChanges,
    *,
    handed_on: bool,
) -> Iterator[Unit]:
    """Folders that kustomize builds, as their installers lay settings over them."""
    carriers = tuple(
        name
        for k in sides[0].whole.graph.by_folder.values()
        for name, _, file in k.generated
        if handed_on and file in changed
    )
    folders: dict[str, None] = {}
    kept = {
        release.said_by
        for release in sides[0].releases.found
        if release.chart is None or cached.is_cached(release.chart)
    }
    for one, other in _readers(sides, changed):
        folder = one.folder
        if one.folder is None and one.said_by.replace("//", "/") in kept:
            continue  # its values are compared, and nothing more of it is here
        if one.trouble:
            seen.doubt(one.said_by, one.trouble)
        elif folder is not None and sides[1].whole.is_built(folder):
            seen.readers[one.said_by] = folders[folder] = None
            first, second = _on_top(folder, one.on_top), _on_top(folder, other.on_top)
            yield Unit(
                one.said_by,
                KustomizeBuild(settings.FOLDER if first else folder),
                KustomizeBuild(settings.FOLDER if second else folder),
                one.words,
                one.namespace,
                one.forced,
                (first, second),
                carriers,
                apart=one.apart.why if one.apart else "",
                variables=(one.variables, other.variables),
                inflates=_inflates_only(sides[0], folder, changed),
            )
        elif folder is not None and sides[0].whole.chart_of(folder):
            _check_known(sides[0], folder, one, seen)
    for folder in _witnesses(sides[0].whole.graph, list(folders)):
        yield Unit(folder, KustomizeBuild(folder), KustomizeBuild(folder), witness=True)


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


def _check_known(side: Side, chart: str, one: Installer, seen: RenderedChanges) -> None:
    if not side.releases.of(chart):
        seen.doubt(one.said_by, say("manifests.not_known_what_installs"))


def _readers(
    sides: tuple[Side, Side], changed: Mapping[str, str]
) -> Iterator[tuple[Installer, Installer]]:
    """Everybody who reads a changed file, as they are before and after."""
    found: dict[tuple[str, str | None], Installer] = {}
    for side in reversed(sides):
        for path in changed:
            for one in side.whole.reaching(path):
                if not one.cannot_read:
                    found[one.said_by, one.folder] = one
    later = {(one.said_by, one.folder): one for one in sides[1].whole.installers}
    for one in sides[0].whole.installers:
        other = later.get((one.said_by, one.folder))
        if other is None or one.cannot_read:
            continue
        if (other.on_top, other.variables) != (one.on_top, one.variables):
            found[one.said_by, one.folder] = one
    for key, one in found.items():
        yield one, later.get(key, one)


def _on_top(folder: str, on_top: Mapping[str, object]) -> dict[str, str]:
    return dict([settings.wrapped(folder, on_top)]) if on_top else {}


def _release_units(
    sides: tuple[Side, Side],
    changed: Mapping[str, str],
    installed: Installed,
    seen: RenderedChanges,
) -> Iterator[Unit]:
    then = {_identity(release): release for release in sides[1].releases.found}
    for release in sides[0].releases.found:
        later = then.get(_identity(release))
        if later is not None and (release.chart is None or release.lacking):
            if _values_differ(release, later, changed):
                seen.elsewhere += _places_of(release, sides[0].whole.graph)
            if release.chart is None:
                continue
        if release.inflated_in is not None or not _is_reached(sides, release, later, changed):
            continue
        if release.chart is None or later is None or release.trouble:
            seen.doubt(release.said_by, release.trouble or say("manifests.chart_kept_elsewhere"))
            continue
        if release.alone:
            _doubt_deployers(sides[0], release.chart, seen)
        default = posixpath.basename(release.chart) or "release", ""
        name, namespace = installed.get(release.chart, default)
        before, after = release.recipe(name, namespace), later.recipe(name, namespace)
        seen.readers[release.said_by] = None
        words, apart = release.words, release.apart
        owners = (r.owner for r in sides[0].releases.found if r.maker and r.owner)
        yield Unit(
            release.said_by,
            before,
            after,
            words,
            release.namespace,
            apart=apart,
            hands_on=frozenset((o.kind, o.namespace, o.name) for o in owners),
        )


def _doubt_deployers(side: Side, chart: str, seen: RenderedChanges) -> None:
    """A chart that nobody is known to install may be installed by a deployer that names it and cannot be followed, with
    values of its own."""
    for one in side.whole.reaching(posixpath.join(chart, "Chart.yaml")):
        if one.trouble and one.by in _DEPLOYERS and not one.cannot_read:
            seen.doubt(one.said_by, one.trouble)


def _places_of(release: Release, graph: Graph) -> Iterator[ChangedPlace]:
    """Where a release deploys to; one that a Kustomization inflates, with each overlay that builds from that."""
    if release.inflated_in is None:
        yield ChangedPlace(release.said_by, release.words, release.apart, release.owner)
        return
    own = graph.by_folder[release.inflated_in]
    for root in graph.builds_of(own.path) or [own]:
        yield ChangedPlace(root.path, (root.folder,))


def _inflates_only(side: Side, folder: str, changed: Mapping[str, str]) -> bool:
    """Is all that an overlay reads of the changed files values for a chart that is kept elsewhere?"""
    graph = side.whole.graph
    inflating = {
        release.inflated_in
        for release in side.releases.found
        if release.chart is None and release.inflated_in is not None
    }
    below = graph.below(graph.by_folder[folder])
    handed: set[str] = set()
    for one in below:
        if one.folder in inflating:
            handed |= {one.path, *one.others}
    read = {f for k in below for f in (*k.uses, *k.patch_files, *(g for *_, g in k.generated))}
    return bool(handed & changed.keys()) and not read & changed.keys()


def _values_differ(release: Release, later: Release, changed: Mapping[str, str]) -> bool:
    """Do charts see other values that are not in the repository? Files that did not change are not read for it."""
    if release is later or (
        len(release.layers) == len(later.layers)
        and all(
            one.path == two.path
            and (one.path not in changed if one.path else one.values == two.values)
            for one, two in zip(release.layers, later.layers, strict=True)
        )
    ):
        return False
    return seen_elsewhere(release) != seen_elsewhere(later)


def _is_reached(
    sides: tuple[Side, Side], release: Release, later: Release | None, changed: Mapping[str, str]
) -> bool:
    """Does the release read one of the changed files?"""
    if {layer.path for layer in release.layers} & changed.keys():
        return True
    if release.chart is None:
        return False
    if later is not None and later is not release and release.recipe("r") != later.recipe("r"):
        return True
    folders = [release.chart, *dependencies.folders(sides[0].index, release.chart)]
    return any(
        (not folder or path.startswith(f"{folder}/"))
        and not _is_values_of_another(sides[0].releases, release, path)
        for path in changed
        for folder in folders
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

    bench: RenderSession
    changed: Mapping[str, str]

    def render(self, recipe: Recipe, changed: Mapping[str, str] | None = None) -> str:
        return self.bench.render(recipe, {**self.changed, **(changed or {})})

    def cached(self, name: str) -> bytes | None:
        return self.bench.cached(name)


def sides_of(
    index: RepositoryIndex, changed: Mapping[str, str], bench: RenderSession
) -> tuple[Side, Side]:
    """The repository before and after ``changed`` (texts by path)."""
    after = changed_index(index, changed)
    if _is_ordinary(index, changed):
        # Nothing that builds or installs was touched, so that the map is the same afterwards.
        read_map(index)
        after.memo |= {key: index.memo[key] for key in ("graph", "map", "charts")}
        return _bare(index, bench), _bare(after, bench)
    first = side_of(index, bench)
    return first, _after(first, after, changed, _Changed(bench, changed))


def _moved(before: Side, after: Side) -> list[str]:
    """What Applications are there on one side alone, or deploy to another place: that is no change of a field."""
    if before.whole is after.whole:
        return []
    first, second = _placed(before.whole), _placed(after.whole)
    gone = (say("manifests.goes_away", what=one[0]) for one in first if one not in second)
    come = (say("manifests.appears", what=one[0]) for one in second if one not in first)
    return [*gone, *come]


def _placed(whole: Map) -> dict[tuple[str, str | None, str, str], None]:
    found = (one for one in whole.installers if one.by == "argocd")
    return dict.fromkeys((one.said_by, one.folder, one.cluster, one.namespace) for one in found)


def units_of(
    sides: tuple[Side, Side],
    changed: Mapping[str, str],
    installed: Installed,
    seen: RenderedChanges,
    *,
    elsewhere: bool = False,
) -> list[Unit]:
    """What is rendered before and after, each once. ``seen`` is told who reads a changed file and who cannot be.
    ``elsewhere``: values of a chart change that is kept elsewhere."""
    handed_on = bool(installed) or elsewhere
    seen.unexpected += _moved(*sides)
    found = (
        *_built(sides, changed, seen, handed_on=handed_on),
        *_release_units(sides, changed, installed, seen),
    )
    return list({unit.label + str(unit.before): unit for unit in found}.values())
