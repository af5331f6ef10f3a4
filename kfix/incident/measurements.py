"""Named measurements out of time series. Pure; used before an incident's fix and after it, so both mean the same.

A pod's containers have nothing to do with each other, and an idle one beside a busy one must not halve what is measured:
what is asked per container is told of the one that has most of it.

- ``cpu_cores``: mean usage of the busiest container, over its pods.
- ``memory_mib``: the largest value of any container.
- ``restarts``: how much the counters grew, all containers together; one that begins again at zero (its pod was replaced)
  counts from there, and what a counter held when it was first seen says nothing of this window.
- ``error_rate``: errors per request.
- ``latency_ms``: mean over time of the 95th percentile that is asked for.
- ``throttled_ratio``: throttled periods per period of the CFS scheduler, of the container that is throttled most.

A measurement without data is left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kfix.incident.metrics import Meaning, factor_of, metric_of
from schemas.context import Series

_MIB = 2.0**20


def measure(series: Iterable[Series], start: float, end: float) -> dict[str, float]:
    """Measurements over the points from ``start`` to ``end`` (unix seconds), by name."""
    kept = [told for one in series if (told := _told(one, start, end)) is not None]
    found = {
        "cpu_cores": _largest(
            [
                _average([_average(one.points) * one.factor for one in of_one])
                for of_one in _by_container(_of(kept, "cpu"))
            ]
        ),
        "memory_mib": _largest(
            [max(one.points) * one.factor / _MIB for one in _of(kept, "memory")]
        ),
        "restarts": _total([_growth(one.points) for one in _of(kept, "restarts")]),
        "latency_ms": _mean([_average(one.points) * one.factor for one in _of(kept, "latency")]),
        "error_rate": _ratio(_sum(kept, "errors"), _sum(kept, "requests")),
        "throttled_ratio": _largest(
            [
                ratio
                for of_one in _by_container(kept)
                if (ratio := _ratio(_sum(of_one, "throttled"), _sum(of_one, "periods"))) is not None
            ]
        ),
    }
    return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class WindowPoints:
    """The points of one series in the window, oldest first, without gaps. ``factor``: to its meaning's unit."""

    meaning: Meaning
    container: str
    factor: float
    points: list[float]


def _told(series: Series, start: float, end: float) -> WindowPoints | None:
    """Only what is asked for is measured: before a merge and after it that is the same."""
    metric = metric_of(series)
    if metric is None or metric.asked is None:
        return None
    pairs = zip(series.timestamps, series.values, strict=False)
    points = [v for at, v in sorted(pairs, key=_at) if v is not None and start <= at <= end]
    container = series.tags.get("kube_container_name", "")
    return (
        WindowPoints(metric.meaning, container, factor_of(series, metric), points)
        if points
        else None
    )


def _at(point: tuple[float, float | None]) -> float:
    return point[0]


def _of(kept: Sequence[WindowPoints], meaning: Meaning) -> list[WindowPoints]:
    return [one for one in kept if one.meaning == meaning]


def _by_container(kept: Sequence[WindowPoints]) -> list[list[WindowPoints]]:
    """Series of one container each; those that name none are together."""
    found: dict[str, list[WindowPoints]] = {}
    for one in kept:
        found.setdefault(one.container, []).append(one)
    return list(found.values())


def _sum(kept: Sequence[WindowPoints], meaning: Meaning) -> float | None:
    found = [sum(one.points) for one in _of(kept, meaning)]
    return sum(found) if found else None


def _growth(counter: Sequence[float]) -> float:
    """How much a counter grew; a fall is a new beginning at zero."""
    steps = itertools.pairwise(counter)
    return sum(after - before if after >= before else after for before, after in steps)


def _average(points: Sequence[float]) -> float:
    return sum(points) / len(points)


def _mean(values: Sequence[float]) -> float | None:
    return _average(values) if values else None


def _largest(values: Sequence[float]) -> float | None:
    return max(values) if values else None


def _total(values: Sequence[float]) -> float | None:
    return sum(values) if values else None


def _ratio(part: float | None, whole: float | None) -> float | None:
    """``part`` of ``whole``; no part counts as none of it."""
    return (part or 0.0) / whole if whole else None
