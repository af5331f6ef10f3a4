"""Why a change has not arrived, by what delivers to the cluster: Argo CD and Flux. Pure.

- Argo CD names itself on what it applies: annotation ``argocd.argoproj.io/tracking-id`` (``app:group/Kind:namespace/name``), or
  the label ``app.kubernetes.io/instance`` (https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/).
- Flux puts ``kustomize.toolkit.fluxcd.io/name`` and ``/namespace``, or ``helm.toolkit.fluxcd.io/…``, on what it applies
  (https://fluxcd.io/flux/components/kustomize/kustomizations/).

A sign is no proof: it is told beside the fact that the planned values are not there, and never instead of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kfix.incident.redaction import mask
from kfix.texts import say
from manifests.objects.meta import condition, name_of, namespace_of
from manifests.objects.shapes import at, mapping, mappings, text
from schemas.base import Json
from schemas.text import cut

#: Plurals with their groups, as the API server is asked for them.
APPLICATIONS = "applications.argoproj.io"
KUSTOMIZATIONS = "kustomizations.kustomize.toolkit.fluxcd.io"
RELEASES = "helmreleases.helm.toolkit.fluxcd.io"
_FLUX = {KUSTOMIZATIONS: "kustomize.toolkit.fluxcd.io", RELEASES: "helm.toolkit.fluxcd.io"}
_TRACKING = "argocd.argoproj.io/tracking-id"
_INSTANCE = ("argocd.argoproj.io/instance", "app.kubernetes.io/instance")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Deliverer:
    """An object that delivers others. ``namespace`` empty: not said."""

    plural: str
    name: str
    namespace: str = ""


def deliverers(live: Iterable[Json]) -> list[Deliverer]:
    """Who says on the objects that they are its own, each once."""
    return list(dict.fromkeys(one for item in live for one in _named_on(item)))


def _named_on(item: Json) -> Iterator[Deliverer]:
    labels, notes = mapping(item, "metadata", "labels"), mapping(item, "metadata", "annotations")
    for plural, group in _FLUX.items():
        name = text(labels, f"{group}/name")
        if name:
            yield Deliverer(plural, name, text(labels, f"{group}/namespace"))
    tracked = text(notes, _TRACKING).partition(":")[0]
    if tracked:
        # An Application outside of Argo CD's own namespace is written ``namespace_name``; names have no such sign.
        place, parted, name = tracked.partition("_")
        yield Deliverer(APPLICATIONS, name if parted else tracked, place if parted else "")
        return
    instance = next((text(labels, name) for name in _INSTANCE if text(labels, name)), "")
    if instance:
        yield Deliverer(APPLICATIONS, instance)


def is_meant(found: Json, deliverer: Deliverer) -> bool:
    """Whether an object is that one."""
    place = deliverer.namespace
    return name_of(found) == deliverer.name and (not place or namespace_of(found) == place)


def trouble(found: Json) -> str:
    """One sentence of what keeps it from delivering; empty where it says nothing of the kind."""
    return _of_argo(found) if text(found, "kind") == "Application" else _of_flux(found)


def _of_argo(found: Json) -> str:
    about = {"kind": "Application", "name": name_of(found)}
    operation = mapping(found, "status", "operationState")
    if text(operation, "phase") in ("Failed", "Error"):
        return _failed(about, text(operation, "message"))
    for one in mappings(found, "status", "conditions"):
        if text(one, "type").endswith("Error"):
            return _failed(about, text(one, "message"))
    if text(found, "status", "sync", "status") == "OutOfSync":
        by_hand = not isinstance(at(found, "spec", "syncPolicy", "automated"), Mapping)
        return say("learn.sync.by_hand" if by_hand else "learn.sync.out_of_sync", **about)
    if text(found, "status", "health", "status") == "Degraded":
        return say("learn.sync.degraded", **about)
    return ""


def _of_flux(found: Json) -> str:
    about = {"kind": text(found, "kind"), "name": name_of(found)}
    if at(found, "spec", "suspend") is True:
        return say("learn.sync.suspended", **about)
    ready = condition(found, "Ready")
    if ready.get("status") == "False":
        return _failed(about, text(ready, "message"))
    return ""


def _failed(about: Mapping[str, str], message: str) -> str:
    """What went wrong, in its own words: masked, on one line, cut."""
    words = cut(" ".join(mask(message).split()), _LONGEST)
    if not words:
        return say("learn.sync.failed_silently", **about)
    return say("learn.sync.failed", message=words, **about)
