"""From typed changes to the edits of a repository's files: which file, which document, which setting on top. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from kfix.texts import say
from manifests.helm import charts, elsewhere
from manifests.helm import place as helm
from manifests.helm.placed import Placed, field_of
from manifests.helm.releases import read_releases
from manifests.objects import paths
from manifests.objects.shapes import mapping
from manifests.proposal import generated as generating
from manifests.proposal import overlay as overlaying
from manifests.proposal.inside import carried_by, edits_inside, moved
from manifests.proposal.scaling import refuse_scaled
from manifests.proposal.second_way import refuse_second_way
from manifests.proposal.settings import REPLICAS, setting_of
from manifests.refused import EditRefused, NotEditable
from manifests.render import merge
from manifests.repository import (
    generators,
    kustomize,
    own_map,
    provenance,
    rendering,
    tree,
)
from manifests.repository.generators import Generated
from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Graph, Kustomization
from manifests.repository.locate import Hints, Location, locate
from manifests.repository.on_top import filled_in
from manifests.repository.rendering import RenderSession
from manifests.repository.stated import StatedField
from manifests.text import aliases, equivalence, guards, plan_edits, read, scalars
from manifests.text.edits import Edit
from manifests.text.read import Document
from manifests.text.readings import Readings
from manifests.text.scalars import is_scalar
from schemas.base import Json, ObjectRef
from schemas.plans import FieldChange, KubernetesChange

_ABSENT = object()
#: Refusals after which the object may still be made by a chart.
NOT_PLAIN = ("NOT_FOUND", "TEMPLATED", "GENERATED")


@dataclass(slots=True)
class EditDraft:
    """Edits gathered for the files of one repository."""

    edits: dict[str, list[Edit]] = field(default_factory=dict)
    steps: dict[str, list[str]] = field(default_factory=dict)
    new: dict[str, str] = field(default_factory=dict)
    #: Whole new texts of files that are no YAML: what generators read.
    texts: dict[str, str] = field(default_factory=dict)
    #: Names without their hash of the generated objects that change, by ``ObjectRef.key``.
    generated: dict[str, str] = field(default_factory=dict)
    #: Changes of objects that carry values for the planned ones: HelmReleases, Applications.
    carried: list[KubernetesChange] = field(default_factory=list)
    #: Were values of a chart changed?
    placed: bool = False
    #: Did the live object or a map say where the object is made?
    told: bool = False
    #: Is it only right if a rendering says so?
    to_prove: bool = False
    #: Is the chart kept elsewhere, so that nobody can render it?
    elsewhere: bool = False
    #: (release, namespace) that a chart was rendered as.
    installed: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, path: str, edits: Sequence[Edit], steps: Sequence[str]) -> None:
        """Edits of a file, with the steps by which their place was found, after those that the file has."""
        self.edits.setdefault(path, []).extend(edits)
        self.steps.setdefault(path, []).extend(steps)


@dataclass(frozen=True, slots=True)
class _Task:
    """What is worked with."""

    index: RepositoryIndex
    graph: Graph
    hints: Hints
    bench: RenderSession | None
    draft: EditDraft


def draft_of(
    index: RepositoryIndex,
    changes: Sequence[KubernetesChange],
    hints: Hints,
    bench: RenderSession | None = None,
) -> EditDraft:
    """Finds every changed object and gathers the edits by file. Raises NotEditable."""
    draft = EditDraft()
    task = _Task(index, kustomize.read_graph(index), hints, bench, draft)
    for change in changes:
        if change.action == "create":
            _create(task, change)
        elif change.action == "patch":
            _patch_declared(task, change)
        else:
            raise NotEditable("UNSUPPORTED", say("manifests.declared_objects_not_deleted"))
    return draft


def _patch_declared(task: _Task, change: KubernetesChange) -> None:
    """Charts come first for objects that say a chart made them; a rendered copy of them may lie around as a file."""
    if task.bench is None:
        _patch(task, change)
        return
    if provenance.is_charted(task.index, task.hints.live.get(change.object.key, {})):
        nothing = EditRefused(
            "NOT_FOUND", say("manifests.no_release_here_makes", object=change.object.key)
        )
        try:
            _patch_values(task, task.bench, change, nothing)
            return
        except NotEditable as refused:
            if refused.code != "NOT_FOUND":
                raise
    try:
        _patch(task, change)
    except NotEditable as refused:
        if refused.code not in NOT_PLAIN:
            raise
        _patch_values(task, task.bench, change, refused.refused)


def draft_blindly(
    index: RepositoryIndex,
    change: KubernetesChange,
    hints: Hints,
    bench: RenderSession | None = None,
) -> EditDraft:
    """As ``draft_of`` for one change of a declared object, whatever the fields are now. Raises NotEditable."""
    draft = EditDraft()
    _patch(_Task(index, kustomize.read_graph(index), hints, bench, draft), change, blind=True)
    return draft


def _is_told(index: RepositoryIndex, ref: ObjectRef, hints: Hints) -> bool:
    """Does the live object say that a chart made it, or a map where it is made?"""
    charted = provenance.is_charted(index, hints.live.get(ref.key, {}))
    return charted or bool(own_map.narrowing(index, ref, hints.environment, hints.folders))


def draft_values(
    index: RepositoryIndex,
    ref: ObjectRef,
    wanted: Mapping[str, Json],
    hints: Hints,
    bench: RenderSession,
) -> tuple[EditDraft, KubernetesChange]:
    """The edits that give fields of an object of a chart new values, and what they change. Raises NotEditable."""
    draft = EditDraft(told=_is_told(index, ref, hints))
    graph = kustomize.read_graph(index)
    releases = read_releases(index, graph, bench)
    fields = tuple(paths.parse(text) for text in wanted)
    marks = hints.live.get(ref.key, {})
    search = charts.Search(
        index, releases, bench, ref, fields, hints.environment, marks, folders=hints.folders
    )
    task = _Task(index, graph, hints, bench, draft)
    if REPLICAS in fields:
        refuse_scaled(index, ref, hints.environment)
    chosen = charts.find(search)
    kept = elsewhere.instead(search, chosen)
    if kept is not None or chosen is None:
        assert kept is not None
        unknown = tuple(FieldChange(path=text, before=None, after=v) for text, v in wanted.items())
        change = KubernetesChange(object=ref, fields=unknown)
        _place(task, helm.place_elsewhere(kept, search, change, blind=True), search.steps)
        return draft, change
    changes = tuple(change_to(text, chosen.item, value) for text, value in wanted.items())
    change = KubernetesChange(object=ref, fields=changes)
    _place(task, helm.place_in(chosen, search, change), search.steps)
    return draft, change


def change_to(text: str, item: Json, value: Json) -> FieldChange:
    """The change that gives a field of an object a value, whatever it is now."""
    before = paths.find(item, text, _ABSENT)
    if before is _ABSENT:
        return FieldChange(op="add", path=text, after=value)
    return FieldChange(path=text, before=before, after=value)


def _patch(task: _Task, change: KubernetesChange, *, blind: bool = False) -> None:
    """``blind``: settings of a Kustomization are replaced whatever they are."""
    index, graph, draft = task.index, task.graph, task.draft
    made = generated_here(index, change.object, task.hints)
    if made is not None:
        _patch_generated(task, change, made, blind=blind)
        return
    parsed = [paths.parse(f.path) for f in change.fields]
    where = _located(task, change, parsed)
    declared = where.ref or change.object
    rest: list[FieldChange] = []
    inside: list[tuple[StatedField, FieldChange]] = []
    for change_of_field, path in zip(change.fields, parsed, strict=True):
        setting = setting_of(graph, where, declared, change_of_field, path)
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
        _overlay(task, inner, where, where.blocked)
    else:
        _edit_document(task, inner, where)


def _located(task: _Task, change: KubernetesChange, fields: Sequence[paths.Path]) -> Location:
    """Where the object is declared. Raises NotEditable where an autoscaler owns its replicas, or a chart makes it too."""
    index, ref, environment = task.index, change.object, task.hints.environment
    where = locate(ref, index, task.hints, fields=fields, graph=task.graph)
    task.draft.told = task.draft.told or where.told
    if REPLICAS in fields:
        for named in dict.fromkeys((ref, where.ref or ref)):
            refuse_scaled(index, named, environment, where.built_in)
    if not task.draft.carried:
        refuse_second_way(index, ref, where, task.hints, task.bench)
    return where


def _fill_in(task: _Task, change: FieldChange, where: Location) -> bool:
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


def _edit_document(task: _Task, change: KubernetesChange, where: Location) -> None:
    """The document itself. Values that it hands to a chart may make way for aliases that stand in theirs."""
    draft, path = task.draft, where.path
    try:
        draft.add(path, _in_document(draft, change, where), where.steps)
    except NotEditable as refused:
        if refused.code == "UNSUPPORTED" and where.partial and where.base is not None:
            _json_patch(task, change, where, refused)
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


def _patch_generated(
    task: _Task, change: KubernetesChange, made: Generated, *, blind: bool
) -> None:
    found = generating.edits_of(task.index, task.graph, made, change, blind=blind)
    step = say("manifests.generates", folder=made.root.folder or ".", name=made.name)
    task.draft.generated[change.object.key] = made.name
    task.draft.to_prove |= found.to_prove
    for path, edits in found.edits.items():
        task.draft.add(path, edits, (*made.steps, step))
    for path, text in found.texts.items():
        task.draft.texts[path] = text
        task.draft.steps.setdefault(path, []).extend((*made.steps, step))


def _overlay(task: _Task, change: KubernetesChange, where: Location, blocked: EditRefused) -> None:
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
        _json_patch(task, change, where, refused)
        return
    path = _new_patch(task, change, where, overlay, text)
    document = task.index.documents(overlay.path)[0]
    entry = overlaying.entry_of(document, posixpath.basename(path))
    _list_patch(task, change, overlay, entry)


def _new_patch(
    task: _Task, change: KubernetesChange, where: Location, overlay: Kustomization, text: str
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
    task: _Task, change: KubernetesChange, overlay: Kustomization, entry: FieldChange
) -> None:
    task.draft.to_prove = True
    inner = change.model_copy(update={"fields": (entry,)})
    step = say("manifests.lists_new_file", file=overlay.path)
    edits = plan_edits.edits_of(inner, task.index.documents(overlay.path)[0])
    task.draft.add(overlay.path, edits, (step,))


def _json_patch(
    task: _Task, change: KubernetesChange, where: Location, otherwise: NotEditable
) -> None:
    """A value of an item that a merge patch cannot name, by its place in the base. Raises ``otherwise`` where the base
    is not known or a rendering could not prove it."""
    overlay = task.graph.by_folder.get(where.built_in)
    base = where.base or where.document
    kind = {"apiVersion": guards.text_at(base.root, "apiVersion")}
    if task.bench is None or overlay is None or not merge.is_built_in(kind):
        raise otherwise
    try:
        text = overlaying.json_patch_of(change, base)
    except NotEditable:
        raise otherwise from None
    path = _new_patch(task, change, where, overlay, text)
    document = task.index.documents(overlay.path)[0]
    ref, name = where.ref or change.object, posixpath.basename(path)
    _list_patch(task, change, overlay, overlaying.targeted_of(document, ref, name))


def _patch_values(
    task: _Task, bench: RenderSession, change: KubernetesChange, otherwise: EditRefused
) -> None:
    """For an object that no file declares: the Helm values that make it. Raises ``otherwise`` without any release."""
    index, hints = task.index, task.hints
    releases = read_releases(index, task.graph, bench)
    if not releases.found:
        raise NotEditable.of(otherwise)
    marks = hints.live.get(change.object.key, {})
    parsed = tuple(paths.parse(field.path) for field in change.fields)
    search = charts.Search(
        index,
        releases,
        bench,
        change.object,
        parsed,
        hints.environment,
        marks,
        folders=hints.folders,
    )
    if REPLICAS in parsed:
        refuse_scaled(index, change.object, hints.environment)
    try:
        placed = helm.place(search, change)
    except NotEditable as error:
        nothing = error.code == "NOT_FOUND" and not search.steps
        raise (NotEditable.of(otherwise) if nothing else error) from None
    task.draft.told = task.draft.told or _is_told(index, change.object, hints)
    _place(task, placed, search.steps)


def _place(task: _Task, placed: Sequence[Placed], steps: Sequence[str]) -> None:
    draft = task.draft
    draft.placed = True
    owned: dict[ObjectRef, list[FieldChange]] = {}
    filed: dict[tuple[str, int], dict[str, Json]] = {}
    written: dict[tuple[ObjectRef, paths.Path], tuple[str, dict[str, Json]]] = {}
    for one in placed:
        layer, recipe = one.layer, one.recipe
        if recipe is None:
            draft.elsewhere = True
        else:
            draft.installed[recipe.chart] = recipe.release, recipe.namespace
        if one.template:
            if layer.path in draft.texts:
                raise NotEditable("UNSUPPORTED", say("manifests.two_edits_change_same_text"))
            draft.texts[layer.path] = one.template
            draft.steps.setdefault(layer.path, []).extend(steps)
        elif layer.written and layer.owner is not None:
            inside = written.setdefault((layer.owner, layer.at), (layer.written, {}))
            inside[1][paths.render(one.path)] = one.value
        elif layer.owner is None:
            file = layer.holder or layer.path
            filed.setdefault((file, layer.document if layer.holder else 0), {})[
                paths.render((*layer.at, *one.path))
            ] = one.value
        else:
            owned.setdefault(layer.owner, []).append(field_of(one))
    for (owner, at), (text, inner) in written.items():
        documents = read.read(text)
        if len(documents) != 1:
            raise NotEditable(
                "UNSUPPORTED", say("manifests.values_text_documents", count=len(documents))
            )
        after = aliases.amended(text, 0, inner)
        owned.setdefault(owner, []).append(
            FieldChange(path=paths.render(at), before=text, after=after)
        )
    for (path, number), wanted in filed.items():
        _set_values(task, (path, number), wanted, steps)
    for owner, fields in owned.items():
        carried = KubernetesChange(object=owner, fields=tuple(fields))
        draft.carried.append(carried)
        _patch(task, carried)


def _set_values(
    task: _Task, place: tuple[str, int], wanted: Mapping[str, Json], steps: Sequence[str]
) -> None:
    """Values of a file (its path, and which document holds them). An alias on the way makes way for what it stands for, since other places keep theirs."""
    path, number = place
    if path not in task.index.texts:
        _new_values(task, path, wanted, steps)
        return
    if not task.index.documents(path):
        before = task.index.texts[path]
        gap = "" if not before or before.endswith("\n") else "\n"
        made = gap + _values_text(wanted)
        task.draft.texts[path] = before + (made.replace("\n", "\r\n") if "\r\n" in before else made)
        task.draft.steps.setdefault(path, []).extend(steps)
        return
    document = task.index.documents(path)[number] if number else _only_document(task.index, path)
    try:
        task.draft.add(path, plan_edits.set_values(document, wanted), steps)
    except NotEditable as refused:
        if refused.code not in ("ALIASED", "ANCHOR_FANOUT"):
            raise
        task.draft.texts[path] = aliases.amended(task.index.texts[path], document.index, wanted)
        task.draft.steps.setdefault(path, []).extend((*steps, say("manifests.alias_written_out")))


def _new_values(task: _Task, path: str, wanted: Mapping[str, Json], steps: Sequence[str]) -> None:
    """A values file that the environment is to have and does not have yet."""
    tree.check_path(path)
    if path in task.index.files or path in task.index.unreadable:
        raise NotEditable("STALE", say("manifests.there_already", path=path))
    task.draft.new[path] = _values_text(wanted)
    task.draft.steps[path] = [*steps, say("manifests.new_values_file")]


def _values_text(wanted: Mapping[str, Json]) -> str:
    content: Json = {}
    for text, value in wanted.items():
        content = rendering.expected(content, [FieldChange(op="add", path=text, after=value)])
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)


def _only_document(index: RepositoryIndex, path: str) -> Document:
    documents = index.documents(path)
    if len(documents) != 1:
        raise NotEditable(
            "AMBIGUOUS_DOC", say("manifests.has_documents_values", path=path, count=len(documents))
        )
    return documents[0]


def _create(task: _Task, change: KubernetesChange) -> None:
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
