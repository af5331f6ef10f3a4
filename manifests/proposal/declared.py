"""Edits of an object that a file declares, or that a Kustomization generates or sets fields of. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from kfix.texts import say
from manifests.objects import paths
from manifests.proposal import generated as generating
from manifests.proposal import overlay as overlaying
from manifests.proposal import own_patch
from manifests.proposal.draft import EditDraft, Task
from manifests.proposal.inside import carried_by, edits_inside, moved
from manifests.proposal.scaling import refuse_scaled
from manifests.proposal.second_way import refuse_second_way
from manifests.proposal.settings import REPLICAS, setting_of
from manifests.refused import NotEditable
from manifests.repository import generators, kustomize
from manifests.repository.generators import Generated
from manifests.repository.index import RepositoryIndex
from manifests.repository.locate import Hints, Location, locate
from manifests.repository.on_top import filled_in
from manifests.repository.stated import StatedField
from manifests.text import aliases, equivalence, plan_edits, scalars
from manifests.text.edits import Edit
from manifests.text.read import Document
from manifests.text.scalars import is_scalar
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange

_ABSENT = object()


def patch(
    task: Task, change: KubernetesChange, *, blind: bool = False, where: Location | None = None
) -> None:
    """Edits of each field where it is said. ``blind``: settings of a Kustomization are replaced whatever they are.
    ``where``: the fields' place, where it is known already. Raises NotEditable."""
    index, graph, draft = task.index, task.graph, task.draft
    made = generated_here(index, change.object, task.hints)
    if made is not None:
        _patch_generated(task, change, made, blind=blind)
        return
    parsed = [paths.parse(f.path) for f in change.fields]
    where = where or locate(change.object, index, task.hints, fields=parsed, graph=graph)
    _check_owners(task, change, parsed, where)
    declared = where.ref or change.object
    rest: list[FieldChange] = []
    inside: list[tuple[StatedField, FieldChange]] = []
    for change_of_field, path in zip(change.fields, parsed, strict=True):
        setting = setting_of(graph, where, declared, _seen(change_of_field, path, where), path)
        stated = where.stated.get(path)
        if stated is not None and (setting is None or stated.owner is not None):
            inside.append((stated, moved(change_of_field, stated, blind=blind)))
            draft.to_prove |= bool(stated.pointer)
        elif setting is None:
            rest += [] if _fill_in(task, change_of_field, where) else [change_of_field]
        else:
            file = setting.kustomization.path
            name = change.object.name
            step = say("manifests.sets_for", file=file, field=change_of_field.path, name=name)
            draft.to_prove |= setting.new
            draft.add(file, setting.edits(index, change, blind=blind), (*where.steps, step))
    for file, edits in edits_inside(index, change, inside).items():
        said = [f.path for s, f in inside if s.file == file]
        step = say("manifests.sets_for", file=file, field=", ".join(said), name=change.object.name)
        draft.add(file, edits, (*where.steps, step))
        draft.carried += carried_by(edits, [s for s, _ in inside if s.file == file])
    if not rest:
        return
    inner = change.model_copy(update={"fields": tuple(rest)})
    if where.blocked is not None:
        own_patch.add(task, inner, where, where.blocked)
    else:
        _edit_document(task, inner, where)


def _seen(change: FieldChange, path: paths.Path, where: Location) -> FieldChange:
    """The change with the image that the base says, where the patch to edit says none: settings are known by it."""
    if path[-1] != "image" or change.before is not None or where.base is None:
        return change
    now = paths.find(equivalence.value_of(where.base.root), path, None)
    return change.model_copy(update={"op": "replace", "before": now}) if now is not None else change


def _check_owners(
    task: Task, change: KubernetesChange, fields: Sequence[paths.Path], where: Location
) -> None:
    """Raises NotEditable where an autoscaler owns the object's replicas, or a chart makes it too."""
    index, ref, environment = task.index, change.object, task.hints.environment
    task.draft.told = task.draft.told or where.told
    if REPLICAS in fields:
        for named in dict.fromkeys((ref, where.ref or ref)):
            refuse_scaled(index, named, environment, where.built_in)
    if not task.draft.carried:
        refuse_second_way(index, ref, where, task.hints, task.bench)


def _fill_in(task: Task, change: FieldChange, where: Location) -> bool:
    """Where the field is a variable that a deployer of the folder fills in, its value there changes."""
    declared = paths.find(equivalence.value_of(where.document.root), change.path, None)
    if not isinstance(declared, str) or "${" not in declared or not is_scalar(change.after):
        return False
    folder = where.built_in or posixpath.dirname(where.path)
    found = filled_in(
        task.index, folder, declared, scalars.plain_text(change.after), task.hints.environment
    )
    if found is None:
        return False
    path = ("spec", "postBuild", "substitute", found.variable)
    before = paths.find(found.deployer, path, None)
    field_ = FieldChange(path=paths.render(path), op="add", after=found.value)
    if before is not None:
        field_ = FieldChange(path=paths.render(path), before=before, after=found.value)
    edits = plan_edits.set_values(found.document, {field_.path: found.value})
    step = say("manifests.fills_in", file=found.path, name=found.variable)
    task.draft.add(found.path, edits, (*where.steps, step))
    task.draft.carried.append(KubernetesChange(object=found.owner, fields=(field_,)))
    return True


def _edit_document(task: Task, change: KubernetesChange, where: Location) -> None:
    """The document itself. Values that it hands to a chart may make way for aliases that stand in theirs."""
    draft, path = task.draft, where.path
    try:
        draft.add(path, _in_document(draft, change, where), where.steps)
    except NotEditable as refused:
        if refused.code == "UNSUPPORTED" and where.partial and where.base is not None:
            own_patch.add_json(task, change, where, refused)
            return
        shared = refused.code in ("ALIASED", "ANCHOR_FANOUT")
        values = all(_is_value(field) for field in change.fields)
        if not (shared and values) or path in draft.edits or path in draft.texts:
            raise
        task.index.documents(path)  # by the same guards as any file that is edited
        wanted = {field.path: field.after for field in change.fields}
        text = task.index.texts[path]
        draft.texts[path] = aliases.amended(text, where.document.index, wanted)
        draft.steps.setdefault(path, []).extend((*where.steps, say("manifests.alias_written_out")))


def _is_value(field_: FieldChange) -> bool:
    """Is it a value that a HelmRelease or an Application hands to a chart?"""
    path = paths.parse(field_.path)
    return field_.op != "remove" and (path[:2] == ("spec", "values") or "valuesObject" in path)


def _in_document(draft: EditDraft, change: KubernetesChange, where: Location) -> tuple[Edit, ...]:
    """The edits of the document; a patch that says nothing of a field may get it, where a rendering proves that."""
    for path in (paths.parse(one.path) for one in change.fields):
        if where.partial and where.base is not None and not _is_said(where.document, path):
            overlaying.check_named(path, where.base)
    try:
        return plan_edits.edits_of(
            change, where.document, partial=where.partial and not _lists(draft, change, where)
        )
    except NotEditable as refused:
        fields = tuple(_added_to(where, one) for one in change.fields)
        if refused.code != "NOT_FOUND" or not where.partial or fields == tuple(change.fields):
            raise
    draft.to_prove = True
    added = change.model_copy(update={"fields": fields})
    return plan_edits.edits_of(added, where.document, partial=True)


def _lists(draft: EditDraft, change: KubernetesChange, where: Location) -> bool:
    """Does the patch list the items that the change counts? Whether it counts them as the object does is to be proven."""
    parsed = [paths.parse(field.path) for field in change.fields]
    counted = [path for path in parsed if any(isinstance(segment, int) for segment in path)]
    if not counted or any(f.op != "replace" for f in change.fields):
        return False
    found = all(_is_said(where.document, path) for path in counted)
    draft.to_prove |= found
    return found


def _added_to(where: Location, field: FieldChange) -> FieldChange:
    """A field as the environment's own patch takes it: new there, where only what is patched says it."""
    path = paths.parse(field.path)
    if field.op != "replace" or where.base is None or _is_said(where.document, path):
        return field
    earlier = where.before.get(path)
    now = paths.find(equivalence.value_of(where.base.root), path, _ABSENT)
    if earlier is not None:
        now = earlier.value if earlier.at else _ABSENT
    if now is _ABSENT or not equivalence.equivalent(path, now, field.before):
        return field
    return FieldChange(op="add", path=field.path, after=field.after)


def _is_said(document: Document, path: paths.Path) -> bool:
    return paths.find(equivalence.value_of(document.root), path, _ABSENT) is not _ABSENT


def generated_here(index: RepositoryIndex, ref: ObjectRef, hints: Hints) -> Generated | None:
    """The generated ConfigMap that is meant, where no file declares one of that name."""
    if ref.kind != "ConfigMap" or index.sightings(ref.kind, ref.name)[0]:
        return None
    return generators.generated(index, kustomize.read_graph(index), ref, hints)


def _patch_generated(task: Task, change: KubernetesChange, made: Generated, *, blind: bool) -> None:
    found = generating.edits_of(task.index, task.graph, made, change, blind=blind)
    step = say("manifests.generates", folder=made.root.folder or ".", name=made.name)
    task.draft.generated[change.object.key] = made.name
    task.draft.to_prove |= found.to_prove
    for path, edits in found.edits.items():
        task.draft.add(path, edits, (*made.steps, step))
    for path, text in found.texts.items():
        task.draft.texts[path] = text
        task.draft.steps.setdefault(path, []).extend((*made.steps, step))
