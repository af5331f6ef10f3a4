"""Sizes by their arithmetic: each constant just below, at, and just above; what runtimes say of their heaps; other recommenders."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core.drafting import peers, sizing
from decide.core.drafting.heaps import Heap, heap_of
from decide.core.measure import Usage
from kfix.texts import say
from manifests.objects.pods import Container
from schemas.text import text_of

MIB = 2**20


def usage(*values: float, step_s: float = 60.0) -> Usage:
    return Usage((tuple((n * step_s, value) for n, value in enumerate(values)),))


def said(sentence: str) -> str:
    """The ids of a sentence and of those inside it, outside in."""
    text = text_of(sentence)
    assert text is not None
    inner = [one.id for one in text.parameters.values() if hasattr(one, "id")]
    return " ".join([text.id, *inner]).replace("drafting.size.", "")


@pytest.mark.parametrize(
    ("count", "span_s", "more", "less"),
    [
        (19, 400, False, False),
        (20, 299, False, False),
        (20, 300, True, False),
        (99, 3 * 3600, True, False),
        (100, 3 * 3600 - 1, True, False),
        (100, 3 * 3600, True, True),
    ],
)
def test_how_much_tells(count: int, span_s: float, more: bool, less: bool) -> None:
    seen = usage(*[1.0] * count, step_s=span_s / (count - 1))
    assert (sizing.tells(seen), sizing.tells_less(seen)) == (more, less)


@pytest.mark.parametrize(
    ("used", "stated", "limit", "asks", "most", "capped"),
    [
        # 15 % above the 95th percentile, twice that as limit, in steps of 10m below a core
        ([0.1], None, None, 0.12, 0.23, False),
        ([0.2], None, None, 0.23, 0.46, False),
        # of 50m above it
        ([1.0], None, None, 1.15, 2.3, False),
        ([0.87], None, None, 1.05, 2.05, False),
        # a limit a fifth above the highest sample
        ([0.1] * 99 + [1.0], None, None, 0.12, 1.2, False),
        # at least 10m
        ([0.001], None, None, 0.01, 0.01, False),
        ([0.0], None, None, 0.01, 0.01, False),
        # at four fifths of the limit it is cut off: half as much again at least
        ([0.8], 0.5, 1.0, 1.5, 3.0, False),
        ([0.79], 0.5, 1.0, 0.91, 1.85, False),
        # never below the request, a quarter above the limit at least
        ([0.01], 0.5, 1.0, 0.5, 1.25, False),
        ([0.01], None, 1.0, 0.02, 1.25, False),
        # a request alone is what stands there, and no reason to call it cut off
        ([0.5], 0.5, None, 0.58, 1.15, False),
        # four times what stands there, sixteen cores
        ([3.0], None, 1.0, 3.45, 4.0, True),
        ([1.739], None, 1.0, 2.0, 4.0, False),
        ([9.0], None, None, 10.35, 16.0, True),
        ([6.9], None, None, 7.95, 15.9, False),
        ([20.0], None, None, 16.0, 16.0, True),
        ([6.9], None, 4.0, 7.95, 15.9, False),
        ([7.0], None, 5.0, 8.05, 16.0, True),
    ],
)
def test_cpu_that_is_measured(
    used: list[float],
    stated: float | None,
    limit: float | None,
    asks: float,
    most: float,
    capped: bool,
) -> None:
    values = used * 100 if len(used) == 1 else used
    size = sizing.cpu(usage(*values), stated, limit)
    assert size is not None
    assert (size.request, size.limit, size.measured, size.capped) == (asks, most, True, capped)
    assert said(size.basis) == "cpu_measured samples_hours"


@pytest.mark.parametrize(
    ("stated", "limit", "asks", "most", "capped"),
    [
        (None, 0.2, 0.3, 0.3, False),
        (0.1, 0.2, 0.15, 0.3, False),
        (0.1, None, 0.15, 0.15, False),
        (1.0, 2.0, 1.5, 3.0, False),
        (None, 12.0, 16.0, 16.0, True),
        (None, 10.0, 15.0, 15.0, False),
    ],
)
def test_cpu_that_is_not_measured(
    stated: float | None, limit: float | None, asks: float, most: float, capped: bool
) -> None:
    size = sizing.cpu(usage(), stated, limit)
    assert size is not None
    assert (size.request, size.limit, size.measured, size.capped) == (asks, most, False, capped)
    assert said(size.basis) == "cpu_step unmeasured"
    few = sizing.cpu(usage(9.0), stated, limit)
    assert few is not None
    assert (few.request, few.limit) == (asks, most)
    assert said(few.basis) == "cpu_step too_little"


def test_neither_cpu_nor_memory_is_sized_from_nothing() -> None:
    assert sizing.cpu(usage(9.0), None, None) is None
    assert sizing.memory(usage(9.0), None, None, killed=True) is None


_FIXED, _FOLLOWS = Heap("-Xmx", 300.0 * MIB, 0.75), Heap("MaxRAMPercentage", None, 0.5)


@pytest.mark.parametrize(
    ("used", "limit", "heap", "killed", "size", "capped"),
    [
        # a quarter above the highest sample, in steps of 16 MiB below a GiB and 64 above
        (100, None, None, False, 128, False),
        (128, None, None, False, 160, False),
        (819, None, None, False, 1024, False),
        (820, None, None, False, 1088, False),
        # killed: half as much again as the limit at least
        (100, 128, None, True, 192, False),
        (100, 128, None, False, 128, False),
        (200, 128, None, True, 256, False),
        # floors: 32 MiB, and 64 for what was killed below 32
        (1, None, None, False, 32, False),
        (10, 16, None, True, 64, False),
        (10, 31, None, True, 64, False),
        (10, 32, None, True, 48, False),
        (10, 16, None, False, 32, False),
        # caps: four times what stands there, 32 GiB, but never below the floor
        (500, 100, None, True, 400, True),
        (320, 100, None, True, 400, False),
        (500, 8, None, True, 64, True),
        (30000, None, None, False, 32 * 1024, True),
        (26214, None, None, False, 32 * 1024, False),
        (26215, None, None, False, 32 * 1024, True),
        (26215, 20 * 1024, None, False, 32 * 1024, True),
        # a fixed heap needs room beside it, one that follows the limit grows into it
        (100, 512, _FIXED, False, 400, False),
        (400, 512, _FIXED, False, 512, False),
        (500, 512, _FOLLOWS, False, 512, False),
        (500, 512, _FOLLOWS, True, 768, False),
        (500, None, _FOLLOWS, False, 640, False),
        (100, 512, _FOLLOWS, False, 128, False),
        # not measured
        (None, 128, None, False, 192, False),
        (None, 128, None, True, 240, False),  # 100 MiB more, as the VPA
        (None, 512, None, True, 768, False),
        (None, 24, None, True, 96, False),
        (None, 128, _FOLLOWS, False, 128, False),
        (None, 128, _FIXED, False, 400, False),
        (None, 16, None, True, 64, False),
    ],
)
def test_memory(
    used: float | None,
    limit: float | None,
    heap: Heap | None,
    killed: bool,
    size: float,
    capped: bool,
) -> None:
    seen = usage(*([1.0] * 99 + [used * MIB])) if used is not None else usage()
    found = sizing.memory(seen, limit * MIB if limit else None, heap, killed=killed)
    assert found is not None
    assert (found.request / MIB, found.limit / MIB) == (size, size)
    assert (found.measured, found.capped) == (used is not None, capped)


def test_what_a_size_rests_on_is_said_in_its_own_units() -> None:
    hour = usage(*[100.0 * MIB] * 61)
    measured = sizing.memory(hour, None, None, killed=False)
    assert measured is not None
    seen = say("drafting.size.samples_hours", count=61, hours=1.0)
    assert measured.basis == say("drafting.size.memory_measured", top=100.0, seen=seen)
    minutes = sizing.cpu(usage(*[0.1] * 60), None, None)
    assert minutes is not None
    seen = say("drafting.size.samples_minutes", count=60, minutes=59.0)
    assert minutes.basis == say("drafting.size.cpu_measured", high=0.1, top=0.1, seen=seen)
    step = sizing.memory(usage(1.0, 1.0), 128.0 * MIB, None, killed=False)
    assert step is not None
    seen = say("drafting.size.samples_minutes", count=2, minutes=1.0)
    unseen = say("drafting.size.too_little", seen=seen)
    assert step.basis == say("drafting.size.memory_step", unseen=unseen, old=128.0)
    floor = sizing.memory(usage(*[1.0] * 61), None, None, killed=False)
    assert floor is not None
    assert said(floor.basis) == "floor memory_measured"
    assert text_of(floor.basis).parameters["floor"] == 32.0  # type: ignore[union-attr]


def test_what_a_heap_has_to_do_with_a_size_is_said() -> None:
    fixed = sizing.memory(usage(), 128.0 * MIB, _FIXED, killed=True)
    assert fixed is not None
    told = text_of(fixed.basis)
    assert told is not None
    assert told.id == "drafting.size.heap_fixed"
    assert {k: v for k, v in told.parameters.items() if k != "basis"} == {
        "flag": "-Xmx",
        "fixed": 300.0,
        "share": 0.75,
    }
    follows = sizing.memory(usage(), 128.0 * MIB, _FOLLOWS, killed=True)
    assert follows is not None
    told = text_of(follows.basis)
    assert told is not None
    assert told.id == "drafting.size.heap_follows"
    assert (told.parameters["flag"], told.parameters["share"]) == ("MaxRAMPercentage", 0.5)


def _container(env: dict[str, Any] | None = None, **spec: Any) -> Container:
    listed = [{"name": name, "value": value} for name, value in (env or {}).items()]
    return Container("main", {"env": listed, **spec}, {})


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (_container(), None),
        (_container({"A": "-Xmx7"}), Heap("-Xmx", 7.0, 0.75)),
        (_container({"A": "-Xmx7k"}), Heap("-Xmx", 7.0 * 1024, 0.75)),
        (_container({"A": "-Xmx7M"}), Heap("-Xmx", 7.0 * MIB, 0.75)),
        (_container({"A": "-Xmx7g"}), Heap("-Xmx", 7.0 * 1024 * MIB, 0.75)),
        (_container({"A": "-Xmx7t"}), Heap("-Xmx", 7.0 * MIB * MIB, 0.75)),
        (_container({"A": "-XX:MaxHeapSize=7m"}), Heap("-Xmx", 7.0 * MIB, 0.75)),
        (_container({"A": "-Xmx7q"}), None),
        (_container({"A": "-Xmx7m -Xmx8m"}), Heap("-Xmx", 8.0 * MIB, 0.75)),
        (_container({"A": "-XX:MaxRAMPercentage=75"}), Heap("MaxRAMPercentage", None, 0.75)),
        (_container({"A": "-XX:MaxRAMPercentage=62.5"}), Heap("MaxRAMPercentage", None, 0.625)),
        (_container({"A": "-XX:MaxRAMPercentage=0"}), None),
        (_container({"A": "-XX:MaxRAMPercentage=1"}), Heap("MaxRAMPercentage", None, 0.01)),
        (_container({"A": "-XX:MaxRAMPercentage=99"}), Heap("MaxRAMPercentage", None, 0.99)),
        (_container({"A": "-XX:MaxRAMPercentage=100"}), None),
        (_container({"A": "-XX:MaxRAMPercentage=5 -Xmx7m"}), Heap("-Xmx", 7.0 * MIB, 0.75)),
        (
            _container({"A": "--max-old-space-size=7"}),
            Heap("--max-old-space-size", 7.0 * MIB, 0.75),
        ),
        (
            _container({"A": "--max_old_space_size=7"}),
            Heap("--max-old-space-size", 7.0 * MIB, 0.75),
        ),
        # the command line after the environment, and in it JAVA_TOOL_OPTIONS first
        (
            _container({"A": "-Xmx7m", "JAVA_TOOL_OPTIONS": "-Xmx8m"}),
            Heap("-Xmx", 7.0 * MIB, 0.75),
        ),
        (
            _container({"A": "-Xmx7m"}, command=["java", "-Xmx9m"]),
            Heap("-Xmx", 9.0 * MIB, 0.75),
        ),
        (
            _container(command=["java", "-Xmx9m"], args=["-Xmx6m", 5]),
            Heap("-Xmx", 6.0 * MIB, 0.75),
        ),
        (_container({"GOMEMLIMIT": "7"}), Heap("GOMEMLIMIT", 7.0, 0.9)),
        (_container({"GOMEMLIMIT": "7B"}), Heap("GOMEMLIMIT", 7.0, 0.9)),
        (_container({"GOMEMLIMIT": "7KiB"}), Heap("GOMEMLIMIT", 7.0 * 1024, 0.9)),
        (_container({"GOMEMLIMIT": "7MiB"}), Heap("GOMEMLIMIT", 7.0 * MIB, 0.9)),
        (_container({"GOMEMLIMIT": "7GiB"}), Heap("GOMEMLIMIT", 7.0 * 1024 * MIB, 0.9)),
        (_container({"GOMEMLIMIT": "7TiB"}), Heap("GOMEMLIMIT", 7.0 * MIB * MIB, 0.9)),
        (_container({"GOMEMLIMIT": "7MB"}), None),
        (_container({"GOMEMLIMIT": None}), None),
        (_container({"MEMLIMIT": "7MiB"}), None),
        (_container({"A": "1", "GOMEMLIMIT": "7MiB"}), Heap("GOMEMLIMIT", 7.0 * MIB, 0.9)),
        (_container({"GOMEMLIMIT": "7MiB", "A": "-Xmx7m"}), Heap("-Xmx", 7.0 * MIB, 0.75)),
    ],
)
def test_heaps(made: Container, expected: Heap | None) -> None:
    assert heap_of(made) == expected


@pytest.mark.parametrize(("count", "known"), [(99, False), (100, True)])
def test_krr_says_nothing_below_a_hundred_points(count: int, known: bool) -> None:
    assert (peers.krr_cpu(usage(*[0.5] * count)) is not None) is known
    assert (peers.krr_memory(usage(*[5e8] * count)) is not None) is known


def test_krr_takes_each_pods_percentile_and_the_highest_of_them() -> None:
    calm, busy = usage(*[0.1] * 100), usage(*[0.4] * 100)
    assert peers.krr_cpu(Usage((*calm.points, *busy.points))) == pytest.approx(0.4)
    assert peers.krr_cpu(usage(*[float(n) for n in range(101)])) == pytest.approx(95.0)
    assert peers.krr_cpu(usage(*[0.001] * 100)) == 0.01


def test_krr_allows_memory_a_seventh_above_the_top_and_a_quarter_above_a_kill() -> None:
    assert peers.krr_memory(usage(*[2e8] * 100)) == pytest.approx(2.3e8)
    assert peers.krr_memory(usage(*[2e8] * 100), 1.8e8) == pytest.approx(2.3e8)
    assert peers.krr_memory(usage(*[2e8] * 100), 2e8) == pytest.approx(2.5e8)
    assert peers.krr_memory(usage(*[1.0] * 100)) == 100e6


def test_vpa_takes_the_ninetieth_percentile_and_its_floor_is_shared() -> None:
    assert peers.vpa_cpu(usage(*[float(n) for n in range(11)])) == pytest.approx(9.0 * 1.15)
    assert peers.vpa_cpu(usage(0.001)) == 0.025
    assert peers.vpa_cpu(usage(0.001), containers=5) == 0.005
    assert peers.vpa_cpu(usage()) is None
    assert peers.vpa_memory(usage(1.0)) == 250 * MIB
    assert peers.vpa_memory(usage(1.0), containers=5) == 50 * MIB
    assert peers.vpa_memory(usage()) is None


def test_vpa_takes_the_peaks_of_days_and_a_kill_as_one_of_them() -> None:
    day = 86_400.0
    peaks = usage(1e9, 2e9, 1e9, 3e9, step_s=day / 2)  # peaks of 2e9 and 3e9
    assert peers.vpa_memory(peaks) == pytest.approx(2.9e9 * 1.15)
    assert peers.vpa_memory(usage(), 1e9) == pytest.approx(1.2e9 * 1.15)
    assert peers.vpa_memory(usage(), 300.0 * MIB) == pytest.approx(400.0 * MIB * 1.15)
    assert peers.vpa_memory(usage(), 500.0 * MIB) == pytest.approx(600.0 * MIB * 1.15)


def test_a_comparison_names_who_speaks() -> None:
    def show(value: float) -> str:
        return f"<{value}>"

    both = say("drafting.peers.krr_and_vpa", krr="<1.0>", vpa="<2.0>")
    assert peers.comparison(1.0, 2.0, show) == both
    assert peers.comparison(1.0, None, show) == say("drafting.peers.krr", krr="<1.0>")
    assert peers.comparison(None, 2.0, show) == say("drafting.peers.vpa", vpa="<2.0>")
    assert peers.comparison(None, None, show) == ""
