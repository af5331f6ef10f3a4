"""All checks over a plan, and what they come to. Pure; whatever goes wrong inside a check makes it ``unknown``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kfix.incident import environments
from kfix.texts import say
from manifests.objects.quantities import BadQuantity
from manifests.proposal.proof import EditProof
from manifests.refused import EditRefused
from manifests.repository.reach import Reach
from safety.core import budgets, checks, nodes, quota, workloads
from safety.core.checks import CheckInput, result
from safety.core.policy import Policy
from schemas.base import Json
from schemas.identity import stable_id
from schemas.places import EnvironmentProof
from schemas.plans import ActionPlan, CandidatePlans, IncidentContext
from schemas.text import again, cut, sentence_of
from schemas.validated import (
    CheckName,
    CheckResult,
    FileEdit,
    ValidatedPlan,
    ValidatedPlans,
)

#: In the order in which people read them.
_PIPELINE: tuple[tuple[CheckName, Callable[[CheckInput], CheckResult]], ...] = (
    ("environment_policy", checks.environment_policy),
    ("fix_policy", checks.fix_policy),
    ("requests_within_limits", checks.requests_within_limits),
    ("resource_quota", quota.resource_quota),
    ("limit_range", quota.limit_range),
    ("scaling_ceiling", checks.scaling_ceiling),
    ("node_fit", nodes.node_fit),
    ("disruption_budget", budgets.disruption_budget),
    ("historical_failures", checks.historical_failures),
    ("repairs", checks.repairs),
)
#: Made by others, because they need the repository, a schema or a server.
_ELSEWHERE: tuple[CheckName, ...] = ("manifest_edit", "render", "schema", "server_dry_run")
#: Made by others as well, and only where a plan has what they look at.
_WHERE_IT_APPLIES: tuple[CheckName, ...] = ("image_exists",)

#: What became of the edit: proven edits, a refusal, or the reason why nobody could try.
Edits = Sequence[FileEdit] | EditRefused | str


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found about one plan outside of this core."""

    edits: Edits
    #: Verdicts ``render``, ``schema`` and ``server_dry_run``; a missing one counts as unknown.
    results: Mapping[CheckName, CheckResult] = field(default_factory=dict)
    #: Where the changed files deploy to.
    reaches: Sequence[Reach] = ()


def manifest_edit(edits: Edits) -> CheckResult:
    """Was the one right place found, and does the edit change only that?"""
    if isinstance(edits, str):
        return result("manifest_edit", "unknown", edits)
    if isinstance(edits, EditRefused):
        reason = say("safety.edit.refused", code=edits.code, why=edits.reason)
        return result("manifest_edit", "fail", reason, code=edits.code)
    if not edits:
        return result("manifest_edit", "fail", say("safety.edit.declared_already"))
    numbers = {e.path: f"+{e.added_lines} −{e.removed_lines}" for e in edits}
    return result("manifest_edit", "pass", say("safety.edit.proven", files=len(edits)), **numbers)


def render(proof: EditProof | None) -> CheckResult:
    """Does rendering show the planned change, and nothing else, in this environment and no other?"""
    if proof is None:
        return result("render", "unknown", say("safety.edit.none"))
    return result("render", proof.verdict, proof.reason, **proof.numbers)


def check_plan(
    plan: ActionPlan,
    candidate: CandidatePlans,
    objects: Mapping[str, Sequence[Json]],
    policy: Policy,
    findings: Findings,
    *,
    offline: bool = False,
) -> ValidatedPlan:
    """The plan with its verdicts. ``offline``: nothing unknown rejects, since nobody was there to ask."""
    changed, unseen = _changed(plan, objects)
    proof = proof_of(plan, candidate, findings)
    environment = proof.environment
    context = candidate.context.model_copy(update={"proof": proof, "environment": environment})
    case = CheckInput(plan, candidate.analysis, context, objects, policy, changed, unseen)
    made = [_timed(name, check, case) for name, check in _PIPELINE]
    made.append(manifest_edit(findings.edits))
    for name in _ELSEWHERE[1:]:
        made.append(
            findings.results.get(name) or result(name, "unknown", say("safety.not_checked"))
        )
    made += [found for name in _WHERE_IT_APPLIES if (found := findings.results.get(name))]
    stopped = tuple(
        check.name
        for check in made
        if check.verdict == "fail"
        or (
            check.verdict == "unknown"
            and not offline
            and not policy.tolerates(environment, check.name)
        )
    )
    edits = findings.edits
    return ValidatedPlan(
        plan=plan,
        accepted=not stopped,
        rejected_by=stopped,
        checks=tuple(made),
        edits=() if isinstance(edits, str | EditRefused) else tuple(edits),
        proof=proof,
    )


def proof_of(plan: ActionPlan, candidate: CandidatePlans, findings: Findings) -> EnvironmentProof:
    """The incident's environment, with what the changed objects and the changed files say beside it."""
    context, refs = candidate.context, [c.object for c in plan.kubernetes_changes]
    return environments.judge(
        (
            *context.proof.statements,
            *environments.of_objects(context.objects, refs),
            *environments.of_reaches(findings.reaches),
        )
    )


#: What an object of a shape that nobody expected makes of code that reads it.
_MISSHAPEN = (
    BadQuantity,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    ArithmeticError,
    LookupError,
)


def _changed(
    plan: ActionPlan, objects: Mapping[str, Sequence[Json]]
) -> tuple[tuple[workloads.Changed, ...] | None, str]:
    """The plan's objects before and after; ``None`` and why when they were not seen or cannot be read."""
    try:
        return tuple(workloads.changed(plan, objects)), ""
    except workloads.Unseen as unseen:
        return None, sentence_of(unseen)
    except _MISSHAPEN as failure:
        return None, say("safety.unreadable", error=type(failure).__name__)


def _timed(
    name: CheckName, check: Callable[[CheckInput], CheckResult], case: CheckInput
) -> CheckResult:
    started = time.perf_counter()
    try:
        found = check(case)
    except _MISSHAPEN as failure:
        # An object of a shape that was not expected: unknown, so that it does not pass.
        why = say(
            "safety.broke_with", error=type(failure).__name__, why=cut(sentence_of(failure), 120)
        )
        found = result(name, "unknown", say("safety.check_broke", why=why))
    return found.model_copy(update={"elapsed_ms": round((time.perf_counter() - started) * 1000, 3)})


def validated(
    candidate: CandidatePlans, plans: Sequence[ValidatedPlan], policy: Policy
) -> ValidatedPlans:
    """The record of a validation. No accepted plan: a person decides, and sees why each was stopped."""
    chosen = next((p for p in plans if p.accepted and not p.plan.guess), None)
    recommended = chosen.plan.plan_id if chosen is not None else ""
    status, reason = candidate.status, candidate.reason
    explanation = again(candidate.explanation, candidate.explanation_text)
    if status == "solution_proposed" and not recommended:
        status, reason = "needs_human", "no_safe_plan"
        explanation = cut(
            say("safety.stopped", plans=[_stopped(p) for p in plans if p.rejected_by]), 1000
        )
    return ValidatedPlans(
        event_id=stable_id("val", candidate.event_id),
        trace_id=candidate.trace_id,
        occurred_at=candidate.occurred_at,
        incident_id=candidate.incident_id,
        fingerprint=candidate.fingerprint,
        status=status,
        reason=reason,
        explanation=explanation,
        role=candidate.role,
        context=_as_proven(candidate.context, chosen or next(iter(plans), None)),
        analysis=candidate.analysis,
        plans=tuple(plans),
        recommended=recommended,
        auto_merge=chosen is not None and _merges_by_itself(chosen, policy),
        policy_version=policy.version,
        second_opinion=candidate.second_opinion,
        next_steps=candidate.next_steps if status == "needs_human" else (),
    )


def _merges_by_itself(chosen: ValidatedPlan, policy: Policy) -> bool:
    """Only what is proven to repair, loosens no rule, and brings no file back that somebody took away."""
    plan = chosen.plan
    restores = any(change.restores is not None for change in plan.kubernetes_changes)
    if plan.repairs.verdict != "pass" or plan.repairs.loosens or restores:
        return False
    return policy.merges_by_itself(chosen.proof, plan.fix_kind, *plan.repairs.also)


def _as_proven(context: IncidentContext, plan: ValidatedPlan | None) -> IncidentContext:
    """What later stages call the incident's environment is what the plan in front was proven to change."""
    if plan is None:
        return context
    return context.model_copy(update={"environment": plan.proof.environment, "proof": plan.proof})


def _stopped(plan: ValidatedPlan) -> str:
    reasons = {check.name: again(check.reason, check.reason_text) for check in plan.checks}
    why = [say("safety.about", object=name, why=reasons[name]) for name in plan.rejected_by]
    return say("safety.stopped_plan", plan=plan.plan.plan_id, why=why)
