"""The reliability diagram: of what was predicted so surely, how much held. Pure.

One bar for each tenth of predicted confidence: predictions, their mean, and the share that held with its 95 % Wilson interval
(a partial result is half of one). Expected calibration error: the mean distance between the two, weighted by predictions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from decide.core.experience.calibrating import ConfidenceMap, fitted
from decide.core.experience.trials import Predictions

_Z = 1.96
#: Size of the drawing and its margin, in pixels.
_SIZE, _MARGIN = 360, 40


@dataclass(frozen=True, slots=True)
class ReliabilityBar:
    """One tenth of predicted confidence. Shares from 0 to 1; ``said``: what is told where the mean is predicted."""

    tenth: int
    count: int
    predicted: float
    said: float
    held: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """The diagram. ``error`` of what the rules alone predict, ``error_said`` of what is told by the map of now."""

    bars: tuple[ReliabilityBar, ...]
    fit: ConfidenceMap
    error: float
    error_said: float


def reliability(predictions: Sequence[Predictions]) -> Reliability:
    """The diagram of these predictions."""
    fit = fitted(predictions)
    bars = tuple(_bars(predictions, fit))
    total = sum(bar.count for bar in bars) or 1
    return Reliability(
        bars,
        fit,
        round(sum(bar.count * abs(bar.predicted - bar.held) for bar in bars) / total, 4),
        round(sum(bar.count * abs(bar.said - bar.held) for bar in bars) / total, 4),
    )


def _bars(predictions: Sequence[Predictions], fit: ConfidenceMap) -> Iterator[ReliabilityBar]:
    for tenth in range(10):
        mine = [one for one in predictions if one.twentieth // 2 == tenth]
        count = sum(one.count for one in mine)
        if not count:
            continue
        predicted = sum(one.predicted for one in mine) / count / 1000
        held = sum(one.held for one in mine) / count / 1000
        low, high = wilson(held, count)
        yield ReliabilityBar(
            tenth,
            count,
            round(predicted, 4),
            round(fit.said(predicted), 4),
            round(held, 4),
            round(low, 4),
            round(high, 4),
        )


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``count`` (Wilson 1927)."""
    spread = _Z * _Z / count
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def drawn(found: Reliability) -> str:
    """The diagram as SVG: the diagonal is what is well calibrated, a point is one bar, its line the interval."""
    side = _SIZE - 2 * _MARGIN

    def x(share: float) -> float:
        return round(_MARGIN + share * side, 1)

    def y(share: float) -> float:
        return round(_SIZE - _MARGIN - share * side, 1)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {_SIZE}" role="img">',
        f'<rect x="{x(0)}" y="{y(1)}" width="{side}" height="{side}" fill="none" stroke="#888"/>',
        f'<line x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}" stroke="#888" stroke-dasharray="4"/>',
    ]
    for bar in found.bars:
        at = x(bar.predicted)
        lines += [
            f'<line x1="{at}" y1="{y(bar.low)}" x2="{at}" y2="{y(bar.high)}" stroke="#26c"/>',
            f'<circle cx="{at}" cy="{y(bar.held)}" r="4" fill="#26c">'
            f"<title>{bar.count}: {bar.predicted:.2f} → {bar.held:.2f}</title></circle>",
        ]
    for share in (0, 0.5, 1):
        lines += [
            f'<text x="{x(share)}" y="{y(0) + 16}" font-size="11" text-anchor="middle">{share}</text>',
            f'<text x="{x(0) - 6}" y="{y(share) + 4}" font-size="11" text-anchor="end">{share}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
