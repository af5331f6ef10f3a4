"""A new patch in one environment's overlay, for a field that only a shared base sets. Pure.

Only what a strategic merge patch says without doubt: entries of mappings, and of lists that Kubernetes merges by a
name. Whoever makes such a patch has to have it proven by rendering.
"""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.render import merge
from manifests.repository import rendering
from manifests.repository.kustomize import Kustomization
from manifests.text import equivalence, guards, plan_edits
from manifests.text.read import Document
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange


def patch_of(change: KubernetesChange, base: Document) -> str:
    """The text of the patch file. Raises NotEditable: STALE where the base is not what the plan saw, UNSUPPORTED."""
    plan_edits.edits_of(change, base)
    root = base.root
    version = guards.text_at(root, "apiVersion")
    if not merge.is_built_in({"apiVersion": version}):
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
    for field in change.fields:
        path = paths.parse(field.path)
        _check(path, field)
        document = _with_neighbours(document, equivalence.value_of(root), path)
        document = rendering.expected(document, [field])
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


def _check(path: paths.Path, field: FieldChange) -> None:
    if field.op == "remove" or isinstance(field.after, list):
        raise NotEditable(
            "UNSUPPORTED", say("manifests.patch_cannot_say_what_becomes", field=field.path)
        )
    for before, segment in itertools.pairwise(path):
        named = isinstance(segment, paths.Match) and merge.merges_by(str(before), segment.field)
        if not isinstance(segment, str) and not named:
            raise NotEditable(
                "UNSUPPORTED", say("manifests.patch_cannot_name_item", before=str(before))
            )


def _named_first(node: Any) -> Any:
    """Items of lists start with their name, as people write them."""
    if isinstance(node, Mapping):
        keys = (
            sorted(node, key=lambda key: key != "name") if "containers" not in node else list(node)
        )
        return {key: _named_first(node[key]) for key in keys}
    return [_named_first(item) for item in node] if isinstance(node, list) else node


def file_of(ref: ObjectRef, overlay: Kustomization) -> str:
    """The patch's path."""
    return posixpath.join(overlay.folder, f"{ref.name}-{ref.kind.lower()}-patch.yaml")


def entry_of(document: Document, name: str) -> FieldChange:
    """The entry in the kustomization file, in the list that it has."""
    content = equivalence.value_of(document.root)
    for key, entry in (("patchesStrategicMerge", name), ("patches", {"path": name})):
        listed = content.get(key) if isinstance(content, Mapping) else None
        if isinstance(listed, Sequence) and not isinstance(listed, str):
            return FieldChange(op="add", path=f"{key}[{len(listed)}]", after=entry)
    return FieldChange(op="add", path="patches[0]", after={"path": name})
