"""How sure an answer may be that one rule alone has given. Pure.

Signs of a strong rule are as strong where the rule is wrong: of strangers' incidents that nobody had seen, six in ten
answers of the highest confidence were right. What tells them apart is a second look that the rule has no part in: the
plan, played out on the declared objects, takes its cause away, or the monitor itself says that the trouble has passed.
"""

from __future__ import annotations

from dataclasses import replace

from decide.core.confidence import MOST
from decide.core.opinion import Verdict

#: The most that is said of an answer that nothing but its rule bears out, and where it begins to be held back: between
#: the two what speaks against an answer goes on lowering it.
UNSHOWN, _FROM = 0.89, 0.8


def as_sure_as_shown(verdict: Verdict) -> Verdict:
    """The verdict, its first cause and its plans no surer than ``UNSHOWN`` unless something else bears the cause out."""
    analysis = verdict.analysis
    if analysis is None or analysis.confidence <= _FROM or _borne_out(verdict):
        return verdict
    first, *others = analysis.hypotheses
    sure = held_back(analysis.confidence)
    lowered = analysis.model_copy(
        update={
            "confidence": sure,
            "hypotheses": (first.model_copy(update={"confidence": sure}), *others),
        }
    )
    plans = tuple(
        plan.model_copy(update={"confidence": held_back(plan.confidence)}) for plan in verdict.plans
    )
    return replace(verdict, analysis=lowered, plans=plans)


def held_back(confidence: float) -> float:
    """The same up to 0.8, then the more below it the surer it is; never above ``UNSHOWN``. Three digits."""
    if confidence <= _FROM:
        return confidence
    share = (min(MOST, confidence) - _FROM) / (MOST - _FROM)
    return round(_FROM + share * (UNSHOWN - _FROM), 3)


def _borne_out(verdict: Verdict) -> bool:
    if verdict.reason == "recovered":
        return True
    return bool(verdict.plans) and verdict.plans[0].repairs.verdict == "pass"
