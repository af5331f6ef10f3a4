"""The Helm release that makes an object, found by rendering each one that could. Nothing is guessed from names alone."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kfix.texts import say
from manifests.helm import cached
from manifests.helm.layers import Release
from manifests.helm.releases import Releases
from manifests.helm.value_paths import ABSENT
from manifests.objects import paths
from manifests.objects.meta import labels_of
from manifests.refused import NotEditable
from manifests.repository import argocd, dependencies, own_map, provenance, rendering
from manifests.repository.environments import closeness, matches, of_cluster, speaks
from manifests.repository.index import RepositoryIndex
from manifests.repository.rendering import HelmTemplate, NotRendered, RenderSession
from schemas.base import Json, ObjectRef
from schemas.text import sentence_of

_CHARTS = 40
_INSTANCE = "app.kubernetes.io/instance"
#: A chart's version behind its name.
_VERSION = re.compile(r"-v?[0-9]+\.[0-9].*$")
#: Up to so many releases each is rendered; of more, only those that speak of the object.
_RELEASES = 12


@dataclass(frozen=True, slots=True)
class Search:
    """Where is looked, for what, and what is said on the way. ``marks``: labels and annotations of the live object."""

    index: RepositoryIndex
    releases: Releases
    bench: RenderSession
    ref: ObjectRef
    fields: tuple[paths.Path, ...] = ()
    environment: str = "unknown"
    marks: Mapping[str, str] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    #: The static map's answer: only below these.
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InstalledRelease:
    """A release that renders the object."""

    release: Release
    recipe: HelmTemplate
    text: str
    item: Json


def find(search: Search) -> InstalledRelease | None:
    """The release that renders the object; ``None`` where no chart of this repository does. Raises NotEditable."""
    found = _installing(search)
    return _of_environment(found, search) if found else None


def makers(search: Search, *, everywhere: bool = False, near: int = 0) -> list[str]:
    """Who else may make the object: releases that render it in the environment asked for (``everywhere``: in any), or
    that cannot be rendered and are called like it. ``near``: how close to the environment's name the other way is; a chart
    that nobody is known to install has to be as close, or to have values for it."""
    try:
        found = _installing(search)
    except NotEditable as refused:
        related = [
            release.said_by
            for release in search.releases.found
            if release.chart is not None
            and any(name in search.ref.name for name in _names_of(search.index, release.chart))
        ]
        return [f"{related[0]} ({refused.reason})"] if related else []
    environment, name = search.environment, search.ref.name
    return [
        one.release.said_by
        for one in found
        if (everywhere or speaks(one.release.words, environment, name) != "no")
        and not _is_unlike(one, search)
        and not (_is_idle(one.release, environment, name) and near)
    ]


def _is_idle(release: Release, environment: str, name: str) -> bool:
    """Is it a chart that nobody is known to install, without anything that is called like the environment?"""
    words = release.words
    return (
        release.alone
        and not closeness(words, environment)
        and speaks(words, environment, name) != "yes"
    )


def _is_unlike(one: InstalledRelease, search: Search) -> bool:
    """Does the chart mark what it makes as a chart's, where the live object has labels and none of these?"""
    if not search.marks or provenance.is_charted(search.index, search.marks):
        return False
    return provenance.is_helm({str(k): str(v) for k, v in labels_of(one.item).items()})


def _charts_with(kind: str, speaking: Sequence[Release], index: RepositoryIndex) -> list[str]:
    """The releases' charts that may make an object of the kind."""
    named = dict.fromkeys(r.chart for r in speaking if r.chart is not None)
    packed = {r.chart for r in speaking if r.packed}
    return [chart for chart in named if chart in packed or _has_kind(index, chart, kind)]


def _installed(release: Release, chart: str, search: Search) -> InstalledRelease | str | None:
    """What the release makes of the object, ``None`` for nothing, or why that is not known."""
    trouble = _trouble(release, chart, search)
    if trouble:
        return say("manifests.about", what=release.said_by, why=trouble)
    try:
        return _rendered(release, search)
    except NotRendered as failure:
        return say("manifests.about", what=release.said_by, why=sentence_of(failure))


def _installing(search: Search) -> list[InstalledRelease]:
    ref, speaking = search.ref, within(search, _speaking(search))
    found: list[InstalledRelease] = []
    troubles: list[str] = []
    charts = _charts_with(ref.kind, speaking, search.index)
    if len(charts) > _CHARTS:
        raise NotEditable(
            "NOT_RENDERED", say("manifests.charts_may_make", count=len(charts), object=ref.key)
        )
    for release in speaking:
        chart = release.chart if release.chart in charts else None
        if chart is None or not comes_from(release, search.marks) or not _may_hold(release, ref):
            continue
        installed = _installed(release, chart, search)
        if isinstance(installed, str):
            troubles.append(installed)
        elif installed is not None:
            found.append(installed)
    found = _as_labelled(found, search)
    if not found and troubles:
        search.steps.extend(say("manifests.not_rendered", names=[trouble]) for trouble in troubles)
        raise NotEditable("NOT_RENDERED", troubles[0])
    if found:
        names = ", ".join(i.release.said_by for i in found)
        made_of = str(found[0].release.chart)
        search.steps.append(
            say("manifests.rendering_makes", chart=made_of, object=ref.key, names=names)
        )
    return found


def within(search: Search, found: list[Release]) -> list[Release]:
    """The releases that have their chart, a layer or their own place where the maps say that the object is declared.
    Raises NotEditable NOT_FOUND where the maps leave none."""
    maps = own_map.narrowing(search.index, search.ref, search.environment, search.folders)
    for who, folders in maps:
        left = [release for release in found if _stands_below(release, folders)]
        search.steps.append(say("manifests.map_says_only_below", who=who, names=folders))
        found = left
    return found


def _stands_below(release: Release, folders: tuple[str, ...]) -> bool:
    layers = (layer.path or layer.holder for layer in release.layers if not layer.default)
    places = [release.chart or "", *layers, *release.words]
    return any(own_map.is_below(place, folders) for place in places if place)


def _may_hold(release: Release, ref: ObjectRef) -> bool:
    return not release.namespace or release.namespace == ref.namespace or not ref.namespace


def _trouble(release: Release, chart: str, search: Search) -> str:
    """Why it is not even tried to render the release; empty when it is."""
    hidden = next((p for p in search.index.unreadable if _is_below(p, chart)), "")
    return say("manifests.unread", path=hidden) if hidden else release.trouble


def _speaking(search: Search) -> list[Release]:
    """The releases that could make the object: all of a few; of many, those whose names or texts have to do with it."""
    releases, name = search.releases.found, search.ref.name
    if len(releases) <= _RELEASES:
        return releases
    # As a whole value: "api" stands in every "apiVersion".
    whole = re.compile(rf"(?m)[:-][ \t]*[\"']?{re.escape(name)}[\"']?[ \t]*$")
    texts = ((p, _decoded(content)) for p, content in search.index.files.items())
    mentioning = {path for path, text in texts if name in text and whole.search(text)}
    said = search.marks.get("meta.helm.sh/release-name", "")
    fitting = []
    for release in releases:
        words = [*_names_of(search.index, release.chart or ""), release.name, said]
        words.append(posixpath.basename(release.said_by).partition(".")[0])
        about = any(word and word in name for word in words)
        folder = f"{release.chart}/" if release.chart else ""
        layers = {layer.path for layer in release.layers}
        if about or any(p in layers or p.startswith(folder) for p in mentioning):
            fitting.append(release)
    return fitting


def _decoded(content: bytes | str) -> str:
    return content if isinstance(content, str) else content.decode("utf-8", "replace")


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}/") if folder else True


def _has_kind(index: RepositoryIndex, chart: str, kind: str) -> bool:
    if cached.is_cached(chart):
        return True
    charts = (chart, *dependencies.folders(index, chart))
    wanted = re.compile(rf"(?m)^\s*kind:\s*(['\"]?{re.escape(kind)}\b|\{{\{{)")
    for one in charts:
        for path in index.below(posixpath.join(one, "templates")):
            if wanted.search(_decoded(index.files[path])):
                return True
    return bool(index.below(posixpath.join(chart, "charts")))


def comes_from(release: Release, marks: Mapping[str, str]) -> bool:
    """Is it the release that the live object says it comes from? It says so by labels, or not at all."""
    application = argocd.tracking(marks)
    if application and release.owner is not None:
        return (release.owner.kind, release.owner.name) == ("Application", application)
    origin = provenance.helm_origin(marks)
    if origin is not None and release.chart is not None:
        paths_ = {layer.path for layer in release.layers}
        if (origin.chart and origin.chart != release.chart) or not paths_.issuperset(
            origin.value_files
        ):
            return False
    flux = marks.get("helm.toolkit.fluxcd.io/name")
    if flux is not None:
        owner = release.owner
        namespace = marks.get("helm.toolkit.fluxcd.io/namespace", owner.namespace if owner else "")
        return owner is not None and (owner.name, owner.namespace or namespace) == (flux, namespace)
    namespace = marks.get("meta.helm.sh/release-namespace", "")
    if namespace and release.namespace and namespace != release.namespace:
        return False
    name = marks.get("meta.helm.sh/release-name")
    return not (name and release.name and name != release.name)


def _as_labelled(found: list[InstalledRelease], search: Search) -> list[InstalledRelease]:
    """Of several those that make the object with the chart's and the instance's name that the live one is labelled with;
    all of them where none does, or the live object does not say."""
    for label, told in (("helm.sh/chart", _chart_named), (_INSTANCE, _instance_named)):
        said = search.marks.get(label, "")
        fitting = [one for one in found if told(one, said)] if said else []
        if fitting and len(fitting) < len(found):
            names = ", ".join(one.release.said_by for one in fitting)
            search.steps.append(say("manifests.label_leaves", label=label, said=said, names=names))
            found = fitting
    return found


def _chart_named(one: InstalledRelease, said: str) -> bool:
    """The version is not asked: it changes with each deployment."""
    made = str(labels_of(one.item).get("helm.sh/chart", ""))
    return bool(made) and _VERSION.sub("", made) == _VERSION.sub("", said)


def _instance_named(one: InstalledRelease, said: str) -> bool:
    owner = one.release.owner
    if owner is not None and owner.kind == "Application" and owner.name == said:
        return True
    return str(labels_of(one.item).get(_INSTANCE, "")) == said


def _rendered(release: Release, search: Search) -> InstalledRelease | None:
    """The release where it makes the object. A release without a name gets the one that makes the object's name."""
    ref = search.ref
    said = release.name or search.marks.get("meta.helm.sh/release-name", "")
    called = _names_of(search.index, release.chart or "")
    names = [said]
    if not said:
        names = [*called, ref.name]
    failure: NotRendered | None = None
    other: InstalledRelease | None = None
    tried: set[str] = set()
    while names:
        name = names.pop(0)
        if name in tried:
            continue
        tried.add(name)
        if not said and not _is_related(release, ref, name, called):
            continue
        recipe = release.recipe(name, ref.namespace)
        try:
            text = search.bench.render(recipe)
        except NotRendered as error:
            failure = error
            continue
        item = rendering.find(text, ref, search.index.readings)
        if item is not None:
            # "eu-worker" may be the worker of release "eu" or the main object of a release of that name.
            found = InstalledRelease(release, recipe, text, item)
            if all(_leads(item, path) for path in search.fields):
                return found
            other = other or found
        if not said:
            names += _names_behind(text, ref, name)
    if failure is not None and other is None:
        raise failure
    return other


def _names_of(index: RepositoryIndex, chart: str) -> list[str]:
    """What a chart is called: its folder's name, and its own."""
    text = index.texts.get(posixpath.join(chart, "Chart.yaml"), "")
    own = re.search(r"""(?m)^name:[ \t]*["']?([A-Za-z0-9-]+)""", text)
    return [n for n in dict.fromkeys((posixpath.basename(chart), own[1] if own else "")) if n]


def _is_related(release: Release, ref: ObjectRef, name: str, called: list[str]) -> bool:
    """Charts make objects of whatever release name they are given. One that nobody says has to be the chart's own, or
    the object or the values file has to be called after it."""
    if name in called or any(n in ref.name for n in called):
        return True
    return name in release.said_by


def _leads(item: Json, path: paths.Path) -> bool:
    """Does the object have the list items that a path names?"""
    items = [n for n, segment in enumerate(path) if not isinstance(segment, str)]
    return not items or paths.find(item, path[: items[-1] + 1], ABSENT) is not ABSENT


def _names_behind(text: str, ref: ObjectRef, name: str) -> list[str]:
    """Release names that would turn ``name-api`` into the object's name."""
    found = []
    for match in re.finditer(r"(?m)^  name: [\"']?([^\s\"']+)", text):
        head, mark, tail = match[1].partition(name)
        if mark and ref.name.startswith(head) and ref.name.endswith(tail):
            middle = ref.name[len(head) : len(ref.name) - len(tail)]
            if middle and len(head) + len(tail) < len(ref.name):
                found.append(middle)
    return list(dict.fromkeys(found))[:5]


def _of_environment(found: list[InstalledRelease], search: Search) -> InstalledRelease:
    others = [i.release.said_by for i in found if _cluster_of(i.release, search) == "no"]
    found = [i for i in found if _cluster_of(i.release, search) != "no"]
    if not found:
        why = say("manifests.another_cluster_than", installer=", ".join(sorted(set(others))))
        raise NotEditable("NOT_FOUND", why)
    if len(found) == 1:
        return found[0]
    fitting = _fitting(found, search)
    if len(fitting) != 1:
        raise NotEditable("AMBIGUOUS_DOC", _several(found, fitting, search))
    chosen = fitting[0].release.said_by
    search.steps.append(
        say("manifests.environment_chooses", environment=search.environment, installer=chosen)
    )
    return fitting[0]


def _fitting(found: list[InstalledRelease], search: Search) -> list[InstalledRelease]:
    """The releases of the environment, those nearest to its name first; a chart's default values step back beside its
    other releases."""
    fitting = [i for i in found if _is_of(i.release, search)]
    beside = Counter(i.release.chart for i in fitting)
    fitting = [i for i in fitting if not _is_bare(i.release) or beside[i.release.chart] == 1]
    near = [(_closeness(i.release, search.environment), i) for i in fitting]
    nearest = max((rank for rank, _ in near), default=0)
    exact = [i for rank, i in near if rank == nearest and nearest]
    if len(exact) == 1:
        return exact
    silent = [i for i in found if speaks(i.release.words, search.environment, "") != "no"]
    return _of_cluster(fitting, search) or (fitting or _of_cluster(silent, search))


def _of_cluster(found: list[InstalledRelease], search: Search) -> list[InstalledRelease]:
    """The one release of the cluster that is asked for, where they say clusters."""
    mine = [i for i in found if _cluster_of(i.release, search) == "yes"]
    return mine if len(mine) == 1 else []


def _cluster_of(release: Release, search: Search) -> Literal["yes", "no", "silent"]:
    return of_cluster([release.said_by, *release.words], search.environment)


def _is_bare(release: Release) -> bool:
    return release.owner is None and all(layer.default for layer in release.layers)


def _several(found: list[InstalledRelease], fitting: list[InstalledRelease], search: Search) -> str:
    environment, count = search.environment, len(found)
    listed = ", ".join(sorted({i.release.said_by for i in found}))
    if environment in ("", "unknown"):
        what = say("manifests.releases")
        why = say("manifests.fit_no_environment", count=count, what=what, names=listed)
    elif fitting:
        why = say(
            "manifests.releases_fit_environment_chooses",
            count=count, environment=environment, count_2=len(fitting), names=listed,
        )  # fmt: skip
    else:
        return say(
            "manifests.releases_none_called",
            count=count, object=search.ref.key, environment=environment, names=listed,
        )  # fmt: skip
    return say("manifests.kfix_yaml_tells", why=why)


def _closeness(release: Release, environment: str) -> int:
    return closeness([release.said_by, *release.words], environment)


def _is_of(release: Release, search: Search) -> bool:
    said = speaks(release.words, search.environment, search.ref.name)
    return said == "yes" or (said == "silent" and matches(release.said_by, search.environment))
