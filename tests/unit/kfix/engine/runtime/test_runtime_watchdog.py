"""The watch over a stage, with stand-ins for aiokafka's own clients: what it measures, and when it ends the process."""

from __future__ import annotations

import asyncio
import faulthandler
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pytest
from aiokafka.structs import TopicPartition
from prometheus_client import REGISTRY

from kfix.engine.runtime.engine import Engine
from kfix.engine.runtime.intake import Intake
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.watchdog import Watchdog
from tests.support.broker import Cluster
from tests.unit.kfix.engine.runtime.test_runtime_engine import (
    BROKERS,
    MAIN,
    RETRY,
    Done,
    Order,
    World,
    fetched,
    finishes,
    order,
    world,
)
from tests.unit.kfix.engine.runtime.test_runtime_intake import Group, group, member  # noqa: F401

# ruff: noqa: F811  (fixtures are imported by name)
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


class Gone(BaseException):
    """Nothing runs after it, as after the end of a process."""


@dataclass
class Watched:
    """A stage under watch. ``left``: why the process would have ended."""

    engine: Engine
    intake: Intake
    watchdog: Watchdog
    left: list[str] = field(default_factory=list)

    def gauge(self, name: str) -> float:
        value = REGISTRY.get_sample_value(f"kfix_{name}", {"stage": self.engine.stage.name})
        assert value is not None
        return value

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, (what, self.left)
            await asyncio.sleep(0.02)

    def joined(self) -> None:
        """As the intake says that it is assigned and has polled."""
        self.intake.assigned_at = self.intake.polled_at = time.monotonic()


@asynccontextmanager
async def watching(
    engine: Engine, intake: Intake, *, start: bool = True, **knobs: Any
) -> AsyncIterator[Watched]:
    left: list[str] = []

    def leave(why: str) -> NoReturn:
        faulthandler.cancel_dump_traceback_later()
        left.append(why)
        raise Gone

    settings = Runtime(_env_file=None, **{"lag_every_s": 0.05, "request_timeout_s": 2.0, **knobs})
    watchdog = Watchdog([(engine, intake)], brokers=BROKERS, settings=settings, leave=leave)
    if start:
        watchdog.start()
    try:
        yield Watched(engine, intake, watchdog, left)
    finally:
        watchdog.stop()


def away(found: World) -> Intake:
    """An intake that has not joined."""
    return Intake(found.engine, group="g", brokers=BROKERS, settings=found.engine.settings)


def told(cluster: Cluster, *, written: int, committed: int) -> None:
    for offset in range(written):
        cluster.put(MAIN.topic, 0, offset)
    cluster.topics[RETRY.topic] = 1
    for partition, position in ((MAIN, committed), (RETRY, 0)):
        cluster.committed[TopicPartition(partition.topic, partition.number)] = position


async def test_what_is_not_committed_is_the_lag_and_the_stage_is_ready(cluster: Cluster) -> None:
    told(cluster, written=9, committed=2)
    release = asyncio.Event()

    async def waits(record: Order, _: World) -> Done:
        await release.wait()
        return Done(**record.model_dump())

    async with world(waits, name="clerk-lag") as found:
        found.engine.take(MAIN, [fetched(n, order(n, key=f"k{n}")) for n in range(3)])
        async with watching(found.engine, away(found)) as one:
            one.joined()
            await one.until(lambda: one.gauge("lag_records") == 7, "the lag")
            assert one.gauge("lag_unknown") == 0
            assert one.gauge("in_flight_records") == 3
            assert one.gauge("assigned_partitions") == 2
            assert one.gauge("intake_sessions") == 0
            assert one.watchdog.ready
            assert one.watchdog.trouble == ""
            one.intake.ends = {MAIN: 20}
            await one.until(lambda: one.gauge("lag_records") == 18, "the last fetch knows better")
            assert one.left == []
        release.set()


async def test_a_lag_that_is_not_told_is_unknown_until_it_is_told_again(cluster: Cluster) -> None:
    told(cluster, written=3, committed=0)
    hidden = dict(cluster.committed)
    cluster.committed.clear()
    async with (
        world(finishes, name="clerk-unknown") as found,
        watching(found.engine, away(found)) as one,
    ):
        one.joined()
        await one.until(lambda: len(cluster.clients) > 4, "asked again, with new connections")
        await one.until(lambda: one.gauge("lag_unknown") == 1, "unknown")
        assert math.isnan(one.gauge("lag_records"))
        cluster.committed.update(hidden)
        await one.until(lambda: one.gauge("lag_records") == 3, "told")
        assert one.gauge("lag_unknown") == 0
        one.intake.assigned_at = None
        await one.until(lambda: one.gauge("lag_unknown") == 1, "not ours to know")
        assert one.gauge("assigned_partitions") == 0
        assert not one.watchdog.ready
    await one.until(lambda: cluster.open == 0, "its connections are closed")


async def test_a_stage_without_an_assignment_ends_the_process_and_says_why_first(
    cluster: Cluster,
) -> None:
    told(cluster, written=1, committed=0)
    async with world(finishes) as found:
        intake = away(found)
        async with watching(found.engine, intake, assign_s=0.5) as one:
            await one.until(lambda: one.watchdog.trouble != "", "the health door is told")
            assert one.left == []
            assert one.watchdog.trouble.startswith("clerk: the group has given no assignment for ")
            assert not one.watchdog.ready
            await one.until(lambda: one.left != [], "the end")
            assert one.left == [one.watchdog.trouble]


async def test_a_consumer_whose_thread_has_ended_ends_the_process(
    cluster: Cluster, group: Group
) -> None:
    async with member(group) as joined:
        pass
    engine = joined.world.engine
    async with watching(engine, joined.intake) as one:
        await one.until(lambda: one.left != [], "the end")
        assert one.left == ["clerk: its consumer's thread has ended"]


async def test_a_watch_that_breaks_ends_the_process(cluster: Cluster) -> None:
    told(cluster, written=1, committed=0)
    async with world(finishes) as found, watching(found.engine, away(found)) as one:
        one.intake.ends = None  # type: ignore[assignment]
        await one.until(lambda: one.left != [], "the end")
        assert one.left[0].startswith("the watchdog ended: AttributeError(")


async def test_a_watch_that_has_ended_is_missed_and_one_that_runs_is_not(cluster: Cluster) -> None:
    told(cluster, written=1, committed=0)
    async with world(finishes) as found, watching(found.engine, away(found)) as one:
        guard = asyncio.create_task(one.watchdog.guard())
        await asyncio.sleep(1.2)
        assert not guard.done()
        one.watchdog.stop()
        with pytest.raises(Gone):
            await asyncio.wait_for(guard, 20)
        assert one.left == ["the watchdog has ended"]


async def test_an_end_in_order_is_no_trouble(cluster: Cluster) -> None:
    async with (
        world(finishes) as found,
        watching(found.engine, away(found), start=False, assign_s=0.001, stall_s=0.001) as one,
    ):
        one.watchdog.stop()
        one.watchdog.start()
        await asyncio.sleep(0.2)
        assert (one.left, one.watchdog.trouble) == ([], "")
