"""Autoscalers that own a workload's replicas, in the namespace and the overlay that is edited. Pure."""

from __future__ import annotations

from kfix.texts import say
from manifests.refused import NotEditable
from manifests.repository import kustomize, spaces
from manifests.repository.environments import speaks
from manifests.repository.index import RepositoryIndex, Sighting
from schemas.base import ObjectRef


def scaler_of(
    index: RepositoryIndex, ref: ObjectRef, environment: str = "", built_in: str = ""
) -> Sighting | None:
    """What is declared here and scales the workload; none of another namespace, of another environment, or of an
    overlay beside the one that is edited (``built_in``) that builds such a workload of its own."""
    graph = kustomize.read_graph(index)
    workloads = index.sightings(ref.kind, ref.name)[0]
    beside = {one.folder for seen in workloads for one in graph.ends_of(seen.path)}
    beside = beside - {built_in} if built_in else set()
    for scaler in index.autoscalers_of(ref):
        ends = [one for one in graph.ends_of(scaler.path) if not one.component]
        here = [
            one.folder
            for one in ends
            if not ref.namespace
            or spaces.built_namespace(graph, one, scaler.path) in ("", ref.namespace)
        ]
        places = here if ends else [scaler.path]
        own = built_in and built_in in places
        if own or any(
            place not in beside and speaks([place], environment, ref.name) != "no"
            for place in places
        ):
            return scaler
    return None


def refuse_scaled(
    index: RepositoryIndex, ref: ObjectRef, environment: str = "", built_in: str = ""
) -> None:
    """Raises NotEditable HPA_OWNED where something declared here scales the workload, as ``scaler_of``."""
    scaler = scaler_of(index, ref, environment, built_in)
    if scaler is not None:
        raise NotEditable(
            "HPA_OWNED",
            say(
                "manifests.owns_replicas_declared",
                kind=scaler.kind,
                name=scaler.name,
                file=scaler.path,
            ),
        )
