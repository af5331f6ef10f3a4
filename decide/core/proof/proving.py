"""The verdict on a plan: its cause asked of the objects that the plan leaves behind, and what it would break. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from decide.core.broken import RuleDefect, heard
from decide.core.families.registry import CAUSES, DECLARED
from decide.core.findings import Finding
from decide.core.proof.access import forbidden
from decide.core.proof.counterfactual import Counterfactual, Unfit, counterfactual
from decide.core.proof.failed import failed_before
from decide.core.proof.standing import Standing, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.workloads import Workload
from schemas.plans import KubernetesChange, RepairVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Whether a plan removes its cause. ``reason``: a sentence for people, with the numbers."""

    verdict: RepairVerdict
    reason: str
    #: The state that the plan leaves; ``None`` where it cannot be told.
    after: Counterfactual | None = None
    #: Questions that broke; the verdict is unknown then.
    broken: tuple[RuleDefect, ...] = ()


def prove(finding: Finding | None, changes: Sequence[KubernetesChange], view: ClusterView) -> Proof:
    """The verdict on these changes. Without ``finding`` only what they would break is known."""
    try:
        after = counterfactual(view, changes)
    except Unfit:
        return Proof(verdict="unknown", reason=say("proof.does_not_fit"))
    if _changes_nothing(after):
        return Proof(verdict="fail", reason=say("proof.changes_nothing"), after=after)
    refused = forbidden(after, changes)
    if refused:
        return Proof(verdict="fail", reason=refused, after=after)
    failed, broken = heard("what failed before", lambda: [failed_before(finding, after, changes)])
    if broken is None and failed[0]:
        return Proof(verdict="fail", reason=failed[0], after=after)
    new, defects = heard("declared faults", partial(_new, finding, after, changes))
    if new:
        return Proof(verdict="fail", reason=say("proof.breaks", fault=new[0].detail), after=after)
    told = _asked(finding, view, after)
    unheard = tuple(one for one in (*told.broken, broken, defects) if one is not None)
    verdict = "unknown" if unheard else told.verdict
    return Proof(verdict=verdict, reason=told.reason, after=after, broken=unheard)


def _changes_nothing(after: Counterfactual) -> bool:
    """Every object is what it was, as it runs and as it is declared."""
    now = after.before
    return (
        bool(after.exchanged)
        and all(
            obj is not None and obj == now.get(*place) for place, obj in after.exchanged.items()
        )
        and all(obj == now.declared.get(key) for key, obj in after.redeclared.items())
    )


def _asked(finding: Finding | None, view: ClusterView, after: Counterfactual) -> Proof:
    """The cause before and after: it must have been there to be gone."""
    ask = CAUSES.get(finding.failure_class) if finding is not None else None
    if finding is None or ask is None or not isinstance(finding.facts, ask.facts):
        return Proof(verdict="unknown", reason=say("proof.no_question"))
    where = f"cause of {finding.failure_class}"
    answers, defect = heard(where, lambda: (ask(finding, one) for one in (view, after)))
    if defect is not None:
        return Proof(verdict="unknown", reason=say("proof.no_question"), broken=(defect,))
    before, now = answers
    return Proof(verdict=_verdict(before, now), reason=_reason(before, now).why)


def _verdict(before: Standing, now: Standing) -> RepairVerdict:
    if now.answer == "yes":
        return "fail"
    return "pass" if (before.answer, now.answer) == ("yes", "no") else "unknown"


def _reason(before: Standing, now: Standing) -> Standing:
    if now.answer == "no" and before.answer != "yes":
        return untold(say("proof.did_not_show", why=before.why))
    return now


def faults(view: ClusterView, workloads: Iterable[Workload]) -> list[Finding]:
    """What the declarations alone say is wrong with these workloads, each fault once."""
    found: dict[tuple[str, str, str], Finding] = {}
    for workload in workloads:
        for ask in DECLARED:
            for one in ask(view, workload):
                found.setdefault(identity(one), one)
    return list(found.values())


def identity(one: Finding) -> tuple[str, str, str]:
    """Class, object and place: the same fault before and after a plan has the same."""
    return one.failure_class, one.object.key, str(one.detail)


def _new(
    finding: Finding | None, after: Counterfactual, changes: Sequence[KubernetesChange]
) -> list[Finding]:
    """Faults that stand after the changes and did not before, at what they touch and at what aims at that."""
    concerned = concerned_by(finding, after, changes)
    here = faults(after, concerned)
    if not here:
        return []
    keys = {w.ref.key for w in concerned}
    before = [w for w in after.before.workloads if w.ref.key in keys]
    known = {identity(one) for one in faults(after.before, before)}
    return [one for one in here if identity(one) not in known]


def concerned_by(
    finding: Finding | None, after: Counterfactual, changes: Sequence[KubernetesChange]
) -> list[Workload]:
    """The workloads that the changes are about: changed themselves, behind a changed Service, the finding's own."""
    keys = {change.object.key for change in changes}
    own = finding.facts.workload if finding is not None else None
    if own is not None:
        keys.add(own.ref.key)
    for change in changes:
        if change.object.kind == "Service":
            for view in (after, after.before):
                service = view.get("services", change.object.namespace, change.object.name)
                keys |= {w.ref.key for w in (view.backends(service) if service else [])}
    return [w for w in after.workloads if w.ref.key in keys]
