"""Flux's Kustomizations and HelmReleases as installers. Pure.

Sources: Flux's Kustomization v1 and HelmRelease v2 references.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kfix.texts import say
from manifests.objects.shapes import items, mapping, mappings, text
from manifests.repository import argocd, kustomize, variables
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import revisions
from manifests.repository.installers.model import Installer, is_below
from manifests.repository.installers.revisions import of_reference
from manifests.repository.installers.settings import from_flux
from schemas.base import Json

#: Sources of which a HelmRelease names a folder: the repository, or an artifact that may be made of it.
WITH_FOLDERS = ("GitRepository", "Bucket")


def of_kustomization(index: RepositoryIndex, item: Json, place: str) -> Iterator[Installer]:
    """What a Flux Kustomization applies: a folder, with settings on top. Of a path that is not here, since it counts
    from the root of an artifact, every folder that ends in it may be meant."""
    spec = mapping(item, "spec")
    name = text(item, "metadata", "name")
    cluster = text(spec, "kubeConfig", "secretRef", "name")
    given = mapping(spec, "postBuild", "substitute")
    words = [cluster, place, name, text(spec, "path"), text(spec, "targetNamespace")]
    words += [str(value) for key, value in given.items() if "env" in str(key).lower()]
    path = argocd.folder_of(text(spec, "path") or ".")
    for folder in _applied(index, revisions.meant(index, item, place, path)):
        yield Installer(
            say("manifests.flux_kustomization_in", name=name, place=place),
            folder,
            namespace=text(spec, "targetNamespace"),
            forced=bool(spec.get("targetNamespace")),
            cluster=cluster,
            words=tuple(word for word in words if word),
            on_top=from_flux(spec),
            recursive=True,
            apart=of_reference(index, item, place, mapping(spec, "sourceRef")),
            fills=_fills(spec),
            variables=variables.known(index, spec) if variables.fills(spec) else None,
        )


def _fills(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Variables that Flux fills in after the build, and the objects that it takes more from."""
    given = mappings(spec, "postBuild", "substituteFrom")
    taken = (f"{text(one, 'kind')} {text(one, 'name')}" for one in given)
    return (*map(str, mapping(spec, "postBuild", "substitute")), *taken)


def _applied(index: RepositoryIndex, folders: Sequence[str]) -> Iterator[str]:
    """With the folders below that have a Kustomization of their own, where Flux makes one for the folder: it builds them."""
    known = kustomize.read_graph(index).by_folder
    for folder in folders:
        yield folder
        if folder not in known:
            below = sorted(one for one in known if is_below(one, folder))
            yield from (one for one in below if not any(is_below(one, other) for other in below))


def of_release(index: RepositoryIndex, item: Json, place: str) -> Installer:
    """What a HelmRelease installs: the folder of its chart where that is in a Git repository."""
    spec = mapping(item, "spec")
    inside = mapping(spec, "chart", "spec")
    here = text(inside, "sourceRef", "kind") in WITH_FOLDERS and text(inside, "chart")
    name, namespace = text(item, "metadata", "name"), text(item, "metadata", "namespace")
    files = tuple(argocd.folder_of(str(f)) for f in items(inside, "valuesFiles"))
    return Installer(
        say("manifests.helmrelease", namespace=namespace, name=name, place=place),
        argocd.folder_of(text(inside, "chart")) if here else None,
        files if here else (),
        text(spec, "targetNamespace") or namespace,
        words=tuple(w for w in (place, name, namespace, text(spec, "targetNamespace")) if w),
        trouble="" if here else say("manifests.chart_kept_elsewhere"),
        apart=of_reference(index, item, place, mapping(inside, "sourceRef")) if here else None,
    )
