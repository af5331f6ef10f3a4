"""``images:`` and ``replicas:`` of Kustomizations, which win over the document: then they are what is edited. Pure.

Source: kustomize's kustomization file reference (images: name, newName, newTag, digest; replicas: name, count).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Graph, Kustomization
from manifests.repository.locate import Location
from manifests.text import equivalence, plan_edits
from manifests.text.edits import Edit
from schemas.base import Json, ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from schemas.text import Said

REPLICAS = ("spec", "replicas")


@dataclass(frozen=True, slots=True)
class Setting:
    """An entry of a Kustomization, and the changes of its file that mean the change of the object's field."""

    kustomization: Kustomization
    fields: tuple[FieldChange, ...]
    #: Is it an entry that the overlay gets over one that others have too?
    new: bool = False

    def edits(
        self, index: RepositoryIndex, change: KubernetesChange, *, blind: bool
    ) -> tuple[Edit, ...]:
        """The edits of the file. ``blind``: whatever the entry says now. Raises NotEditable."""
        document = index.documents(self.kustomization.path)[0]
        fields = self.fields
        if blind:
            now = equivalence.value_of(document.root)
            fields = tuple(
                f.model_copy(update={"before": paths.find(now, f.path)}) if f.op != "add" else f
                for f in fields
            )
        return plan_edits.edits_of(change.model_copy(update={"fields": fields}), document)


def setting_of(
    graph: Graph, where: Location, ref: ObjectRef, change: FieldChange, path: paths.Path
) -> Setting | None:
    """The outermost entry that sets the field; ``None`` without. Raises NotEditable OVERRIDDEN where others have it too."""
    roots = where.through[:1] or graph.roots_of(where.path)
    above = {k.folder: k for root in roots for k in graph.below(root)}
    for kustomization in (*where.through, *above.values()):
        fields = _in_kustomization(kustomization, ref, change, path)
        if not fields:
            continue
        if kustomization not in where.through:
            shared = say(
                "manifests.sets_for_more_than_one", file=kustomization.path, field=change.path
            )
            return _over(where, ref, change, path, shared)
        return Setting(kustomization, fields)
    return None


def _over(
    where: Location, ref: ObjectRef, change: FieldChange, path: paths.Path, shared: Said
) -> Setting:
    """An entry of the overlay's own, which wins over one that others have too. Raises NotEditable OVERRIDDEN with
    ``shared`` where it has no such list to itself."""
    overlay = next((k for k in where.through if k.folder == where.built_in), None)
    if overlay is None or overlay.trouble:
        raise NotEditable("OVERRIDDEN", shared)
    if path == REPLICAS:
        entry: Json = {"name": ref.name, "count": change.after}
        at = f"replicas[{len(overlay.replicas)}]"
    else:
        before, after = split_image(str(change.before)), split_image(str(change.after))
        if not after[1] or any(image.get("name") == before[0] for image in overlay.images):
            raise NotEditable("OVERRIDDEN", shared)
        key = "digest" if after[1].startswith("@") else "newTag"
        renamed: dict[str, Json] = {"newName": after[0]} if after[0] != before[0] else {}
        entry = {"name": before[0], **renamed, key: after[1].lstrip("@")}
        at = f"images[{len(overlay.images)}]"
    return Setting(overlay, (FieldChange(op="add", path=at, after=entry),), new=True)


def _in_kustomization(
    kustomization: Kustomization, ref: ObjectRef, change: FieldChange, path: paths.Path
) -> tuple[FieldChange, ...]:
    if path == REPLICAS and ref.name in kustomization.replicas:
        inner = f"replicas[name={ref.name}].count"
        return (change.model_copy(update={"path": inner, "op": "replace"}),)
    if path[-1] != "image" or not isinstance(change.after, str):
        return ()
    before = split_image(str(change.before))
    for image in reversed(kustomization.images):
        if str(image.get("newName") or image.get("name")) == before[0]:
            return tuple(_image(image, before, split_image(change.after)))
    return ()


def _image(
    image: Mapping[str, Any], before: tuple[str, str], after: tuple[str, str]
) -> list[FieldChange]:
    """The changes of one entry. Another name, a tag for a digest and a digest for a tag are changes of the same entry."""
    at = f"images[name={image['name']}]"
    found: list[FieldChange] = []
    if after[0] != before[0]:
        found.append(_put(f"{at}.newName", image.get("newName"), after[0]))
    key, gone = ("digest", "newTag") if after[1].startswith("@") else ("newTag", "digest")
    if after[1] and after[1] != before[1]:
        if gone in image:
            found.append(FieldChange(op="remove", path=f"{at}.{gone}", before=image[gone]))
        said = before[1].lstrip("@") if key in image and gone not in image else image.get(key)
        found.append(_put(f"{at}.{key}", said, after[1].lstrip("@")))
    return found


def _put(path: str, before: object, after: str) -> FieldChange:
    if before is None:
        return FieldChange(op="add", path=path, after=after)
    return FieldChange(path=path, before=str(before), after=after)


def split_image(image: str) -> tuple[str, str]:
    """(repository, tag or ``@digest``) of an image reference; the tag is empty when there is none."""
    name, at, digest = image.partition("@")
    if at:
        return name, "@" + digest
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "")
