"""Edits of patches that stand inside of kustomization files, or of JSON patches beside them. Pure.

An inline patch is text in a value of a file. It is edited by the same rules as a file of its own, and the value gets
the new text: in a literal block the lines that differ, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from manifests.objects import paths
from manifests.repository.index import RepositoryIndex
from manifests.repository.stated import StatedField
from manifests.text import editor, equivalence, plan_edits
from manifests.text.edits import Edit, Replace
from schemas.plans import FieldChange, KubernetesChange


def moved(field: FieldChange, stated: StatedField, *, blind: bool) -> FieldChange:
    """A field's change as a change of the patch that says it. ``blind``: whatever it says now."""
    if stated.pointer:
        operation = {"op": field.op, "path": stated.pointer, "value": field.after}
        update = {"path": paths.render(stated.at), "op": "add", "before": None, "after": operation}
        return field.model_copy(update=update)
    if stated.new:
        return field.model_copy(
            update={"path": paths.render(stated.at), "op": "add", "before": None}
        )
    update = {"path": paths.render(stated.at), "op": "replace"}
    before = {"before": stated.value} if blind or field.op == "add" else {}
    return field.model_copy(update=update | before)


def edits_inside(
    index: RepositoryIndex,
    change: KubernetesChange,
    changes: Sequence[tuple[StatedField, FieldChange]],
) -> Mapping[str, list[Edit]]:
    """The edits by file. Raises NotEditable as ``plan_edits.edits_of`` and ``editor.amend`` do."""
    found: dict[str, list[Edit]] = {}
    patches = {(s.file, s.entry.at, s.document.index): s for s, _ in changes}
    for key, stated in patches.items():
        fields = tuple(f for s, f in changes if (s.file, s.entry.at, s.document.index) == key)
        inner = change.model_copy(update={"fields": fields})
        edits = plan_edits.edits_of(inner, stated.document)
        if stated.entry.file:
            index.documents(stated.file)  # by the same guards as any file that is edited
            found.setdefault(stated.file, []).extend(edits)
            continue
        found.setdefault(stated.file, []).append(_whole(index, stated, edits))
    return found


def carried_by(edits: Sequence[Edit], stated: Sequence[StatedField]) -> list[KubernetesChange]:
    """What the edits change of the deployers' objects that hold the patches."""
    held = {(s.number, s.entry.at): s.owner for s in stated if s.owner is not None}
    return [
        KubernetesChange(
            object=owner,
            fields=(FieldChange(path=paths.render(edit.path), before=edit.old, after=edit.new),),
        )
        for edit in edits
        if isinstance(edit, Replace) and (owner := held.get((edit.doc, edit.path))) is not None
    ]


def _whole(index: RepositoryIndex, stated: StatedField, edits: Sequence[Edit]) -> Edit:
    document = index.documents(stated.file)[stated.number]
    text = str(paths.find(equivalence.value_of(document.root), stated.entry.at))
    return Replace(stated.number, stated.entry.at, text, editor.amend(text, edits).text)
