"""How sure an answer may be that one rule alone has given. Pure.

Signs of a strong rule are as strong where the rule is wrong: of strangers' incidents that nobody had seen, six in ten
answers of the highest confidence were right. What tells them apart is a second look that the rule has no part in: the
plan, played out on the declared objects, takes its cause away, or the monitor itself says that the trouble has passed.
"""

from __future__ import annotations

from dataclasses import replace

from decide.core.opinion import Verdict

#: The most that is said of an answer that nothing but its rule bears out.
UNSHOWN = 0.89


def as_sure_as_shown(verdict: Verdict) -> Verdict:
    """The verdict, its first cause and its plans no surer than ``UNSHOWN`` unless something else bears the cause out."""
    analysis = verdict.analysis
    if analysis is None or analysis.confidence <= UNSHOWN or _borne_out(verdict):
        return verdict
    first, *others = analysis.hypotheses
    lowered = analysis.model_copy(
        update={
            "confidence": UNSHOWN,
            "hypotheses": (first.model_copy(update={"confidence": UNSHOWN}), *others),
        }
    )
    plans = tuple(
        plan.model_copy(update={"confidence": min(UNSHOWN, plan.confidence)})
        for plan in verdict.plans
    )
    return replace(verdict, analysis=lowered, plans=plans)


def _borne_out(verdict: Verdict) -> bool:
    if verdict.reason == "recovered":
        return True
    return bool(verdict.plans) and verdict.plans[0].repairs.verdict == "pass"
