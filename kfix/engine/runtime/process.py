"""One process: the stages given, their doors, one producer, and the end of all of them.

Orderly on SIGTERM and SIGINT: doors close, what is under way finishes and is committed, groups are left. Disorderly
whenever going on could lose a record: ``os._exit`` at once, so that nothing on the way out acknowledges anything.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NoReturn

import structlog

from kfix.engine.broker.administration import create_topics, with_sides
from kfix.engine.broker.connection import Brokers
from kfix.engine.broker.embedded import connect
from kfix.engine.runtime.engine import Engine
from kfix.engine.runtime.faust_consumer import App
from kfix.engine.runtime.http import HttpPublisher, HttpServer, health
from kfix.engine.runtime.producer import Producer
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Stage
from kfix.engine.runtime.timers import run_timer
from kfix.engine.runtime.watchdog import Watchdog
from kfix.engine.topics import Topic
from kfix.engine.wire import Codec, codec_for
from kfix.infra.settings import Kafka, Retention, load
from schemas import errors

log = structlog.get_logger(__name__)

#: EX_SOFTWARE of sysexits.h: an internal error; the supervisor starts us again.
_LEFT = 70
#: EX_TEMPFAIL: a stage stands still; the supervisor starts us again.
STOOD_STILL = 75


#: Seconds a thread keeps Python's lock. Each stage's consumer has its thread; with the default of 5 ms a poll waits
#: that long for the busy main thread (measured: 14 % of the throughput of five stages in one process).
_SWITCH_S = 0.001


def leave(reason: str) -> NoReturn:
    """Ends the process now. Unwinding could acknowledge a record whose results are not safe."""
    _end(reason, _LEFT)


def stand_down(reason: str) -> NoReturn:
    """Ends a process in which a stage stands still, with a status of its own."""
    _end(reason, STOOD_STILL)


def _end(reason: str, status: int) -> NoReturn:
    log.critical("process.leaves", reason=reason, status=status)
    sys.stderr.flush()
    os._exit(status)


class Process:
    """The running stages of this process. ``urls`` maps stage names to their doors, ``health`` to the health door."""

    def __init__(self, brokers: Brokers, codec: Codec, settings: Runtime) -> None:
        self.brokers = brokers
        self.urls: dict[str, str] = {}
        self._open = False
        self._watchdog: Watchdog | None = None
        self._codec = codec
        self._settings = settings
        self._producer = Producer(brokers, settings)
        self._pairs: list[tuple[Engine, App]] = []
        self._doors: list[HttpServer] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, stages: Sequence[Stage[Any]], stack: AsyncExitStack) -> None:
        """Opens ports, doors and groups of all stages, the slow parts side by side.

        Raises errors.Unavailable when the broker does not answer in time.
        """
        async with self._in_time("topics"):
            wanted = with_sides(topics_of(stages), self.brokers.kafka.partitions)
            await create_topics(self.brokers, wanted, load(Retention))
        await asyncio.to_thread(self._codec.prepare, topics_of(stages))
        async with self._in_time("producer"):
            await self._producer.start()
        stack.push_async_callback(self._producer.stop)
        for stage in stages:
            ports = await stack.enter_async_context(stage.ports())
            await self._open_stage(stage, ports)
        self._watchdog = self._watch()
        if self._settings.health_port >= 0:
            await self._open_door(
                "health",
                health(lambda: self.ready, lambda: self.trouble),
                self._settings.health_host,
                self._settings.health_port,
            )
        stack.push_async_callback(self._close)
        async with self._in_time("assignment"), asyncio.TaskGroup() as group:
            for _, app in self._pairs:
                group.create_task(app.start())
        self._open = True

    @asynccontextmanager
    async def _in_time(self, what: str) -> AsyncIterator[None]:
        """Bounds what the broker is asked for at the start. Raises errors.Unavailable."""
        within_s = self._settings.startup_timeout_s
        try:
            async with asyncio.timeout(within_s):
                yield
        except TimeoutError:
            raise errors.Unavailable(
                f"the broker at {self.brokers.bootstrap} gave no {what} within {within_s:g} s"
            ) from None

    @property
    def ready(self) -> bool:
        """Whether all doors are open and every stage takes records now."""
        return self._open and (self._watchdog is None or self._watchdog.ready)

    @property
    def trouble(self) -> str:
        """Why the process is about to end; empty while it is well."""
        return "" if self._watchdog is None else self._watchdog.trouble

    def _watch(self) -> Watchdog | None:
        """Watches the groups from before they are joined."""
        if not self._pairs:
            return None
        watchdog = Watchdog(
            [(engine, app.intake) for engine, app in self._pairs],
            brokers=self.brokers,
            settings=self._settings,
            leave=stand_down,
        )
        watchdog.start()
        self._tasks.append(asyncio.create_task(watchdog.guard(), name="watchdog.guard"))
        return watchdog

    async def _open_stage(self, stage: Stage[Any], ports: Any) -> None:
        for timer in stage.timers:
            ticking = run_timer(
                stage,
                timer,
                ports,
                codec=self._codec,
                producer=self._producer,
                settings=self._settings,
            )
            self._tasks.append(asyncio.create_task(ticking, name=f"{stage.name}.{timer.name}"))
        if stage.handlers:
            engine = Engine(
                stage,
                ports,
                brokers=self.brokers,
                codec=self._codec,
                producer=self._producer,
                settings=self._settings,
                leave=leave,
            )
            app = App(engine, brokers=self.brokers, settings=self._settings)
            self._pairs.append((engine, app))
        if stage.http is not None and stage.listen is not None:
            publisher = HttpPublisher(
                stage, codec=self._codec, producer=self._producer, settings=self._settings
            )
            host, port = stage.listen(ports)
            await self._open_door(stage.name, stage.http(ports, publisher), host, port)

    async def _open_door(self, name: str, app: Any, host: str, port: int) -> None:
        door = HttpServer(app, host, port)
        await door.open()
        self._doors.append(door)
        self.urls[name] = door.url
        log.info("door.open", stage=name, url=door.url)

    async def _close(self) -> None:
        """Doors first, so that nothing new comes in; then what is under way; then the groups."""
        self._open = False
        if self._watchdog is not None:
            self._watchdog.stop()
        await asyncio.gather(*(door.close() for door in self._doors))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(app.stop() for _, app in self._pairs))


def topics_of(stages: Sequence[Stage[Any]]) -> list[Topic[Any]]:
    """All topics the stages read or write, and the one that tells of their dead letters."""
    from kfix.engine import topics

    found: dict[str, Topic[Any]] = {}
    for stage in stages:
        named = [topic for h in stage.handlers for topic in (h.reads, *h.writes)]
        named += [topic for timer in stage.timers for topic in timer.writes]
        named += stage.publishes
        if stage.http is not None and not stage.publishes:
            named += topics.ALL
        if any(topics.is_told(topic) for topic in named):
            named.append(topics.DEAD_LETTERS)
        found |= {topic.name: topic for topic in named}
    return list(found.values())


@asynccontextmanager
async def running(
    stages: Sequence[Stage[Any]], *, kafka: Kafka, settings: Runtime
) -> AsyncIterator[Process]:
    """Runs the stages while the context is open: all groups joined, all doors listening.

    Raises errors.Unavailable when no broker answers or a door cannot listen.
    """
    async with connect(kafka, within_s=settings.startup_timeout_s, lost=leave) as brokers:
        process = Process(brokers, codec_for(kafka), settings)
        async with AsyncExitStack() as stack:
            await process.open(stages, stack)
            yield process


def prepare_interpreter() -> None:
    """Sets what the whole process needs: how long a thread keeps Python's lock."""
    sys.setswitchinterval(_SWITCH_S)


async def serve(
    stages: Sequence[Stage[Any]],
    *,
    kafka: Kafka,
    settings: Runtime,
    on_ready: Callable[[Process], None] = lambda _: None,
) -> None:
    """Runs the stages until SIGTERM or SIGINT, then ends in order."""
    prepare_interpreter()
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    async with running(stages, kafka=kafka, settings=settings) as process:
        log.info("process.ready", stages=[stage.name for stage in stages], urls=process.urls)
        on_ready(process)
        await asked.wait()
        log.info("process.stopping")
    log.info("process.stopped")
