"""What Faust starts and stops: it opens once, is closed in its own task, and what goes wrong is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from kfix.engine.runtime.faust_consumer import App, CommandLineApp
from tests.unit.kfix.engine.runtime.test_runtime_engine import BROKERS, MAIN, RETRY, finishes, world

Opening = Callable[[], AbstractAsyncContextManager[None]]


def app_of(opening: Opening) -> CommandLineApp:
    return CommandLineApp(
        "kfix-clerk", ["a:1", "b:2"], opening=opening, set_up_logging=lambda: None
    )


@pytest.fixture
def told() -> list[str]:
    return []


def opens(told: list[str], *, failing: str = "", until: asyncio.Event | None = None) -> Opening:
    @asynccontextmanager
    async def opening() -> AsyncIterator[None]:
        if until is not None:
            told.append("waits")
            await until.wait()
        if failing == "open":
            raise RuntimeError("no broker")
        task = asyncio.current_task()
        told.append("open")
        yield
        assert asyncio.current_task() is task
        if failing == "close":
            raise RuntimeError("not drained")
        told.append("closed")

    return opening


async def test_a_start_returns_when_everything_is_open_and_a_stop_when_it_is_closed(
    told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    process = app_of(opens(told)).process
    await process.start()
    assert told == ["open"]
    await process.stop()
    assert told == ["open", "closed"]
    assert [line for line in caplog.records if line.levelno >= logging.ERROR] == []


async def test_what_keeps_it_from_opening_is_raised(told: list[str]) -> None:
    process = app_of(opens(told, failing="open")).process
    with pytest.raises(RuntimeError, match="no broker"):
        await process.on_start()
    await process.on_stop()
    assert told == []


async def test_a_start_that_has_not_ended_is_given_up(
    told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    process = app_of(opens(told, until=asyncio.Event())).process
    starting = asyncio.create_task(process.on_start())
    while told != ["waits"]:  # noqa: ASYNC110 - told by a generator
        await asyncio.sleep(0.001)
    await asyncio.wait_for(process.on_stop(), 5)
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert told == ["waits"]
    assert [line for line in caplog.records if line.levelno >= logging.ERROR] == []


async def test_an_end_out_of_order_is_told_and_not_raised(
    told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    process = app_of(opens(told, failing="close")).process
    await process.start()
    await process.stop()
    (line,) = [line for line in caplog.records if line.levelno >= logging.ERROR]
    assert line.getMessage().endswith("Not ended in order: RuntimeError('not drained')")


async def test_what_never_started_has_nothing_to_stop(told: list[str]) -> None:
    await app_of(opens(told)).process.on_stop()
    assert told == []


async def test_faust_is_told_to_make_no_topic_and_to_open_no_port(told: list[str]) -> None:
    app = app_of(opens(told))
    assert app.conf.id == "kfix-clerk"
    assert [str(url) for url in app.conf.broker] == ["kafka://a:1", "kafka://b:2"]
    assert str(app.conf.store) == "memory:"
    promised: dict[str, Any] = {
        "web_enabled": False,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
    }
    assert {name: getattr(app.conf, name) for name in promised} == promised
    assert list(app.boot_strategy.server()) == [app.process]
    started: list[str] = []

    async def finished() -> None:
        started.append("finished")

    await app.on_started()
    app.on_startup_finished = finished
    await app.on_started()
    assert started == ["finished"]


async def test_a_stages_app_reads_its_topics_as_its_group_and_starts_its_intake_alone() -> None:
    async with world(finishes) as found:
        app = App(found.engine, brokers=BROKERS, settings=found.engine.settings)
        assert app.conf.id == app.intake.group == "test.kfix-clerk"
        assert [topic.get_topic_name() for topic in app.reads] == [MAIN.topic, RETRY.topic]
        assert list(app.boot_strategy.server()) == [app.running]
        assert not app.conf.web_enabled
        assert not app.conf.topic_allow_declare
        assert app.conf.topic_disable_leader
