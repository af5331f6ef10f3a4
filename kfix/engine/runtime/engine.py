"""One stage at work: its windows, its workers, and which record runs when.

Records come in whole polls from the rim; workers take them through the handling. The acknowledgement of what came of
a record finishes it, whenever that is; the window lets the committable offset move only in offset order.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from kfix.engine.broker.connection import Brokers
from kfix.engine.runtime import failpoints
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.handler import Handling
from kfix.engine.runtime.offsets import Entry, KeyQueue, Partition, Window
from kfix.engine.runtime.producer import Producer
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Stage
from kfix.engine.runtime.vitals import Inside
from kfix.engine.wire import Codec
from kfix.infra.telemetry.metrics import Meter

#: Records after which a worker that never has to wait yields to the event loop.
_BREATH = 64


class Engine:
    """Runs one stage's records. ``leave`` ends the process at once, without acknowledging anything."""

    def __init__(
        self,
        stage: Stage[Any],
        ports: Any,
        *,
        brokers: Brokers,
        codec: Codec,
        producer: Producer,
        settings: Runtime,
        leave: Callable[[str], NoReturn],
    ) -> None:
        self.stage = stage
        self.settings = settings
        self.meter = Meter(stage.name)
        #: When a record last left its handler, and when records were last taken (``time.monotonic``), for the watchdog.
        self.moved_at = self.taken_at = time.monotonic()
        self.windows: dict[Partition, Window] = {}
        #: Retried records of this stage that are not due yet.
        self.held_back = 0
        self._brokers = brokers
        self._leave = leave
        self._key_queue = KeyQueue()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        #: What each worker is at, to cancel it when its partition is taken away.
        self._entry_of: dict[asyncio.Task[None], Entry] = {}
        #: A worker was woken and has not run yet.
        self._waking = False
        self._on_room: Callable[[Partition], None] = lambda _: None
        self._stopping = False
        self._subjects = self._topic_subjects()
        self._handling = Handling(
            stage,
            ports,
            codec=codec,
            producer=producer,
            settings=settings,
            meter=self.meter,
            finish=self._finish,
            leave=leave,
        )
        self._unsettled: dict[Window, asyncio.Future[None]] = {}

    def _topic_subjects(self) -> dict[str, tuple[str, bool]]:
        """Topic on the cluster → (topic of the house, whether it is the retry topic)."""
        subjects = {}
        for handler in self.stage.handlers:
            subjects[self._brokers.named(handler.reads.name)] = (handler.reads.name, False)
            subjects[self._brokers.named(handler.reads.retry)] = (handler.reads.name, True)
        return subjects

    @property
    def subscription(self) -> list[str]:
        """Topics to subscribe to, as named on the cluster."""
        return list(self._subjects)

    def signs(self) -> Inside:
        """What the engine is at, for whoever watches it. Must be called in its event loop."""
        now = time.monotonic()
        working = sending = now
        held = set()
        for partition, window in self.windows.items():
            head = window.head
            if head is None:
                continue
            if head.held:
                held.add(partition)
            elif head.owed:
                sending = min(sending, head.since)
            elif head.started:
                working = min(working, head.since)
        return Inside(
            at=now,
            running=sum(window.running for window in self.windows.values()),
            partitions=frozenset(self.windows),
            held=frozenset(held),
            moved_at=max(self.moved_at, self._handling.attempted_at),
            taken_at=self.taken_at,
            working_since=working,
            sending_since=sending,
        )

    def start(self, on_room: Callable[[Partition], None]) -> None:
        """Starts the workers. ``on_room`` is told of partitions that may be polled again."""
        self._on_room = on_room
        for _ in range(self.settings.concurrency):
            self._hire()

    def _hire(self) -> None:
        worker = asyncio.create_task(self._work(), name=f"{self.stage.name}.worker")
        self._workers.add(worker)
        worker.add_done_callback(self._ended)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not self._stopping:
            why = "cancelled" if worker.cancelled() else repr(worker.exception())
            self._leave(f"a worker of {self.stage.name} ended: {why}")

    async def stop(self) -> None:
        """Ends the workers; whatever they still do is done again after the next start."""
        self._stopping = True
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def assign(self, partitions: Sequence[Partition]) -> None:
        """Opens a window for each partition of a new assignment."""
        for partition in partitions:
            subject, _ = self._subjects[partition.topic]
            self.windows[partition] = Window(
                partition,
                subject=subject,
                size=self.settings.window,
                remembered=self.settings.remembered,
                most=self.settings.window_most,
                most_bytes=self.settings.window_bytes,
            )

    async def settle(self, *, within_s: float) -> None:
        """Starts no more records of the present windows and waits for those that run, ``within_s`` at most."""
        for window in self.windows.values():
            window.closing = True
        self._handling.cut_pauses()
        waits = []
        for window in self.windows.values():
            if window.running:
                waits.append(
                    self._unsettled.setdefault(window, asyncio.get_running_loop().create_future())
                )
        if waits:
            await asyncio.wait(waits, timeout=within_s)
        self._unsettled.clear()

    def revoke(self) -> None:
        """Closes all windows. Handlers that still run are cancelled; the next owner runs them again."""
        for window in self.windows.values():
            window.close()
        self.windows.clear()
        for worker in self._workers:
            entry = self._entry_of.get(worker)
            if entry is not None and entry.window.closed:
                worker.cancel()

    def committable(self) -> dict[Partition, int]:
        """Offsets that may be committed and are new."""
        return {
            partition: offset
            for partition, window in self.windows.items()
            if (offset := window.committable) is not None
        }

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """Notes offsets that the broker has committed."""
        for partition, offset in offsets.items():
            window = self.windows.get(partition)
            if window is not None:
                window.committed = offset
        if failpoints.ARMED and offsets:
            failpoints.reached("after_ack", self.stage.name)

    def take(self, partition: Partition, records: Sequence[Any]) -> bool:
        """Takes polled records. False when the partition should not be polled until ``on_room`` names it."""
        window = self.windows.get(partition)
        if window is None or window.closing:
            return True
        self.taken_at = time.monotonic()
        window.offer(records)
        self._admit(window)
        return not window.crowded()

    def _admit(self, window: Window) -> None:
        entries = window.admit()
        if not entries:
            return
        if failpoints.ARMED:
            failpoints.reached("after_consume", self.stage.name)
        if self._subjects[window.partition.topic][1]:
            self._hold_back(entries)
        else:
            self._key_queue.line_up(entries)
        self._wake()

    def _hold_back(self, entries: Sequence[Entry]) -> None:
        """Retried records wait until they are due; those of another stage are left out."""
        loop = asyncio.get_running_loop()
        now = time.time()
        for entry in entries:
            inbound = hd.read(entry.fetched.headers)
            if inbound.get(hd.STAGE) != self.stage.name:
                self._finish(entry)
                continue
            wait_s = hd.seconds(inbound.get(hd.DUE, "")) - now
            if wait_s <= 0:
                self._key_queue.line_up([entry])
            else:
                self.held_back += 1
                entry.held = True
                loop.call_later(wait_s, self._due, entry)

    def _due(self, entry: Entry) -> None:
        self.held_back -= 1
        entry.held = False
        if not entry.window.closing:
            self._key_queue.line_up([entry])
            self._wake()

    def _wake(self) -> None:
        """Wakes one worker, which wakes the next when there is more: handlers that never wait need only one."""
        idle = self._idle
        while idle and self._key_queue.ready and not self._waking:
            future = idle.popleft()
            if not future.done():
                self._waking = True
                future.set_result(None)

    async def _work(self) -> None:
        """One worker: takes ready records until there are none, then sleeps until woken."""
        me = asyncio.current_task()
        assert me is not None
        ready = self._key_queue.ready
        loop = asyncio.get_running_loop()
        now = time.monotonic
        count = 0
        while True:
            while ready:
                entry = ready.popleft()
                if ready and not self._waking:
                    self._wake()
                if not entry.window.start(entry):
                    self._key_queue.step(entry)
                    continue
                self._entry_of[me] = entry
                entry.since = now()
                try:
                    await self._handling.handle(entry)
                except asyncio.CancelledError:
                    if self._stopping or not entry.window.closed:
                        raise
                    while me.cancelling():
                        me.uncancel()  # only this record's assignment is over
                finally:
                    del self._entry_of[me]
                    self._key_queue.step(entry)
                    if not entry.done and not entry.owed:
                        self._let_go(entry)
                    self.moved_at = now()
                count += 1
                if count % _BREATH == 0:
                    await asyncio.sleep(0)
            future = loop.create_future()
            self._idle.append(future)
            await future
            self._waking = False

    def _finish(self, entry: Entry) -> None:
        """Everything that came of the record is safe: its offset may be committed, in order."""
        if failpoints.ARMED:
            failpoints.reached("before_ack", self.stage.name)
        window = entry.window
        moved = window.finish(entry)
        self.meter.taken += 1
        if window.closing:
            self._tell_settled(window)
            return
        if moved and window.wants_more():
            self._admit(window)
            if window.roomy():
                self._on_room(window.partition)

    def _let_go(self, entry: Entry) -> None:
        """The record was dropped because its assignment ends: not done, not ours to wait for any more."""
        entry.window.let_go(entry)
        self._tell_settled(entry.window)

    def _tell_settled(self, window: Window) -> None:
        waiter = self._unsettled.get(window)
        if waiter is not None and not window.running and not waiter.done():
            waiter.set_result(None)
