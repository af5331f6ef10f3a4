"""From typed changes to the edits of a repository's files: which file, which document, which setting on top. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kfix.texts import say
from manifests.helm import charts, elsewhere
from manifests.helm import place as helm
from manifests.helm.releases import read_releases
from manifests.objects import paths
from manifests.proposal import chart_values, declared, new_object
from manifests.proposal.draft import EditDraft, Task
from manifests.proposal.scaling import refuse_scaled
from manifests.proposal.settings import REPLICAS
from manifests.refused import EditRefused, NotEditable
from manifests.repository import kustomize, provenance
from manifests.repository.index import RepositoryIndex
from manifests.repository.locate import Hints, Location
from manifests.repository.rendering import RenderSession
from schemas.base import Json, ObjectRef
from schemas.plans import FieldChange, KubernetesChange

_ABSENT = object()
#: Refusals after which the object may still be made by a chart.
NOT_PLAIN = ("NOT_FOUND", "TEMPLATED", "GENERATED")


def draft_of(
    index: RepositoryIndex,
    changes: Sequence[KubernetesChange],
    hints: Hints,
    bench: RenderSession | None = None,
) -> EditDraft:
    """Finds every changed object and gathers the edits by file. Raises NotEditable."""
    draft = EditDraft()
    task = Task(index, kustomize.read_graph(index), hints, bench, draft)
    for change in changes:
        if change.action == "create":
            new_object.create(task, change)
        elif change.action == "patch":
            _patch_declared(task, change)
        else:
            raise NotEditable("UNSUPPORTED", say("manifests.declared_objects_not_deleted"))
    return draft


def _patch_declared(task: Task, change: KubernetesChange) -> None:
    """Charts come first for objects that say a chart made them; a rendered copy of them may lie around as a file."""
    if task.bench is None:
        declared.patch(task, change)
        return
    if provenance.is_charted(task.index, task.hints.live.get(change.object.key, {})):
        nothing = EditRefused(
            "NOT_FOUND", say("manifests.no_release_here_makes", object=change.object.key)
        )
        try:
            chart_values.patch(task, task.bench, change, nothing)
            return
        except NotEditable as refused:
            if refused.code != "NOT_FOUND":
                raise
    try:
        declared.patch(task, change)
    except NotEditable as refused:
        if refused.code not in NOT_PLAIN:
            raise
        chart_values.patch(task, task.bench, change, refused.refused)


def draft_blindly(
    index: RepositoryIndex,
    change: KubernetesChange,
    hints: Hints,
    bench: RenderSession | None = None,
    where: Location | None = None,
) -> EditDraft:
    """As ``draft_of`` for one change of a declared object, whatever the fields are now. ``where``: their place, where it
    is known already. Raises NotEditable."""
    task = Task(index, kustomize.read_graph(index), hints, bench, EditDraft())
    declared.patch(task, change, blind=True, where=where)
    return task.draft


def draft_values(
    index: RepositoryIndex,
    ref: ObjectRef,
    wanted: Mapping[str, Json],
    hints: Hints,
    bench: RenderSession,
) -> tuple[EditDraft, KubernetesChange]:
    """The edits that give fields of an object of a chart new values, and what they change. Raises NotEditable."""
    draft = EditDraft(told=chart_values.is_told(index, ref, hints))
    graph = kustomize.read_graph(index)
    releases = read_releases(index, graph, bench)
    fields = tuple(paths.parse(text) for text in wanted)
    marks = hints.live.get(ref.key, {})
    search = charts.Search(
        index, releases, bench, ref, fields, hints.environment, marks, folders=hints.folders
    )
    task = Task(index, graph, hints, bench, draft)
    if REPLICAS in fields:
        refuse_scaled(index, ref, hints.environment)
    chosen = charts.find(search)
    kept = elsewhere.instead(search, chosen)
    if kept is not None or chosen is None:
        assert kept is not None
        unknown = tuple(FieldChange(path=text, before=None, after=v) for text, v in wanted.items())
        change = KubernetesChange(object=ref, fields=unknown)
        chart_values.put(task, helm.place_elsewhere(kept, search, change, blind=True), search.steps)
        return draft, change
    changes = tuple(change_to(text, chosen.item, value) for text, value in wanted.items())
    change = KubernetesChange(object=ref, fields=changes)
    chart_values.put(task, helm.place_in(chosen, search, change), search.steps)
    return draft, change


def change_to(text: str, item: Json, value: Json) -> FieldChange:
    """The change that gives a field of an object a value, whatever it is now."""
    before = paths.find(item, text, _ABSENT)
    if before is _ABSENT:
        return FieldChange(op="add", path=text, after=value)
    return FieldChange(path=text, before=before, after=value)
