"""A new patch for one environment alone, listed in its overlay. Pure."""

from __future__ import annotations

import posixpath

from kfix.texts import say
from manifests.proposal import overlay as overlaying
from manifests.proposal.draft import Task
from manifests.refused import EditRefused, NotEditable
from manifests.repository import tree
from manifests.repository.kustomize import Kustomization
from manifests.repository.locate import Location
from manifests.text import plan_edits
from schemas.plans import FieldChange, KubernetesChange


def add(task: Task, change: KubernetesChange, where: Location, blocked: EditRefused) -> None:
    """The environment gets a patch of its own. Raises ``blocked`` where a rendering could not prove it."""
    overlay = task.graph.by_folder.get(where.built_in)
    if task.bench is None or overlay is None or overlay not in where.through or not where.lonely:
        raise NotEditable.of(blocked)
    base = where.base or where.document
    try:
        text = overlaying.patch_of(change, where.document, base)
    except NotEditable as refused:
        if refused.code != "UNSUPPORTED":
            raise
        add_json(task, change, where, refused)
        return
    path = _new_patch(task, change, where, overlay, text)
    document = task.index.documents(overlay.path)[0]
    entry = overlaying.entry_of(document, posixpath.basename(path))
    _list_patch(task, change, overlay, entry)


def add_json(task: Task, change: KubernetesChange, where: Location, otherwise: NotEditable) -> None:
    """A value of an item that a merge patch cannot name, by its place in the base. Raises ``otherwise`` where the base
    is not known or a rendering could not prove it."""
    overlay = task.graph.by_folder.get(where.built_in)
    base = where.base or where.document
    if task.bench is None or overlay is None:
        raise otherwise
    try:
        text = overlaying.json_patch_of(change, base)
    except NotEditable:
        raise otherwise from None
    path = _new_patch(task, change, where, overlay, text)
    document = task.index.documents(overlay.path)[0]
    ref, name = where.ref or change.object, posixpath.basename(path)
    _list_patch(task, change, overlay, overlaying.targeted_of(document, ref, name))


def _new_patch(
    task: Task, change: KubernetesChange, where: Location, overlay: Kustomization, text: str
) -> str:
    """The path of a new patch file."""
    path = overlaying.file_of(change.object, overlay)
    tree.check_path(path)
    if path in task.index.files or path in task.draft.new:
        raise NotEditable("STALE", say("manifests.there_already", path=path))
    task.draft.new[path] = text
    step = say("manifests.new_patch_alone", folder=overlay.folder or ".")
    task.draft.steps[path] = [*where.steps, step]
    return path


def _list_patch(
    task: Task, change: KubernetesChange, overlay: Kustomization, entry: FieldChange
) -> None:
    task.draft.to_prove = True
    inner = change.model_copy(update={"fields": (entry,)})
    step = say("manifests.lists_new_file", file=overlay.path)
    edits = plan_edits.edits_of(inner, task.index.documents(overlay.path)[0])
    task.draft.add(overlay.path, edits, (step,))
