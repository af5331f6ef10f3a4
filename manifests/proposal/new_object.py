"""A new object's file, and its place in a Kustomization. Pure."""

from __future__ import annotations

import posixpath

import yaml

from kfix.texts import say
from manifests.objects import paths
from manifests.objects.shapes import mapping
from manifests.proposal.draft import Task
from manifests.refused import NotEditable
from manifests.repository import tree
from manifests.repository.kustomize import Graph, Kustomization
from manifests.repository.locate import Location, locate
from manifests.text import equivalence, plan_edits
from manifests.text.readings import Readings
from schemas.base import Json, ObjectRef
from schemas.plans import FieldChange, KubernetesChange


def create(task: Task, change: KubernetesChange) -> None:
    """A new object gets its own file beside the workload it is about, and its place in that folder's Kustomization."""
    index, graph, draft = task.index, task.graph, task.draft
    manifest = change.manifest
    if not isinstance(manifest, dict):
        raise NotEditable("UNSUPPORTED", say("manifests.new_object_without_manifest"))
    found, _ = index.sightings(change.object.kind, change.object.name)
    if found:
        raise NotEditable(
            "STALE", say("manifests.declared_already", object=change.object.key, file=found[0].path)
        )
    beside = change.beside or _beside(manifest, change.object)
    where = locate(beside, index, task.hints, graph=graph)
    if where.blocked is not None:
        raise NotEditable.of(where.blocked)
    path, text = _new_file(change, manifest, where)
    tree.check_path(path)
    if path in index.texts or path in draft.new:
        raise NotEditable("STALE", say("manifests.there_already", path=path))
    draft.new[path] = text
    draft.steps[path] = [*where.steps, say("manifests.new_file_beside", file=where.path)]
    kustomization = _listing(graph, where, path)
    if kustomization is None:
        return
    name = posixpath.relpath(path, posixpath.dirname(kustomization.path) or ".")
    if kustomization not in where.through and where.through:
        raise NotEditable(
            "AMBIGUOUS_DOC", say("manifests.shared_by_several_overlays", file=kustomization.path)
        )
    document = index.documents(kustomization.path)[0]
    place = paths.find(equivalence.value_of(document.root), ("resources",), None)
    if isinstance(place, list) and any(posixpath.normpath(str(one)) == name for one in place):
        return  # it was left in the list when the file went
    at = len(place) if isinstance(place, list) else 0
    entry = FieldChange(op="add", path=f"resources[{at}]", after=name)
    inner = change.model_copy(update={"action": "patch", "fields": (entry,)})
    draft.add(
        kustomization.path,
        plan_edits.edits_of(inner, document),
        (say("manifests.lists_new_file", file=kustomization.path),),
    )


def _new_file(
    change: KubernetesChange, manifest: dict[str, object], where: Location
) -> tuple[str, str]:
    """Path and text of a new object's file: beside the workload it is about, or the lost one as it was."""
    lost = change.restores
    if lost is None:
        name = f"{change.object.name}-{change.object.kind.lower()}.yaml"
        text = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=100)
        return posixpath.join(posixpath.dirname(where.path), name), text
    said = [equivalence.value_of(d.root) for d in Readings().read(lost.text) if d.root]
    if len(said) != 1 or _without_namespace(said[0]) != _without_namespace(manifest):
        raise NotEditable("UNSUPPORTED", say("manifests.lost_file_says_another", file=lost.path))
    return lost.path, lost.text


def _without_namespace(item: object) -> Json:
    """An object whose namespace its installer may say."""
    found = mapping(item)
    meta = {k: v for k, v in mapping(found, "metadata").items() if k != "namespace"}
    return {**found, "metadata": meta}


def _listing(graph: Graph, where: Location, path: str) -> Kustomization | None:
    """The Kustomization that lists a new file: of its folder, else the nearest above that the workload comes through."""
    own = graph.by_folder.get(posixpath.dirname(path))
    above = [k for k in where.through if path.startswith(f"{k.folder}/" if k.folder else "")]
    return own or max(above, key=lambda k: len(k.folder), default=None)


def _beside(manifest: dict[str, object], created: ObjectRef) -> ObjectRef:
    spec = manifest.get("spec")
    target = spec.get("scaleTargetRef") if isinstance(spec, dict) else None
    if isinstance(target, dict) and target.get("name"):
        return ObjectRef(
            kind=str(target.get("kind") or "Deployment"),
            namespace=created.namespace,
            name=str(target["name"]),
        )
    raise NotEditable("UNSUPPORTED", say("manifests.no_place_known_for_new", kind=created.kind))
