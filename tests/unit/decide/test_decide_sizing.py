"""Sizes: from whose usage, from how much of it, with which head-room, and beside what KRR and the VPA say."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.core import measure
from decide.core.drafting import peers, sizing
from decide.core.drafting.heaps import Heap, heap_of
from decide.core.measure import Usage
from decide.core.view import ClusterView
from manifests.objects.pods import Container
from tests.support.decide.clusters import Cluster

ROOT = Path(__file__).parents[3]
MIB = 2**20


def usage(*instances: list[float], step_s: float = 60.0) -> Usage:
    return Usage(tuple(tuple((step_s * n, v) for n, v in enumerate(one)) for one in instances))


def container(*args: str, **env: str) -> Container:
    spec = {
        "name": "app",
        "args": list(args),
        "env": [{"name": k, "value": v} for k, v in env.items()],
    }
    return Container("app", spec, {})


# Whose usage it is


def _cluster(containers: int) -> tuple[Cluster, str]:
    cluster = Cluster(31)
    app = cluster.app()
    spec = cluster.get("deployments", app)["spec"]["template"]["spec"]
    spec["containers"] += [{"name": f"side-{n}"} for n in range(containers - 1)]
    return cluster, app


def _used(cluster: Cluster, app: str, name: str = "", meaning: str = "memory") -> Usage:
    view = ClusterView(cluster.bundle())
    workload = view.named(cluster.namespace, app)
    assert workload is not None
    return measure.used(view, workload, meaning, name or workload.containers()[0].name)


def test_usage_is_that_of_the_container_that_series_name() -> None:
    cluster, app = _cluster(2)
    for name, value in (("side-0", 1.0), ("main", 2.0)):
        cluster.series(
            "kubernetes.memory.usage", [value] * 30, kube_deployment=app, kube_container_name=name
        )
    assert set(_used(cluster, app, "side-0").values) == {1.0}


def test_a_pods_usage_is_its_containers_only_when_that_is_alone() -> None:
    for containers, expected in ((1, 30), (2, 0)):
        cluster, app = _cluster(containers)
        cluster.series("kubernetes.memory.usage", [1.0] * 30, kube_deployment=app)
        assert len(_used(cluster, app).values) == expected


def test_the_working_set_beats_usage_that_holds_caches() -> None:
    cluster, app = _cluster(1)
    cluster.series("kubernetes.memory.usage", [900.0] * 30, kube_deployment=app)
    cluster.series("kubernetes.memory.working_set", [300.0] * 30, kube_deployment=app)
    assert set(_used(cluster, app).values) == {300.0}


# How much of it


@pytest.mark.parametrize(
    ("samples", "step_s", "raises", "lowers"),
    [
        (19, 60, False, False),
        (20, 10, False, False),
        (20, 60, True, False),
        (99, 600, True, False),
        (100, 60, True, False),
        (100, 120, True, True),
    ],
)
def test_taking_away_asks_for_more_than_giving(
    samples: int, step_s: float, raises: bool, lowers: bool
) -> None:
    seen = usage([0.1] * samples, step_s=step_s)
    assert (sizing.tells(seen), sizing.tells_less(seen)) == (raises, lowers)
    size = sizing.cpu(seen, 0.2, 0.4)
    assert size is not None
    assert size.measured is raises


@given(st.lists(st.floats(1e-3, 8), min_size=20, max_size=80), st.none() | st.floats(0.05, 4))
def test_more_usage_never_gets_less(values: list[float], limit: float | None) -> None:
    small = sizing.cpu(usage(values), None, limit)
    large = sizing.cpu(usage([v * 1.5 for v in values]), None, limit)
    assert small is not None
    assert large is not None
    assert large.request >= small.request
    assert large.limit >= small.limit


def test_throttled_usage_is_a_floor_not_a_need() -> None:
    size = sizing.cpu(usage([0.5] * 30), 0.25, 0.5)
    assert size is not None
    assert size.request == 0.75
    assert size.limit == 1.5


# Heaps


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (container("-Xmx512m"), Heap("-Xmx", 512.0 * MIB, 0.75)),
        (container("java", "-Xmx256m", "-Xmx1g"), Heap("-Xmx", 1024.0 * MIB, 0.75)),
        (container("-Xmx1g", JAVA_TOOL_OPTIONS="-Xmx256m"), Heap("-Xmx", 1024.0 * MIB, 0.75)),
        (container(JAVA_OPTS="-XX:MaxHeapSize=2097152k"), Heap("-Xmx", 2048.0 * MIB, 0.75)),
        (
            container(JAVA_TOOL_OPTIONS="-XX:MaxRAMPercentage=75.0"),
            Heap("MaxRAMPercentage", None, 0.75),
        ),
        (container("-XX:MaxRAMPercentage=50", "-Xmx1g"), Heap("-Xmx", 1024.0 * MIB, 0.75)),
        (
            container(NODE_OPTIONS="--max-old-space-size=768"),
            Heap("--max-old-space-size", 768.0 * MIB, 0.75),
        ),
        (container(GOMEMLIMIT="900MiB"), Heap("GOMEMLIMIT", 900.0 * MIB, 0.9)),
        (container(GOMEMLIMIT="lots"), None),
        (container("serve"), None),
    ],
)
def test_heaps_are_read_as_their_runtimes_read_them(made: Container, expected: Heap | None) -> None:
    assert heap_of(made) == expected


def test_a_fixed_heap_gets_room_beside_it() -> None:
    size = sizing.memory(
        usage([100.0 * MIB] * 30), 512.0 * MIB, Heap("-Xmx", 900.0 * MIB, 0.75), killed=False
    )
    assert size is not None
    assert size.limit == 1216 * MIB  # 1200 in steps of 64
    assert "-Xmx 900 MiB" in size.basis


def test_a_heap_that_follows_the_limit_is_no_reason_to_raise_it() -> None:
    heap = Heap("MaxRAMPercentage", None, 0.75)
    calm = sizing.memory(usage([500.0 * MIB] * 30), 512.0 * MIB, heap, killed=False)
    died = sizing.memory(usage([500.0 * MIB] * 30), 512.0 * MIB, heap, killed=True)
    assert calm is not None
    assert died is not None
    assert (calm.limit, died.limit) == (512 * MIB, 768 * MIB)


# Peers


def test_krr_takes_the_highest_pods_percentile_and_refuses_few_points() -> None:
    quiet, busy = [0.1] * 60, [0.1] * 50 + [1.0] * 10
    assert peers.krr_cpu(usage(quiet, busy)) == pytest.approx(1.0)
    assert peers.krr_cpu(usage(busy)) is None
    assert peers.krr_memory(usage([200e6] * 100)) == pytest.approx(230e6)
    assert peers.krr_memory(usage([1e6] * 100)) == 100e6
    assert peers.krr_memory(usage([200e6] * 100), killed_at=300e6) == pytest.approx(375e6)


def test_vpa_takes_peaks_of_days_and_counts_a_kill_as_one() -> None:
    assert peers.vpa_cpu(usage([0.2] * 30)) == pytest.approx(0.23)
    assert peers.vpa_cpu(usage([0.001] * 30), containers=2) == pytest.approx(0.0125)
    assert peers.vpa_cpu(Usage()) is None
    assert peers.vpa_memory(usage([400.0 * MIB] * 30)) == pytest.approx(460 * MIB)
    assert peers.vpa_memory(usage([10.0 * MIB] * 30)) == 250 * MIB
    day = [300.0 * MIB] * 23 + [900.0 * MIB]
    assert list(usage(day + [300.0 * MIB] * 24, step_s=3600).peaks(86_400)) == [
        900 * MIB,
        300 * MIB,
    ]
    killed = peers.vpa_memory(usage([100.0 * MIB] * 30), killed_at=400.0 * MIB)
    assert killed == pytest.approx(1.15 * (100 + 0.9 * 400) * MIB)


# The paper


def _shapes() -> dict[str, list[float]]:
    """Usage of three hours and a half at two samples a minute, of kinds that one meets."""
    dice = random.Random(8)
    steady = [dice.gauss(0.30, 0.02) for _ in range(420)]
    daily = [0.25 + 0.2 * math.sin(n / 420 * 2 * math.pi) + dice.gauss(0, 0.01) for n in range(420)]
    bursts = [0.05 if n % 60 else 0.9 for n in range(420)]
    idle = [abs(dice.gauss(0.004, 0.001)) for _ in range(420)]
    throttled = [min(0.5, dice.gauss(0.48, 0.05)) for _ in range(420)]
    return {
        "steady": steady,
        "slow wave": daily,
        "short bursts": bursts,
        "idle": idle,
        "at a limit of 500m": throttled,
    }


def _table() -> str:
    lines = [
        "| CPU usage | ours: request / limit | KRR: request | VPA: target |",
        "| --- | --: | --: | --: |",
    ]
    for name, values in _shapes().items():
        seen = usage(values, step_s=30)
        limit = 0.5 if "limit" in name else None
        size, krr, vpa = sizing.cpu(seen, None, limit), peers.krr_cpu(seen), peers.vpa_cpu(seen)
        assert size is not None
        assert krr is not None
        assert vpa is not None
        stands = f"{size.limit * 1000:.0f}m" if limit else "none set"
        lines.append(
            f"| {name} | {size.request * 1000:.0f}m / {stands} | {krr * 1000:.0f}m | {vpa * 1000:.0f}m |"
        )
    lines += [
        "",
        "| memory usage | ours: request = limit | KRR: request = limit | VPA: target |",
        "| --- | --: | --: | --: |",
    ]
    for name, values in _shapes().items():
        seen = usage([v * 1024 * MIB for v in values], step_s=30)
        killed = 512.0 * MIB if "limit" in name else None
        mine = sizing.memory(seen, killed, None, killed=killed is not None)
        krr, vpa = peers.krr_memory(seen, killed), peers.vpa_memory(seen, killed)
        assert mine is not None
        assert krr is not None
        assert vpa is not None
        told = "killed at 512 MiB" if killed else name
        lines.append(
            f"| {told} | {mine.limit / MIB:.0f} MiB | {krr / MIB:.0f} MiB | {vpa / MIB:.0f} MiB |"
        )
    return "\n".join(lines) + "\n"


def test_the_page_compares_what_is_computed() -> None:
    page = (ROOT / "docs/right-sizing.md").read_text()
    head, _, rest = page.partition("<!-- comparison -->\n")
    held, _, _ = rest.partition("<!-- /comparison -->")
    assert head != page
    assert held == _table()
