"""How a kind of fix has fared: a Beta posterior of success with decay in time. Pure.

Prior Beta(1, 1): nothing known is one half. An outcome of age *t* counts 2^(−t / half-life), a partial one half as success
and half as failure; people who turn a fix down judge the proposal, so a rejection counts half a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kfix.incident import judgements
from kfix.incident.trust.intervals import Rate
from schemas.context import OutcomeResult
from schemas.feedback import Feedback

#: Systems change; what happened half a year ago counts half.
HALF_LIFE = timedelta(days=180)
_WEIGHTS: dict[str, tuple[float, float]] = {
    "success": (1.0, 0.0),
    "partial": (0.5, 0.5),
    "failure": (0.0, 1.0),
    "rejected": (0.0, 0.5),
    "expired": (0.0, 0.0),
}


def worth(result: OutcomeResult) -> tuple[float, float]:
    """What a result counts as success and as failure; together at most 1."""
    return _WEIGHTS[result]


@dataclass(frozen=True, slots=True)
class FixRecord:
    """How a kind of fix fared. ``mean`` of the posterior and its standard deviation; plain counts beside.

    ``taken_back``: of the merged ones, those whose change was taken back by a merge request that was merged.
    """

    mean: float
    deviation: float
    merged: int
    held: int
    rejected: int
    taken_back: int = 0

    @property
    def held_percents(self) -> tuple[int, int]:
        """Wilson's 95 % interval of the share that held, in whole per cent, rounded outwards."""
        return Rate(self.held, self.merged).percents


def posterior(
    outcomes: Iterable[tuple[OutcomeResult, datetime]],
    now: datetime,
    half_life: timedelta = HALF_LIFE,
) -> FixRecord:
    """The record of one (failure class, workload kind, fix kind)."""
    alpha = beta = 1.0
    merged = held = rejected = 0
    for result, at in outcomes:
        weight = 0.5 ** (max(timedelta(0), now - at) / half_life)
        good, bad = worth(result)
        alpha += weight * good
        beta += weight * bad
        merged += result in ("success", "partial", "failure")
        held += result == "success"
        rejected += result == "rejected"
    total = alpha + beta
    deviation = (alpha * beta / (total * total * (total + 1))) ** 0.5
    return FixRecord(alpha / total, deviation, merged, held, rejected)


def result_with_feedback(result: OutcomeResult, feedback: Sequence[Feedback]) -> OutcomeResult:
    """The result that counts for the kind of fix from now on: a person's judgement of the fix outweighs the measurement.

    ===========  =======  =======  =======  ===========  ============
    measured     nobody   good     partial  bad, or fix  wrong cause
    ===========  =======  =======  =======  ===========  ============
    success      success  success  partial  failure      success
    partial      partial  success  partial  failure      partial
    failure      failure  failure  failure  failure      failure
    rejected     stays as it is, whatever is said
    expired      stays as it is, whatever is said
    ===========  =======  =======  =======  ===========  ============

    Whose judgement it is, where several judged, is in ``kfix.incident.judgements``. A wrong cause is no word about the fix:
    it counts in ``diagnosis_doubted`` alone.
    """
    decided = judgements.on_the_fix(feedback)
    if decided is None or result in ("rejected", "expired"):
        return result
    verdict = judgements.verdict_of(decided)
    if verdict == "bad":
        return "failure"
    if verdict == "partial":
        return "partial" if result == "success" else result
    return "success" if result == "partial" else result


def diagnosis_doubted(feedback: Sequence[Feedback]) -> bool:
    """A person says that the cause was wrong: the diagnosis counts as wrong for calibration, whatever was measured.

    The trouble may have gone for another reason; the fix's own result is ``result_with_feedback``'s.
    """
    return judgements.on_the_cause(feedback) is not None
