"""One process before and while it opens: which topics it needs, and that a broker which says nothing is not waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from kfix.engine import topics
from kfix.engine.broker.connection import Brokers
from kfix.engine.runtime.process import Process, topics_of
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Handler, Stage, Timer
from kfix.engine.topics import Topic
from kfix.engine.wire import codec_for
from kfix.infra.settings import Kafka
from schemas import errors
from tests.unit.kfix.engine.runtime.test_runtime_engine import DONE, ORDERS, OTHER, no_ports


def stage(
    *handlers: tuple[Topic[Any], tuple[Topic[Any], ...]],
    timers: tuple[Topic[Any], ...] = (),
    **more: Any,
) -> Stage[None]:
    async def call(record: Any, _: None) -> None: ...

    async def tick(_: None) -> None: ...

    made: Stage[None] = Stage("clerk", ports=no_ports, **more)
    for reads, writes in handlers:
        made.handlers.append(Handler(reads, writes, call, "call", 1.0))
    if timers:
        made.timers.append(Timer(lambda _: 1.0, timers, tick, "tick"))
    return made


def door(*_: Any) -> Any:
    raise AssertionError("nobody opens it")


@pytest.mark.parametrize(
    ("stages", "names"),
    [
        ([], []),
        ([stage((ORDERS, ()))], ["unit.orders"]),
        ([stage((ORDERS, (DONE, OTHER)))], ["unit.orders", "unit.done", "unit.other"]),
        (
            [stage((ORDERS, (DONE,))), stage((DONE, (OTHER,)))],
            ["unit.orders", "unit.done", "unit.other"],
        ),
        ([stage(timers=(OTHER, DONE))], ["unit.other", "unit.done"]),
        ([stage(publishes=(DONE,))], ["unit.done"]),
        ([stage(publishes=(DONE,), http=door)], ["unit.done"]),
        ([stage((ORDERS, ()), http=door)], ["unit.orders", *(topic.name for topic in topics.ALL)]),
    ],
)
def test_a_process_needs_the_topics_that_its_stages_read_and_write_each_once(
    stages: list[Stage[Any]], names: list[str]
) -> None:
    assert [topic.name for topic in topics_of(stages)] == names


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """An address that takes connections and never answers."""
    held: list[asyncio.StreamWriter] = []

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        await reader.read()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in held:
            writer.close()
        server.close()


async def test_a_broker_that_takes_connections_and_says_nothing_is_away_after_the_time_of_the_start() -> (
    None
):
    async with silent() as address, AsyncExitStack() as stack:
        kafka = Kafka(_env_file=None, bootstrap=address)
        settings = Runtime(_env_file=None, startup_timeout_s=0.3)
        process = Process(Brokers(address, kafka), codec_for(kafka), settings)
        assert (process.ready, process.trouble, process.urls) == (False, "", {})
        with pytest.raises(errors.Unavailable) as told:
            await asyncio.wait_for(process.open([stage((ORDERS, ()))], stack), 20)
        assert str(told.value) == f"the broker at {address} gave no topics within 0.3 s"
        assert not process.ready
