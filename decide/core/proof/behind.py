"""What would still be wrong with the subject after a plan, and the changes that make it well in the same go. Pure.

Faults behind the first one show in two ways: the declarations after the plan have them, whatever was observed; or rules found
them beside the first, and their cause still stands after the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from decide.core.broken import heard
from decide.core.drafting.drafts import PlanDraft, after, joined_title, sentence
from decide.core.drafting.replicas import beside
from decide.core.families.registry import BUILDERS, CAUSES
from decide.core.findings import Finding
from decide.core.proof.counterfactual import Counterfactual
from decide.core.proof.proving import Proof, concerned_by, faults, identity, prove
from kfix.texts import say
from manifests.objects import paths
from manifests.objects.resources import Amounts
from manifests.objects.rollouts.reading import course
from manifests.objects.shapes import Misshapen, Obj
from schemas.plans import FixKind, KubernetesChange

#: Changed objects and fields of one plan at most.
MOST = 6
#: From this belief on a rule's finding counts as a fault of its own, not as another guess about the first.
_FAULT = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A draft with what makes its subject well, and what does not."""

    draft: PlanDraft
    proof: Proof
    #: Kinds of the fixes that were added.
    also: tuple[FixKind, ...] = ()
    remains: tuple[str, ...] = ()


@dataclass(slots=True)
class _Going:
    """A plan that grows."""

    draft: PlanDraft
    proof: Proof
    also: list[FixKind] = field(default_factory=list)
    remains: list[str] = field(default_factory=list)


def completed(
    finding: Finding, others: Sequence[Finding], draft: PlanDraft, proof: Proof
) -> Completed:
    """The draft with the changes for faults behind its own, each proven by itself. ``others``: what rules found beside it."""
    going = _Going(draft, proof)
    tried = {identity(finding)}
    while proof.after is not None and going.proof.after is not None:
        left = [
            f
            for f in _left(finding, others, going.draft, going.proof.after)
            if identity(f) not in tried
        ]
        if not left:
            break
        tried.add(identity(left[0]))
        if not _added(finding, left[0], going):
            going.remains.append(left[0].detail)
    if going.proof.after is not None:
        going.remains += held_up(going.proof.after)
    remains = tuple(dict.fromkeys(going.remains))[:MOST]
    return Completed(
        draft=going.draft,
        proof=_with_the_rest(going.proof, remains),
        also=tuple(going.also),
        remains=remains,
    )


def _with_the_rest(proof: Proof, remains: Sequence[str]) -> Proof:
    """What mends one fault of several does not make its subject well: that is no proven repair."""
    if not remains:
        return proof
    reason = say("proof.remains", reason=proof.reason, fault=remains[0])
    return replace(proof, verdict="unknown", reason=reason)


def held_up(state: Counterfactual) -> list[str]:
    """StatefulSets whose new template never reaches their pods: made in order, each waits for the one before to get ready.

    Source: kubernetes.io/docs/concepts/workloads/controllers/statefulset, "Forced rollback".
    """
    found: list[str] = []
    for workload in state.workloads:
        before = state.before.workload(workload.kind, workload.namespace, workload.name)
        if workload.kind != "StatefulSet" or workload.ref.key not in state.renewed or not before:
            continue
        stuck = [pod.name for pod in before.pods if not pod.ready and not pod.deleting]
        try:
            played = course(before.obj, workload.obj, _nothing, beside(state.before, before))
        except Misshapen:
            continue
        if stuck and played is not None and played.stop == "not_ready":
            found.append(say("proof.held_up", workload=workload.name, pods=sorted(stuck)[:3]))
    return found


def _nothing(_: Obj) -> Amounts:
    return {}


def _left(
    finding: Finding, others: Sequence[Finding], draft: PlanDraft, state: Counterfactual
) -> Iterator[Finding]:
    """Faults of the subject in the state after the plan."""
    mine = finding.facts.workload
    key = mine.ref.key if mine is not None else ""
    subject = [w for w in concerned_by(finding, state, draft.changes) if w.ref.key == key]
    told, _ = heard("declared faults", partial(faults, state, subject))
    yield from told
    for other in others:
        if _is_another(finding, other) and _stands(other, state):
            yield other


def _is_another(finding: Finding, other: Finding) -> bool:
    """It is about the same subject, sure, and no second guess about the first."""
    if other is finding or other.score < _FAULT or other.elsewhere:
        return False
    mine, theirs = finding.facts.workload, other.facts.workload
    same = mine is not None and theirs is not None and mine.ref.key == theirs.ref.key
    cause = CAUSES.get(other.failure_class)
    return same and cause is not None and cause.certain and identity(other) != identity(finding)


def _stands(other: Finding, state: Counterfactual) -> bool:
    ask = CAUSES[other.failure_class]
    answers, _ = heard(
        f"cause of {other.failure_class}",
        lambda: (ask(other, one).answer for one in (state.before, state)),
    )
    return answers == ["yes", "yes"]


def _added(finding: Finding, fault: Finding, going: _Going) -> bool:
    """The first change that is proven to mend the fault joins the plan; false where there is none."""
    build, state = BUILDERS.get(fault.failure_class), going.proof.after
    same = fault.failure_class == finding.failure_class or fault.object.key == finding.object.key
    others = fault.kind.others_own and not same
    if build is None or state is None or others:
        return False
    drafts, _ = heard(f"plans of {fault.failure_class}", partial(build, fault, state))
    for one in drafts:
        changes = joined(going.draft.changes, one.changes) if one.changes else None
        if changes is None or one.fix_kind == "rollback_revision":
            continue
        proof = prove(fault, one.changes, state)
        if proof.verdict == "pass":
            going.draft = _both(going.draft, one, changes)
            reason = say("proof.both", first=going.proof.reason, second=proof.reason)
            going.proof = replace(going.proof, reason=reason, after=proof.after)
            going.also.append(one.fix_kind)
            return True
    return False


def _both(first: PlanDraft, second: PlanDraft, changes: list[KubernetesChange]) -> PlanDraft:
    return replace(
        first,
        title=joined_title(first.title, second.title),
        why=after(sentence(first.why), sentence(second.why)),
        changes=changes,
        weight=min(first.weight, second.weight),
        risks=list(dict.fromkeys([*first.risks, *second.risks])),
    )


def joined(
    first: Sequence[KubernetesChange], second: Sequence[KubernetesChange]
) -> list[KubernetesChange] | None:
    """Both, those of one object as one change; ``None`` where they touch the same field or are too many for one plan."""
    out = {change.object.key: change for change in first}
    if len(out) != len(first):
        return None
    for change in second:
        known = out.get(change.object.key)
        if known is None:
            out[change.object.key] = change
        elif (known.action, change.action) != ("patch", "patch") or _touch(known, change):
            return None
        else:
            fields = (*known.fields, *change.fields)
            out[change.object.key] = known.model_copy(update={"fields": fields})
    count = sum(max(1, len(change.fields)) for change in out.values())
    return list(out.values()) if count <= MOST else None


def _touch(one: KubernetesChange, two: KubernetesChange) -> bool:
    """One field is the other's, or stands inside it."""
    return any(
        paths.related(paths.parse(a.path), paths.parse(b.path))
        for a in one.fields
        for b in two.fields
    )
