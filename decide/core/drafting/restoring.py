"""What changed comes first: the fields that a plan touches, as they were in the revision that worked, or before the commit.

Pure. A revision tells of a workload's template alone; commits tell of everything that files declare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from decide.core.drafting.drafts import RESTART, PlanDraft, patch_workload
from decide.core.drafting.revisions import Revision, before, proven
from decide.core.drafting.undoing import (
    SIZES,
    beside,
    committed,
    is_there,
    of_draft,
    of_facts,
    same_way,
    short,
    undone,
)
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import paths
from manifests.objects.shapes import Obj, mapping
from manifests.objects.workloads import Workload

_ABSENT = object()
#: Kinds of fixes whose fields stand for themselves: a port or a protocol belongs to what the program of that time listened at.
_ALONE = frozenset(
    {
        "set_memory",
        "set_cpu",
        "set_scheduling",
        "set_reference",
        "set_service_account",
        "set_image_pull_secret",
        "set_volume",
        "set_command",
    }
)
#: Kinds of fixes that no commit is undone for: the answer to these is not in what was written.
_NEVER = frozenset({"create_object", "rollback_revision", "add_autoscaler"})
#: Kinds of fixes whose value is what the running objects have: an earlier one that differs belongs to other objects.
_SEEN = frozenset({"set_service_port", "set_service_selector", "set_image"})
#: Kinds of fixes whose value is confirmed by what exists now: an earlier one that differs is the second choice.
_CONFIRMED = frozenset({"set_env", "set_reference"})
_SECOND = 0.1
#: More than the draft that it comes before; an earlier value was seen to work, a computed one was not.
_LEAD = 0.02
_MOST = 0.97


def restored(drafts: Sequence[PlanDraft], finding: Finding, view: ClusterView) -> list[PlanDraft]:
    """The fields of the first draft, else those that the fault stands in, as they were before they changed.

    Empty where nothing of them did, and where the draft says the same.
    """
    workload = finding.facts.workload
    first = next((d for d in drafts if d.changes and d.fix_kind not in _NEVER), None)
    if first is None:
        asked = [*of_facts(finding, view), *beside(finding, view)]
        kind = finding.facts.fix_kind
    else:
        revised = _revised(first, workload, view)
        if revised or first.fix_kind in _SEEN:
            return revised
        asked = [*of_draft(first, workload, view), *beside(finding, view)]
        kind = first.fix_kind
    draft = undone(kind, committed(kind, asked, workload, view), workload, view)
    if draft is None:
        return []
    if first is not None:
        if _says(draft) == _says(first):
            return []
        lead = -_SECOND if first.fix_kind in _CONFIRMED else _LEAD
        draft.weight = min(_MOST, first.weight + lead)
        draft.risks, draft.time = first.risks, first.time
    return [draft]


def _says(draft: PlanDraft) -> list[tuple[str, str, Any]]:
    """What a draft sets, however its paths are written."""
    fields = ((c.object.key, f) for c in draft.changes for f in c.fields)
    return [(key, paths.render(paths.parse(f.path)), f.after) for key, f in fields]


def as_before(
    view: ClusterView,
    workload: Workload,
    places: Sequence[str],
    better: Callable[[Any, Any], bool],
    weight: float,
) -> list[PlanDraft]:
    """The fields at the places (below the pod spec) as they were before, where ``better(then, now)`` says so."""
    revision = before(view, workload)
    if revision is not None and revision.worked:
        then = _with_spec(workload, revision.spec)
        full = [place.replace(":", f"{workload.template_path}.", 1) for place in places]
        wanted = [
            (path, value)
            for path in full
            if (value := paths.find(then, path)) is not None
            and better(value, paths.find(workload.obj, path))
        ]
        return _back(view, workload, revision, wanted, weight)
    return []


def _revised(first: PlanDraft, workload: Workload | None, view: ClusterView) -> list[PlanDraft]:
    """As the last good revision had them."""
    if workload is None or first.fix_kind not in _ALONE or proven(view, workload):
        return []
    revision = before(view, workload)
    if revision is None:
        return []
    wanted = _wanted(first, workload, _with_spec(workload, revision.spec), view)
    return _back(view, workload, revision, wanted, min(_MOST, first.weight + _LEAD))


def _back(
    view: ClusterView,
    workload: Workload,
    revision: Revision,
    wanted: list[tuple[str, Any]],
    weight: float,
) -> list[PlanDraft]:
    changes = patch_workload(view, workload, wanted) if wanted else []
    if not changes:
        return []
    fields = [f"{short(path)} {value}" for path, value in wanted]
    return [
        PlanDraft(
            fix_kind="rollback_revision",
            title=say("drafting.restored.title", fields=fields, workload=workload.name),
            why=say(
                "drafting.restored.why",
                revision=revision.number,
                name=revision.name,
                fields=fields,
            ),
            changes=changes,
            weight=weight,
            risks=[RESTART],
        )
    ]


def _with_spec(workload: Workload, spec: Obj) -> Obj:
    """An object like the workload, with another pod spec."""
    found: Any = spec
    for key in reversed(workload.template_path.split(".")):
        found = {key: found}
    return {"metadata": mapping(workload.obj, "metadata"), **found}


def _wanted(
    draft: PlanDraft, workload: Workload, then: Obj, view: ClusterView
) -> list[tuple[str, Any]]:
    """Path and earlier value of each field that the draft sets; empty where one of them was not stated, or did not differ."""
    out: list[tuple[str, Any]] = []
    for change in draft.changes:
        if change.object.key != workload.ref.key:
            return []
        for field in change.fields:
            if not field.path.startswith(f"{workload.template_path}."):
                return []
            value = paths.find(then, field.path, _ABSENT)
            if value is _ABSENT or value in (field.before, None):
                if field.op == "replace" and draft.fix_kind in SIZES:
                    continue
                return []
            if draft.fix_kind in SIZES and not same_way(field, value):
                return []
            place = paths.parse(field.path)
            if draft.fix_kind == "set_reference" and not is_there(
                view, workload.namespace, place, value
            ):
                return []
            out.append((field.path, value))
    same = [(f.path, f.after) for c in draft.changes for f in c.fields]
    return [] if out == same else out
