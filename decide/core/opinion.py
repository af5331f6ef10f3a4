"""What a second opinion may change. Pure.

The rules' plan stands unless the model names another cause; then a person decides. A model can turn an unsure "ask a
human" into a plan only by choosing a hypothesis that has a signal besides text, and only among plans that the rules made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from decide.core.question import Answer, Opinion, Question
from schemas.base import Status
from schemas.plans import AbstentionReason, ActionPlan, Analysis, Hypothesis, SecondOpinion

#: When to ask: never, when the rules are unsure, or always.
Asking = Literal["never", "when_unsure", "always"]
#: Sources whose words an attacker can write.
_TEXT = {"log", "alert"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rules' answer so far."""

    status: Status
    reason: AbstentionReason
    explanation: str
    analysis: Analysis | None
    plans: tuple[ActionPlan, ...]


def wants_opinion(verdict: Verdict, asking: Asking, unsure_below: float) -> bool:
    """Whether a model should be asked: there must be a diagnosis to talk about."""
    if asking == "never" or verdict.analysis is None or not verdict.analysis.hypotheses:
        return False
    if asking == "always":
        return True
    return verdict.status != "no_action" and verdict.analysis.confidence < unsure_below


def settle(
    verdict: Verdict, question: Question, opinion: Opinion, *, certain_from: float
) -> tuple[Verdict, SecondOpinion]:
    """The final verdict and the record of what the model said."""
    record = SecondOpinion(
        provider=opinion.provider,
        model=opinion.model,
        prompt_version=question.prompt_version,
        asked=True,
        elapsed_ms=opinion.elapsed_ms,
    )
    answer, analysis = opinion.answer, verdict.analysis
    if answer is None or analysis is None:
        return verdict, record.model_copy(update={"verdict": "failed", "reason": opinion.failure})
    record = record.model_copy(update={"summary": answer.explanation})
    unknown = _unknown_label(question, answer)
    if unknown:
        return verdict, record.model_copy(update={"verdict": "dropped", "reason": unknown})
    chosen = _chosen(question.hypotheses, analysis.hypotheses, answer.hypothesis)
    record = record.model_copy(update={"failure_class": chosen.failure_class if chosen else ""})
    if chosen == analysis.hypotheses[0] and _same_course(verdict.status, answer.verdict):
        return verdict, record.model_copy(update={"verdict": "agreed"})
    if verdict.status == "needs_human" and verdict.reason == "ambiguous" and chosen is not None:
        return _rescued(verdict, question, chosen, answer.plan, record)
    return _disagreed(verdict, analysis, answer, record, certain_from)


def _unknown_label(question: Question, answer: Answer) -> str:
    if answer.hypothesis not in (*question.hypotheses, "none"):
        return "unknown_hypothesis"
    return "" if answer.plan in (*question.plans, "none") else "unknown_plan"


def _disagreed(
    verdict: Verdict, analysis: Analysis, answer: Answer, record: SecondOpinion, certain_from: float
) -> tuple[Verdict, SecondOpinion]:
    """A doubtful plan goes to a person; a certain one stands, with the objection on record."""
    if verdict.status != "solution_proposed" or analysis.confidence >= certain_from:
        certain = verdict.status == "solution_proposed"
        reason = "rules_are_certain" if certain else "no_effect"
        return verdict, record.model_copy(update={"verdict": "disagreed", "reason": reason})
    other = record.failure_class or answer.verdict
    doubtful = replace(
        verdict,
        status="needs_human",
        reason="rules_and_model_disagree",
        explanation=f"The rules say {analysis.failure_class}, the model says {other}.",
        plans=(),
    )
    return doubtful, record.model_copy(
        update={"verdict": "disagreed", "reason": "handed_to_a_person"}
    )


def _rescued(
    verdict: Verdict,
    question: Question,
    chosen: Hypothesis,
    plan_label: str,
    record: SecondOpinion,
) -> tuple[Verdict, SecondOpinion]:
    """An ambiguous case that the model settles: with a signal besides text and one of our plans, else not."""
    analysis = verdict.analysis
    assert analysis is not None
    sources = {e.id: e.source for e in analysis.evidence}
    if not any(sources.get(e, "log") not in _TEXT for e in chosen.evidence_for):
        return verdict, record.model_copy(
            update={"verdict": "dropped", "reason": "no_independent_signal"}
        )
    if plan_label not in question.plans or not verdict.plans:
        return verdict, record.model_copy(
            update={"verdict": "disagreed", "reason": "no_plan_of_ours"}
        )
    plan = verdict.plans[question.plans.index(plan_label)]
    if all(change.object.key != chosen.object.key for change in plan.kubernetes_changes):
        return verdict, record.model_copy(
            update={"verdict": "dropped", "reason": "plan_of_another_object"}
        )
    others = tuple(h for h in analysis.hypotheses if h != chosen)
    settled = analysis.model_copy(
        update={
            "failure_class": chosen.failure_class,
            "object": chosen.object,
            "root_cause": chosen.root_cause,
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
