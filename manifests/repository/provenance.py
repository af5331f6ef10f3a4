"""What a live object says about where it comes from: the rungs above K-Fix's own index, each a narrower place to look.

Sources: Datadog's Kubernetes resource mapping (``origin.datadoghq.com/location``), Argo CD's resource tracking, Flux's
labels on applied objects, kustomize's origin annotations.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from kfix.texts import say
from manifests.objects import paths
from manifests.objects.shapes import mapping, mappings, text
from manifests.refused import NotEditable
from manifests.repository import application_sets, argocd, kustomize
from manifests.repository.declared import declared_objects
from manifests.repository.environments import speaks
from manifests.repository.index import RepositoryIndex
from manifests.text import equivalence, read
from schemas.base import Json, ObjectRef
from schemas.text import cut

DATADOG = "origin.datadoghq.com/location"
_FLUX = "kustomize.toolkit.fluxcd.io"
_ORIGIN = "config.kubernetes.io/origin"


@dataclass(frozen=True, slots=True)
class Rung:
    """Where to look. ``folders`` are built or applied as a whole; ``endings`` are ends of file paths."""

    said_by: str
    folders: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HelmOrigin:
    """Datadog's word on a Helm release: the chart's folder and its values files, as far as it says them."""

    chart: str
    value_files: tuple[str, ...]


def marks(
    objects: Mapping[str, Sequence[Json]], refs: Iterable[ObjectRef]
) -> dict[str, dict[str, str]]:
    """Labels and annotations that objects have in the cluster, by ``ObjectRef.key``: ``Hints.live``. ``objects`` are by
    kind, as a context bundle has them."""
    found: dict[str, dict[str, str]] = {}
    for ref in refs:
        for item in (item for kind in objects.values() for item in kind):
            where = text(item, "metadata", "namespace"), text(item, "metadata", "name")
            if (text(item, "kind"), *where) == (ref.kind, ref.namespace, ref.name):
                both = mapping(item, "metadata", "labels"), mapping(item, "metadata", "annotations")
                found[ref.key] = {str(k): str(v) for words in both for k, v in words.items()}
    return found


def rungs(
    index: RepositoryIndex, marks: Mapping[str, str], project: str, steps: list[str]
) -> Iterator[Rung]:
    """From the surest to the vaguest. Raises NotEditable NOT_FOUND when the object is from another repository."""
    yield from _datadog(marks, project)
    yield from _argo(index, marks, project, steps)
    yield from _flux(index, marks, project, steps)
    yield from _origin(marks)


def is_helm(marks: Mapping[str, str]) -> bool:
    """Does the live object say that a chart made it?"""
    return (
        "meta.helm.sh/release-name" in marks
        or "helm.sh/chart" in marks
        or "helm.toolkit.fluxcd.io/name" in marks
        or marks.get("app.kubernetes.io/managed-by") in ("Helm", "Tiller")
        or helm_origin(marks) is not None
    )


def is_charted(index: RepositoryIndex, marks: Mapping[str, str]) -> bool:
    """As ``is_helm``, also where the Application that the live object names installs nothing but charts."""
    if is_helm(marks):
        return True
    name = argocd.tracking(marks)
    sources = [
        source
        for application in (applications(index) if name else ())
        if text(application, "metadata", "name") == name
        for _, source in argocd.sources(application)
        if source.get("chart") or source.get("path")
    ]
    return bool(sources) and all(
        source.get("chart")
        or posixpath.join(argocd.folder_of(text(source, "path")), "Chart.yaml") in index.texts
        for source in sources
    )


def helm_origin(marks: Mapping[str, str]) -> HelmOrigin | None:
    """What the resource mapping says of a chart; ``None`` when it says nothing of one."""
    found = _location(marks).get("helm")
    if not isinstance(found, Mapping):
        return None
    files = found.get("valuesPath")
    names = [files] if isinstance(files, str) else files if isinstance(files, list) else []
    chart = str(found.get("chartPath") or "")
    return HelmOrigin(
        argocd.folder_of(chart) if chart else "", tuple(argocd.folder_of(str(n)) for n in names)
    )


def _location(marks: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        found = orjson.loads(marks.get(DATADOG, "{}"))
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _datadog(marks: Mapping[str, str], project: str) -> Iterator[Rung]:
    found = _location(marks)
    repo = found.get("repo")
    helm = found.get("helm")
    for part, key in ((repo, "url"), (helm, "repoURL")):
        if isinstance(part, Mapping):
            _check_project(str(part.get(key) or ""), project, say("manifests.datadog_mapping"))
    if isinstance(repo, Mapping) and isinstance(repo.get("path"), str):
        path = argocd.folder_of(repo["path"])
        yield Rung(say("manifests.datadog_mapping"), (path,), (path,) if path else ())


def _argo(
    index: RepositoryIndex, marks: Mapping[str, str], project: str, steps: list[str]
) -> Iterator[Rung]:
    name = argocd.tracking(marks)
    if not name:
        return
    found: dict[str, None] = {}
    for application in applications(index):
        if text(application, "metadata", "name") != name:
            continue
        for _, source in argocd.sources(application):
            if source.get("path") and not source.get("chart"):
                _check_project(
                    text(source, "repoURL"), project, say("manifests.application", name=name)
                )
        found |= dict.fromkeys(argocd.folders(application))
    if found:
        yield Rung(say("manifests.argo_application", name=name), tuple(found))
    else:
        steps.append(say("manifests.argo_cd_tracks_by_application", name=name))


def applications(index: RepositoryIndex) -> Iterator[Json]:
    """The Applications of the repository, those that ApplicationSets make included."""
    yield from (item for _, item in _deploying(index) if item["kind"] == "Application")


def _flux(
    index: RepositoryIndex, marks: Mapping[str, str], project: str, steps: list[str]
) -> Iterator[Rung]:
    name, namespace = marks.get(f"{_FLUX}/name", ""), marks.get(f"{_FLUX}/namespace", "")
    if not name:
        return
    found: dict[str, None] = {}
    for item in _objects(index, "kustomization", _FLUX):
        place = text(item, "metadata", "namespace") or namespace
        mine = (text(item, "metadata", "name"), place) == (name, namespace)
        if mine and text(item, "spec", "path"):
            found[argocd.folder_of(text(item, "spec", "path"))] = None
    if found:
        yield Rung(say("manifests.flux_kustomization", name=name), tuple(found))
    else:
        steps.append(say("manifests.flux_applies_by_kustomization_not", name=name))


def overriding(
    index: RepositoryIndex,
    folder: str,
    ref: ObjectRef,
    fields: tuple[paths.Path, ...],
    environment: str = "unknown",
) -> str:
    """The deployer that sets one of the fields on top of what ``folder`` builds; empty when none does, or only those that
    speak of another environment."""
    for path, item, settings in _by_folder(index).get(folder, ()):
        metadata = mapping(item, "metadata")
        name, destination = text(metadata, "name"), text(item, "spec", "destination", "name")
        words = (destination, path, name, text(metadata, "namespace"))
        if speaks([word for word in words if word], environment, ref.name) == "no":
            continue
        if _sets(settings, ref, fields):
            flux = item["kind"] == "Kustomization"
            what = "manifests.flux_kustomization" if flux else "manifests.application"
            return say(what, name=name)
    return ""


_Settings = tuple[str, Json, Mapping[str, Any]]


def _by_folder(index: RepositoryIndex) -> Mapping[str, list[_Settings]]:
    """(file, who deploys it, its settings on top) for each folder; gathered once for an index."""
    known = index.memo.get("settings by folder")
    if isinstance(known, dict):
        return known
    found: dict[str, list[_Settings]] = {}
    for path, item in _deploying(index):
        spec = item["spec"]
        sources = (
            [(text(spec, "path"), spec)]
            if item["kind"] == "Kustomization"
            else [(text(s, "path"), mapping(s, "kustomize")) for _, s in argocd.sources(item)]
        )
        for said, settings in sources:
            found.setdefault(argocd.folder_of(said or "-"), []).append((path, item, settings))
    index.memo["settings by folder"] = found
    return found


def _deploying(index: RepositoryIndex) -> Iterator[tuple[str, Json]]:
    """(file, Application or Flux Kustomization)."""
    for kind in ("application", "applicationset"):
        for path, item in _placed(index, kind, "argoproj.io"):
            if item["kind"] == "Application":
                yield path, item
            else:
                made = application_sets.generated(item, index.files, index.readings)
                yield from ((path, one) for one in made)
    yield from _placed(index, "kustomization", _FLUX)


def _sets(settings: Mapping[str, Any], ref: ObjectRef, fields: tuple[paths.Path, ...]) -> bool:
    """Argo CD's and Flux's own words on top of a Kustomization: images, replicas, patches."""
    if settings.get("images") and any(path[-1] == "image" for path in fields):
        return True
    counts = mappings(settings, "replicas")
    if ("spec", "replicas") in fields and any(text(c, "name") == ref.name for c in counts):
        return True
    for entry in mappings(settings, "patches"):
        target = dict(mapping(entry, "target"))
        if target and not kustomize.aims_at(target, ref):
            continue
        try:
            documents = read.read(str(entry.get("patch", "")))
        except NotEditable:
            return True
        for document in documents:
            patch = equivalence.value_of(document.root)
            if not target and not (isinstance(patch, Mapping) and kustomize.names(patch, ref)):
                continue
            if kustomize.json_sets(patch, fields) or kustomize.merge_sets(patch, fields):
                return True
    return False


def _objects(index: RepositoryIndex, kind: str, group: str) -> Iterator[Json]:
    yield from (item for _, item in _placed(index, kind, group))


def _placed(index: RepositoryIndex, kind: str, group: str) -> Iterator[tuple[str, Json]]:
    for path, item in declared_objects(index, kind):
        if text(item, "apiVersion").startswith(group + "/") and isinstance(item.get("spec"), dict):
            yield path, item


def _origin(marks: Mapping[str, str]) -> Iterator[Rung]:
    origin = marks.get(_ORIGIN, "")
    if not origin:
        return
    try:
        documents = read.read(origin)
    except NotEditable:
        return
    said = equivalence.value_of(documents[0].root) if documents else None
    if not isinstance(said, dict) or not isinstance(said.get("path"), str):
        return
    if said.get("repo"):
        raise NotEditable(
            "NOT_FOUND",
            cut(
                say("manifests.kustomize_took_from_another_repository", said=str(said["repo"])), 200
            ),
        )
    # The path counts from the folder that was built, which is not known here.
    ending = re.sub(r"^(\.\.?/)+", "", posixpath.normpath(said["path"]))
    yield Rung(say("manifests.kustomize_origin"), endings=(ending,))


def _check_project(url: str, project: str, who: str) -> None:
    """Raises NotEditable when a URL is surely another repository's."""
    if not url or not project:
        return
    path = argocd.path_of(url)
    if path == project.lower():
        return
    raise NotEditable("NOT_FOUND", say("manifests.says_declared", who=who, url=url[:200]))
