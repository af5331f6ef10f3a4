"""How a process ends when going on could lose a record, and where a test may kill it. Each in a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kfix.engine.runtime import failpoints
from tests.unit.kfix.engine.runtime.test_runtime_engine import (
    MAIN,
    Done,
    Order,
    World,
    fetched,
    order,
    world,
)

ROOT = Path(__file__).parents[5]
LEAVE = """
import sys
from kfix.engine.runtime import process
try:
    process.{how}("the reason")
finally:
    sys.stdout.write("unwound")
"""
PASSES = """
import sys
from kfix.engine.runtime import failpoints
sys.stdout.write(f"armed {bool(failpoints.ARMED)}\\n")
for point, stage in (("after_ack", "decide"), ("before_ack", "enrich"), ("before_ack", "decide")) * 3:
    sys.stdout.write(f"{point}@{stage}\\n")
    sys.stdout.flush()
    failpoints.reached(point, stage)
"""
RECORD = f"""
import asyncio
from {__name__} import one_record
asyncio.run(one_record(lambda step: print(step, flush=True)))
"""


async def one_record(tell: Callable[[str], None]) -> None:
    """One record's whole way, told step by step."""

    async def handle(record: Order, _: World) -> Done:
        tell("handled")
        return Done(**record.model_dump())

    async with world(handle) as found:
        found.producer.holding = True
        found.engine.take(MAIN, [fetched(0, order(0))])
        await found.settled(lambda: len(found.producer.sent) == 1, within_s=60)
        tell("produced")
        found.producer.sent[0].ack.set_result(None)
        await found.all_committable(1)
        tell("committed")
        found.engine.committed({MAIN: 1})
        tell("ended")


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("how", "status"), [("leave", 70), ("stand_down", 75)])
def test_a_process_leaves_at_once_with_a_status_that_says_which_way(how: str, status: int) -> None:
    ended = run(LEAVE.format(how=how))
    assert ended.returncode == status, ended.stderr
    assert "unwound" not in ended.stdout
    assert "the reason" in ended.stdout + ended.stderr


def test_a_process_is_killed_where_a_test_asks_and_nowhere_else() -> None:
    assert failpoints.ARMED is None
    failpoints.reached("before_ack", "decide")  # inert: this process goes on
    asked = ["before_ack@decide", "before_ack@decide:2", "before_ack@enrich:9", "", "before_ack"]
    with ThreadPoolExecutor(2) as side_by_side:
        ended = list(side_by_side.map(lambda place: run(PASSES, KFIX_TEST_CRASH=place), asked))
    assert [one.returncode for one in ended] == [-9, -9, 0, 0, 0]
    assert [len(one.stdout.splitlines()) for one in ended] == [4, 7, 10, 10, 10]
    assert [one.stdout.splitlines()[0] for one in ended] == [
        "armed True",
        "armed True",
        "armed True",
        "armed False",
        "armed False",
    ]


async def test_each_place_where_a_test_may_kill_lies_where_its_name_says() -> None:
    steps: list[str] = []
    await one_record(steps.append)
    assert steps == ["handled", "produced", "committed", "ended"]
    places = {
        "after_consume": 0,
        "after_compute": 1,
        "before_produce": 1,
        "after_produce": 2,
        "before_ack": 2,
        "after_ack": 3,
    }

    tries = [asyncio.to_thread(run, RECORD, KFIX_TEST_CRASH=f"{place}@clerk") for place in places]
    ended = dict(zip(places, await asyncio.gather(*tries), strict=True))
    assert {place: one.returncode for place, one in ended.items()} == dict.fromkeys(places, -9)
    assert {p: one.stdout.split() for p, one in ended.items()} == {
        place: steps[:count] for place, count in places.items()
    }
