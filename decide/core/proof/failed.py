"""What was seen to fail before, and would come back with a plan. Pure.

Revisions and commits tell: a template whose pods fail, or that was in force when the trouble began, has failed; so have
the fields in which it differs from one that worked, and the value that a commit exchanged after the trouble had begun.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from decide.core.drafting.revisions import Revision, revisions
from decide.core.drafting.undoing import short
from decide.core.findings import Finding
from decide.core.proof.counterfactual import Counterfactual
from decide.core.view import ClusterView
from decide.core.written import same, written
from kfix.texts import say
from manifests.objects import paths
from manifests.objects.defaults import defaulted
from manifests.objects.meta import condition
from manifests.objects.pods import containers_in
from manifests.objects.shapes import Obj, mapping
from manifests.objects.times import instant
from manifests.objects.workloads import Workload
from schemas.plans import KubernetesChange

#: A commit reaches the cluster, and a condition its status, within so long.
_SLACK = timedelta(minutes=5)
#: Fields of a pod spec that hold containers, or that say the same as another.
_APART = frozenset({"containers", "initContainers", "ephemeralContainers", "serviceAccount"})

#: A container's name, or nothing for the pod itself, and the field.
Field = tuple[str, str]


def failed_before(
    finding: Finding | None, after: Counterfactual, changes: Sequence[KubernetesChange]
) -> str:
    """Why what the plan brings back has failed before; empty where nothing tells."""
    own = finding.facts.workload if finding is not None else None
    if own is None:
        return ""
    before = after.before.workload(own.kind, own.namespace, own.name)
    now = after.workload(own.kind, own.namespace, own.name)
    if before is None or now is None:
        return ""
    began = _began(before)
    return _template(after.before, before, now, began) or next(
        _values(after.before, before, changes, began), ""
    )


def _began(workload: Workload) -> datetime | None:
    """Since when too little of it is ready, or nothing; ``None`` where nothing says."""
    said = condition(workload.obj, "Available")
    if said:
        whole = instant(said.get("lastTransitionTime"))
        return whole if said.get("status") == "False" else None
    told = [condition(pod.obj, "Ready") for pod in workload.pods]
    if any(one.get("status") != "False" for one in told):
        return None
    times = [instant(one.get("lastTransitionTime")) for one in told]
    return max((when for when in times if when is not None), default=None)


def _template(view: ClusterView, before: Workload, now: Workload, began: datetime | None) -> str:
    """The template is one that failed, or has again all that one had which did, and that one which worked had not."""
    known = revisions(view, before)
    if len(known) < 2:
        return ""
    had, has = _fields(before.spec), _fields(now.spec)
    brought = _differing(had, has)
    failed = [one for one, later in pairwise(known) if _failed(view, one, later, began)]
    if not brought or not failed:
        return ""
    worked = [_of(view, one) for one in known[:-1] if one.worked and one not in failed]
    if has in worked:
        return ""
    for one in failed:
        bad = _of(view, one)
        others = _differing(bad, has)
        if not others:
            return say("proof.failed.revision", workload=now.name, revision=one.number)
        for good in worked:
            blamed = _differing(good, bad)
            if blamed & brought and not blamed & others:
                what = ", ".join(sorted(_named(field) for field in blamed & brought))
                return say("proof.failed.field", what=what, revision=one.number)
    return ""


def _failed(view: ClusterView, one: Revision, later: Revision, began: datetime | None) -> bool:
    """Its pods fail, or it was in force in the trouble for longer than a rollout takes to show."""
    if one.failing(view.bundle.alerted_at):
        return True
    if one.ready or began is None or one.made is None or later.made is None:
        return False
    return later.made - max(began, one.made) > _SLACK


def _differing(one: Mapping[Field, object], two: Mapping[Field, object]) -> frozenset[Field]:
    return frozenset(key for key in {*one, *two} if one.get(key) != two.get(key))


def _of(view: ClusterView, revision: Revision) -> dict[Field, object]:
    """A revision's fields, read once."""
    return view.memo(f"fields of revision {revision.name}", lambda: _fields(revision.spec))


def _fields(spec: Obj) -> dict[Field, object]:
    """What a pod spec says, with the API's defaults."""
    full = mapping(defaulted({"kind": "Pod", "apiVersion": "v1", "spec": spec}), "spec")
    found: dict[Field, object] = {
        ("", key): value for key, value in full.items() if key not in _APART and value
    }
    for one in containers_in(full):
        name = str(one.get("name") or "")
        found |= {(name, key): value for key, value in one.items() if value}
    return found


def _named(field: Field) -> str:
    return ".".join(filter(None, field))


def _values(
    view: ClusterView,
    workload: Workload,
    changes: Sequence[KubernetesChange],
    began: datetime | None,
) -> Iterator[str]:
    """Fields that get the value back which a commit exchanged while the trouble was there already."""
    for change in changes:
        known = {one.where: one for one in written(view, change.object)}
        for field in change.fields:
            one = known.get(paths.render(paths.parse(field.path)))
            if one is None or one.at is None or began is None or one.before is None:
                continue
            if began < one.at - _SLACK and same(one.before, field.after):
                yield say(
                    "proof.failed.commit",
                    what=short(field.path),
                    value=str(field.after),
                    workload=workload.name,
                    commit=one.commit[:10],
                )
