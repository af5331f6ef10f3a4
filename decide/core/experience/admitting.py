"""A verdict whose plans are not all let through. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from decide.core.opinion import Verdict
from kfix.texts import in_language, language_of, say
from schemas.text import again


def without(verdict: Verdict, refused: Mapping[str, str], *, language: str) -> Verdict:
    """The verdict without ``refused`` plans (reason by plan id); a person decides where none is left, or guesses alone."""
    if not refused:
        return verdict
    kept = [plan for plan in verdict.plans if plan.plan_id not in refused]
    gone = [plan for plan in verdict.plans if plan.plan_id in refused]
    why = [
        say(
            "decide.experience.not_again",
            plan=again(plan.title, plan.title_text),
            why=refused[plan.plan_id],
        )
        for plan in gone
    ]
    left = bool(kept) and not kept[0].guess
    said = say("decide.answer.not_again" if left else "decide.answer.failed_before", why=why)
    both = say("decide.and_also", first=verdict.explanation, second=said)
    explanation = in_language(both, language_of(language))
    if not left:
        return replace(
            verdict,
            status="needs_human",
            reason="no_safe_plan",
            explanation=explanation,
            plans=(),
        )
    plans = tuple(plan.model_copy(update={"priority": n + 1}) for n, plan in enumerate(kept))
    return replace(verdict, explanation=explanation, plans=plans)
