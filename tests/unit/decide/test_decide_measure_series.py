"""Series of a workload: whose they are, in which unit, with gaps; and the statistics at their edges."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.core.measure import (
    Usage,
    latest,
    peak,
    percentile,
    shift,
    tags_of,
    usage,
    used,
    values,
)
from schemas.context import Series
from tests.support.decide.views import SHOP, deployment, series, view_of, workload

CPU = "kubernetes.cpu.usage.total"
MEMORY = "kubernetes.memory.usage"
MIB = 2.0**20


def mine(
    *found: Series, meaning: str = "memory", container: str = "", app: str = "web"
) -> list[list[float | None]]:
    """The values of those series that count as the workload's."""
    view = view_of({"deployments": [deployment("web"), deployment("api")]}, metrics=found)
    return [list(s.values) for s in usage(view, workload(view, app), meaning, container)]


@pytest.mark.parametrize(
    ("tags", "is_webs"),
    [
        ({"kube_deployment": "web"}, True),
        ({"kube_stateful_set": "web"}, True),
        ({"kube_ownerref_name": "web"}, True),
        ({"kube_deployment": "api"}, False),
        ({"kube_stateful_set": "api"}, False),
        ({"kube_ownerref_name": "api"}, False),
        ({"kube_deployment": "web", "kube_ownerref_name": "api"}, True),
        ({"kube_deployment": "api", "pod_name": "web-0"}, False),
        ({"kube_deployment": "api", "service": "web"}, False),
        ({"pod_name": "web-6d4cf56db6-x2x8k"}, True),
        ({"pod_name": "api-6d4cf56db6-x2x8k"}, False),
        ({"pod_name": "api-6d4cf56db6-x2x8k", "service": "web"}, False),
        ({"service": "web"}, True),
        ({"service": "api"}, False),
        ({}, False),
        ({"kube_namespace": SHOP, "service": "web"}, True),
        ({"kube_namespace": "bank", "service": "web"}, False),
        ({"kube_namespace": "bank", "kube_deployment": "web"}, False),
    ],
)
def test_whose_a_series_is(tags: dict[str, str], is_webs: bool) -> None:
    assert mine(series(MEMORY, 1.0, tags=tags)) == ([[1.0]] if is_webs else [])


def test_the_filter_of_the_query_stands_in_for_tags_and_yields_to_them() -> None:
    asked = f"max:{MEMORY}{{kube_namespace:shop, kube_deployment:web,env}} by {{pod_name}}"
    assert mine(series(MEMORY, 1.0, query=asked)) == [[1.0]]
    assert mine(series(MEMORY, 1.0, query=asked, tags={"kube_deployment": "api"})) == []
    assert tags_of(series(MEMORY, query=asked, tags={"kube_namespace": "bank"})) == {
        "kube_namespace": "bank",
        "kube_deployment": "web",
    }
    assert tags_of(series(MEMORY, query="max:x{image:a:b}")) == {"image": "a:b"}
    assert tags_of(series(MEMORY, query="no filter", tags={"a": "b"})) == {"a": "b"}


@pytest.mark.parametrize(
    ("tags", "asked", "counts"),
    [
        ({"kube_container_name": "main"}, "main", True),
        ({"kube_container_name": "side"}, "main", False),
        ({"kube_container_name": "side"}, "", True),
        ({}, "main", True),
    ],
)
def test_a_series_of_another_container_is_left_out_where_one_is_asked_for(
    tags: dict[str, str], asked: str, counts: bool
) -> None:
    found = series(MEMORY, 1.0, tags={"service": "web", **tags})
    assert mine(found, container=asked) == ([[1.0]] if counts else [])


def test_only_series_of_the_meaning_and_of_no_node_in_their_order() -> None:
    own: dict[str, Any] = {"tags": {"service": "web"}}
    found = (
        series("unknown.metric", 1.0, **own),
        series(MEMORY, 2.0, **own),
        series("node.cpu", 3.0, **own),
        series(CPU, 4e9, **own),
        series("kubernetes.memory.rss", 5.0, **own),
    )
    assert mine(*found) == [[2.0], [5.0]]
    assert mine(*found, meaning="cpu") == [[4.0]]
    assert mine(*found, meaning="retransmits") == []


@pytest.mark.parametrize(
    ("metric", "unit", "meaning", "value", "ours"),
    [
        (MEMORY, "mebibyte", "memory", 3.0, 3 * MIB),
        (MEMORY, "byte", "memory", 3.0, 3.0),
        (MEMORY, "", "memory", 3.0, 3.0),
        (CPU, "nanocore", "cpu", 5e8, 0.5),
        (CPU, "millicores", "cpu", 500.0, 0.5),
        (CPU, "", "cpu", 5e8, 0.5),
    ],
)
def test_values_come_in_our_unit_with_their_gaps(
    metric: str, unit: str, meaning: str, value: float, ours: float
) -> None:
    found = series(metric, value, None, value, unit=unit, tags={"service": "web"})
    ((one, gap, two),) = mine(found, meaning=meaning)
    assert gap is None
    assert (one, two) == (pytest.approx(ours), pytest.approx(ours))


def usage_of(container: str, *found: Series, containers: tuple[str, ...] = ("main",)) -> Usage:
    app = deployment("web", SHOP, *({"name": name} for name in containers))
    view = view_of({"deployments": [app]}, metrics=found)
    return used(view, workload(view, "web"), "memory", container)


def of(metric: str, *numbers: float | None, **tags: str) -> Series:
    return series(metric, *numbers, tags={"kube_deployment": "web", **tags})


def test_series_that_name_their_container_count_for_it_alone() -> None:
    found = (
        of(MEMORY, 1.0, kube_container_name="main"),
        of(MEMORY, 2.0, kube_container_name="side"),
        of(MEMORY, 9.0),
    )
    assert usage_of("main", *found, containers=("main", "side")).values == [1.0]
    assert usage_of("side", *found, containers=("main", "side")).values == [2.0]
    assert usage_of("other", *found).values == []


def test_what_is_known_of_the_pod_counts_for_a_container_that_is_alone_in_it() -> None:
    assert usage_of("main", of(MEMORY, 7.0)).values == [7.0]
    assert usage_of("main", of(MEMORY, 7.0), containers=("main", "side")).values == []


def test_the_metric_that_says_most_is_chosen_wherever_it_stands() -> None:
    usages = [
        of("kubernetes.memory.rss", 3.0),
        of("kubernetes.memory.working_set", 1.0, pod_name="a"),
        of(MEMORY, 2.0),
        of("kubernetes.memory.working_set", 4.0, pod_name="b"),
    ]
    assert usage_of("main", *usages).instances == [[1.0], [4.0]]
    assert usage_of("main", *reversed(usages)).instances == [[4.0], [1.0]]


def test_gaps_and_empty_instances_are_no_points() -> None:
    found = usage_of("main", of(MEMORY, None, 2.0, None, 3.0), of(MEMORY, None, None), of(MEMORY))
    assert found.points == (((15.0, 2.0), (45.0, 3.0)),)
    assert usage_of("main").points == ()


def test_times_without_values_are_left_out() -> None:
    uneven = series(MEMORY, 1.0, 2.0, timestamps=(0.0, 15.0, 30.0), tags={"kube_deployment": "web"})
    assert usage_of("main", uneven).points == (((0.0, 1.0), (15.0, 2.0)),)


def test_the_span_goes_from_the_first_sample_of_any_instance_to_the_last() -> None:
    assert Usage().span_s == 0.0
    assert Usage((((5.0, 1.0),),)).span_s == 0.0
    assert Usage((((20.0, 1.0), (50.0, 1.0)), ((10.0, 1.0), (30.0, 1.0)))).span_s == 40.0


def test_each_instance_has_a_peak_in_each_window() -> None:
    one = ((0.0, 5.0), (59.9, 7.0), (60.0, 1.0), (119.0, 3.0), (240.0, -2.0))
    two = ((0.0, 9.0), (30.0, 8.0))
    assert list(Usage((one, two)).peaks(60.0)) == [7.0, 3.0, -2.0, 9.0]
    assert list(Usage((one,)).peaks(30.0)) == [5.0, 7.0, 1.0, 3.0, -2.0]
    assert list(Usage().peaks(60.0)) == []


def test_the_peak_is_the_highest_sample_of_all_series() -> None:
    assert peak([series("m", 1.0, None, 4.0), series("m", 9.0, 2.0)]) == 9.0
    assert peak([series("m", -3.0, -1.0)]) == -1.0
    assert peak([series("m", None), series("m")]) is None
    assert peak([]) is None
    assert values([series("m", 1.0, None, 0.0), series("m", 2.0)]) == [1.0, 0.0, 2.0]


@pytest.mark.parametrize(
    ("samples", "mean"),
    [
        ((5.0,), 5.0),
        ((1.0, 5.0), 5.0),
        (tuple(range(10)), 9.0),
        (tuple(range(19)), 18.0),
        (tuple(range(20)), 18.5),
        (tuple(range(29)), 27.5),
        (tuple(range(30)), 28.0),
        ((None, 4.0, None), 4.0),
        ((1.0,) * 18 + (4.0, None, 8.0, None), 6.0),
        ((1.0,) * 17 + (None, 4.0, 8.0), 8.0),
    ],
)
def test_the_latest_is_the_mean_of_the_last_tenth_without_gaps(
    samples: tuple[float | None, ...], mean: float
) -> None:
    assert latest([series("m", *samples)]) == pytest.approx(mean)


def test_the_latest_of_several_series_is_their_sum() -> None:
    assert latest([series("m", 1.0, 2.0), series("m", None), series("m", 5.0)]) == 7.0
    assert latest([series("m", 0.0)]) == 0.0
    assert latest([series("m", None)]) is None
    assert latest([]) is None


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, 1.0), (0.25, 2.0), (0.5, 3.0), (0.6, 5.8), (0.75, 10.0), (0.9, 16.0), (1.0, 20.0)],
)
def test_a_percentile_is_interpolated_between_its_neighbours(share: float, expected: float) -> None:
    assert percentile([20.0, 1.0, 10.0, 3.0, 2.0], share) == pytest.approx(expected)


def test_a_percentile_of_one_number_and_of_none() -> None:
    assert percentile([4.0], 0.95) == 4.0
    assert percentile([], 0.5) is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_a_percentile_lies_among_the_numbers_and_grows_with_its_share(
    numbers: list[float], one: float, two: float
) -> None:
    low, high = percentile(numbers, min(one, two)), percentile(numbers, max(one, two))
    assert low is not None
    assert high is not None
    assert min(numbers) <= low <= high + 1e-6
    assert high <= max(numbers)


def test_a_shift_needs_eight_samples_beside_its_gaps() -> None:
    assert shift(series("m", *[1.0] * 7)) is None
    assert shift(series("m", *[1.0] * 7, None, None)) is None
    assert shift(series("m", *[1.0] * 8)) == (1.0, 1.0)
    assert shift(series("m", *[1.0] * 8), 60.0) == (1.0, 1.0)


STEP = series("m", 1.0, 2.0, 3.0, 4.0, 50.0, 60.0, 70.0, 80.0, step=10)


@pytest.mark.parametrize(
    ("at", "medians"),
    [
        (40.0, (2.5, 65.0)),
        (30.0, (2.0, 60.0)),
        (31.0, (2.5, 65.0)),
        (21.0, (2.0, 60.0)),
        (49.0, (3.0, 70.0)),
        (20.0, (3.5, 75.0)),
        (50.0, (3.5, 75.0)),
        (-5.0, (3.5, 75.0)),
        (500.0, (3.5, 75.0)),
    ],
)
def test_a_shift_at_a_time_splits_there_unless_it_is_at_the_edge(
    at: float, medians: tuple[float, float]
) -> None:
    assert shift(STEP, at) == medians


@pytest.mark.parametrize("share", [0.25, 0.4, 0.5, 0.6, 0.75])
@pytest.mark.parametrize("after", [9.0, -9.0])
@pytest.mark.parametrize("count", [20, 13, 11])
def test_without_a_time_a_shift_is_found_where_it_is_greatest(
    share: float, after: float, count: int
) -> None:
    first = int(count * share)
    stepped = series("m", *[1.0] * first, *[after] * (count - first))
    assert shift(stepped) == (1.0, after)


def test_the_split_moves_with_the_shape_of_a_rise() -> None:
    rising = series("m", *(float(n * n) for n in range(20)))
    assert shift(rising) == (pytest.approx(49.0), pytest.approx(17.0 * 17.0))


def test_of_equally_great_shifts_the_first_is_told() -> None:
    assert shift(series("m", *[1.0] * 5, *[5.0] * 10, *[9.0] * 5)) == (1.0, 5.0)
    assert shift(series("m", *[0.0] * 9)) == (0.0, 0.0)


def test_a_shift_looks_at_times_that_have_a_value() -> None:
    longer = STEP.model_copy(update={"timestamps": (*STEP.timestamps, 80.0, 90.0)})
    assert shift(longer, 40.0) == shift(STEP, 40.0)
