"""Fleet's bundles: what a ``fleet.yaml`` installs, for each of its targets. Pure.

Source: Fleet's fleet.yaml reference, https://fleet.rancher.io/ref-fleet-yaml.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kfix.texts import say
from manifests.objects import paths
from manifests.objects.shapes import items, mapping, mappings, text
from manifests.refused import NotEditable
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import fleet_overlays
from manifests.text import equivalence

NAMES = ("fleet.yaml", "fleet.yml")
#: By what a target says its clusters.
_CRITERIA = ("clusterName", "clusterGroup", "clusterGroupSelector", "clusterSelector")
#: (target, where it stands)
_Listed = tuple[Mapping[str, Any], paths.Path]


@dataclass(frozen=True, slots=True)
class FleetTarget:
    """A bundle as one of its targets gets it; the last one is for clusters that no customization names."""

    said_by: str
    place: str
    folder: str
    namespace: str
    forced: bool
    words: tuple[str, ...]
    release: str
    #: Folder of the chart, ``None`` where the bundle has none.
    chart: str | None
    #: Folder that kustomize builds, ``None`` where it has none.
    build: str | None
    #: (path of values in fleet.yaml or of a file, values, where they stand in fleet.yaml), later ones win.
    layers: tuple[tuple[str, Mapping[str, Any] | None, paths.Path], ...]
    #: Files that replace or patch the bundle's own for this target.
    overlays: tuple[str, ...]
    trouble: str = ""
    #: What the chart is called that is kept elsewhere, where there is no other trouble.
    kept: str = ""
    #: The files that are applied as they are, where that is not all of the folder; ``None``: the folder is.
    files: tuple[str, ...] | None = None
    #: The version of that chart.
    version: str = ""


def is_bundle(path: str) -> bool:
    """Is it a ``fleet.yaml``?"""
    return path.endswith(NAMES) and posixpath.basename(path) in NAMES


def has_bundles(index: RepositoryIndex) -> bool:
    """Is there a ``fleet.yaml``?"""
    known = index.memo.get("has bundles")
    if known is None:
        known = index.memo["has bundles"] = any(map(is_bundle, index.texts))
    return known is True


def targets(index: RepositoryIndex) -> Iterator[FleetTarget]:
    """All bundles of the repository, target by target."""
    for path in index.texts:
        if is_bundle(path):
            yield from _of_file(index, path)


def _of_file(index: RepositoryIndex, path: str) -> Iterator[FleetTarget]:
    try:
        documents = index.parsed(path)
    except NotEditable as refused:
        folder = posixpath.dirname(path)
        why = say("manifests.cannot_be_read", why=refused.reason)
        yield FleetTarget(
            f"Fleet's {path}", path, folder, "", False, (path,), "", None, None, (), (), why
        )
        return
    content = equivalence.filled(documents[0].root) if documents else {}
    # Fleet reads the older ``targets`` before the customizations.
    listed: list[_Listed] = [
        (entry, (key, at))
        for key in ("targets", "targetCustomizations")
        for at, entry in enumerate(mappings(content, key))
    ]
    shown, closed = _first_matching(listed)
    if _is_unsure(listed, shown):
        why = say("manifests.targets_differ_by_version")
        rest_of_all: list[_Listed] = [] if closed else [({}, ())]
        for entry, place in (*listed, *rest_of_all):
            yield replace(_target(index, path, content, entry, place), trouble=why, kept="")
        return
    for entry, place in shown:
        yield _target(index, path, content, entry, place)
    rest = _target(index, path, content, {}, ())
    # Where every target builds a folder of its own, the bundle's folder is no deployment of its own.
    apart = any(text(entry, "kustomize", "dir") for entry, _ in listed)
    deploys = rest.chart is not None or rest.build is not None
    deploys = deploys or (rest.files is not None and not apart)
    if not listed or (deploys and not closed):
        yield rest


def _is_unsure(listed: Sequence[_Listed], shown: Sequence[_Listed]) -> bool:
    """Would one of the older ``targets`` leave a customization without clusters? Whether it does depends on the version."""
    places = {place for _, place in shown}
    left_out = any(
        at[0] == "targetCustomizations"
        for entry, at in listed
        if at not in places and not entry.get("doNotDeploy")
    )
    older = any(at[0] == "targets" for _, at in listed)
    return older and left_out


def _first_matching(listed: Sequence[_Listed]) -> tuple[list[_Listed], bool]:
    """The targets that clusters may get, of which each gets the first that matches; is there one for all that are left?"""
    shown: list[_Listed] = []
    seen: list[Mapping[str, Any]] = []
    for entry, place in listed:
        said = {key: entry[key] for key in _CRITERIA if entry.get(key) is not None}
        if said and said in seen:
            continue  # an earlier one has the same clusters
        seen.append(said)
        if not entry.get("doNotDeploy"):
            shown.append((entry, place))
        if list(said) == ["clusterSelector"] and not any(mapping(said, "clusterSelector").values()):
            return shown, True
    return shown, False


def _target(
    index: RepositoryIndex, path: str, content: Any, entry: Mapping[str, Any], at: paths.Path
) -> FleetTarget:
    folder = posixpath.dirname(path)
    said = _called(entry, path, at)
    own, theirs = mapping(content, "helm"), mapping(entry, "helm")
    build = _either(mapping(entry, "kustomize"), mapping(content, "kustomize"), "dir")
    built = _below(folder, build) if build else _kustomized(index, folder)
    charted = _either(theirs, own, "chart")
    kept = bool(charted and _either(theirs, own, "repo"))
    chart, elsewhere = _chart(index, folder, charted, kept=kept)
    layers = [*_layers(folder, own, path, ("helm",)), *_layers(folder, theirs, path, (*at, "helm"))]
    forced = _either(entry, content, "namespace")
    default = _either(entry, content, "defaultNamespace")
    words = [*_selected(entry), folder, build, forced or default]
    named = [str(one) for said in (content, entry) for one in items(said, "yaml", "overlays")]
    plain = chart is None and built is None and not elsewhere
    files = _plain_files(index, folder, named) if plain else None
    overlays = [posixpath.join(folder, "overlays", one) for one in named] if files is None else []
    return FleetTarget(
        said,
        path,
        folder,
        forced or default,
        bool(forced),
        tuple(word for word in words if word),
        _either(theirs, own, "releaseName"),
        chart,
        built,
        tuple(layers),
        tuple(overlays),
        elsewhere or _trouble(content, own, theirs),
        posixpath.basename(charted) if elsewhere and not _trouble(content, own, theirs) else "",
        None if files is None else tuple(files),
        _either(theirs, own, "version"),
    )


def _called(entry: Mapping[str, Any], path: str, at: paths.Path) -> str:
    """What people are told of a target, or of the bundle itself."""
    if not at:
        return f"Fleet's {path}"
    return f"target {text(entry, 'name') or at[-1]} of Fleet's {path}"


def _plain_files(index: RepositoryIndex, folder: str, named: list[str]) -> list[str] | None:
    """The files of a bundle of plain ones with its overlays; ``None`` where it has no overlays."""
    if not fleet_overlays.has_any(index, folder):
        return None
    return fleet_overlays.applied(index, folder, named)


def _either(target: Mapping[str, Any], bundle: Mapping[str, Any], key: str) -> str:
    """A setting of the target, else of the bundle."""
    return text(target, key) or text(bundle, key)


def _selected(entry: Mapping[str, Any]) -> Iterator[str]:
    """The names of a target and of the clusters that it selects."""
    for key in ("name", "clusterName", "clusterGroup"):
        yield text(entry, key)
    yield from map(str, mapping(entry, "clusterSelector", "matchLabels").values())


def _chart(
    index: RepositoryIndex, folder: str, named: str, *, kept: bool
) -> tuple[str | None, str]:
    """(the chart's folder, why there is none); ``kept``: it is one of a Helm repository."""
    if not named:
        return (folder, "") if f"{folder}/Chart.yaml".lstrip("/") in index.texts else (None, "")
    inside = _below(folder, named)
    if not kept and f"{inside}/Chart.yaml".lstrip("/") in index.texts:
        return inside, ""
    return None, f"the chart {named[:80]} is kept elsewhere"


def _kustomized(index: RepositoryIndex, folder: str) -> str | None:
    name = posixpath.join(folder, "kustomization.yaml")
    return folder if name in index.texts else None


def _layers(
    folder: str, helm: Mapping[str, Any], path: str, at: paths.Path
) -> Iterator[tuple[str, Mapping[str, Any] | None, paths.Path]]:
    for name in items(helm, "valuesFiles"):
        yield _below(folder, str(name)), None, ()
    inline = mapping(helm, "values")
    if inline or len(at) > 1:
        yield path, inline, (*at, "values")


def _trouble(content: Any, *settings: Mapping[str, Any]) -> str:
    if text(content, "targetCustomizationMode") not in ("", "FirstMatch"):
        return say("manifests.several_targets_of_cluster")
    for helm in settings:
        if helm.get("valuesFrom"):
            return say("manifests.values_come_from_configmap_or")
        if helm.get("templateValues"):
            return say("manifests.values_templates_fleet_fills")
        if "${" in str(helm.get("values", "")):
            return say("manifests.fleet_fills_values")
    return ""


def _below(folder: str, name: str) -> str:
    path = posixpath.normpath(posixpath.join(folder, name))
    return "" if path == "." else path
