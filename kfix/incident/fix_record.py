"""How a kind of fix has fared: a Beta posterior of success with decay in time. Pure.

Prior Beta(1, 1): nothing known is one half. An outcome of age *t* counts 2^(−t / half-life), a partial one half as success
and half as failure; people who turn a fix down judge the proposal, so a rejection counts half a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.context import OutcomeResult
from schemas.merge_requests import Feedback

#: Systems change; what happened half a year ago counts half.
HALF_LIFE = timedelta(days=180)
_WEIGHTS: dict[str, tuple[float, float]] = {
    "success": (1.0, 0.0),
    "partial": (0.5, 0.5),
    "failure": (0.0, 1.0),
    "rejected": (0.0, 0.5),
    "expired": (0.0, 0.0),
}


@dataclass(frozen=True, slots=True)
class FixRecord:
    """How a kind of fix fared. ``mean`` of the posterior and its standard deviation; plain counts beside."""

    mean: float
    deviation: float
    merged: int
    held: int
    rejected: int


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
        good, bad = _WEIGHTS[result]
        alpha += weight * good
        beta += weight * bad
        merged += result in ("success", "partial", "failure")
        held += result == "success"
        rejected += result == "rejected"
    total = alpha + beta
    deviation = (alpha * beta / (total * total * (total + 1))) ** 0.5
    return FixRecord(alpha / total, deviation, merged, held, rejected)


def result_with_feedback(result: OutcomeResult, feedback: Sequence[Feedback]) -> OutcomeResult:
    """The result that counts from now on: the newest judgement of a person outweighs the measurement.

    ``bad`` makes it a failure; ``partial`` makes a success partial; ``good`` makes a partial result a success but cannot
    turn a measured failure into one.
    """
    judged = [f.verdict for f in feedback if f.verdict != "comment"]
    if not judged or result in ("rejected", "expired"):
        return result
    newest = judged[-1]
    if newest == "bad":
        return "failure"
    if newest == "partial":
        return "partial" if result == "success" else result
    return "success" if result == "partial" else result
