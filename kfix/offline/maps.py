"""The map of a repository on a terminal, as a tree, and for programs, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kfix.texts import say
from manifests.proposal.survey import Deployment, ReadPart, Survey

#: Version of the JSON: raised when a field changes its meaning or goes away.
VERSION = 1
#: Loose files that the tree names; the JSON has all.
_SHOWN = 20
_BY = {
    "argocd": "Argo CD",
    "flux": "Flux",
    "fleet": "Fleet",
    "helmfile": "helmfile",
    "skaffold": "Skaffold",
}


@dataclass(frozen=True, slots=True)
class _Branch:
    text: str
    below: tuple[_Branch, ...] = ()


def lines(found: Survey) -> Iterator[str]:
    """The whole map as a tree: environments, then places, then who deploys there and what that reads."""
    yield from _drawn(_environments(found.deployments))
    if found.loose:
        yield say("manifests.map_loose", count=len(found.loose))
        more = len(found.loose) - _SHOWN
        rest = [say("manifests.map_more", count=more)] if more > 0 else []
        yield from _drawn([_Branch(path) for path in (*found.loose[:_SHOWN], *rest)], 1)
    if found.unread:
        yield say("manifests.map_unread")
        yield from _drawn([_Branch(f"{what}: {why}") for what, why in found.unread], 1)


def part_of(found: Sequence[Deployment]) -> Iterator[str]:
    """Only some of it, as a tree."""
    yield from _drawn(_environments(found))


def shape(found: Survey) -> dict[str, Any]:
    """For programs; ``docs/locating.md`` says what the fields mean."""
    return {
        "version": VERSION,
        "deployments": [_deployment(one) for one in found.deployments],
        "loose": list(found.loose),
        "unread": [{"name": what, "reason": why} for what, why in found.unread],
    }


def _deployment(one: Deployment) -> dict[str, Any]:
    return {
        "name": one.name,
        "by": one.by,
        "declared_in": one.declared_in,
        "renders": one.renders,
        "folder": one.folder,
        "release": one.release,
        "cluster": one.cluster,
        "namespace": one.namespace,
        "environments": list(one.environments),
        "reads": [_part(part) for part in one.parts],
        "on_top": list(one.on_top),
        "fills_in": list(one.fills),
        "not_rendered": one.trouble,
        "other_revision": one.apart,
    }


def _part(part: ReadPart) -> dict[str, Any]:
    below = [_part(inner) for inner in part.below]
    return {"name": part.name, "role": part.role, "reads": below, "not_read": part.trouble}


def _environments(found: Sequence[Deployment]) -> list[_Branch]:
    """Sorted by environment; those that speak of none, or of several, come last."""
    grouped: dict[str, dict[str, list[_Branch]]] = {}
    for one in sorted(found, key=lambda d: (len(d.environments) != 1, d.environments)):
        heard = ", ".join(one.environments) or say("manifests.map_no_environment")
        places = grouped.setdefault(heard, {})
        places.setdefault(_place(one), []).append(_told(one))
    return [
        _Branch(environment, tuple(_Branch(place, tuple(told)) for place, told in places.items()))
        for environment, places in grouped.items()
    ]


def _place(one: Deployment) -> str:
    cluster = one.cluster or say("manifests.map_no_cluster")
    namespace = one.namespace or say("manifests.map_no_namespace")
    return say("manifests.map_place", cluster=cluster, namespace=namespace)


def _told(one: Deployment) -> _Branch:
    by = _BY.get(one.by, "")
    below = []
    if one.apart:
        below.append(_Branch(say("manifests.map_apart", why=one.apart)))
    if one.trouble:
        below.append(_Branch(say("manifests.map_not_rendered", why=one.trouble)))
    if one.on_top:
        below.append(_Branch(say("manifests.map_on_top", names=one.on_top)))
    if one.fills:
        below.append(_Branch(say("manifests.map_fills", names=one.fills)))
    what = _what(one)
    read = tuple(_branch(part) for part in one.parts)
    below += [_Branch(what, read)] if what else list(read)
    return _Branch(f"{one.name} ({by})" if by else one.name, tuple(below))


def _what(one: Deployment) -> str:
    if one.renders == "helm" and one.release:
        return say("manifests.map_release", release=one.release)
    return "" if one.renders == "unknown" else one.renders


def _branch(part: ReadPart) -> _Branch:
    role = "" if part.role in ("kustomization", "resource", "file", "other") else f" ({part.role})"
    why = f": {part.trouble}" if part.trouble else ""
    return _Branch(f"{part.name}{role}{why}", tuple(_branch(inner) for inner in part.below))


def _drawn(branches: Iterable[_Branch], depth: int = 0, before: str = "") -> Iterator[str]:
    listed = list(branches)
    for number, one in enumerate(listed, 1):
        last = number == len(listed)
        yield before + ("" if not depth else "└─ " if last else "├─ ") + _plain(one.text)
        inside = "" if not depth else "   " if last else "│  "
        yield from _drawn(one.below, depth + 1, before + inside)


def _plain(text: str) -> str:
    """Names come from files: none of them moves a terminal's cursor."""
    return "".join(char if char.isprintable() else "�" for char in text)
