"""Measurements out of time series: units, gaps, windows, counters that begin again."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfix.incident.measurements import measure
from schemas.context import Series

CPU, MEMORY = "kubernetes.cpu.usage.total", "kubernetes.memory.usage"
RESTARTS, LATENCY = "kubernetes.containers.restarts", "trace.http.request"
HITS, ERRORS = "trace.http.request.hits", "trace.http.request.errors"
THROTTLED, PERIODS = "kubernetes.cpu.cfs.throttled.periods", "kubernetes.cpu.cfs.periods"


def series(
    metric: str, *values: float | None, unit: str = "", start: float = 0.0, container: str = ""
) -> Series:
    times = tuple(start + 10.0 * n for n in range(len(values)))
    tags = {"kube_container_name": container} if container else {}
    return Series(metric=metric, unit=unit, timestamps=times, values=values, tags=tags)


def measured(*given: Series, start: float = 0, end: float = 1e6) -> dict[str, float]:
    return measure(given, start, end)


@pytest.mark.parametrize(
    ("metric", "unit", "value", "name", "expected"),
    [
        (CPU, "nanocore", 250e6, "cpu_cores", 0.25),
        (CPU, "millicore", 250, "cpu_cores", 0.25),
        (CPU, "core", 0.25, "cpu_cores", 0.25),
        (CPU, "", 250e6, "cpu_cores", 0.25),
        (MEMORY, "byte", 2.0**28, "memory_mib", 256),
        (MEMORY, "mebibyte", 256, "memory_mib", 256),
        (LATENCY, "second", 0.2, "latency_ms", 200),
        (LATENCY, "nanosecond", 2e8, "latency_ms", 200),
        (LATENCY, "", 0.2, "latency_ms", 200),
    ],
)
def test_units_are_datadogs(
    metric: str, unit: str, value: float, name: str, expected: float
) -> None:
    assert measured(series(metric, value, unit=unit)) == {name: pytest.approx(expected)}


def test_cpu_is_a_mean_and_memory_the_largest() -> None:
    found = measured(
        series(CPU, 1.0, 3.0, unit="core"),
        series(CPU, 4.0, unit="core"),
        series(MEMORY, 100, 300, unit="mebibyte"),
        series(MEMORY, 200, unit="mebibyte"),
    )
    assert found == {"cpu_cores": 3.0, "memory_mib": 300.0}


def test_an_idle_sidecar_does_not_halve_the_usage() -> None:
    app = [series(CPU, value, unit="core", container="app") for value in (2.0, 4.0)]
    idle = [series(CPU, 0.1, unit="core", container="proxy") for _ in range(2)]
    assert measured(*app, *idle) == {"cpu_cores": pytest.approx(3.0)}


def test_a_throttled_container_is_not_diluted_by_another() -> None:
    def of(container: str, throttled: float) -> list[Series]:
        return [
            series(THROTTLED, throttled, container=container),
            series(PERIODS, 100, container=container),
        ]

    assert measured(*of("app", 60), *of("proxy", 0)) == {"throttled_ratio": pytest.approx(0.6)}


@pytest.mark.parametrize(
    ("counters", "grown"),
    [
        ([(7, 7, 7)], 0),
        ([(7,)], 0),
        ([(0, 1, 3)], 3),
        ([(5, 6, 0, 1)], 2),
        ([(5, 2)], 2),
        ([(5, 0, 0)], 0),
        ([(0, 2), (4, 4), (1, 2)], 3),
        ([(1, None, 3)], 2),
    ],
    ids=[
        "constant",
        "one point",
        "grows",
        "begins again",
        "begins again and dies twice",
        "replaced",
        "all pods together",
        "a gap",
    ],
)
def test_restarts_are_what_counters_grew(
    counters: list[tuple[float | None, ...]], grown: float
) -> None:
    assert measured(*(series(RESTARTS, *one) for one in counters)) == {"restarts": grown}


def test_ratios_count_nothing_as_none_and_need_a_whole() -> None:
    assert measured(series(HITS, 90, 110), series(ERRORS, 10, None)) == {"error_rate": 0.05}
    assert measured(series(HITS, 100)) == {"error_rate": 0.0}
    assert measured(series(ERRORS, 5)) == {}
    assert measured(series(HITS, 0), series(ERRORS, 0)) == {}
    assert measured(series(THROTTLED, 4), series(PERIODS, 10)) == {"throttled_ratio": 0.4}


def test_only_the_window_counts_with_both_its_ends() -> None:
    one = series(MEMORY, 100, 200, 300, 400, unit="mebibyte")
    assert measured(one, start=10, end=20) == {"memory_mib": 300.0}
    assert measured(one, start=31) == {}


def test_without_data_there_is_no_measurement() -> None:
    assert measured() == {}
    assert measured(series(CPU), series(RESTARTS, None, None), series("other.metric", 1.0)) == {}


def test_points_out_of_order_are_put_in_order() -> None:
    mixed = Series(metric=RESTARTS, timestamps=(20.0, 0.0, 10.0), values=(3.0, 1.0, 2.0))
    assert measured(mixed) == {"restarts": 2.0}


names = st.sampled_from([CPU, MEMORY, RESTARTS, LATENCY, HITS, ERRORS, THROTTLED, PERIODS])
points = st.lists(st.one_of(st.none(), st.integers(0, 1000)), max_size=12)
many = st.lists(st.tuples(names, points), max_size=8)


@given(many, st.integers(-100_000, 100_000))
def test_when_it_happened_does_not_change_what_is_measured(
    given: list[tuple[str, list[float | None]]], shift: int
) -> None:
    here = [series(name, *values) for name, values in given]
    there = [series(name, *values, start=float(shift)) for name, values in given]
    assert measure(here, 0, 120) == measure(there, shift, shift + 120)


@given(many)
def test_nothing_is_negative_or_not_a_number(given: list[tuple[str, list[float | None]]]) -> None:
    found = measured(*(series(name, *values) for name, values in given))
    assert all(value >= 0 and math.isfinite(value) for value in found.values())


@given(many)
def test_gaps_and_empty_series_change_nothing(given: list[tuple[str, list[float | None]]]) -> None:
    whole = [series(name, *values) for name, values in given]
    dense = [
        Series(
            metric=one.metric,
            timestamps=tuple(
                t for t, v in zip(one.timestamps, one.values, strict=True) if v is not None
            ),
            values=tuple(v for v in one.values if v is not None),
        )
        for one in whole
    ]
    assert measured(*whole) == measured(*dense, series(CPU), series(MEMORY, None))
