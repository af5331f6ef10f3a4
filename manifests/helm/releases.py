"""Which Helm releases a repository declares, and what values reach them in which order.

A release is an Argo CD Application, a Flux HelmRelease, or, where neither installs a chart of the repository, the chart
itself with one of its environments' values files.
Sources: Argo CD's Helm page (parameters over valuesObject over values over valueFiles over values.yaml), Flux's
HelmRelease v2 reference (values over valuesFrom over chart.spec.valuesFiles over values.yaml).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from kfix.texts import say
from manifests.helm import (
    cached,
    helmfile_layers,
    inflated,
    set_values,
    value_files,
    values_from,
)
from manifests.helm.layers import Layer, Release, missing
from manifests.objects import paths
from manifests.objects.shapes import items, mapping, mappings, text
from manifests.refused import EditRefused, NotEditable
from manifests.repository import (
    application_sets,
    argocd,
    dependencies,
    kustomize,
    rendering,
    subcharts,
    variables,
)
from manifests.repository.declared import declared_objects, kept_values, values_of
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import (
    argo,
    commands,
    fleet,
    flux,
    helmfile,
    revisions,
    set_options,
)
from manifests.repository.installers.settings import FOLDER, from_flux, wrapped
from manifests.repository.kustomize import Graph
from manifests.repository.paper import is_paper
from manifests.repository.rendering import (
    HelmTemplate,
    KustomizeBuild,
    NotRendered,
    RenderSession,
    parsed,
)
from schemas.base import Json, ObjectRef
from schemas.text import sentence_of

#: Kinds that install something, as the index has them.
INSTALLING = ("application", "applicationset", "helmrelease", "kustomization")
_INSTALLS = re.compile(
    r"(?m)^\s*(kind:\s*['\"]?(Application|ApplicationSet|HelmRelease)\b|apiVersion:\s*['\"]?(argoproj\.io|kustomize\.toolkit))"
)
_MAY_INSTALL = re.compile(r"argoproj\.io|fluxcd")


@dataclass(slots=True)
class Releases:
    """All releases of a repository, and the charts they are of."""

    charts: tuple[str, ...] = ()
    found: list[Release] = field(default_factory=list)
    #: Kustomizations and charts that could not be built, so that releases in them are unknown.
    troubles: list[str] = field(default_factory=list)
    #: Charts that make Applications or HelmReleases and could not be rendered, with why.
    unmade: dict[str, str] = field(default_factory=dict)
    #: Applications and HelmReleases that charts make, with who makes them.
    made: list[tuple[str, Json]] = field(default_factory=list)
    #: Charts that were rendered for what they make: their templates are no declarations of their own.
    making: set[str] = field(default_factory=set)

    def is_template(self, place: str) -> bool:
        """Is the file a template of a chart whose rendering tells what it makes?"""
        return any(place.startswith(posixpath.join(one, "templates") + "/") for one in self.making)

    def of(self, chart: str) -> list[Release]:
        """The releases of one chart."""
        return [release for release in self.found if release.chart == chart]

    def known(self) -> set[str | None]:
        """The charts that have a release."""
        return {release.chart for release in self.found}


def read_releases(index: RepositoryIndex, graph: Graph, bench: RenderSession) -> Releases:
    """Everything that installs a chart. Kustomizations and charts above Applications and HelmReleases are built for it.
    Read once for an index and a renderer, unless something could not be built."""
    key = f"releases by {type(bench).__module__}"
    known = index.memo.get(key)
    if isinstance(known, Releases):
        return known
    found = _read(index, graph, bench)
    if not found.troubles:
        index.memo[key] = found
    return found


def with_values(releases: Releases, index: RepositoryIndex, changed: Iterable[str]) -> Releases:
    """The releases with the texts that values files have in ``index``, where nothing else changed."""
    files = set(changed)
    out = Releases(releases.charts, made=releases.made, making=releases.making)
    for release in releases.found:
        read = {layer.path for layer in release.layers} & files
        if read:
            known = [one for one in release.layers if one.default]
            if any(one.path in read for one in known):
                known = value_files.defaults(index, release.chart)
            own = [one for one in release.layers if not one.default]
            layers = (*known, *(_reread(index, one) if one.path in read else one for one in own))
            release = replace(release, layers=layers)  # noqa: PLW2901
        out.found.append(release)
    return out


def _reread(index: RepositoryIndex, layer: Layer) -> Layer:
    inside = value_files.file(index, layer.path)
    sealed = None if layer.absent else layer.sealed
    absent = layer.absent and layer.path not in index.texts
    return replace(layer, values=inside.values, sealed=sealed or inside.sealed, absent=absent)


def _read(index: RepositoryIndex, graph: Graph, bench: RenderSession) -> Releases:
    charts = tuple(sorted(posixpath.dirname(p) for p in index.texts if _is_chart(index, p)))
    releases = Releases(charts)
    placed = list(_declared_releases(index, graph, bench, releases.troubles))
    releases.found += [release for _, release in placed]
    releases.found += [*inflated.releases(index, graph), *_of_files(index)]
    releases.found += list(_by_themselves(index, releases))
    for maker, item in _of_charts(index, bench, releases):
        releases.found += made_by(index, maker, item)
        releases.made.append((maker.said_by, item))
        releases.making.add(str(maker.chart))
    releases.making -= releases.unmade.keys()
    templates = {id(release) for place, release in placed if releases.is_template(place)}
    releases.found = [release for release in releases.found if id(release) not in templates]
    applied = {release.chart for release in releases.found if release.owner is not None}
    releases.found = [
        _doubted(
            _incomplete(cached.of_release(index, bench, r), index, bench), index, releases.unmade
        )
        for r in releases.found
        if not (r.alone and r.chart in applied)
    ]
    return releases


def _by_themselves(index: RepositoryIndex, releases: Releases) -> Iterator[Release]:
    """Charts that nobody is known to install and that are no part of another one."""
    charts = releases.charts
    apart = {folder for chart in charts for folder in dependencies.folders(index, chart)}
    apart |= {chart for chart in releases.known() if chart is not None}
    outside = value_files.OutsideOfCharts(index, charts)
    # Files that a release of another chart reads are that one's values.
    read = {layer.path for r in releases.found for layer in r.layers if not layer.default}
    for chart in charts:
        if chart not in apart and not value_files.is_dependency(chart, outside.charts):
            yield from _by_itself(index, chart, outside, read)


def _declared_releases(
    index: RepositoryIndex, graph: Graph, bench: RenderSession, troubles: list[str]
) -> Iterator[tuple[str, Release]]:
    """(folder or file, release)."""
    known = declared(index, graph, bench, troubles)
    above: dict[str, list[tuple[str, Json]]] = {}
    for place, item in known:
        if item.get("kind") == "Kustomization":
            folder = argocd.folder_of(text(item, "spec", "path") or ".")
            above.setdefault(folder, []).append((place, item))
    for place, item in known:
        beside = values_from.config_maps(index, bench, place)
        deployers = above.get(place, []) if item.get("kind") == "HelmRelease" else []
        for release in _of_item(index, graph, place, item, beside):
            tools = (index, graph, bench, beside)
            yield from ((place, one) for one in _as_deployed(release, item, deployers, tools))


_Tools = tuple[RepositoryIndex, Graph, RenderSession, values_from.ConfigMaps]


def _as_deployed(
    release: Release, item: Json, deployers: Sequence[tuple[str, Json]], tools: _Tools
) -> Iterator[Release]:
    """A HelmRelease as each of Flux's Kustomizations deploys the folder that it is built in."""
    index, graph, bench, beside = tools
    if not any(_lays_on_top(mapping(deployer, "spec")) for _, deployer in deployers):
        namespaces = [text(deployer, "spec", "targetNamespace") for _, deployer in deployers]
        yield _in_target(release, namespaces)
        return
    for place, deployer in deployers:
        spec, name = mapping(deployer, "spec"), text(deployer, "metadata", "name")
        said = say("manifests.flux_kustomization_in", name=name, place=place)
        folder = argocd.folder_of(text(spec, "path") or ".")
        try:
            built = _laid_on_top(bench, folder, spec, item)
            filled = [_filled(index, spec, one) for one in built if _ref(one) == _ref(item)]
        except (NotRendered, NotEditable) as failure:
            why = say("manifests.about", what=said, why=sentence_of(failure))
            yield replace(release, trouble=why)
            continue
        label = folder if len(deployers) == 1 else said
        for one in filled:
            for made in _of_item(index, graph, label, one, beside):
                told = _in_target(made, [text(spec, "targetNamespace")])
                yield replace(told, words=(*told.words, place))


def _lays_on_top(spec: Mapping[str, Any]) -> bool:
    return any(spec.get(key) for key in ("patches", "patchesStrategicMerge", "postBuild"))


def _laid_on_top(
    bench: RenderSession, folder: str, spec: Mapping[str, Any], item: Json
) -> list[Json]:
    """What the folder makes with the patches on top. Raises NotRendered."""
    on_top = {key: value for key, value in from_flux(spec).items() if key != "namespace"}
    if not on_top.get("patches") and not on_top.get("patchesStrategicMerge"):
        return [item]
    return parsed_only(bench.render(KustomizeBuild(FOLDER), dict([wrapped(folder, on_top)])))


def _filled(index: RepositoryIndex, spec: Mapping[str, Any], item: Json) -> Json:
    """With the variables filled in. Raises NotEditable where that leaves no YAML."""
    written = yaml.safe_dump(item, sort_keys=False, allow_unicode=True)
    known = variables.known(index, spec) if variables.fills(spec) else None
    text_of = variables.filled(written, known)
    return item if text_of == written else argocd.text_values(text_of)


def _in_target(release: Release, namespaces: Sequence[str]) -> Release:
    """A release that says no namespace is in the one that its folder is put into."""
    if release.namespace or len(set(namespaces)) != 1:
        return release
    return replace(release, namespace=namespaces[0])


def _incomplete(release: Release, index: RepositoryIndex, bench: RenderSession) -> Release:
    """With the charts that its own chart depends on and that are not here."""
    if release.chart is None or cached.is_cached(release.chart):
        return release
    absent = subcharts.lacking(index, release.chart)
    if not absent:
        return release
    packed, layers = cached.of_dependencies(index, bench, release.chart, absent)
    if packed:
        absent = [(key, name) for key, name in absent if key not in packed]
        files = tuple(dict.fromkeys(packed.values()))
        release = replace(release, packed=files, layers=(*layers, *release.layers))
        if not absent:
            return release
    switches = [
        word.strip()
        for entry in subcharts.declared(index, str(release.chart))
        for word in text(entry, "condition").split(",")
    ]
    unseen: list[paths.Path] = [("global",), ("tags",), *((key,) for key, _ in absent)]
    unseen += [tuple(word.split(".")) for word in switches if word]
    names = {key for key, _ in absent}
    handing = (
        entry
        for entry in subcharts.declared(index, str(release.chart))
        if entry.get("import-values") and dependencies.called(entry) in names
    )
    why = next((say("manifests.chart_not_here", chart=text(e, "name")) for e in handing), "")
    trouble = release.trouble or why
    return replace(release, lacking=tuple(absent), unseen=tuple(unseen), trouble=trouble)


def _doubted(release: Release, index: RepositoryIndex, unmade: Mapping[str, str]) -> Release:
    """A chart that nobody is known to install may be installed by one that could not be rendered and names it."""
    if not unmade or not release.alone or not release.chart or release.trouble:
        return release
    folder, _, name = release.chart.rpartition("/")
    filled = rf"|{re.escape(folder)}/\{{\{{" if folder else ""
    named = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-]){filled}")
    for chart, why in unmade.items():
        texts = (t for p, t in index.texts.items() if p.startswith(f"{chart}/" if chart else ""))
        if chart != release.chart and any(named.search(text_of) for text_of in texts):
            return replace(release, trouble=why)
    return release


def _of_item(
    index: RepositoryIndex,
    graph: Graph,
    place: str,
    item: Json,
    beside: values_from.ConfigMaps,
) -> list[Release]:
    if item.get("kind") == "HelmRelease":
        return [_of_flux(index, graph, item, place, beside)]
    if item.get("kind") == "Application":
        return list(_of_argo(index, item, place))
    if "generators" not in item["spec"]:
        return []
    found = application_sets.expanded(item, index.files, index.readings)
    complete = found.complete and not found.by_clusters
    return [
        release
        for one in found.of_elements
        for release in _of_argo(index, one.item, place, set_values.Maker(item, one, complete))
    ]


def made_by(index: RepositoryIndex, maker: Release, item: Json) -> list[Release]:
    """The releases that an object says which the chart of ``maker`` makes."""
    graph, place = kustomize.read_graph(index), maker.said_by
    found = _of_item(index, graph, place, item, values_from.no_config_map)
    return [replace(_sealed(release, place), maker=maker) for release in found]


def recipe_of(maker: Release) -> HelmTemplate:
    """How a chart is rendered for what it makes."""
    return maker.recipe(posixpath.basename(maker.chart or "") or "release")


def _sealed(release: Release, place: str) -> Release:
    """A chart makes the Application: what stands in it is made of that chart's values."""
    why = EditRefused(
        "TEMPLATED",
        say("manifests.place_makes", place=place, what=release.said_by.partition(" in ")[0]),
    )
    layers = tuple(replace(one, sealed=why) if one.owner else one for one in release.layers)
    return replace(release, layers=layers)


def _of_charts(
    index: RepositoryIndex, bench: RenderSession, releases: Releases
) -> Iterator[tuple[Release, Json]]:
    """Applications and HelmReleases that charts of the repository make, with who makes them: an app of apps."""
    for release in list(releases.found):
        if release.chart is None or not makes_installers(index, release.chart):
            continue
        try:
            built = parsed_only(bench.render(recipe_of(release)))
        except NotRendered as failure:
            why = say("manifests.about", what=release.said_by, why=sentence_of(failure))
            releases.unmade[release.chart] = why
            releases.troubles.append(why)
            continue
        for item in (found for one in built for found in installing(one)):
            yield release, item


def parsed_only(text_of: str) -> list[Json]:
    """The objects of a rendering that may install something."""
    documents = [d for d in rendering.documents_of(text_of) if "argoproj.io" in d or "fluxcd" in d]
    return [item for document in documents for item in parsed(document)]


def makes_installers(index: RepositoryIndex, chart: str) -> bool:
    """Do templates of the chart make Applications, HelmReleases or Kustomizations of Flux? Asked once for an index."""
    known = index.memo.setdefault("making installers", {})
    assert isinstance(known, dict)
    if chart not in known:
        known[chart] = _makes_installers(index, chart)
    found: bool = known[chart]
    return found


def _makes_installers(index: RepositoryIndex, chart: str) -> bool:
    for path in index.below(posixpath.join(chart, "templates")):
        content = index.files[path]
        text_of = content if isinstance(content, str) else content.decode("utf-8", "replace")
        if _INSTALLS.search(text_of):
            return True
    return False


def says_in_files(index: RepositoryIndex) -> bool:
    """May files of other tools than Kubernetes' own declare releases here? Told by their names."""
    return fleet.has_bundles(index) or any("helmfile" in path for path in index.files)


def _of_files(index: RepositoryIndex) -> Iterator[Release]:
    """Releases that files of other tools declare: Fleet's targets, helmfile's environments, commands of scripts."""
    yield from _of_fleet(index)
    yield from _of_helmfile(index)
    yield from _of_commands(index)


def _of_fleet(index: RepositoryIndex) -> Iterator[Release]:
    for target in fleet.targets(index):
        if target.chart is not None or target.kept:
            layers = value_files.defaults(index, target.chart)
            layers += [value_files.entry(index, *entry) for entry in target.layers]
            yield Release(
                target.chart, target.release, target.namespace,
                tuple(layers), target.said_by,
                trouble=("" if target.kept else target.trouble) or missing(layers),
                words=target.words, kept=target.kept, version=target.version if target.kept else "",
            )  # fmt: skip


def _of_helmfile(index: RepositoryIndex) -> Iterator[Release]:
    for one in helmfile.releases(index):
        if one.chart is not None or one.kept:
            layers = value_files.defaults(index, one.chart)
            layers += helmfile_layers.of_release(index, one)
            words = (one.environment, one.namespace, one.name, one.place)
            yield Release(
                one.chart, one.name, one.namespace, tuple(layers), one.said_by,
                trouble=("" if one.kept else one.trouble) or missing(layers),
                words=words, kept=one.kept, filling=helmfile_layers.filling_of(index, one),
            )  # fmt: skip


def _of_commands(index: RepositoryIndex) -> Iterator[Release]:
    for installed in commands.installed(index):
        layers = value_files.defaults(index, installed.chart)
        layers += [value_files.file(index, path) for path in installed.value_files]
        if installed.sets:
            layers.append(_set_on(installed))
        name = "" if commands.holds_any(installed.name) else installed.name
        namespace = "" if commands.holds_any(installed.namespace) else installed.namespace
        yield Release(
            installed.chart, name, namespace, tuple(layers), installed.said_by,
            trouble=installed.trouble or missing(layers), words=installed.words,
        )  # fmt: skip


def _set_on(installed: commands.CommandChart) -> Layer:
    sets = dict(installed.sets)
    names = ", ".join(set_options.leaves(sets))
    why = say("manifests.command_line_sets", installer=installed.said_by, names=names)
    said = say("manifests.values_set_on", installer=installed.said_by)
    return Layer(said, sets, sealed=EditRefused("OVERRIDDEN", why), told=True)


def _is_chart(index: RepositoryIndex, path: str) -> bool:
    return posixpath.basename(path) == "Chart.yaml" and "{{" not in index.texts[path]


def _chart_at(index: RepositoryIndex, folder: str) -> str | None:
    return folder if posixpath.join(folder, "Chart.yaml") in index.texts else None


def declared(
    index: RepositoryIndex, graph: Graph, bench: RenderSession, troubles: list[str]
) -> list[tuple[str, Json]]:
    """(folder or file, Application, ApplicationSet or HelmRelease), as they are once Kustomizations were built; as they
    stand where one cannot be, which ``troubles`` is told. Built once for an index and a renderer, unless one cannot be."""
    key, failures = f"declared by {type(bench).__module__}", len(troubles)
    known = index.memo.get(key)
    if isinstance(known, list):
        return known
    found = list(_declared(index, graph, bench, troubles))
    if len(troubles) == failures:
        index.memo[key] = found
    return found


def _declared(
    index: RepositoryIndex, graph: Graph, bench: RenderSession, troubles: list[str]
) -> Iterator[tuple[str, Json]]:
    roots: dict[str, None] = {}
    kept: list[tuple[list[str], str, Json]] = []
    for kind in INSTALLING:
        for path in index.by_kind.get(kind, []):
            if is_paper(index, path):
                continue
            above = [root.folder for root in graph.roots_of(path)]
            roots |= dict.fromkeys(above)
            try:
                stated = kept_values(index, path)
            except NotEditable:
                continue
            kept += [(above, path, found) for one in stated for found in installing(one)]
    failed: set[str] = set()
    for folder in roots:
        try:
            listed = _as_they_stand(index, graph, folder)
            built = parsed(bench.render(KustomizeBuild(folder))) if listed is None else listed
        except NotRendered as failure:
            troubles.append(say("manifests.about", what=folder, why=sentence_of(failure)))
            failed.add(folder)
            continue
        for item in (found for one in built for found in installing(one)):
            yield folder, item
    for above, path, item in kept:
        if not above or failed & set(above):
            yield path, item


#: What kustomize takes apart or leaves out by itself.
_OF_KUSTOMIZE = re.compile(r"(?m)^\s*kind:.*List\b|config\.kubernetes\.io/|^\{|\$patch")


def _as_they_stand(index: RepositoryIndex, graph: Graph, folder: str) -> list[Json] | None:
    """What a Kustomization that only lists files is built of, where those may install something; ``None`` where it takes
    kustomize to tell."""
    found: list[Json] = []
    for one in graph.below(graph.by_folder[folder]):
        if one.trouble or one.component or not one.listing:
            return None
        for path in one.uses:
            text_of = index.texts.get(path)
            if text_of is None and path not in graph.by_folder:
                return None
            if text_of is None or not _MAY_INSTALL.search(text_of):
                continue
            if _OF_KUSTOMIZE.search(text_of):
                return None
            try:
                found += values_of(index, path)
            except NotEditable:
                return None
    return found


def installing(item: Json) -> Iterator[Json]:
    """The object itself where it installs something."""
    if isinstance(item, dict) and isinstance(item.get("spec"), dict):
        group = str(item.get("apiVersion", "")).partition("/")[0]
        if (item.get("kind"), group) in (
            ("Application", "argoproj.io"),
            ("ApplicationSet", "argoproj.io"),
            ("HelmRelease", "helm.toolkit.fluxcd.io"),
            ("Kustomization", "kustomize.toolkit.fluxcd.io"),
        ):
            yield item


def _ref(item: Json) -> ObjectRef:
    return ObjectRef(
        api_version=text(item, "apiVersion"),
        kind=text(item, "kind"),
        namespace=text(item, "metadata", "namespace"),
        name=text(item, "metadata", "name"),
    )


def _of_flux(
    index: RepositoryIndex, graph: Graph, item: Json, place: str, beside: values_from.ConfigMaps
) -> Release:
    ref, spec = _ref(item), item["spec"]
    inside = mapping(spec, "chart", "spec")
    kind = text(inside, "sourceRef", "kind")
    kept_here = kind in flux.WITH_FOLDERS and text(inside, "chart")
    apart = revisions.of_reference(index, item, place, mapping(inside, "sourceRef"))
    known = _chart_at(index, argocd.folder_of(text(inside, "chart"))) if kept_here else None
    if apart is not None and apart.surely:
        known = None  # of another revision, whose files are not here
    layers = value_files.defaults(index, known)
    for name in items(inside, "valuesFiles"):
        layers.append(value_files.file_of(index, argocd.folder_of(str(name)), apart))
    layers += [
        values_from.referenced(index, graph, entry, beside, namespace=ref.namespace, place=place)
        for entry in mappings(spec, "valuesFrom")
    ]
    layers.append(
        Layer(
            say("manifests.spec_values", object=ref.key),
            mapping(spec, "values"),
            owner=ref,
            at=("spec", "values"),
        )
    )
    target = text(spec, "targetNamespace")
    name = text(spec, "releaseName") or (f"{target}-{ref.name}" if target else ref.name)
    trouble = say("manifests.has_post_renderers") if spec.get("postRenderers") else missing(layers)
    return Release(
        known,
        name,
        target or ref.namespace,
        tuple(layers),
        say("manifests.object_in_place", object=ref.key, place=place),
        ref,
        trouble,
        words=tuple(word for word in (place, ref.name, ref.namespace, target) if word),
        apart=apart.why if apart else "",
        kept="" if known else _kept(index, spec, inside),
        version=text(inside, "version"),
    )


def _kept(index: RepositoryIndex, spec: Mapping[str, Any], inside: Mapping[str, Any]) -> str:
    """What a chart is called that a HelmRelease takes from elsewhere."""
    reference = mapping(spec, "chartRef")
    if not reference:
        return posixpath.basename(text(inside, "chart"))
    for _, source in declared_objects(index, text(reference, "kind").lower()):
        if text(source, "metadata", "name") == text(reference, "name"):
            return posixpath.basename(text(source, "spec", "url")) or text(source, "spec", "chart")
    return text(reference, "name")


def _argo_files(index: RepositoryIndex, item: Json, source: argocd.HelmSource) -> Iterator[Layer]:
    """The values files of a source, of whichever source of the Application they are."""
    lenders = [lender for _, lender in argo.value_files(item, source.said)]
    for path, lender in zip(source.value_files, lenders, strict=False):
        if source.lenient and path not in index.files:
            yield value_files.absent(path)
        else:
            yield value_files.file_of(index, path, revisions.of_source(index, lender))


def _of_argo(
    index: RepositoryIndex, item: Json, place: str, maker: set_values.Maker | None = None
) -> Iterator[Release]:
    ref = _ref(item)
    destination = text(item, "spec", "destination", "namespace")
    for source in argocd.helm_sources(item):
        chart = None if source.chart else _chart_at(index, source.folder)
        if chart is None and not source.chart:
            continue
        apart = revisions.of_source(index, source.said)
        if apart is not None and apart.surely:
            chart = None  # of another revision, whose files are not here
        layers = [*value_files.defaults(index, chart), *_argo_files(index, item, source)]
        for said, content, at, refusal in source.inline:
            inline = Layer(
                say("manifests.said_of_object", said=said, object=ref.key),
                content,
                "",
                ref,
                at,
                _leaf(content) if "parameters" in at else (),
                refusal,
                written=_written(item, at),
                absent=not content and at[-1] == "valuesObject",
            )
            layers += [inline] if maker is None else set_values.layers(inline, maker)
        override = posixpath.join(source.folder, f".argocd-source-{ref.name}.yaml")
        trouble = (
            say("manifests.overrides", override=override)
            if override in index.texts
            else source.trouble
        )
        trouble = trouble or missing(layers)
        yield Release(
            chart,
            source.release or ref.name,
            destination,
            tuple(layers),
            say("manifests.object_in_place", object=ref.key, place=place),
            ref,
            trouble,
            words=argo.words(item, place, source.said, mapping(item, "spec", "destination")),
            apart=apart.why if apart else "",
            kept="" if chart else posixpath.basename(source.chart),
            version=text(source.said, "targetRevision") if source.chart else "",
        )


def _written(item: Json, at: paths.Path) -> str:
    found = paths.find(item, at, None)
    return found if isinstance(found, str) and "parameters" not in at else ""


def _leaf(content: Mapping[str, Any]) -> paths.Path:
    keys: list[str] = []
    node: Any = content
    while isinstance(node, Mapping) and node:
        key, node = next(iter(node.items()))
        keys.append(str(key))
    return tuple(keys)


def _by_itself(
    index: RepositoryIndex, chart: str, outside: value_files.OutsideOfCharts, read: set[str]
) -> Iterator[Release]:
    """A chart that nothing here installs: one release for each of its environments' values files, and the bare one.
    ``read``: values files that others install with."""
    own = value_files.defaults(index, chart)
    for path in sorted({*value_files.environment_files(index, chart, outside)} - read):
        layers = (*own, value_files.file(index, path))
        yield Release(chart, "", "", layers, path, words=(path,), alone=True)
    said = posixpath.join(chart, "values.yaml")
    yield Release(chart, "", "", tuple(own), said, words=(said,), alone=True)
