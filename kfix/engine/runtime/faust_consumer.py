"""Faust at the rim: one app per stage, which declares its topics and starts what runs it.

Faust's consumer, conductor, tables and producer are not started: the app's one service is the intake, which joins the
group under the app's id. Why Faust does not poll is told in ``docs/decisions/0007-polls-are-the-runtimes.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
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
        await self.app.intake.close(within_s=self.app.knobs.drain_s)
        await self.app.engine.stop()


class _Boot(BootStrategy):
    """Only the intake: the outbox produces, the door serves, and there are no agents or tables."""

    app: App

    def server(self) -> Iterable[Any]:
        return [self.app.running]


class App(faust.App):
    """A stage's Faust app: its id is the consumer group, its topics are those the stage reads."""

    BootStrategy = _Boot

    def __init__(self, engine: Engine, *, brokers: Brokers, knobs: Runtime) -> None:
        self.engine = engine
        self.knobs = knobs
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
        self.intake = Intake(engine, group=group, brokers=brokers, knobs=knobs)
        self.running = _Running(self)
        self.reads = [self.topic(name) for name in engine.subscription]

    async def on_first_start(self) -> None:
        """Nothing: there are no tables, so no folders for them."""

    async def on_start(self) -> None:
        """Nothing: what Faust would arrange here are its own consumer and conductor."""

    async def on_started(self) -> None:
        """Nothing: there are no tables to recover."""
