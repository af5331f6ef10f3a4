"""A place of which nobody says the namespace does not answer for one that somebody else says. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kfix.texts import say
from manifests.refused import NotEditable
from manifests.repository import deployed, spaces
from manifests.repository.index import RepositoryIndex, Sighting
from manifests.repository.kustomize import Graph, Kustomization
from schemas.base import ObjectRef

Way = Sighting | Kustomization


def refuse(
    index: RepositoryIndex,
    graph: Graph,
    ref: ObjectRef,
    ways: tuple[Way, Sequence[Way]],
    *,
    environment: str,
    declared: Sequence[Sighting],
) -> None:
    """``ways``: the chosen one, and all. ``declared``: the documents that they are made of. Raises NotEditable
    AMBIGUOUS_DOC where nobody says the namespace of the chosen one, and another one says just that of the object and may
    be of the environment."""
    chosen, every = ways
    others = [way for way in every if way.path != chosen.path]
    if not ref.namespace or not others or _says(index, graph, ref, chosen, declared):
        return
    for other in others:
        if not _says(index, graph, ref, other, declared):
            continue
        if deployed.verdict(index, other.path, ref, environment) != "no":
            why = say(
                "manifests.namespace_said_by_another",
                file=chosen.path, namespace=ref.namespace, other=other.path,
            )  # fmt: skip
            raise NotEditable("AMBIGUOUS_DOC", say("manifests.kfix_yaml_tells", why=why))


def _says(
    index: RepositoryIndex, graph: Graph, ref: ObjectRef, way: Way, declared: Sequence[Sighting]
) -> bool:
    wanted = ref.namespace
    if isinstance(way, Kustomization):
        own = [one for one in declared if way in graph.ends_of(one.path)]
        built = {spaces.built_namespace(graph, way, one.path) for one in own}
        said = wanted if wanted in built else max(built, default="")
    else:
        said, own = "", [way]
    if said or spaces.is_said(index, way.path, wanted):
        return not said or said == wanted
    return any(one.namespace == wanted for one in own)
