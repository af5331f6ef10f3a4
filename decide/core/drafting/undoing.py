"""Fields as they were before the commits that made them what they are. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from decide.core.drafting.drafts import RESTART, PlanDraft, patch, source_of
from decide.core.drafting.revisions import proven
from decide.core.findings import Finding
from decide.core.view import ClusterView
from decide.core.written import WrittenField, earlier, is_open, written
from kfix.texts import say
from manifests.objects import paths, quantities
from manifests.objects.kinds import plural_of
from manifests.objects.meta import ref_of
from manifests.objects.shapes import Obj
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.plans import FieldChange, FixKind, KubernetesChange

#: Kinds of fixes that a size is computed for: an earlier size is the better answer only where it goes the same way.
SIZES = frozenset({"set_memory", "set_cpu", "set_quota"})
#: What a program of another time listens at or understands: where a commit changed it too, its other fields belong to it.
_PROGRAM = ("image", "command", "args", "ports")
#: Fields whose value is what the running program has: an earlier one that differs belongs to another.
_LISTENED = (".port", ".targetPort", ".containerPort")
#: Fields that name an object, with the kinds that it may be of.
_NAMING = {"name": ("configmaps", "secrets"), "secretName": ("secrets",)}
#: Of the draft that stands alone.
_PLAIN = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedField:
    """A field whose earlier value is asked for, and the change of it that a draft makes, where one does."""

    ref: ObjectRef
    obj: Obj
    path: str
    field: FieldChange | None = None


def of_draft(
    first: PlanDraft, workload: Workload | None, view: ClusterView
) -> Iterator[AskedField]:
    """The fields that a draft changes, but for those whose value the running program has."""
    for change in first.changes:
        ref = change.object
        own = workload is not None and ref == workload.ref
        live = workload.obj if own and workload else _live(ref, view)
        if live is not None:
            obj = source_of(view, ref, live)
            for field in change.fields:
                if not field.path.endswith(_LISTENED):
                    yield AskedField(ref=ref, obj=obj, path=field.path, field=field)


def beside(finding: Finding, view: ClusterView) -> Iterator[AskedField]:
    """The fields of other objects that the fault stands in."""
    for kind, obj, path in finding.facts.stands_beside:
        ref = ref_of(obj, kind)
        yield AskedField(ref=ref, obj=source_of(view, ref, obj), path=path)


def of_facts(finding: Finding, view: ClusterView) -> Iterator[AskedField]:
    """The fields that the fault stands in, where no draft touches them."""
    workload = finding.facts.workload
    if workload is not None:
        obj = source_of(view, workload.ref, workload.obj)
        for place in finding.facts.stands_in:
            path = place.replace(":", f"{workload.template_path}.", 1)
            yield AskedField(ref=workload.ref, obj=obj, path=path)


def _live(ref: ObjectRef, view: ClusterView) -> Obj | None:
    return view.get(plural_of(ref.kind), ref.namespace, ref.name)


def committed(
    kind: FixKind, asked: Sequence[AskedField], workload: Workload | None, view: ClusterView
) -> dict[ObjectRef, list[WrittenField]]:
    """What commits took away of the fields, by object; empty where the template is not what broke."""
    found: dict[ObjectRef, list[WrittenField]] = {}
    for one in asked:
        kept = found.setdefault(one.ref, [])
        kept += [w for w in _taken(kind, one, view) if w not in kept]
    took = found.get(workload.ref, []) if workload is not None else []
    if workload is not None and took and (proven(view, workload) or _moved(took, workload, view)):
        return {}
    return found


def _taken(kind: FixKind, asked: AskedField, view: ClusterView) -> Iterator[WrittenField]:
    """What commits took away of a field, where it is the answer to the same question."""
    for one in earlier(view, asked.ref, asked.obj, asked.path):
        late = one.at is not None and one.at > view.bundle.alerted_at
        if late or one.before is None or not is_open(one.before):
            continue
        if kind == "set_reference" and not is_there(
            view, asked.ref.namespace, one.path, one.before
        ):
            continue
        if kind not in SIZES or (asked.field is not None and _enough(kind, asked.field, one)):
            yield one


def _enough(kind: FixKind, field: FieldChange, one: WrittenField) -> bool:
    """The earlier size lies on the draft's side; that of a quota is not below what is needed, a tenth under the draft's."""
    if one.path != paths.parse(field.path) or not same_way(field, one.before):
        return False
    if kind != "set_quota":
        return True
    then, new = quantities.parse(str(one.before)), quantities.parse(str(field.after))
    return then >= new * Decimal("0.9")


def undone(
    kind: FixKind,
    found: Mapping[ObjectRef, Sequence[WrittenField]],
    workload: Workload | None,
    view: ClusterView,
) -> PlanDraft | None:
    """The draft that puts back what commits took away."""
    changes: list[KubernetesChange] = []
    for ref, took in found.items():
        live = workload.obj if workload is not None and ref == workload.ref else _live(ref, view)
        if live is not None:
            changes += patch(view, ref, live, [(one.where, one.before) for one in took])
    undone = [one for took in found.values() for one in took]
    if not changes or not undone:
        return None
    newest = max(undone, key=lambda one: one.at.timestamp() if one.at else 0.0)
    fields = [f"{short(one.where)} {_said(one.before)}" for one in undone]
    steps = [f"{short(o.where)}: {_said(o.before)} → {_said(o.after)}" for o in undone]
    return PlanDraft(
        fix_kind="rollback_revision" if kind in ("set_memory", "set_cpu") else kind,
        title=say("drafting.restored.title", fields=fields, workload=changes[0].object.name),
        why=say(
            "drafting.restored.commit_why",
            commit=newest.commit[:10],
            file=newest.file,
            fields=steps,
        ),
        changes=changes,
        weight=_PLAIN,
        risks=[RESTART],
    )


def _moved(took: Sequence[WrittenField], workload: Workload, view: ClusterView) -> bool:
    """One of the commits, or a newer one, changed the program too: what was before belongs to another."""
    oldest = min((one.at for one in took if one.at is not None), default=None)
    fields = {one.where for one in took}
    return any(
        one.where not in fields
        and any(part in one.path for part in _PROGRAM)
        and (oldest is None or one.at is None or one.at >= oldest)
        for one in written(view, workload.ref)
    )


def _said(value: object) -> str:
    return say("decide.not_set") if value is None else str(value)


def is_there(view: ClusterView, namespace: str, path: paths.Path, value: object) -> bool:
    """What a field names exists; so does what a field means that names nothing, or whose kind was not collected."""
    kinds = _NAMING.get(str(path[-1]), ())
    return (
        not all(view.collected(k) for k in kinds)
        or any(view.get(kind, namespace, str(value)) is not None for kind in kinds)
        or not kinds
    )


def same_way(field: FieldChange, value: object) -> bool:
    """The earlier size is on the side of the present one that the draft's size is on."""
    try:
        now = quantities.parse(str(field.before)) if field.before is not None else Decimal(0)
        new, then = quantities.parse(str(field.after)), quantities.parse(str(value))
    except quantities.BadQuantity:
        return False
    return (new > now) == (then > now) and then != now


def short(path: str) -> str:
    """The last two parts of a path, as people say them."""
    return ".".join(path.split(".")[-2:])
