"""Faust at the rim: one app per stage, which declares its topics and starts what runs it.

Faust's consumer, conductor, tables and producer are not started: the app's one service is the intake, which joins the
group under the app's id. Why Faust does not poll is told in ``docs/decisions/0007-polls-are-the-runtimes.md``.
``CommandLineApp`` is what Faust's own command line starts: its one service is a whole process of the runtime.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import faust
from faust.app.base import BootStrategy
from mode import Service
from yarl import URL

from kfix.engine.broker.connection import Brokers
from kfix.engine.runtime.engine import Engine
from kfix.engine.runtime.intake import Intake
from kfix.engine.runtime.settings import Runtime


class _Running(Service):
    """The intake and the engine that it feeds, as the service that Faust starts and stops."""

    app: App

    def __init__(self, app: App) -> None:
        super().__init__()
        self.app = app

    async def on_start(self) -> None:
        """Starts the workers and joins the group."""
        app = self.app
        app.engine.start(app.intake.make_room)
        await app.intake.start()

    async def on_stop(self) -> None:
        """Finishes what is under way, commits it, leaves the group, and ends the workers."""
        await self.app.intake.close(within_s=self.app.settings.drain_s)
        await self.app.engine.stop()


class _Boot(BootStrategy):
    """Only the intake: the producer produces, the door serves, and there are no agents or tables."""

    app: App

    def server(self) -> Iterable[Any]:
        return [self.app.running]


class App(faust.App):
    """A stage's Faust app: its id is the consumer group, its topics are those the stage reads."""

    BootStrategy = _Boot

    def __init__(self, engine: Engine, *, brokers: Brokers, settings: Runtime) -> None:
        self.engine = engine
        self.settings = settings
        group = brokers.named(f"kfix-{engine.stage.name}")
        broker = f"kafka://{brokers.bootstrap.split(',')[0]}"
        super().__init__(
            group,
            broker=[URL(broker)],
            store="memory://",
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
        )
        self.intake = Intake(engine, group=group, brokers=brokers, settings=settings)
        self.running = _Running(self)
        self.reads = [self.topic(name) for name in engine.subscription]

    async def on_first_start(self) -> None:
        """Nothing: there are no tables, so no folders for them."""

    async def on_start(self) -> None:
        """Nothing: what Faust would arrange here are its own consumer and conductor."""

    async def on_started(self) -> None:
        """Nothing: there are no tables to recover."""


class _Process(Service):
    """What the app opens, open from Faust's start of its services to Faust's stop of them.

    One task opens and closes it: context managers may hold on to the task that they were entered in.
    """

    app: CommandLineApp

    def __init__(self, app: CommandLineApp) -> None:
        super().__init__()
        self.app = app
        self._opened = asyncio.Event()
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def on_start(self) -> None:
        """Returns once everything is joined and listens. Raises what kept it from that."""
        self._task = asyncio.create_task(self._run(), name=self.app.conf.id)
        waiting = asyncio.create_task(self._opened.wait())
        try:
            await asyncio.wait((self._task, waiting), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._task.done():
            self._task.result()

    async def _run(self) -> None:
        async with self.app.opening():
            self._opened.set()
            await self._asked.wait()

    async def on_stop(self) -> None:
        """Finishes what is under way, commits it and leaves the group; a start that has not ended is given up."""
        task = self._task
        if task is None:
            return
        if not self._opened.is_set():
            task.cancel()
        self._asked.set()
        await asyncio.wait((task,))
        if self._opened.is_set() and not task.cancelled() and task.exception() is not None:
            self.log.error("Not ended in order: %r", task.exception())


class _CommandLineBoot(BootStrategy):
    """Only the process: Faust's web server, consumer, producer and tables are not started."""

    app: CommandLineApp

    def server(self) -> Iterable[Any]:
        return [self.app.process]


class _CommandLineWorker(faust.Worker):
    """Faust's worker with our logging in the place of its own: every line is redacted, stdout stays what it is."""

    app: CommandLineApp

    def _setup_logging(self) -> None:
        self.app.set_up_logging()
        self.spinner = None


class CommandLineApp(faust.App):
    """A stage for ``faust -A <stage> worker``: Faust's command line, worker and signals around our runtime.

    ``opening`` is entered when Faust starts the app and left when it stops it (SIGTERM, SIGINT).
    """

    BootStrategy = _CommandLineBoot

    def __init__(
        self,
        group: str,
        brokers: Sequence[str],
        *,
        opening: Callable[[], AbstractAsyncContextManager[Any]],
        set_up_logging: Callable[[], None],
    ) -> None:
        self.opening = opening
        self.set_up_logging = set_up_logging
        super().__init__(
            group,
            broker=[URL(f"kafka://{broker}") for broker in brokers],
            store="memory://",
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            Worker=_CommandLineWorker,
        )
        self.process = _Process(self)

    async def on_first_start(self) -> None:
        """Nothing: there are no tables, so no folders for them."""

    async def on_start(self) -> None:
        """Nothing: what Faust would arrange here are its own consumer and conductor."""

    async def on_started(self) -> None:
        """Tells the worker that the app runs."""
        if self.on_startup_finished is not None:
            await self.on_startup_finished()
