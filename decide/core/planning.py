"""Plans for a diagnosis: the smallest changes that repair the cause, ranked, each with its inverse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from decide.core.broken import RuleDefect, heard
from decide.core.diagnosis import Diagnosis
from decide.core.drafting import history
from decide.core.drafting.drafts import Brought, PlanDraft, sentence, spoken
from decide.core.drafting.drift import drifted
from decide.core.drafting.images import judged
from decide.core.drafting.restoring import restored
from decide.core.drafting.settings_undone import settings_undone
from decide.core.experience.trials import NOTHING, Experience
from decide.core.experience.vetoes import veto
from decide.core.experience.weighing import WeighedPlan, weighed
from decide.core.families.registry import BUILDERS
from decide.core.findings import Finding
from decide.core.graph import below, calls
from decide.core.proof.access import loosened
from decide.core.proof.behind import Completed, completed
from decide.core.proof.proving import prove
from decide.core.view import ClusterView
from kfix.texts import in_language, language_of, say
from manifests.objects import changes as typed
from schemas.context import ContextBundle
from schemas.identity import stable_id
from schemas.plans import ActionPlan, Repairs
from schemas.text import again, cut

#: How many plans a decision carries at most.
MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedPlans:
    """What the builders made. With ``broken`` there is no plan: half of what a builder knows is none."""

    plans: tuple[ActionPlan, ...] = ()
    broken: RuleDefect | None = None
    #: Why each plan that does not repair is not among them, as a sentence with its title.
    refused: tuple[str, ...] = ()
    #: Questions to the objects that broke: the plans that they were about are unknown.
    unheard: tuple[RuleDefect, ...] = ()
    #: Why plans that failed before are not proposed again.
    vetoed: tuple[str, ...] = ()


def propose(
    diagnosis: Diagnosis, language: str = "en", experience: Experience = NOTHING
) -> ProposedPlans:
    """Up to three plans for the first finding, best first; none when nothing in a manifest repairs it.

    None is surer than the diagnosis that it mends. ``experience``: how earlier fixes of the cause fared.
    """
    if diagnosis.status != "solution_proposed":
        return ProposedPlans()
    finding, bundle = diagnosis.findings[0], diagnosis.view.bundle
    made, broken = heard(
        f"plans of {finding.failure_class}", partial(_drafts, finding, diagnosis.view)
    )
    if broken is not None:
        return ProposedPlans(broken=broken)
    own = (d for d in made if d.changes and not _changes_others(d, finding, diagnosis.view))
    drafts, absent = judged(own, diagnosis.view)
    evidence = diagnosis.analysis.hypotheses[0].evidence_for
    confidence = diagnosis.analysis.confidence
    plans: dict[str, ActionPlan] = {}
    refused = dict.fromkeys(_refusal(draft, why) for draft, why in absent)
    unheard: list[RuleDefect] = []
    for draft in drafts:
        proof = prove(finding, draft.changes, diagnosis.view)
        unheard += proof.broken
        if proof.verdict == "fail":
            refused.setdefault(_refusal(draft, proof.reason))
            continue
        whole = completed(finding, diagnosis.findings, draft, proof)
        plan = plan_of(whole.draft, confidence, evidence, language)
        plan = _remember(plan, finding, bundle, told=bool(experience.fared))
        plan = plan.model_copy(update={"repairs": repairs_of(whole, language)})
        plans.setdefault(plan.changes_hash, plan)
    ranked, vetoes = in_experience(
        list(plans.values()),
        experience,
        cluster=bundle.k8s_context.cluster,
        environment=bundle.environment,
        now=bundle.alerted_at,
    )
    leading = led([one.plan for one in ranked])
    return ProposedPlans(
        plans=_in_order(ranked[: len(leading)], confidence, language),
        refused=tuple(refused),
        unheard=tuple(unheard),
        vetoed=tuple(
            say("decide.experience.not_again", plan=again(plan.title, plan.title_text), why=why)
            for plan, why in vetoes
        ),
    )


def in_experience(
    plans: Sequence[ActionPlan],
    experience: Experience,
    *,
    cluster: str,
    environment: str,
    now: datetime,
) -> tuple[list[WeighedPlan], list[tuple[ActionPlan, str]]]:
    """Plans as rules and outcomes place them, three at most; and those that are not proposed again, with the reason."""
    vetoes = [(plan, veto(plan, cluster, experience)) for plan in plans]
    ranked = weighed(
        sorted((plan for plan, why in vetoes if not why), key=_place),
        _standing,
        _rank,
        experience,
        environment=environment,
        now=now,
    )
    return ranked[:MOST], [(plan, why) for plan, why in vetoes if why]


def _changes_others(draft: PlanDraft, finding: Finding, view: ClusterView) -> bool:
    """For a full quota that the alert's workload shares, it changes one that neither is that workload nor called by it."""
    subject = view.bundle.k8s_context.subject
    if finding.object.kind != "ResourceQuota" or subject is None:
        return False
    asked = view.workload(subject.kind, subject.namespace, subject.name)
    if asked is None:
        return False
    own = {asked.ref.key, *below(calls(view), asked.ref.key)}
    objects = [change.object for change in draft.changes]
    return any(
        one.key not in own and view.workload(one.kind, one.namespace, one.name) for one in objects
    )


def _refusal(draft: PlanDraft, why: str) -> str:
    return say("proof.refused", plan=sentence(draft.title), why=why)


def led(plans: Sequence[ActionPlan]) -> tuple[ActionPlan, ...]:
    """The ranked plans; none where nothing but guesses is left: a guess stands beside a better plan, or nowhere."""
    return tuple(plans) if plans and not plans[0].guess else ()


#: What a plan is worth whose repair the objects do not tell, of one that they prove.
_UNPROVEN = 0.85


def _standing(plan: ActionPlan) -> float:
    """The confidence, and less where the repair is not proven."""
    return plan.confidence * (1.0 if plan.repairs.verdict == "pass" else _UNPROVEN)


def _place(plan: ActionPlan) -> tuple[tuple[bool, bool, bool, bool], float]:
    """By rank, and in one rank the best standing first."""
    return _rank(plan), -_standing(plan)


def _rank(plan: ActionPlan) -> tuple[bool, bool, bool, bool]:
    """Guesses last, and before them what gives something up: of that the proven first, and fewer replicas at the end."""
    gives_up = _gives_up(plan)
    unproven = gives_up and plan.repairs.verdict != "pass"
    fewer = gives_up and plan.fix_kind == "set_replicas"
    return plan.guess, gives_up, unproven, fewer


def _gives_up(plan: ActionPlan) -> bool:
    """It takes back what somebody required: what keeps the requirement comes first, however sure."""
    return bool(plan.repairs.loosens) and plan.fix_kind != "rollback_revision"


def repairs_of(whole: Completed, language: str) -> Repairs:
    """The verdict as plans carry it, in the language of their texts."""
    tongue = language_of(language)
    return Repairs(
        verdict=whole.proof.verdict,
        reason=in_language(whole.proof.reason, tongue),
        remains=tuple(in_language(one, tongue) for one in whole.remains),
        loosens=tuple(loosened(whole.draft.changes)),
        also=whole.also,
    )


def _in_order(plans: Sequence[WeighedPlan], most: float, language: str) -> tuple[ActionPlan, ...]:
    """The plans with their places, none that gives a requirement up surer than one before it."""
    out: list[ActionPlan] = []
    for one in plans:
        below = out[-1].confidence if out and _gives_up(one.plan) else most
        out.append(_ranked(one, len(out) + 1, min(most, below), language))
    return tuple(out)


def _ranked(one: WeighedPlan, priority: int, most: float, language: str) -> ActionPlan:
    """The plan at its place, as sure as it stands. What worked before may put it forward, not above its diagnosis."""
    sure = round(min(one.said, most), 3)
    placed = one.plan.model_copy(update={"priority": priority, "confidence": sure})
    chance = one.chance
    if not chance.merged:
        return placed
    said = say(
        "decide.experience.fared",
        why=again(placed.justification, placed.justification_text),
        merged=chance.merged,
        held=chance.held,
        before=round(100 * min(chance.own, most)),
        after=round(100 * sure),
    )
    return placed.model_copy(update={"justification": in_language(said, language_of(language))})


def _drafts(finding: Finding, view: ClusterView) -> list[PlanDraft]:
    if isinstance(finding.facts, Brought):
        return list(finding.facts.drafts)
    repair = BUILDERS.get(finding.failure_class)
    if drifted(finding, view, repair.differs if repair else None):
        return []
    drafts = repair(finding, view) if repair else []
    drafts = [*restored(drafts, finding, view), *drafts]
    if all(draft.fix_kind == "rollback_revision" for draft in drafts):
        undone = settings_undone(finding, view)
        if undone:
            return undone  # the template ran until the commit: another one is no answer
    if (not drafts or finding.kind.rollback_too) and not finding.facts.beside_template:
        drafts = [*drafts, *history.rollback(finding, view)]
    return drafts


def plan_of(
    draft: PlanDraft, confidence: float, evidence: Sequence[str], language: str
) -> ActionPlan:
    """A draft as a plan with its inverse; ``evidence``: ids of what the diagnosis rests on."""
    tongue = language_of(language)
    title = spoken(draft.title, tongue)
    inverse = tuple(typed.invert(change) for change in reversed(draft.changes))
    plan = ActionPlan(
        plan_id="plan",
        title=cut(title, 200),
        fix_kind=draft.fix_kind,
        confidence=round(min(0.98, confidence * draft.weight), 3),
        justification=spoken(draft.why, tongue),
        kubernetes_changes=tuple(draft.changes),
        rollback_changes=inverse,
        rollback_plan=in_language(_rollback_text(draft), tongue),
        estimated_time=spoken(draft.time, tongue),
        risks=tuple(spoken(risk, tongue) for risk in draft.risks),
        evidence=tuple(evidence),
        origin=draft.origin,
        guess=draft.guess,
    )
    return plan.model_copy(update={"plan_id": stable_id("plan", plan.changes_hash, digits=10)})


def _rollback_text(draft: PlanDraft) -> str:
    fields = [f for c in draft.changes for f in c.fields]
    if not fields:
        return say("decide.revert_whole")

    def word(value: object) -> str:
        if value is None:
            return say("decide.not_set")
        return json.dumps(value, ensure_ascii=False, default=str)

    back = [
        cut(say("decide.field_back", path=f.path, after=word(f.after), before=word(f.before)), 160)
        for f in fields[:4]
    ]
    if len(fields) > 4:
        return say("decide.revert_more", fields=back, more=len(fields) - 4)
    return say("decide.revert", fields=back)


def _remember(
    plan: ActionPlan, finding: Finding, bundle: ContextBundle, *, told: bool
) -> ActionPlan:
    """What similar incidents tell: kinds of fix that held come first, the very change that failed goes last.

    ``told``: outcomes tell how kinds of fix fared, all of them and not those of the nearest incidents alone.
    """
    bonus = 0.0
    for pattern in bundle.successful_patterns:
        if told:
            break
        if pattern.fix_kind == plan.fix_kind and pattern.failure_class == finding.failure_class:
            bonus = max(bonus, 0.03)
    here = bundle.k8s_context.cluster
    for pattern in bundle.failed_patterns:
        same_kind = (
            pattern.fix_kind == plan.fix_kind and pattern.failure_class == finding.failure_class
        )
        if pattern.changes_hash and pattern.changes_hash == plan.changes_hash:
            bonus = -0.4
        elif (
            same_kind
            and not told
            and pattern.object_key == finding.object.key
            and not pattern.is_elsewhere(here)
        ):
            bonus = min(bonus, -0.2)
    confidence = round(max(0.05, min(0.98, plan.confidence + bonus)), 3)
    return plan.model_copy(update={"confidence": confidence})
