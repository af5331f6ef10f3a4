"""Health follows need and spec: monotone, and without a script."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.physics import Need, Node, Scaler, Spec, judge

IMAGE = "registry.shop.test/a:1"
IMAGES = frozenset({IMAGE})
NODES = (Node("a", 4.0, 8000.0), Node("b", 1.0, 16000.0))
NEED = Need(cpu_cores=1.0, memory_mib=300, environment={"HOST": r"db\.svc"})
SPEC = Spec(IMAGE, 2, 0.5, 256, 1.0, 512, {"HOST": "db.svc"})


@pytest.mark.parametrize(
    ("change", "condition"),
    [
        ({}, "healthy"),
        ({"image": "registry.shop.test/a:2"}, "bad_image"),
        ({"environment": {"HOST": "bd.svc"}}, "crash_loop"),
        ({"environment": {}}, "crash_loop"),
        ({"memory_limit_mib": 300.0}, "oom_killed"),
        ({"memory_limit_mib": None}, "healthy"),
        ({"cpu_limit": 0.3}, "throttled"),
        ({"cpu_limit": None}, "healthy"),
        ({"cpu_request": 4.5}, "unschedulable"),
        ({"memory_request_mib": 20_000.0}, "unschedulable"),
        ({"replicas": 1, "cpu_limit": 0.5}, "throttled"),
    ],
)
def test_each_lack_has_its_condition(change: dict[str, object], condition: str) -> None:
    assert judge(NEED, replace(SPEC, **change), IMAGES, NODES).condition == condition  # type: ignore[arg-type]


def test_a_leak_is_not_cured_by_memory() -> None:
    leaking = replace(NEED, leak_mib_per_min=5)
    for limit in (400.0, 4000.0):
        health = judge(leaking, replace(SPEC, memory_limit_mib=limit), IMAGES, NODES)
        assert health.condition == "leaking"


def test_an_autoscaler_stops_at_its_ceiling_and_below_it_does_not() -> None:
    scaler = Scaler("a", 1, 2, 0.7)
    at_ceiling = judge(NEED, replace(SPEC, scaler=scaler), IMAGES, NODES)
    free = judge(NEED, replace(SPEC, scaler=replace(scaler, most=5)), IMAGES, NODES)
    assert (at_ceiling.condition, at_ceiling.replicas) == ("at_ceiling", 2)
    assert (free.condition, free.replicas) == ("healthy", 3)


@given(
    demand=st.floats(0.05, 8),
    peak=st.floats(16, 4000),
    cpu=st.floats(0.1, 4),
    memory=st.floats(64, 4096),
    more=st.floats(1.0, 4.0),
)
def test_more_of_everything_never_makes_it_worse(
    demand: float, peak: float, cpu: float, memory: float, more: float
) -> None:
    need = replace(NEED, cpu_cores=demand, memory_mib=peak)
    little = judge(need, replace(SPEC, cpu_limit=cpu, memory_limit_mib=memory), IMAGES, NODES)
    much = judge(
        need, replace(SPEC, cpu_limit=cpu * more, memory_limit_mib=memory * more), IMAGES, NODES
    )
    assert much.throttled_ratio <= little.throttled_ratio + 1e-9
    assert much.error_ratio <= little.error_ratio + 1e-9
    if little.condition == "healthy":
        assert much.condition == "healthy"
