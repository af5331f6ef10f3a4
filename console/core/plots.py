"""Small line plots as SVG, drawn on the server. Pure; all text in them is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import groupby

from schemas.context import Series

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 360, 120, 46, 18, 8
#: Series drawn into one plot.
_MOST = 8
_SCALES = {"nanocore": (1e-9, "cores"), "byte": (2.0**-20, "MiB"), "second": (1e3, "ms")}


@dataclass(frozen=True, slots=True)
class Plot:
    """One metric's plot. ``svg`` is safe markup of our own."""

    title: str
    unit: str
    svg: str


def plots(series: Sequence[Series], alerted_at: datetime | None, most: int = 12) -> list[Plot]:
    """A plot per metric that has points, in the order the metrics came."""
    order = {s.metric: n for n, s in reversed(list(enumerate(series)))}
    found = []
    for metric, group in groupby(
        sorted(series, key=lambda s: order[s.metric]), key=lambda s: s.metric
    ):
        kept = [s for s in group if sum(v is not None for v in s.values) > 1][:_MOST]
        if kept:
            found.append(_plot(metric, kept, alerted_at))
    return found[:most]


def _plot(metric: str, series: Sequence[Series], alerted_at: datetime | None) -> Plot:
    factor, unit = _SCALES.get(series[0].unit, (1.0, series[0].unit))
    points = [
        [(t, v * factor) for t, v in zip(s.timestamps, s.values, strict=False) if v is not None]
        for s in series
    ]
    times = [t for line in points for t, _ in line]
    values = [v for line in points for _, v in line]
    low_t, high_t = min(times), max(times)
    top = max(*values, 0.0) or 1.0
    bottom = min(*values, 0.0)

    def x(at: float) -> float:
        return LEFT + (at - low_t) / ((high_t - low_t) or 1.0) * (WIDTH - LEFT - 4)

    def y(value: float) -> float:
        return TOP + (top - value) / ((top - bottom) or 1.0) * (HEIGHT - TOP - BOTTOM)

    lines = "".join(
        f'<polyline class="l{n % 6}" points="{" ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in line)}"/>'
        for n, line in enumerate(points)
    )
    mark = ""
    if alerted_at is not None and low_t <= alerted_at.timestamp() <= high_t:
        at = x(alerted_at.timestamp())
        mark = (
            f'<line class="alert" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        )
    axes = (
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - 4}" y1="{y(bottom):.1f}" y2="{y(bottom):.1f}"/>'
        f'<text x="{LEFT - 4}" y="{TOP + 8}" text-anchor="end">{_short(top)}</text>'
        f'<text x="{LEFT - 4}" y="{y(bottom):.1f}" text-anchor="end">{_short(bottom)}</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 5}">{_clock(low_t)}</text>'
        f'<text x="{WIDTH - 4}" y="{HEIGHT - 5}" text-anchor="end">{_clock(high_t)}</text>'
    )
    label = escape(
        f"{metric} from {_clock(low_t)} to {_clock(high_t)}, highest {_short(top)} {unit}",
        quote=True,
    )
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{axes}{lines}{mark}</svg>'
    return Plot(metric, unit, svg)


def _short(value: float) -> str:
    return f"{value:.3g}"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M")
