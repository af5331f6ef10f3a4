"""A new patch in one environment's overlay, for a field that only a shared base sets. Pure.

Only what a strategic merge patch says without doubt: entries of mappings, and of lists that Kubernetes merges by a
name. Whoever makes such a patch has to have it proven by rendering.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.render import merge
from manifests.repository import kustomize, rendering
from manifests.repository.kustomize import Kustomization
from manifests.text import equivalence, guards, plan_edits, scalars
from manifests.text.read import Document
from schemas.base import Json, ObjectRef
from schemas.plans import FieldChange, KubernetesChange

_ABSENT = object()


def patch_of(change: KubernetesChange, decides: Document, base: Document | None = None) -> str:
    """The text of the patch file, over ``base`` (by default the same), whose fields ``decides`` says.

    Raises NotEditable: STALE where that is not what the plan saw, UNSUPPORTED.
    """
    plan_edits.edits_of(change, decides)
    root = (base or decides).root
    version = guards.text_at(root, "apiVersion")
    # Of kinds without a schema kustomize merges mappings and replaces lists.
    named = all(isinstance(part, str) for one in change.fields for part in paths.parse(one.path))
    if not named and not merge.is_built_in({"apiVersion": version}):
        raise NotEditable(
            "UNSUPPORTED", say("manifests.nobody_knows_how_patches_merge", kind=change.object.kind)
        )
    metadata = {"name": guards.text_at(root, "metadata", "name")}
    namespace = guards.text_at(root, "metadata", "namespace")
    document: Any = {
        "apiVersion": version,
        "kind": change.object.kind,
        "metadata": metadata | ({"namespace": namespace} if namespace else {}),
    }
    declared = equivalence.value_of(root)
    for field in change.fields:
        path = paths.parse(field.path)
        _check(path, field, declared)
        document = _with_neighbours(document, declared, path)
        document = rendering.expected(document, [field])
        document = _with_merge_keys(document, declared, path)
    return yaml.safe_dump(_named_first(document), sort_keys=False, allow_unicode=True, width=100)


def _with_neighbours(document: Any, base: Any, path: paths.Path) -> Any:
    """The items before a named one are named too: kustomize would put it before them otherwise."""
    for at, segment in enumerate(path):
        if not isinstance(segment, paths.Match):
            continue
        listed = paths.find(base, path[:at], None) or []
        for item in listed:
            name = str(item.get(segment.field))
            if name == segment.value:
                break
            here = (*path[:at], paths.Match(segment.field, name))
            if paths.find(document, here, None) is None:
                whole = FieldChange(op="add", path=paths.render(here), after={})
                document = rendering.expected(document, [whole])
    return document


def _with_merge_keys(document: Any, base: Any, path: paths.Path) -> Any:
    """Items that the path knows by another field also say those that Kubernetes merges by: a port's number."""
    for at, segment in enumerate(path):
        key = _merge_key(path, at, base)
        if not isinstance(segment, paths.Match) or key in ("", segment.field):
            continue
        for item in paths.find(document, path[:at], None) or []:
            here = (*path[:at], paths.Match(segment.field, str(item.get(segment.field))))
            there = paths.find(base, here, {})
            for name in (key, "protocol"):
                if name in there:
                    where = paths.render((*here, name))
                    said = FieldChange(op="add", path=where, after=there[name])
                    document = rendering.expected(document, [said])
    return document


def _merge_key(path: paths.Path, at: int, base: Any) -> str:
    """The field by which Kubernetes merges the list that holds segment ``at``; empty where it has none there."""
    if not isinstance(path[at], paths.Match) or not at:
        return ""
    item = paths.find(base, path[: at + 1], None)
    said = item if isinstance(item, Mapping) else {}
    return next((by for by in merge.merge_keys(str(path[at - 1])) if by in said), "")


def _check(path: paths.Path, field: FieldChange, base: Any) -> None:
    if field.op == "remove" or isinstance(field.after, list):
        raise NotEditable(
            "UNSUPPORTED", say("manifests.patch_cannot_say_what_becomes", field=field.path)
        )
    for at, segment in enumerate(path):
        if not isinstance(segment, str) and not _named(path, at, base):
            raise NotEditable(
                "UNSUPPORTED", say("manifests.patch_cannot_name_item", before=str(path[at - 1]))
            )


def _named(path: paths.Path, at: int, base: Any) -> bool:
    """Whether a patch can name the item at ``at``: by a field that it does not change itself, else it would be another item."""
    segment = path[at]
    if not isinstance(segment, paths.Match):
        return False
    if _is_name_of(path, at, base):
        return False
    return merge.merges_by(str(path[at - 1]), segment.field) or bool(_merge_key(path, at, base))


def check_named(path: paths.Path, base: Document) -> None:
    """Raises NotEditable UNSUPPORTED where a merge patch would make another item of the one whose field it changes."""
    declared = equivalence.value_of(base.root)
    for at, segment in enumerate(path):
        if isinstance(segment, paths.Match) and _is_name_of(path, at, declared):
            raise NotEditable(
                "UNSUPPORTED", say("manifests.patch_cannot_name_item", before=str(path[at - 1]))
            )


def _is_name_of(path: paths.Path, at: int, base: Any) -> bool:
    """Is the field what patches know the item at ``at`` by?"""
    segment, rest = path[at], path[at + 1 :]
    assert isinstance(segment, paths.Match)
    return rest in ((segment.field,), (_merge_key(path, at, base),))


def _named_first(node: Any) -> Any:
    """Items of lists start with their name, as people write them."""
    if isinstance(node, Mapping):
        keys = (
            sorted(node, key=lambda key: key != "name") if "containers" not in node else list(node)
        )
        return {key: _named_first(node[key]) for key in keys}
    return [_named_first(item) for item in node] if isinstance(node, list) else node


def json_patch_of(change: KubernetesChange, base: Document) -> str:
    """The text of a JSON patch (RFC 6902) that changes values of ``base`` at their places, for items that a merge patch
    cannot name. Raises NotEditable UNSUPPORTED where a field is more than a value that the base says."""
    declared = equivalence.value_of(base.root)
    operations = []
    for field in change.fields:
        path = paths.parse(field.path)
        now = paths.find(declared, path, _ABSENT)
        if field.op == "remove" or not (scalars.is_scalar(now) and scalars.is_scalar(field.after)):
            raise NotEditable(
                "UNSUPPORTED", say("manifests.patch_cannot_say_what_becomes", field=field.path)
            )
        pointer = kustomize.pointer_to(declared, path)
        operations.append({"op": "replace", "path": pointer, "value": field.after})
    return yaml.safe_dump(operations, sort_keys=False, allow_unicode=True, width=100)


def file_of(ref: ObjectRef, overlay: Kustomization) -> str:
    """The patch's path."""
    return posixpath.join(overlay.folder, f"{ref.name}-{ref.kind.lower()}-patch.yaml")


def targeted_of(document: Document, ref: ObjectRef, name: str) -> FieldChange:
    """The entry of a JSON patch's file in the kustomization file, for the object as files call it."""
    listed = paths.find(equivalence.value_of(document.root), ("patches",), None)
    at = len(listed) if isinstance(listed, list) else 0
    entry: Json = {"path": name, "target": {"kind": ref.kind, "name": ref.name}}
    return FieldChange(op="add", path=f"patches[{at}]", after=entry)


def entry_of(document: Document, name: str) -> FieldChange:
    """The entry in the kustomization file, in the list that it has."""
    content = equivalence.value_of(document.root)
    for key, entry in (("patchesStrategicMerge", name), ("patches", {"path": name})):
        listed = content.get(key) if isinstance(content, Mapping) else None
        if isinstance(listed, Sequence) and not isinstance(listed, str):
            return FieldChange(op="add", path=f"{key}[{len(listed)}]", after=entry)
    return FieldChange(op="add", path="patches[0]", after={"path": name})
