"""What changed comes first: the fields that a plan touches, as they were in the revision that worked. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from decide.core.drafting.drafts import RESTART, PlanDraft, patch_workload
from decide.core.drafting.revisions import before, proven
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import paths, quantities
from manifests.objects.shapes import Obj, mapping
from manifests.objects.workloads import Workload
from schemas.plans import FieldChange

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
#: Kinds of fixes that a size is computed for: an earlier size is the better answer only where it goes the same way.
_SIZES = frozenset({"set_memory", "set_cpu"})
#: More than the draft that it comes before; an earlier value was seen to work, a computed one was not.
_LEAD = 0.02
_MOST = 0.97


def restored(drafts: Sequence[PlanDraft], finding: Finding, view: ClusterView) -> list[PlanDraft]:
    """The first draft's fields back to what the last good revision had there; empty where nothing of them changed."""
    workload = finding.facts.workload
    if workload is None or not drafts or proven(view, workload):
        return []
    first, revision = drafts[0], before(view, workload)
    if revision is None or first.fix_kind not in _ALONE:
        return []
    then = Workload(workload.kind, _with_spec(workload, revision.spec))
    wanted = _wanted(first, workload, then)
    if not wanted:
        return []
    changes = patch_workload(view, workload, wanted)
    if not changes:
        return []
    return [
        PlanDraft(
            fix_kind="rollback_revision",
            title=say(
                "drafting.restored.title",
                fields=[f"{_short(path)} {value}" for path, value in wanted],
                workload=workload.name,
            ),
            why=say(
                "drafting.restored.why",
                revision=revision.number,
                name=revision.name,
                fields=[f"{_short(path)} {value}" for path, value in wanted],
            ),
            changes=changes,
            weight=min(_MOST, first.weight + _LEAD),
            risks=[RESTART],
        )
    ]


def _short(path: str) -> str:
    """The last two parts of a path, as people say them."""
    return ".".join(path.split(".")[-2:])


def _with_spec(workload: Workload, spec: Obj) -> Obj:
    """An object like the workload, with another pod spec."""
    found: Any = spec
    for key in reversed(workload.template_path.split(".")):
        found = {key: found}
    return {"metadata": mapping(workload.obj, "metadata"), **found}


def _wanted(draft: PlanDraft, workload: Workload, then: Workload) -> list[tuple[str, Any]]:
    """Path and earlier value of each field that the draft sets; empty where one of them was not stated, or did not differ."""
    out: list[tuple[str, Any]] = []
    for change in draft.changes:
        if change.object.key != workload.ref.key:
            return []
        for field in change.fields:
            if not field.path.startswith(f"{workload.template_path}."):
                return []
            earlier = paths.find(then.obj, field.path, _ABSENT)
            if earlier is _ABSENT or earlier in (field.before, None):
                if field.op == "replace" and draft.fix_kind in _SIZES:
                    continue
                return []
            if draft.fix_kind in _SIZES and not _same_way(field, earlier):
                return []
            out.append((field.path, earlier))
    same = [(f.path, f.after) for c in draft.changes for f in c.fields]
    return [] if out == same else out


def _same_way(field: FieldChange, earlier: object) -> bool:
    """The earlier size is on the side of the present one that the draft's size is on."""
    try:
        now = quantities.parse(str(field.before)) if field.before is not None else Decimal(0)
        new, then = quantities.parse(str(field.after)), quantities.parse(str(earlier))
    except quantities.BadQuantity:
        return False
    return (new > now) == (then > now) and then != now
