"""Fields that a deployer's own object says on top of what a folder builds: inline patches of Flux's Kustomizations and of
Argo CD's Applications. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifests.objects import paths
from manifests.objects.meta import ref_of
from manifests.objects.shapes import mapping, mappings, text
from manifests.refused import NotEditable
from manifests.repository import argocd, kustomize, variables
from manifests.repository.declared import kept_values, values_of
from manifests.repository.environments import speaks
from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Kustomization, PatchEntry
from manifests.repository.stated import StatedField, stating
from manifests.text import equivalence, read
from manifests.text.read import Document
from schemas.base import Json, ObjectRef

_DEPLOYING = re.compile(r"kustomize\.toolkit\.fluxcd\.io|argoproj\.io")


@dataclass(frozen=True, slots=True)
class _Deployer:
    """Who deploys a folder, with the place of its patches."""

    path: str
    #: Of its document in the file.
    number: int
    ref: ObjectRef
    patches: tuple[tuple[paths.Path, Mapping[str, Any]], ...]
    #: Its other settings: images and replicas win over patches.
    settings: Mapping[str, Any]


def stated_on_top(
    index: RepositoryIndex,
    folder: str,
    ref: ObjectRef,
    field: paths.Path,
    declared: Json,
    *,
    environment: str,
) -> StatedField | None:
    """The inline patch that says a field, of the one deployer of the folder in the environment; ``None`` where there are
    several, or where its patch does more than say the value."""
    deployers = _deployers(index, folder)
    mine = [
        one
        for one in deployers
        if speaks((one.path, one.ref.name, one.ref.namespace), environment, ref.name) != "no"
    ]
    if len(mine) != 1:
        return None
    one = mine[0]
    entries = None if _wins_over_patches(one.settings, field) else _entries(one)
    if entries is None:
        return None
    settings = Kustomization(one.path, folder, "", (), (), patches=tuple(entries))
    found = stating(index, [settings], ref, field, declared)
    if found is None and len(deployers) > 1:
        return _own_patch(settings, ref, field, one, declared)
    if found is None or not found.at:
        return None
    return StatedField(
        found.kustomization, found.entry, found.document, found.at, plain=False,
        number=one.number, owner=one.ref,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FilledIn:
    """A variable of a Flux Kustomization that decides a field, with the value that it is to have."""

    path: str
    document: Document
    owner: ObjectRef
    deployer: Json
    variable: str
    value: str


def filled_in(
    index: RepositoryIndex, folder: str, declared: str, after: str, environment: str
) -> FilledIn | None:
    """The variable that makes ``after`` of what a file of the folder declares, in the one Kustomization of the
    environment that builds it; ``None`` where that is not just one."""
    mine = [
        one
        for one in _deployers(index, folder)
        if one.ref.kind == "Kustomization"
        and speaks((one.path, one.ref.name, one.ref.namespace), environment) != "no"
    ]
    if len(mine) != 1:
        return None
    one = mine[0]
    found = variables.deciding(declared, variables.known(index, one.settings), after)
    elsewhere = mappings(one.settings, "postBuild", "substituteFrom")
    inside = mapping(one.settings, "postBuild", "substitute")
    if found is None or (elsewhere and found[0] not in inside):
        return None
    document = index.documents(one.path)[one.number]
    deployer = values_of(index, one.path)[one.number]
    return FilledIn(one.path, document, one.ref, deployer, *found)


def _wins_over_patches(settings: Mapping[str, Any], field: paths.Path) -> bool:
    counted = field == ("spec", "replicas") and settings.get("replicas")
    return bool(counted or (field[-1] == "image" and settings.get("images")))


def _entries(deployer: _Deployer) -> list[PatchEntry] | None:
    """Its patches; ``None`` where one cannot be read."""
    found = []
    for at, entry in deployer.patches:
        try:
            inside = tuple(read.read(text(entry, "patch")))
        except NotEditable:
            return None
        found.append(PatchEntry((*at, "patch"), "", inside, dict(mapping(entry, "target"))))
    return found


def _own_patch(
    settings: Kustomization,
    ref: ObjectRef,
    field: paths.Path,
    deployer: _Deployer,
    declared: Json,
) -> StatedField | None:
    """The last patch of the object that can take a field which it does not say yet: what it says is this deployer's alone."""
    for entry in reversed(settings.patches):
        for document in reversed(entry.inside):
            patch = equivalence.value_of(document.root)
            if isinstance(patch, Mapping) and kustomize.names(patch, ref):
                return StatedField(
                    settings, entry, document, field, plain=False,
                    number=deployer.number, owner=deployer.ref, new=True,
                )  # fmt: skip
            pointer = kustomize.pointer_to(declared, field)
            if isinstance(patch, list) and pointer and _is_alone(entry.target, ref):
                return StatedField(
                    settings, entry, document, (len(patch),), plain=False,
                    number=deployer.number, owner=deployer.ref, new=True, pointer=pointer,
                )  # fmt: skip
    return None


def _is_alone(target: Mapping[str, Any], ref: ObjectRef) -> bool:
    """Does a patch's target mean this object and no other?"""
    named = (text(target, "kind"), text(target, "name")) == (ref.kind, ref.name)
    return named and kustomize.aims_at(target, ref)


def _deployers(index: RepositoryIndex, folder: str) -> Sequence[_Deployer]:
    """Who lays settings on top of a folder; gathered once for an index."""
    known = index.memo.get("deployers by folder")
    if not isinstance(known, dict):
        known = index.memo["deployers by folder"] = _by_folder(index)
    found: Sequence[_Deployer] = known.get(folder, ())
    return found


def _by_folder(index: RepositoryIndex) -> dict[str, list[_Deployer]]:
    found: dict[str, list[_Deployer]] = {}
    for kind in ("kustomization", "application"):
        for path in index.by_kind.get(kind, ()):
            if not _DEPLOYING.search(index.texts[path]):
                continue
            try:
                items = kept_values(index, path)
            except NotEditable:
                continue
            for number, item in enumerate(items):
                for folder, settings, at in _settings(index, item):
                    listed = enumerate(mappings(settings, "patches"))
                    patches = tuple(((*at, "patches", n), entry) for n, entry in listed)
                    one = _Deployer(path, number, ref_of(item), patches, settings)
                    found.setdefault(folder, []).append(one)
    return found


def _settings(
    index: RepositoryIndex, item: Json
) -> Iterator[tuple[str, Mapping[str, Any], paths.Path]]:
    """(folder, what an object lays on top of it, the place of that)."""
    group = text(item, "apiVersion").partition("/")[0]
    if (text(item, "kind"), group) == ("Kustomization", "kustomize.toolkit.fluxcd.io"):
        path = argocd.folder_of(text(item, "spec", "path") or "-")
        for folder in dict.fromkeys((path, *_in_artifact(index, item, path))):
            yield folder, mapping(item, "spec"), ("spec",)
    elif (text(item, "kind"), group) == ("Application", "argoproj.io"):
        for at, source in argocd.sources(item):
            folder = argocd.folder_of(text(source, "path") or "-")
            yield folder, mapping(source, "kustomize"), (*at, "kustomize")


def _in_artifact(index: RepositoryIndex, item: Json, path: str) -> list[str]:
    """The one folder of the repository that a path from the root of an artifact may mean; none where there are several."""
    if text(item, "spec", "sourceRef", "kind") != "ExternalArtifact" or not path:
        return []
    known = kustomize.read_graph(index).by_folder
    found = [folder for folder in known if folder.endswith(f"/{path}")]
    return found if len(found) == 1 else []
