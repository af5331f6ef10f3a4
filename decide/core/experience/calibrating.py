"""Predicted confidence against what was measured after merges. Pure.

A logistic map of the confidence's log-odds (Platt 1999), fitted with a prior that it changes nothing, so that few outcomes
change little; below ``LEAST`` outcomes it is not fitted at all. Its slope is positive: no plan overtakes another by it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from decide.core.experience.trials import Predictions
from kfix.incident.fix_record import worth
from schemas.context import OutcomeResult

#: Outcomes below which nothing is recalibrated.
LEAST = 40
#: Standard deviations of the prior: of the constant around 0, of the slope around 1.
_CONSTANT, _SLOPE = 0.5, 0.25
_FLATTEST, _STEEPEST = 0.2, 3.0
_EDGE = 0.02
_STEPS = 30


@dataclass(frozen=True, slots=True)
class ConfidenceMap:
    """``logit(said) = constant + slope · logit(predicted)``; ``outcomes``: how many it was fitted to."""

    constant: float = 0.0
    slope: float = 1.0
    outcomes: int = 0

    def said(self, predicted: float) -> float:
        """The share of such predictions that hold. Predicted 0 and 1 count as 0.02 and 0.98."""
        if (self.constant, self.slope) == (0.0, 1.0):
            return predicted
        return _expit(self.constant + self.slope * _logit(predicted))


def counted(trials: Iterable[tuple[int, OutcomeResult]]) -> tuple[Predictions, ...]:
    """Predicted thousandths and results as twentieths of predicted confidence, lowest first."""
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for predicted, result in trials:
        good, _ = worth(result)
        one = sums[min(19, predicted // 50)]
        one[0] += 1
        one[1] += predicted
        one[2] += round(1000 * good)
    return tuple(
        Predictions(twentieth=at, count=count, predicted=predicted, held=held)
        for at, (count, predicted, held) in sorted(sums.items())
    )


def fitted(predictions: Sequence[Predictions]) -> ConfidenceMap:
    """The map that these outcomes make likely; the identity below ``LEAST`` of them."""
    outcomes = sum(one.count for one in predictions)
    if outcomes < LEAST:
        return ConfidenceMap(outcomes=outcomes)
    points = [
        (_logit(one.predicted / one.count / 1000), one.count, one.held / 1000)
        for one in predictions
    ]
    constant, slope = 0.0, 1.0
    for _ in range(_STEPS):
        constant, slope = _step(points, constant, slope)
    return ConfidenceMap(round(constant, 6), round(slope, 6), outcomes)


def _step(
    points: Sequence[tuple[float, int, float]], constant: float, slope: float
) -> tuple[float, float]:
    """One of Newton's steps on the penalised likelihood, at most 1 in each direction, the slope kept positive."""
    g0, g1 = -constant / _CONSTANT**2, -(slope - 1) / _SLOPE**2
    h00, h01, h11 = 1 / _CONSTANT**2, 0.0, 1 / _SLOPE**2
    for x, count, held in points:
        p = _expit(constant + slope * x)
        g0 += held - count * p
        g1 += (held - count * p) * x
        curve = count * p * (1 - p)
        h00, h01, h11 = h00 + curve, h01 + curve * x, h11 + curve * x * x
    whole = h00 * h11 - h01 * h01
    up, steeper = (h11 * g0 - h01 * g1) / whole, (h00 * g1 - h01 * g0) / whole
    return (
        constant + max(-1.0, min(1.0, up)),
        max(_FLATTEST, min(_STEEPEST, slope + max(-1.0, min(1.0, steeper)))),
    )


def _logit(p: float) -> float:
    p = min(1 - _EDGE, max(_EDGE, p))
    return math.log(p / (1 - p))


def _expit(z: float) -> float:
    return 1 / (1 + math.exp(-z))
