"""Named measurements out of time series. Pure; used before an incident's fix and after it, so both mean the same.

A pod's containers have nothing to do with each other, and an idle one beside a busy one must not halve what is measured:
what is asked per container is told of the one that has most of it.

- ``cpu_cores``: mean usage of the busiest container, over its pods.
- ``memory_mib``: the largest value of any container.
- ``restarts``: how much the counters grew, all containers together; one that begins again at zero (its pod was replaced)
  counts from there, and what a counter held when it was first seen says nothing of this window.
- ``error_rate``: errors per request.
- ``latency_ms``: mean.
- ``throttled_ratio``: throttled periods per period of the CFS scheduler, of the container that is throttled most.

A measurement without data is left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from schemas.context import Series

#: Factors from Datadog's unit names.
_CORES = {"nanocore": 1e-9, "microcore": 1e-6, "millicore": 1e-3, "core": 1.0, "": 1e-9}
_MIB = {"byte": 2.0**-20, "kibibyte": 2.0**-10, "mebibyte": 1.0, "": 2.0**-20}
_THROTTLED, _PERIODS = "kubernetes.cpu.cfs.throttled.periods", "kubernetes.cpu.cfs.periods"
_MILLISECONDS = {
    "nanosecond": 1e-6,
    "microsecond": 1e-3,
    "millisecond": 1.0,
    "second": 1e3,
    "": 1e3,
}


def measure(series: Iterable[Series], start: float, end: float) -> dict[str, float]:
    """Measurements over the points from ``start`` to ``end`` (unix seconds), by name."""
    kept = [(s, points) for s in series if (points := _points(s, start, end))]
    found = {
        "cpu_cores": _largest(
            [
                _average([_average(p) * _CORES.get(s.unit, 1e-9) for s, p in of_one])
                for of_one in _by_container(_of(kept, "kubernetes.cpu.usage.total"))
            ]
        ),
        "memory_mib": _largest(
            [max(p) * _MIB.get(s.unit, 2.0**-20) for s, p in _of(kept, "kubernetes.memory.usage")]
        ),
        "restarts": _total([_growth(p) for _, p in _of(kept, "kubernetes.containers.restarts")]),
        "latency_ms": _mean(
            [
                _average(p) * _MILLISECONDS.get(s.unit, 1e3)
                for s, p in _of(kept, "trace.http.request.duration")
            ]
        ),
        "error_rate": _ratio(
            _sum(kept, "trace.http.request.errors"), _sum(kept, "trace.http.request.hits")
        ),
        "throttled_ratio": _largest(
            [
                ratio
                for of_one in _by_container(kept)
                if (ratio := _ratio(_sum(of_one, _THROTTLED), _sum(of_one, _PERIODS))) is not None
            ]
        ),
    }
    return {name: value for name, value in found.items() if value is not None}


Kept = Sequence[tuple[Series, list[float]]]


def _points(series: Series, start: float, end: float) -> list[float]:
    """The values in the window, oldest first, without gaps."""
    pairs = zip(series.timestamps, series.values, strict=False)
    return [v for at, v in sorted(pairs, key=_at) if v is not None and start <= at <= end]


def _at(point: tuple[float, float | None]) -> float:
    return point[0]


def _of(kept: Kept, metric: str) -> Kept:
    return [(series, points) for series, points in kept if series.metric == metric]


def _by_container(kept: Kept) -> list[Kept]:
    """Series of one container each; those that name none are together."""
    found: dict[str, list[tuple[Series, list[float]]]] = {}
    for series, points in kept:
        found.setdefault(series.tags.get("kube_container_name", ""), []).append((series, points))
    return list(found.values())


def _sum(kept: Kept, metric: str) -> float | None:
    found = [sum(points) for _, points in _of(kept, metric)]
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
