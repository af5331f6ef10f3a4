"""The whole map of a repository for people: who renders what, with what, and into which cluster, namespace and
environment. Pure.

What cannot be read or rendered stands in it too, with its reason.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Literal

from kfix.texts import say
from manifests.helm import cached
from manifests.helm.layers import Release
from manifests.objects.shapes import mappings, text
from manifests.proposal.readers import Side, side_of
from manifests.refused import NotEditable
from manifests.render import locality
from manifests.repository import dependencies, own_map
from manifests.repository.environments import WORDS, speaks
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers.model import Deployer, Installer
from manifests.repository.kustomize import Kustomization
from manifests.repository.rendering import NotRendered, RenderSession
from manifests.text import equivalence

Renders = Literal["kustomize", "helm", "files", "unknown"]
#: Before the name of an object without a namespace.
_NOWHERE = re.compile(r"^(\w+)//")
#: An address as it stands in a path that was joined to a folder.
_ADDRESS = re.compile(r"(?:^|/)([a-z+]{2,10}):/+(.+)$")


@dataclass(frozen=True, slots=True)
class ReadPart:
    """A folder, file or chart that is read, with what it reads itself. ``role``: what it is there for."""

    name: str
    role: Literal[
        "kustomization", "resource", "patch", "generator", "chart", "values", "file", "other"
    ]
    below: tuple[ReadPart, ...] = ()
    #: Why it cannot be followed; empty when it can.
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One installer with all that it reads. Texts that are not known are empty."""

    name: str
    by: Deployer
    declared_in: str
    renders: Renders
    folder: str
    release: str
    cluster: str
    namespace: str
    #: Those that its names and paths speak of, as ``environments.WORDS`` calls them.
    environments: tuple[str, ...]
    parts: tuple[ReadPart, ...]
    #: Settings of a Kustomization that the deployer lays on top (patches, images), and variables that it fills in.
    on_top: tuple[str, ...] = ()
    fills: tuple[str, ...] = ()
    #: Why nobody here can tell what it makes.
    trouble: str = ""
    #: Why it reads another revision or repository than this one.
    apart: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """All of a repository."""

    deployments: tuple[Deployment, ...]
    #: Files that declare objects and that nobody names: each is applied by whoever knows it.
    loose: tuple[str, ...]
    #: (file or folder, why it could not be read).
    unread: tuple[tuple[str, str], ...]


class _Repository:
    """What is read of it, with its releases by name."""

    def __init__(self, side: Side) -> None:
        self.index, self.whole, self.releases = side.index, side.whole, side.releases
        self.by_name: dict[str, list[Release]] = {}
        for release in side.releases.found:
            self.by_name.setdefault(_called(release.said_by), []).append(release)


def _called(said_by: str) -> str:
    """A deployer's name, the same whether or not it was noted that it says no namespace."""
    return _NOWHERE.sub(r"\1/", said_by)


def survey(index: RepositoryIndex, bench: RenderSession) -> Survey:
    """The map of a repository. What makes installers is rendered, nothing else."""
    side = _Repository(side_of(index, bench))
    named = [*side.whole.installers, *_unnamed(side)]
    stood_for = {_called(one.said_by) for one in named}
    found = [_deployment(side, one) for one in named]
    left = (release for release in side.releases.found if _called(release.said_by) not in stood_for)
    found += [_alone(side, release) for release in left]
    distinct = dict.fromkeys(one for one in found if one.parts or one.trouble)
    read = {one.declared_in for one in distinct}
    read |= {name for one in distinct for part in one.parts for name in _names(part)}
    return Survey(tuple(distinct), tuple(_loose(side, read)), tuple(_unread(side)))


def reading(index: RepositoryIndex, bench: RenderSession, path: str) -> tuple[Deployment, ...]:
    """Everybody who reads a file."""
    side = _Repository(side_of(index, bench))
    found = [_deployment(side, one, path) for one in side.whole.reaching(path)]
    found += [
        _alone(side, release)
        for release in side.releases.found
        if release.alone and any(layer.path == path for layer in release.layers)
    ]
    return tuple(dict.fromkeys(found))


def _unnamed(side: _Repository) -> Iterator[Installer]:
    """Overlays that no installer names."""
    claimed = {one.folder for one in side.whole.installers}
    for folder, kustomization in sorted(side.whole.graph.by_folder.items()):
        outermost = not side.whole.graph.users_of(folder)
        if outermost and not kustomization.component and folder not in claimed:
            said = say("manifests.overlay", folder=folder or ".")
            yield Installer(said, folder, words=(folder,), unnamed=True, place=kustomization.path)


def _alone(side: _Repository, release: Release) -> Deployment:
    """A release that no installer stands for: a chart that nobody is known to install, with its values files."""
    place = "" if release.alone else release.said_by
    return Deployment(
        _called(release.said_by), "nobody", place, "helm", release.chart or "", release.name, "",
        release.namespace, _heard(release.words), tuple(_chart(side, release.chart, release)),
        trouble=release.trouble, apart=release.apart,
    )  # fmt: skip


def _deployment(side: _Repository, one: Installer, path: str = "") -> Deployment:
    """``path``: of what is named by a pattern alone, only this file is shown."""
    renders = _renders(side, one)
    release = _release_of(side, one)
    known = release is not None and cached.is_cached(release.chart)
    trouble = "" if known else one.trouble
    trouble = trouble or (release.trouble if release else "") or _unbuilt(side, one)
    apart = one.apart.why if one.apart else ""
    return Deployment(
        _called(one.said_by), one.by, one.place, renders, one.folder or "", release.name if release else "",
        one.cluster, _namespace(side, one), _heard(one.words), tuple(_parts(side, one, release, path)),
        tuple(one.on_top), one.fills, trouble, apart,
    )  # fmt: skip


def _heard(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(e for e in WORDS if speaks(words, e) == "yes")


def _renders(side: _Repository, one: Installer) -> Renders:
    if one.pattern is not None and one.folder is None:
        return "unknown"
    if one.folder is not None and side.whole.is_built(one.folder):
        return "kustomize"
    if _release_of(side, one) is not None:
        return "helm"
    charted = one.folder is not None and side.whole.chart_of(one.folder)
    return "helm" if charted else "files"


def _release_of(side: _Repository, one: Installer) -> Release | None:
    """The release that the installer is; of several sources of one Application the one of its folder."""
    found = side.by_name.get(_called(one.said_by), [])
    same = [r for r in found if r.chart == one.folder]
    return next(iter(same or found), None)


def _chain(side: _Repository, one: Installer) -> list[Kustomization]:
    graph = side.whole.graph
    if one.folder is None or one.folder not in graph.by_folder:
        return []
    return graph.below(graph.by_folder[one.folder])


def _unbuilt(side: _Repository, one: Installer) -> str:
    """Why kustomize would not be started for what it builds."""
    chain = _chain(side, one)
    broken = next((k for k in chain if k.trouble), None)
    if broken is not None:
        return say("manifests.about", what=broken.path, why=broken.trouble)
    if chain:
        try:
            locality.check(side.index.files, chain[0].folder, side.index.readings)
        except NotRendered as failure:
            return str(failure)
    return ""


def _namespace(side: _Repository, one: Installer) -> str:
    """Where its objects go: what the deployer forces, else what the Kustomization says, else the deployer's default."""
    said = next((k.namespace for k in _chain(side, one) if k.namespace), "")
    release = _release_of(side, one)
    default = one.namespace or (release.namespace if release else "")
    return default if one.forced or not said else said


def _parts(
    side: _Repository, one: Installer, release: Release | None, path: str
) -> Iterator[ReadPart]:
    if one.folder is not None and side.whole.is_built(one.folder):
        yield _built(side, one.folder, frozenset())
    elif release is not None or (one.folder is not None and side.whole.chart_of(one.folder)):
        yield from _chart(side, release.chart if release else one.folder, release)
    elif one.folder is not None:
        yield from (ReadPart(file, "resource") for file in _inside(side, one))
    known = {layer.path for layer in release.layers} if release else set()
    yield from (ReadPart(file, "file") for file in one.files if file not in known)
    if one.pattern is not None:
        texts = [path] if path else side.index.texts
        yield from (ReadPart(file, "other") for file in texts if one.pattern.fullmatch(file))


def _inside(side: _Repository, one: Installer) -> Iterator[str]:
    """Manifests that are applied as they are."""
    yield from (file for file in side.index.texts if side.whole.applies(one, file))


def _built(side: _Repository, folder: str, above: frozenset[str]) -> ReadPart:
    one = side.whole.graph.by_folder[folder]
    name = folder or "."
    if folder in above:
        return ReadPart(
            name, "kustomization", (), say("manifests.kustomizations_use_each_other_circle")
        )
    below = [_used(side, target, above | {folder}) for target in one.uses]
    below += [ReadPart(file, "patch") for file in one.patch_files]
    below += [ReadPart(file, "generator") for file in dict.fromkeys(f for *_, f in one.generated)]
    below += [ReadPart(chart, "chart") for chart in one.charts]
    below += [ReadPart(file, "other") for file in one.others]
    return ReadPart(name, "kustomization", tuple(dict.fromkeys(below)), one.trouble)


def _used(side: _Repository, target: str, above: frozenset[str]) -> ReadPart:
    if target in side.whole.graph.by_folder:
        return _built(side, target, above)
    if target in side.index.texts:
        return ReadPart(target, "resource")
    address = _ADDRESS.search(target)
    missing = say("manifests.map_elsewhere") if address else say("manifests.no_file", path=target)
    name = f"{address[1]}://{address[2]}" if address else target
    return ReadPart(name, "resource", (), missing)


def _chart(side: _Repository, chart: str | None, release: Release | None) -> Iterator[ReadPart]:
    if chart is not None:
        yield ReadPart(chart or ".", "chart", tuple(_dependencies(side, chart)))
    for layer in release.layers if release else ():
        why = layer.sealed.reason if layer.sealed and layer.sealed.code == "NOT_RENDERED" else ""
        said = layer.path or ((layer.owner or layer.holder) and layer.values)
        if said or why:
            yield ReadPart(layer.said, "values", (), why)


def _dependencies(side: _Repository, chart: str) -> Iterator[ReadPart]:
    """What a chart brings along: folders of this repository, and charts of a registry, packed beside it or missing."""
    index, below = side.index, posixpath.join(chart, "charts") + "/"
    yield from (ReadPart(folder, "chart") for folder in dependencies.folders(index, chart))
    try:
        documents = index.parsed(posixpath.join(chart, "Chart.yaml"))
    except NotEditable as refused:
        yield ReadPart("Chart.yaml", "chart", (), refused.reason)
        return
    content = equivalence.filled(documents[0].root) if documents else None
    for entry in mappings(content, "dependencies"):
        name, where = text(entry, "name"), text(entry, "repository")
        if where.startswith("file://"):
            continue
        packed = any(p.startswith((f"{below}{name}/", f"{below}{name}-")) for p in index.files)
        why = "" if packed else say("manifests.map_elsewhere")
        yield ReadPart(f"{name} {text(entry, 'version')}".strip(), "chart", (), why)


def _names(part: ReadPart) -> Iterator[str]:
    yield part.name
    for inner in part.below:
        yield from _names(inner)


def _loose(side: _Repository, read: Set[str]) -> Iterator[str]:
    """Files that declare objects, and that nobody reads."""
    index, graph = side.index, side.whole.graph
    charts = tuple(f"{chart}/" if chart else "" for chart in dependencies.charts(index))
    declaring = {path for found in index.by_kind.values() for path in found}
    for path in sorted(declaring):
        inside = path.startswith(charts) or "{{" in index.texts[path]
        kustomization = posixpath.dirname(path) in graph.by_folder and "ustomization" in path
        if not inside and not kustomization and path not in read:
            yield path


def _unread(side: _Repository) -> Iterator[tuple[str, str]]:
    for path in sorted(side.index.unreadable):
        yield path, side.index.unreadable[path].reason
    try:
        own_map.check(side.index)
    except NotEditable as refused:
        yield own_map.NAME, refused.reason
    for trouble in side.releases.troubles:
        what, _, why = trouble.partition(": ")
        yield what, why or trouble
