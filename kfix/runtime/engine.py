"""One stage at work: its windows, its workers, what becomes of each record.

Records come in whole polls from the rim and leave through the outbox. A worker never waits for the broker's
acknowledgement of a result: the acknowledgement finishes the record when it comes, in whatever order; the window
lets the committable offset move only in offset order. What cannot be sent ends the process, unacknowledged, so that
its supervisor starts it again and the record comes back.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NoReturn

import structlog

import kfix
from kfix.broker.connection import Brokers
from kfix.runtime import crashpoints, letters
from kfix.runtime import headers as hd
from kfix.runtime.attempt import Again, Later, after_failure
from kfix.runtime.letters import Failure, Origin
from kfix.runtime.outbox import Outbox
from kfix.runtime.settings import Runtime
from kfix.runtime.stage import Handler, Records, Stage
from kfix.runtime.window import Entry, Lanes, Partition, Window
from kfix.telemetry.context import context
from kfix.telemetry.metrics import Meter
from kfix.telemetry.redaction import mask
from kfix.wire import Codec
from schemas import errors
from schemas.base import Record

log = structlog.get_logger(__name__)

#: A worker that never has to wait lets the event loop breathe after this many records.
_BREATH = 64


class Engine:
    """Runs one stage's handlers. ``leave`` ends the process at once, without acknowledging anything."""

    def __init__(
        self,
        stage: Stage[Any],
        ports: Any,
        *,
        brokers: Brokers,
        codec: Codec,
        outbox: Outbox,
        knobs: Runtime,
        leave: Callable[[str], NoReturn],
    ) -> None:
        self.stage = stage
        self.knobs = knobs
        self.meter = Meter(stage.name)
        #: Loop time when an attempt last ended, for the watchdog.
        self.moved_at = 0.0
        self.windows: dict[Partition, Window] = {}
        #: Retried records of this stage that are not due yet.
        self.held_back = 0
        self._ports = ports
        self._brokers = brokers
        self._codec = codec
        self._outbox = outbox
        self._leave = leave
        self._lanes = Lanes()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        #: A worker was woken and has not run yet.
        self._waking = False
        self._on_room: Callable[[Partition], None] = lambda _: None
        self._stopping = False
        self._handlers: dict[str, Handler[Any]] = {h.reads.name: h for h in stage.handlers}
        self._subjects = self._topic_subjects()
        self._routes = {topic.model: topic for h in stage.handlers for topic in h.writes}
        self._constant = [
            (hd.PRODUCER, f"{stage.name}@{kfix.__version__}".encode()),
            *codec.headers.items(),
        ]
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

    def start(self, on_room: Callable[[Partition], None]) -> None:
        """Starts the workers. ``on_room`` is told of partitions that may be polled again."""
        self._on_room = on_room
        self.moved_at = asyncio.get_running_loop().time()
        for _ in range(self.knobs.concurrency):
            self._hire()

    def _hire(self) -> None:
        worker = asyncio.create_task(self._work(), name=f"{self.stage.name}.worker")
        self._workers.add(worker)
        worker.add_done_callback(self._ended)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if self._stopping or worker.cancelled():
            return
        self._leave(f"a worker of {self.stage.name} ended: {worker.exception()!r}")

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
                size=self.knobs.window,
                remembered=self.knobs.remembered,
            )

    async def settle(self, *, within_s: float) -> None:
        """Starts no more records of the present windows and waits for those that run, ``within_s`` at most."""
        for window in self.windows.values():
            window.closing = True
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
            entry = _entry_of.get(worker)
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
        if crashpoints.ARMED and offsets:
            crashpoints.reached("after_ack", self.stage.name)

    def take(self, partition: Partition, records: Sequence[Any]) -> bool:
        """Takes polled records. False when the partition should not be polled until ``on_room`` names it."""
        window = self.windows.get(partition)
        if window is None or window.closing:
            return True
        window.offer(records)
        self._admit(window)
        return not window.crowded()

    def _admit(self, window: Window) -> None:
        entries = window.admit()
        if not entries:
            return
        if crashpoints.ARMED:
            crashpoints.reached("after_consume", self.stage.name)
        if self._subjects[window.partition.topic][1]:
            self._hold_back(entries)
        else:
            self._lanes.line_up(entries)
        self._wake()

    def _hold_back(self, entries: Sequence[Entry]) -> None:
        """Retried records wait until they are due; those of another stage are none of our business."""
        loop = asyncio.get_running_loop()
        now = time.time()
        for entry in entries:
            inbound = hd.read(entry.fetched.headers)
            if inbound.get(hd.STAGE) != self.stage.name:
                self._finish(entry)
                continue
            wait_s = _seconds(inbound.get(hd.DUE, "")) - now
            if wait_s <= 0:
                self._lanes.line_up([entry])
            else:
                self.held_back += 1
                loop.call_later(wait_s, self._due, entry)

    def _due(self, entry: Entry) -> None:
        self.held_back -= 1
        if not entry.window.closing:
            self._lanes.line_up([entry])
            self._wake()

    def _wake(self) -> None:
        """Wakes one worker, which wakes the next when there is more: handlers that never wait need only one."""
        idle = self._idle
        while idle and self._lanes.ready and not self._waking:
            future = idle.popleft()
            if not future.done():
                self._waking = True
                future.set_result(None)

    async def _work(self) -> None:
        """One worker: takes ready records until there are none, then sleeps until woken."""
        me = asyncio.current_task()
        assert me is not None
        ready = self._lanes.ready
        loop = asyncio.get_running_loop()
        count = 0
        while True:
            while ready:
                entry = ready.popleft()
                if ready and not self._waking:
                    self._wake()
                if not entry.window.start(entry):
                    self._lanes.step(entry)
                    continue
                _entry_of[me] = entry
                try:
                    await self._handle(entry)
                except asyncio.CancelledError:
                    if self._stopping or not entry.window.closed:
                        raise
                    me.uncancel()  # only this record's assignment is over
                finally:
                    del _entry_of[me]
                    self._lanes.step(entry)
                    self.moved_at = loop.time()
                count += 1
                if count % _BREATH == 0:
                    await asyncio.sleep(0)
            future = loop.create_future()
            self._idle.append(future)
            await future
            self._waking = False

    async def _handle(self, entry: Entry) -> None:
        fetched = entry.fetched
        handler = self._handlers[entry.window.subject]
        inbound = dict(fetched.headers)
        try:
            record = self._codec.decode(handler.reads, fetched.value or b"", inbound)
        except errors.Permanent as failure:
            await self._bury(entry, failure, attempt=0)
            return
        except errors.Retryable as failure:
            await self._postpone(entry, failure, attempt=1)
            return
        if entry.window.has_seen(record.event_id):
            self.meter.repeated += 1
            self._finish(entry)
            return
        trace = hd.next_traceparent(inbound.get(hd.TRACEPARENT, b"").decode("ascii", "replace"))
        incident = incident_of(record) or inbound.get(hd.INCIDENT, b"").decode("utf-8", "replace")
        context.set((self.stage.name, incident, trace[3:35], record.event_id))
        results = await self._attempts(entry, handler, record, inbound)
        if results is _FAILED or entry.window.closed:
            return
        if crashpoints.ARMED:
            crashpoints.reached("after_compute", self.stage.name)
        await self._send(entry, record, results, trace=trace, incident=incident)

    async def _attempts(
        self, entry: Entry, handler: Handler[Any], record: Record, inbound: Mapping[str, bytes]
    ) -> Any:
        """The handler's results, or ``_FAILED`` once the record is on its way to retry or the dead letters."""
        before, round_ = _history(inbound)
        attempt = 0
        while True:
            attempt += 1
            started = time.perf_counter()
            try:
                async with asyncio.timeout(handler.timeout_s):
                    results = await handler.call(record, self._ports)
                return self._checked(handler, results)
            except TimeoutError:
                failure: Exception = errors.TimedOut(
                    f"{handler.name} took longer than {handler.timeout_s:g} s"
                )
            except Exception as caught:  # noqa: BLE001 - the one place that meets every failure
                failure = caught
            finally:
                self.meter.handler_seconds.observe(time.perf_counter() - started)
                self.moved_at = asyncio.get_running_loop().time()
            verdict = after_failure(
                failure,
                attempt=attempt,
                round_=round_,
                chance=random.random(),
                knobs=self.knobs,
            )
            if isinstance(verdict, Again):
                self._note_retry(failure, attempt, verdict.wait_s)
                await asyncio.sleep(verdict.wait_s)
                if entry.window.closing:
                    return _FAILED
                continue
            if entry.window.closed:
                return _FAILED
            if isinstance(verdict, Later):
                await self._postpone(
                    entry, failure, attempt=before + attempt, wait_s=verdict.wait_s, round_=round_
                )
            else:
                await self._bury(entry, failure, attempt=before + attempt)
            return _FAILED

    def _checked(self, handler: Handler[Any], results: Records) -> Sequence[Record]:
        """Results as a sequence. Raises errors.Defect for a record that the handler did not declare."""
        if results is None:
            return ()
        if isinstance(results, Record):
            results = (results,)
        for result in results:
            topic = self._routes.get(type(result))
            if topic is None or topic not in handler.writes:
                raise errors.Defect(f"{handler.name} writes no {type(result).__name__}")
        return results

    def _note_retry(self, failure: Exception, attempt: int, wait_s: float) -> None:
        reason = getattr(failure, "reason", "error")
        self.meter.retry(reason)
        log.warning(
            "attempt.failed",
            reason=reason,
            attempt=attempt,
            wait_s=round(wait_s, 3),
            error=str(failure),
        )

    async def _send(
        self, entry: Entry, cause: Record, results: Sequence[Record], *, trace: str, incident: str
    ) -> None:
        if not results:
            self._settled(entry, cause.event_id)
            return
        if crashpoints.ARMED:
            crashpoints.reached("before_produce", self.stage.name)
        entry.owed = len(results)
        delivered = partial(self._delivered, entry, cause.event_id, len(results))
        shared = [
            *self._constant,
            (hd.TRACEPARENT, trace.encode()),
            (hd.CAUSE, cause.event_id.encode()),
        ]
        for result in results:
            topic = self._routes[type(result)]
            try:
                value = self._codec.encode(result)
            except errors.KFixError as failure:
                entry.owed = -1  # results already sent are repeated by the dead letter's replay
                await self._bury(entry, failure, attempt=1)
                return
            wire = [
                *shared,
                (hd.SCHEMA_VERSION, str(result.schema_version).encode()),
                (hd.EVENT_ID, result.event_id.encode()),
            ]
            if named := incident_of(result) or incident:
                wire.append((hd.INCIDENT, named.encode()))
            future = await self._out(topic.name, topic.key(result).encode(), value, wire)
            future.add_done_callback(delivered)

    async def _out(
        self, topic: str, key: bytes | None, value: bytes | None, wire: hd.Wire
    ) -> asyncio.Future[Any]:
        try:
            return await self._outbox.send(topic, key, value, wire)
        except asyncio.CancelledError:
            raise
        except Exception as failure:  # noqa: BLE001 - whatever it is, the record did not get out
            self._leave(f"cannot produce to {topic}: {failure!r}")

    def _delivered(
        self, entry: Entry, event_id: str, count: int, future: asyncio.Future[Any]
    ) -> None:
        """The broker's word on one result."""
        if future.cancelled():
            return
        failure = future.exception()
        if failure is not None:
            self._leave(f"the broker did not take a result of {self.stage.name}: {failure!r}")
        entry.owed -= 1
        if entry.owed == 0:
            if crashpoints.ARMED:
                crashpoints.reached("after_produce", self.stage.name)
            self.meter.sent += count
            self._settled(entry, event_id)

    def _settled(self, entry: Entry, event_id: str) -> None:
        entry.window.remember(event_id)
        self._finish(entry)

    def _finish(self, entry: Entry) -> None:
        """Everything that came of the record is safe: its offset may be committed, in order."""
        if crashpoints.ARMED:
            crashpoints.reached("before_ack", self.stage.name)
        window = entry.window
        moved = window.finish(entry)
        self.meter.taken += 1
        if window.closing:
            waiter = self._unsettled.get(window)
            if waiter is not None and not window.running and not waiter.done():
                waiter.set_result(None)
            return
        if moved and window.wants_more():
            self._admit(window)
            if window.roomy():
                self._on_room(window.partition)

    def _origin(self, entry: Entry) -> tuple[hd.Headers, Origin]:
        inbound = hd.read(entry.fetched.headers)
        here = Origin(
            entry.window.subject,
            entry.fetched.partition,
            entry.fetched.offset,
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        return inbound, Origin.of(inbound, here)

    async def _postpone(
        self,
        entry: Entry,
        failure: Exception,
        *,
        attempt: int,
        wait_s: float = 1.0,
        round_: int = 0,
    ) -> None:
        """To the retry topic; then the record is done here."""
        inbound, origin = self._origin(entry)
        described = Failure.of(failure, mask)
        self.meter.retry(described.reason)
        log.warning(
            "record.postponed", reason=described.reason, attempt=attempt, wait_s=round(wait_s)
        )
        headers = letters.retry_headers(
            inbound,
            stage=self.stage.name,
            origin=origin,
            failure=described,
            attempt=attempt,
            round_=round_ + 1,
            due=time.time() + wait_s,
        )
        await self._hand_over(entry, self._handlers[entry.window.subject].reads.retry, headers)

    async def _bury(self, entry: Entry, failure: Exception, *, attempt: int) -> None:
        """To the dead letters; then the record is done here."""
        inbound, origin = self._origin(entry)
        described = Failure.of(failure, mask)
        self.meter.dead_letter(described.reason)
        tell = (
            log.warning if isinstance(failure, errors.Permanent | errors.Retryable) else log.error
        )
        tell(
            "record.dead",
            topic=origin.topic,
            partition=origin.partition,
            offset=origin.offset,
            error=described.error,
            reason=described.reason,
            message=described.message,
            attempt=attempt,
            exc_info=failure if tell == log.error else None,
        )
        headers = letters.dead_headers(
            inbound,
            stage=self.stage.name,
            version=kfix.__version__,
            origin=origin,
            failure=described,
            attempt=attempt,
        )
        await self._hand_over(entry, self._handlers[entry.window.subject].reads.dlq, headers)

    async def _hand_over(self, entry: Entry, topic: str, headers: hd.Headers) -> None:
        future = await self._out(topic, entry.fetched.key, entry.fetched.value, hd.write(headers))
        future.add_done_callback(partial(self._handed_over, entry))

    def _handed_over(self, entry: Entry, future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            return
        failure = future.exception()
        if failure is not None:
            self._leave(f"the broker did not take a record that failed: {failure!r}")
        self._finish(entry)

    def timers(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        """One endless coroutine function per timer."""
        return [partial(self._tick, timer) for timer in self.stage.timers]

    async def _tick(self, timer: Any) -> None:
        routes = {topic.model: topic for topic in timer.writes}
        while True:
            await asyncio.sleep(timer.seconds(self._ports))
            context.set((self.stage.name, "", "", timer.name))
            try:
                results = await timer.call(self._ports)
                await self._publish_all(results, routes)
            except Exception as failure:
                self.meter.timer_failed(timer.name)
                log.error("timer.failed", error=str(failure), exc_info=failure)

    async def _publish_all(self, results: Records, routes: Mapping[Any, Any]) -> None:
        if results is None:
            return
        sent = []
        for result in (results,) if isinstance(results, Record) else results:
            topic = routes.get(type(result))
            if topic is None:
                raise errors.Defect(f"a timer writes no {type(result).__name__}")
            wire = [
                *self._constant,
                (hd.TRACEPARENT, hd.next_traceparent("").encode()),
                (hd.SCHEMA_VERSION, str(result.schema_version).encode()),
                (hd.EVENT_ID, result.event_id.encode()),
                (hd.INCIDENT, incident_of(result).encode()),
            ]
            sent.append(
                await self._out(
                    topic.name, topic.key(result).encode(), self._codec.encode(result), wire
                )
            )
        for future in sent:
            await asyncio.shield(future)
        self.meter.sent += len(sent)


_FAILED: Any = object()
_entry_of: dict[asyncio.Task[None], Entry] = {}


_names_incident: dict[type[Record], bool] = {}


def incident_of(record: Record) -> str:
    """The incident a record belongs to; empty for records before one exists."""
    kind = type(record)
    named = _names_incident.get(kind)
    if named is None:
        named = _names_incident[kind] = "incident_id" in kind.model_fields
    return str(record.incident_id) if named else ""  # type: ignore[attr-defined]


def _history(inbound: Mapping[str, bytes]) -> tuple[int, int]:
    """Attempts and rounds a retried record has behind it."""
    if hd.ROUND not in inbound:
        return 0, 0
    texts = (inbound.get(name, b"").decode("ascii", "replace") for name in (hd.ATTEMPT, hd.ROUND))
    attempts, rounds = (int(_seconds(text)) for text in texts)
    return attempts, rounds


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
