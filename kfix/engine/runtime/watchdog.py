"""Watches the stages from outside of their loops, and ends the process when one stands still.

It has a thread, an event loop and connections of its own: whatever hangs, its clock goes on. What it sees is told by
``ready`` and ``trouble`` to the health door, and by the gauges ``kfix_lag_records`` (NaN where it is not known),
``kfix_lag_unknown``, ``kfix_in_flight_records``, ``kfix_assigned_partitions`` and ``kfix_intake_sessions``.
A restart is safe: what was not committed is handled again.
"""

from __future__ import annotations

import asyncio
import faulthandler
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

import structlog

from kfix.engine.broker.connection import Brokers
from kfix.engine.broker.offsets import Observer, PartitionStanding
from kfix.engine.runtime import stacks, vitals
from kfix.engine.runtime.engine import Engine
from kfix.engine.runtime.intake import Intake
from kfix.engine.runtime.offsets import Partition
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.vitals import BrokerReport, StageSigns

log = structlog.get_logger(__name__)

#: Seconds between looks; also how fresh the stages' metrics are.
_LOOK_S = 1.0
#: Seconds between the health door's first refusal and the end, so that somebody can see it.
_LAST_WORDS_S = 1.0
#: Seconds for the last line. A thread that hangs with the lock of the log must not keep the process.
_LAST_LINE_S = 10


class _Watched:
    """One stage: what was last seen of it."""

    def __init__(self, engine: Engine, intake: Intake) -> None:
        now = time.monotonic()
        self.engine = engine
        self.intake = intake
        self.inside = engine.signs()
        self.told = BrokerReport({}, now)
        self.idle_at = now

    def signs(self) -> StageSigns:
        """Everything known now."""
        return StageSigns(
            now=time.monotonic(),
            inside=self.inside,
            told=self.told,
            assigned_at=self.intake.assigned_at,
            unassigned_at=self.intake.unassigned_at,
            polled_at=self.intake.polled_at,
            idle_at=self.idle_at,
        )

    def hear(self, standings: dict[Partition, PartitionStanding] | None) -> None:
        """The broker's answer, or ``None`` for none."""
        if standings is None:
            self.told = BrokerReport({}, self.told.at)
            return
        self.told = BrokerReport(vitals.lag_of(standings, self.intake.ends), time.monotonic())
        self.idle_at = vitals.idle_since(self.signs())

    def measure(self, signs: StageSigns) -> None:
        """Sets the gauges."""
        meter = self.engine.meter
        lag = signs.lag
        meter.lag.set(math.nan if lag is None else lag)
        meter.lag_unknown.set(lag is None)
        meter.in_flight.set(signs.inside.running)
        meter.assigned.set(0 if signs.assigned_at is None else len(signs.inside.partitions))
        meter.sessions.set(self.intake.sessions)


class Watchdog:
    """Made and started in the main event loop. ``leave`` ends the process."""

    def __init__(
        self,
        pairs: Sequence[tuple[Engine, Intake]],
        *,
        brokers: Brokers,
        settings: Runtime,
        leave: Callable[[str], NoReturn],
    ) -> None:
        self._watched = [_Watched(engine, intake) for engine, intake in pairs]
        self._brokers = brokers
        self._settings = settings
        self._leave = leave
        self._main = asyncio.get_running_loop()
        self._asked = False
        self._ending = False
        self._looked_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        #: Why the process is about to end; empty while it is well.
        self.trouble = ""

    def start(self) -> None:
        """Watches from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch: the process is ending in order."""
        self._ending = True

    @property
    def ready(self) -> bool:
        """Whether every stage takes records now."""
        return not self.trouble and all(
            vitals.ready(one.signs(), self._settings) for one in self._watched
        )

    async def guard(self) -> None:
        """Ends the process when the watchdog's thread has ended; looks every few seconds until it is cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            if not self._thread.is_alive():
                self._leave("the watchdog has ended")

    def _run(self) -> None:
        try:
            asyncio.run(self._watch())
        except Exception as failure:  # noqa: BLE001 - the watch ends with it, so the process does
            if self._ending:
                return
            self._give_up(f"the watchdog ended: {failure!r}")

    async def _watch(self) -> None:
        observer = Observer(self._brokers, timeout_s=self._settings.request_timeout_s)
        asking = asyncio.create_task(self._ask_for_ever(observer))
        try:
            await self._look_until_the_end(asking)
        finally:
            asking.cancel()
            await _dropped(observer)

    async def _look_until_the_end(self, asking: asyncio.Task[NoReturn]) -> None:
        silent = 0.0
        while not self._ending:
            if not self._asked:
                self._asked = True
                self._main.call_soon_threadsafe(self._see)
            await asyncio.sleep(_LOOK_S)
            now = time.monotonic()
            silent = vitals.silent_until(looked_at=self._looked_at, now=now, silent=silent)
            self._looked_at = now
            if asking.done():
                asking.result()
            for one in self._watched:
                signs = one.signs()
                one.measure(signs)
                why = vitals.complaint(signs, self._settings)
                if not why and one.intake.gone:
                    why = "its consumer's thread has ended"
                if why and not self._ending and now >= silent:
                    self._give_up(f"{one.engine.stage.name}: {why}")

    def _see(self) -> None:
        """In the main loop: what the engines say."""
        for one in self._watched:
            one.engine.meter.flush()
            one.inside = one.engine.signs()
        self._asked = False

    async def _ask_for_ever(self, observer: Observer) -> NoReturn:
        while True:
            for one in self._watched:
                one.hear(await self._ask(observer, one))
            await asyncio.sleep(self._settings.lag_every_s)

    async def _ask(
        self, observer: Observer, one: _Watched
    ) -> dict[Partition, PartitionStanding] | None:
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                told = await observer.standings(one.intake.group, one.engine.subscription)
        except Exception as failure:  # noqa: BLE001 - aiokafka raises many kinds; whatever it is, the lag is unknown
            log.warning("lag.unknown", stage=one.engine.stage.name, error=repr(failure))
            await _dropped(observer)
            return None
        return {Partition(tp.topic, tp.partition): standing for tp, standing in told.items()}

    def _give_up(self, why: str) -> NoReturn:
        """Fails the health door, tells where everything stands, and ends the process."""
        faulthandler.dump_traceback_later(_LAST_WORDS_S + _LAST_LINE_S, exit=True)
        self.trouble = why
        loops = [self._main, *(one.intake.loop for one in self._watched if one.intake.loop)]
        log.critical(
            "stage.stands_still", why=why, tasks=stacks.tasks_of(loops), threads=stacks.threads()
        )
        time.sleep(_LAST_WORDS_S)
        self._leave(why)


async def _dropped(observer: Observer) -> None:
    """Gives the observer's connections up; one that cannot be closed is forgotten."""
    try:
        async with asyncio.timeout(_LAST_WORDS_S):
            await observer.close()
    except Exception as failure:  # noqa: BLE001 - they are of no use any more
        log.info("observer.not_closed", error=repr(failure))
