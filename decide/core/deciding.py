"""The rules' whole answer: diagnosis, plans, and the status that both allow. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from decide.core.broken import RuleDefect, heard
from decide.core.diagnosis import Diagnosis
from decide.core.diagnosis import diagnose as rank_causes
from decide.core.drafting.revisions import under_way
from decide.core.experience.trials import NOTHING, Experience
from decide.core.experience.weighing import PLAN_FLOOR
from decide.core.families.parts import Rule
from decide.core.families.registry import SILENCES
from decide.core.next_door import is_next_door, mends_the_alert
from decide.core.opinion import Verdict
from decide.core.planning import ProposedPlans, led, propose
from decide.core.playbooks import NONE, Playbooks, rule_of
from decide.core.proposals import targets
from decide.core.question import Prompt, Question, ask
from decide.core.record import fingerprint_of
from decide.core.shown import as_sure_as_shown
from decide.core.unchecked import honest
from decide.core.view import ClusterView
from kfix.texts import in_language, language_of, say
from schemas.base import Status
from schemas.context import ContextBundle
from schemas.plans import AbstentionReason, ActionPlan

#: What is said of each reason.
_SAID = {
    "recovered": "decide.answer.recovered",
    "healthy": "decide.answer.healthy",
    "maintenance": "decide.answer.maintenance",
    "flapping_within_bounds": "decide.answer.flapping_within_bounds",
    "alert_noise": "decide.answer.alert_noise",
    "not_enough_evidence": "decide.answer.not_enough_evidence",
    "ambiguous": "decide.answer.ambiguous",
    "outside_manifests": "decide.answer.outside_manifests",
    "code_defect": "decide.answer.code_defect",
    "data_loss_risk": "decide.answer.data_loss_risk",
    "capacity": "decide.answer.capacity",
    "no_safe_plan": "decide.answer.no_safe_plan",
    "plan_broke": "decide.answer.plan_broke",
    "drift": "decide.answer.drift",
}


def diagnose(
    bundle: ContextBundle,
    *,
    language: str = "en",
    playbooks: Playbooks = NONE,
    experience: Experience = NOTHING,
) -> Verdict:
    """What the rules answer to a bundle. Never raises for missing or misshapen evidence of single objects.

    ``experience``: how earlier fixes fared.
    """
    rules = (rule_of(playbooks, language),)
    return diagnose_with(rules, bundle, language=language, experience=experience)


def diagnose_with(
    rules: Sequence[Rule],
    bundle: ContextBundle,
    *,
    language: str = "en",
    experience: Experience = NOTHING,
) -> Verdict:
    """The same with ``rules`` beside the built-in ones. A rule that breaks is in the answer, and the others decide."""
    answer = as_sure_as_shown(_answer(bundle, language, rules, experience))
    return _told(honest(bundle, answer, language=language), language)


def _told(verdict: Verdict, language: str) -> Verdict:
    """The verdict, whose sentence says so when a rule was not heard."""
    if not verdict.broken or verdict.reason == "rule_broke":
        return verdict
    where = ", ".join(dict.fromkeys(one.where for one in verdict.broken))
    said: str = say("decide.answer.rule_broke", where=where)
    if verdict.explanation:
        said = say("decide.and_also", first=verdict.explanation, second=said)
    return replace(verdict, explanation=in_language(said, language_of(language)))


def _answer(
    bundle: ContextBundle, language: str, rules: Sequence[Rule], experience: Experience
) -> Verdict:
    diagnosis = rank_causes(bundle, language, rules)
    concluded = _concluded(bundle, diagnosis, language, experience)
    return replace(concluded, findings=diagnosis.findings)


def _concluded(
    bundle: ContextBundle, diagnosis: Diagnosis, language: str, experience: Experience
) -> Verdict:
    if _over(bundle, diagnosis):
        said = in_language(say("decide.answer.recovered"), language_of(language))
        return Verdict("no_action", "recovered", said, diagnosis.analysis, (), diagnosis.broken)
    proposed = propose(diagnosis, language, experience)
    plans = led([p for p in proposed.plans if p.confidence >= PLAN_FLOOR])
    if diagnosis.status != "solution_proposed":
        key = diagnosis.reason or "not_enough_evidence"
        return _verdict(diagnosis, diagnosis.reason, key, (), language)
    if _hides_trouble(diagnosis):
        return _verdict(diagnosis, "outside_manifests", "outside_manifests", (), language)
    return _planned(diagnosis, proposed, plans, language)


def _planned(
    diagnosis: Diagnosis, proposed: ProposedPlans, plans: tuple[ActionPlan, ...], language: str
) -> Verdict:
    """The answer to a cause that a manifest could mend."""
    where = f"plans of {diagnosis.findings[0].failure_class}"
    diagnosis = replace(diagnosis, broken=(*diagnosis.broken, *proposed.unheard))
    mended, unheard = heard(where, partial(_held_back, diagnosis))
    if mended:
        return _handed(diagnosis, "no_safe_plan", mended[0], (), language)
    asked = not (plans or proposed.broken or proposed.vetoed)
    live = _against_live(diagnosis, language) if asked else ProposedPlans()
    broken = unheard or proposed.broken or live.broken
    if broken is not None:
        broke = replace(diagnosis, broken=(*diagnosis.broken, broken))
        return _verdict(broke, "rule_broke", "plan_broke", (), language)
    if plans:
        said = _and_not_again(diagnosis.explanation, proposed.vetoed, language)
        return Verdict("solution_proposed", "", said, diagnosis.analysis, plans, diagnosis.broken)
    if live.plans:
        return _verdict(diagnosis, "outside_manifests", "drift", (), language)
    if proposed.vetoed or proposed.refused:
        text = "failed_before" if proposed.vetoed else "repairs_nothing"
        why = proposed.vetoed or proposed.refused
        said = say(f"decide.answer.{text}", why=list(why[:3]))
        return _handed(diagnosis, "no_safe_plan", said, (), language)
    reason = diagnosis.findings[0].kind.handoff
    if reason == "outside_manifests":  # a manifest could mend it, but nothing tells how
        reason = "no_safe_plan"
    return _verdict(diagnosis, reason, reason, (), language)


def _and_not_again(explanation: str, vetoed: Sequence[str], language: str) -> str:
    if not vetoed:
        return explanation
    said = say("decide.answer.not_again", why=list(vetoed[:3]))
    both = say("decide.and_also", first=explanation, second=said)
    return in_language(both, language_of(language))


def question_about(
    bundle: ContextBundle,
    verdict: Verdict,
    prompt: Prompt,
    *,
    language: str = "en",
    playbooks: Playbooks = NONE,
    experience: Experience = NOTHING,
) -> Question:
    """What a model is asked about a verdict, with everything that it may choose among. Needs an analysis."""
    analysis = verdict.analysis
    assert analysis is not None
    rules = (rule_of(playbooks, language),)
    plans, broken = offers(rules, bundle, verdict, language=language, experience=experience)
    asked = ask(
        prompt,
        bundle,
        analysis,
        plans,
        targets=targets(ClusterView(bundle), analysis),
        incident=fingerprint_of(bundle, verdict),
        language=language,
    )
    return replace(asked, broken=broken)


def offers(
    rules: Sequence[Rule],
    bundle: ContextBundle,
    verdict: Verdict,
    *,
    language: str = "en",
    experience: Experience = NOTHING,
) -> tuple[tuple[ActionPlan, ...], tuple[RuleDefect, ...]]:
    """Plans that a second opinion may choose among, and builders that broke.

    They are the verdict's plans; of an ambiguous one, those of its two rivals.
    """
    if verdict.reason != "ambiguous":
        return tuple(p for p in verdict.plans if not p.guess), ()
    diagnosis = rank_causes(bundle, language, rules)
    out: dict[str, ActionPlan] = {}
    broken: list[RuleDefect] = []
    for n, finding in enumerate(diagnosis.findings[:2]):
        first = diagnosis.analysis.hypotheses[n]
        analysis = diagnosis.analysis.model_copy(
            update={"hypotheses": (first,), "confidence": first.confidence}
        )
        alone = replace(
            diagnosis, status="solution_proposed", findings=(finding,), analysis=analysis
        )
        proposed = propose(alone, language, experience)
        broken += [proposed.broken] if proposed.broken else []
        for plan in [p for p in proposed.plans if not p.guess][:2]:
            out.setdefault(plan.changes_hash, plan)
    return tuple(out.values()), tuple(broken)


def _over(bundle: ContextBundle, diagnosis: Diagnosis) -> bool:
    """Whether what was measured has passed: the monitor's group (all of them, when it has others) says OK now.

    A container that crashes pauses and its monitor is content meanwhile; what the cluster's objects show is not over.
    """
    monitor = bundle.monitor
    if monitor is None or not diagnosis.findings[0].kind.measured:
        return False
    states = monitor.group_states
    group = bundle.alert.rule.group
    mine = [states[group]] if group in states else list(states.values())
    return all(state.upper() == "OK" for state in mine or [monitor.overall_state])


def _verdict(
    diagnosis: Diagnosis,
    reason: AbstentionReason,
    text: str,
    plans: tuple[ActionPlan, ...],
    language: str,
) -> Verdict:
    said = say(_SAID.get(text, "decide.answer.not_enough_evidence"))
    return _handed(diagnosis, reason, said, plans, language)


def _handed(
    diagnosis: Diagnosis,
    reason: AbstentionReason,
    said: str,
    plans: tuple[ActionPlan, ...],
    language: str,
) -> Verdict:
    """An answer without a proposal; ``said``: its sentence."""
    status: Status = "no_action" if diagnosis.status == "no_action" else "needs_human"
    if status != "no_action":
        said = say("decide.explained", cause=diagnosis.explanation, answer=said)
    explanation = in_language(said, language_of(language))
    return Verdict(status, reason, explanation, diagnosis.analysis, plans, diagnosis.broken)


def _held_back(diagnosis: Diagnosis) -> Iterator[str]:
    """Why nothing is proposed although it could be: another namespace's object, not proven to be the cause; a change under way."""
    first = diagnosis.findings[0]
    if is_next_door(diagnosis.view, first) and not mends_the_alert(diagnosis.view, first):
        yield say("decide.answer.next_door", namespace=first.object.namespace)
    yield from _under_way(diagnosis)


def _under_way(diagnosis: Diagnosis) -> Iterator[str]:
    """What is said where the failing pods are of an older template than the one that is being rolled out."""
    workload = diagnosis.findings[0].facts.workload
    newest = None if workload is None else under_way(diagnosis.view, workload)
    if workload is None or newest is None:
        return
    theirs = {pod.name for pod in newest.pods}
    stuck = sorted(p.name for p in workload.pods if not p.ready and p.name not in theirs)
    yield say(
        "decide.answer.under_way", revision=newest.number, workload=workload.name, pods=stuck[:3]
    )


def _hides_trouble(diagnosis: Diagnosis) -> bool:
    """The fix would silence a warning of another trouble."""
    first = diagnosis.findings[0]
    silences = SILENCES.get(first.failure_class)
    return silences is not None and silences(first)


def _against_live(diagnosis: Diagnosis, language: str) -> ProposedPlans:
    """What is proposed against the live objects: with plans, while there is none against the declared ones, they differ."""
    bundle = diagnosis.view.bundle
    if not bundle.declared:
        return ProposedPlans()
    live = replace(diagnosis, view=ClusterView(bundle.model_copy(update={"declared": ()})))
    return propose(live, language)
