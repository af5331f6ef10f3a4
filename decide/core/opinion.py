"""What a second opinion may change. Pure.

The rules' plan stands unless the model names another cause; then a person decides. A model can turn an unsure "ask a
human" into a plan only by choosing a hypothesis that has a signal besides text: with a plan that the rules made, or
with a proposal in the closed terms of ``decide.core.proposals`` that passes every check there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from decide.core.broken import RuleDefect
from decide.core.drafting.drafts import PlanDraft
from decide.core.findings import Finding
from decide.core.planning import plan_of, repairs_of
from decide.core.proof.behind import Completed
from decide.core.proof.proving import prove
from decide.core.proposals import RefusedProposal, draft_of
from decide.core.question import ModelAnswer, Opinion, Question, inert
from decide.core.taxonomy import CLASSES
from decide.core.view import ClusterView
from kfix.texts import both, known, say
from schemas.base import Status
from schemas.context import Pattern
from schemas.plans import AbstentionReason, ActionPlan, Analysis, Hypothesis, SecondOpinion
from schemas.text import again

#: When to ask: never, when the rules are unsure, or always.
Asking = Literal["never", "when_unsure", "always"]
#: Sources whose words an attacker can write.
_TEXT = {"log", "alert"}
#: Answers of the rules that a model may turn into a plan of its own proposal: they lack a cause or a plan, nothing else.
_OPEN: frozenset[AbstentionReason] = frozenset({"ambiguous", "not_enough_evidence", "no_safe_plan"})
#: A proposal of a model is never surer than this.
_MOST_CONFIDENCE = 0.6


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rules' answer so far."""

    status: Status
    reason: AbstentionReason
    explanation: str
    analysis: Analysis | None
    plans: tuple[ActionPlan, ...]
    #: Rules and builders that broke on the way.
    broken: tuple[RuleDefect, ...] = ()
    #: What the rules found, ranked: what a proposal of a model is proven against.
    findings: tuple[Finding, ...] = field(default=(), compare=False, repr=False)


def determined(verdict: Verdict) -> bool:
    """Whether a cause of the alert is named: not "nothing is wrong", "the evidence does not tell", or another's trouble."""
    if verdict.analysis is None or verdict.status == "no_action" or is_elsewhere(verdict):
        return False
    return _names_cause(verdict.analysis.failure_class)


def is_elsewhere(verdict: Verdict) -> bool:
    """Whether the trouble that it names is another one than the alert's: told, and no answer to it."""
    first = next(iter(verdict.findings), None)
    named = verdict.analysis is not None and first is not None
    return named and first is not None and first.elsewhere and verdict.status == "needs_human"


def _names_cause(class_id: str) -> bool:
    """Whether a class says what is wrong; one that a playbook brings does."""
    known = CLASSES.get(class_id)
    return known is None or known.names_cause


def wants_opinion(
    verdict: Verdict, asking: Asking, unsure_below: float, failed: Sequence[Pattern] = ()
) -> bool:
    """Whether a model should be asked: there must be a diagnosis to talk about.

    Unsure is an answer below the confidence, one that the evidence disagrees about, and one whose fix ``failed`` before.
    """
    analysis = verdict.analysis
    if asking == "never" or analysis is None or not analysis.hypotheses:
        return False
    if asking == "always":
        return True
    if verdict.status == "no_action":
        return False
    disputed = verdict.reason == "ambiguous" or any(
        (p.failure_class, p.fix_kind) == (analysis.failure_class, plan.fix_kind)
        for p in failed
        for plan in verdict.plans[:1]
    )
    return disputed or analysis.confidence < unsure_below


def settle(
    verdict: Verdict,
    question: Question,
    opinion: Opinion,
    *,
    certain_from: float,
    view: ClusterView | None = None,
    language: str = "en",
) -> tuple[Verdict, SecondOpinion]:
    """The final verdict and the record of what the model said. Without ``view`` no proposal can be looked at."""
    record = SecondOpinion(
        provider=opinion.provider,
        model=opinion.model,
        prompt_version=question.prompt_version,
        asked=True,
        elapsed_ms=opinion.elapsed_ms,
        model_calls=opinion.calls,
        input_tokens=opinion.input_tokens,
        output_tokens=opinion.output_tokens,
    )
    answer, analysis = opinion.answer, verdict.analysis
    if answer is None or analysis is None:
        failed = {"verdict": "failed", "reason": _worded(opinion.failure)}
        return verdict, record.model_copy(update=failed)
    record = record.model_copy(update={"summary": inert(answer.explanation, 1200)})
    unknown = _unknown_label(question, answer)
    if unknown:
        return verdict, _dropped(record, unknown)
    chosen = _chosen(question.hypotheses, analysis.hypotheses, answer.hypothesis)
    if chosen is not None:
        record = record.model_copy(update={"failure_class": chosen.failure_class})
        if verdict.reason in _OPEN and answer.verdict == "fix":
            if answer.plan != "none":
                return _rescued(verdict, question, chosen, answer.plan, record)
            if answer.proposal is not None and view is not None:
                built = draft_of(view, question.targets, answer.proposal, chosen.object)
                return _proposed(verdict, chosen, built, record, view=view, language=language)
    if chosen == analysis.hypotheses[0] and _same_course(verdict.status, answer.verdict):
        return verdict, record.model_copy(update={"verdict": "agreed"})
    return _disagreed(verdict, analysis, answer, record, certain_from)


def _dropped(record: SecondOpinion, reason: str) -> SecondOpinion:
    return record.model_copy(update={"verdict": "dropped", "reason": _worded(reason)})


def _worded(stable: str) -> str:
    """A stable word of ours or the id of a class: as it is in English, which machines read; in French what it means."""
    if stable in CLASSES:
        return both(stable, CLASSES[stable].fr)
    return say(f"decide.opinion.{stable}") if known(f"decide.opinion.{stable}") else stable


def _unknown_label(question: Question, answer: ModelAnswer) -> str:
    if answer.hypothesis not in (*question.hypotheses, "none"):
        return "unknown_hypothesis"
    return "" if answer.plan in (*question.plans, "none") else "unknown_plan"


def _disagreed(
    verdict: Verdict,
    analysis: Analysis,
    answer: ModelAnswer,
    record: SecondOpinion,
    certain_from: float,
) -> tuple[Verdict, SecondOpinion]:
    """A doubtful plan goes to a person; a certain one stands, with the objection on record."""
    if verdict.status != "solution_proposed" or analysis.confidence >= certain_from:
        certain = verdict.status == "solution_proposed"
        reason = "rules_are_certain" if certain else "no_effect"
        return verdict, record.model_copy(
            update={"verdict": "disagreed", "reason": _worded(reason)}
        )
    other = record.failure_class or answer.verdict
    doubtful = replace(
        verdict,
        status="needs_human",
        reason="rules_and_model_disagree",
        explanation=say(
            "decide.disagree", rules=_worded(analysis.failure_class), model=_worded(other)
        ),
        plans=(),
    )
    return doubtful, record.model_copy(
        update={"verdict": "disagreed", "reason": _worded("handed_to_a_person")}
    )


def _rescued(
    verdict: Verdict,
    question: Question,
    chosen: Hypothesis,
    plan_label: str,
    record: SecondOpinion,
) -> tuple[Verdict, SecondOpinion]:
    """An ambiguous case that the model settles: with a signal besides text and one of our plans, else not."""
    if not _has_signal(verdict, chosen):
        return verdict, _dropped(record, "no_independent_signal")
    plan = question.offered[question.plans.index(plan_label)]
    if all(change.object.key != chosen.object.key for change in plan.kubernetes_changes):
        return verdict, _dropped(record, "plan_of_another_object")
    return _used(verdict, chosen, plan, record)


def _proposed(
    verdict: Verdict,
    chosen: Hypothesis,
    built: PlanDraft | RefusedProposal,
    record: SecondOpinion,
    *,
    view: ClusterView,
    language: str,
) -> tuple[Verdict, SecondOpinion]:
    """A case without a plan of ours that the model has one for: typed, at the cause, with a sign of its own, or not."""
    entry = CLASSES.get(chosen.failure_class)
    if entry is not None and not entry.names_cause:
        return verdict, _dropped(record, "no_cause")
    if not _has_signal(verdict, chosen):
        return verdict, _dropped(record, "no_independent_signal")
    if isinstance(built, RefusedProposal):
        return verdict, _dropped(record, built.reason)
    key = (chosen.failure_class, chosen.object.key)
    found = (f for f in verdict.findings if (f.failure_class, f.object.key) == key)
    proof = prove(next(found, None), built.changes, view)
    if proof.verdict == "fail":
        return verdict, _dropped(record, "does_not_repair")
    confidence = min(_MOST_CONFIDENCE, chosen.confidence)
    plan = plan_of(built, confidence, chosen.evidence_for, language)
    whole = Completed(draft=built, proof=proof)
    plan = plan.model_copy(update={"repairs": repairs_of(whole, language)})
    return _used(verdict, chosen, plan, record)


def _has_signal(verdict: Verdict, chosen: Hypothesis) -> bool:
    """Whether something besides words that strangers can write speaks for the hypothesis."""
    evidence = verdict.analysis.evidence if verdict.analysis is not None else ()
    sources = {e.id: e.source for e in evidence}
    return any(sources.get(e, "log") not in _TEXT for e in chosen.evidence_for)


def _used(
    verdict: Verdict, chosen: Hypothesis, plan: ActionPlan, record: SecondOpinion
) -> tuple[Verdict, SecondOpinion]:
    analysis = verdict.analysis
    assert analysis is not None
    others = tuple(h for h in analysis.hypotheses if h != chosen)
    settled = analysis.model_copy(
        update={
            "failure_class": chosen.failure_class,
            "object": chosen.object,
            "root_cause": again(chosen.root_cause, chosen.root_cause_text),
            "confidence": chosen.confidence,
            "hypotheses": (chosen, *others),
        }
    )
    plans = (plan.model_copy(update={"priority": 1, "origin": "model"}),)
    fixed = replace(verdict, status="solution_proposed", reason="", analysis=settled, plans=plans)
    return fixed, record.model_copy(update={"verdict": "used"})


def _chosen(
    labels: Sequence[str], hypotheses: Sequence[Hypothesis], label: str
) -> Hypothesis | None:
    return hypotheses[labels.index(label)] if label in labels else None


def _same_course(status: Status, verdict: str) -> bool:
    return {"solution_proposed": "fix"}.get(status, status) == verdict
