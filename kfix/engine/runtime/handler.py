"""One record's way through a handler: decode, attempts, results; or the retry topic, or the dead letters.

Nothing here waits for an acknowledgement: whatever is sent on a record's behalf calls ``finish`` when the broker has
it. What cannot be sent ends the process (``leave``), so that the record comes back unacknowledged.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NoReturn, cast

import structlog

import kfix
from kfix.engine.runtime import failpoints, failure_headers
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.failure_headers import Failure, Origin
from kfix.engine.runtime.offsets import Entry
from kfix.engine.runtime.producer import Producer
from kfix.engine.runtime.retry_policy import Again, GoOn, Later, after_failure
from kfix.engine.runtime.sending import Prepared, Sender, incident_of
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Handler, Records, Stage
from kfix.engine.topics import DEAD_LETTERS, is_told
from kfix.engine.wire import Codec
from kfix.infra.telemetry.context import context
from kfix.infra.telemetry.metrics import Meter
from kfix.infra.telemetry.redaction import mask
from schemas import errors
from schemas.base import Record
from schemas.dead_letters import subject_of
from schemas.identity import stable_id

log = structlog.get_logger(__name__)


class Handling:
    """Handles a stage's records, one at a time each, many side by side."""

    def __init__(
        self,
        stage: Stage[Any],
        ports: Any,
        *,
        codec: Codec,
        producer: Producer,
        settings: Runtime,
        meter: Meter,
        finish: Callable[[Entry], None],
        leave: Callable[[str], NoReturn],
    ) -> None:
        self._stage = stage.name
        self._ports = ports
        self._codec = codec
        self._producer = producer
        self._settings = settings
        self._meter = meter
        self._finish = finish
        self._leave = leave
        #: When an attempt last ended (``time.monotonic``).
        self.attempted_at = time.monotonic()
        self._pauses: set[asyncio.Future[None]] = set()
        self._handlers: dict[str, Handler[Any]] = {h.reads.name: h for h in stage.handlers}
        self._sender = Sender(
            stage.name,
            [*(topic for handler in stage.handlers for topic in handler.writes), DEAD_LETTERS],
            codec=codec,
            producer=producer,
            max_bytes=settings.max_record_bytes,
        )

    async def handle(self, entry: Entry) -> None:
        """Takes a record as far as its results, retry record or dead letter are in the producer's hands."""
        handler = self._handlers[entry.window.subject]
        inbound = dict(entry.fetched.headers)
        try:
            record = self._codec.decode(handler.reads, entry.fetched.value or b"", inbound)
        except errors.Retryable as failure:
            await self._postpone(entry, failure, attempt=1, wait_s=self._settings.retry_delay_s)
            return
        except Exception as failure:  # noqa: BLE001 - hostile bytes must not end the stage
            await self._bury(entry, failure, None, attempt=0)
            return
        if entry.window.has_seen(record.event_id):
            self._meter.repeated += 1
            self._finish(entry)
            return
        trace = hd.next_traceparent(inbound.get(hd.TRACEPARENT, b"").decode("ascii", "replace"))
        incident = incident_of(record) or inbound.get(hd.INCIDENT, b"").decode("utf-8", "replace")
        context.set((self._stage, incident, trace[3:35], record.event_id))
        prepared = await self._attempts(entry, handler, record, inbound, (trace, incident))
        if prepared is not None and not entry.window.closed:
            await self._send(entry, record.event_id, prepared)

    async def _attempts(
        self,
        entry: Entry,
        handler: Handler[Any],
        record: Record,
        inbound: Mapping[str, bytes],
        about: tuple[str, str],
    ) -> list[Prepared] | None:
        """The handler's results, ready to send; ``None`` once the record is on its way elsewhere, or not ours."""
        before, round_ = _history(inbound)
        attempt = 0
        while True:
            attempt += 1
            entry.since = time.monotonic()
            failure = await self._attempt(handler, record, about)
            self.attempted_at = time.monotonic()
            if not isinstance(failure, Exception):
                if failpoints.ARMED:
                    failpoints.reached("after_compute", self._stage)
                return failure
            verdict = after_failure(
                failure,
                attempt=attempt,
                round_=round_,
                chance=random.random(),
                settings=self._settings,
            )
            if isinstance(verdict, GoOn):
                settled = self._without_answer(handler, failure, record, about)
                if not isinstance(settled, Exception):
                    return settled
                failure = settled
            if isinstance(verdict, Again):
                self._note_retry(failure, attempt, verdict.wait_s)
                await self._pause(verdict.wait_s)
                if entry.window.closing:
                    return None
                continue
            if not entry.window.closed:
                total = before + attempt
                if isinstance(verdict, Later):
                    await self._postpone(
                        entry, failure, attempt=total, wait_s=verdict.wait_s, round_=round_
                    )
                else:
                    await self._bury(entry, failure, record, attempt=total)
            return None

    async def _pause(self, seconds: float) -> None:
        """Sleeps between attempts, unless ``cut_pauses`` ends it."""
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        alarm = loop.call_later(seconds, _ring, over)
        self._pauses.add(over)
        try:
            await over
        finally:
            alarm.cancel()
            self._pauses.discard(over)

    def cut_pauses(self) -> None:
        """Ends all waits between attempts: whoever wakes sees that its window is closing and lets go."""
        for over in self._pauses:
            _ring(over)

    async def _attempt(
        self, handler: Handler[Any], record: Record, about: tuple[str, str]
    ) -> list[Prepared] | Exception:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(handler.timeout_s):
                results = await handler.call(record, self._ports)
            return self._prepared(handler, results, record, about)
        except TimeoutError:
            return errors.TimedOut(f"{handler.name} took longer than {handler.timeout_s:g} s")
        except Exception as failure:  # noqa: BLE001 - the one place that meets every failure
            return failure
        finally:
            self._meter.handler_seconds.observe(time.perf_counter() - started)

    def _without_answer(
        self, handler: Handler[Any], failure: Exception, record: Record, about: tuple[str, str]
    ) -> list[Prepared] | Exception:
        """The result that goes on once asking again is used up."""
        assert isinstance(failure, errors.Unanswered)
        self._meter.retry(failure.reason)
        log.warning("record.unanswered", reason=failure.reason, error=str(failure))
        try:
            return self._prepared(handler, cast(Records, failure.otherwise), record, about)
        except errors.KFixError as refused:
            return refused

    def _prepared(
        self, handler: Handler[Any], results: Records, cause: Record, about: tuple[str, str]
    ) -> list[Prepared]:
        """All results as they will travel, before the first is sent: a record has all its results or none."""
        if results is None:
            return []
        trace, incident = about
        traced, caused = trace.encode(), cause.event_id.encode()
        prepared = []
        for result in (results,) if isinstance(results, Record) else results:
            if self._sender.topic_of(result) not in handler.writes:
                raise errors.Defect(f"{handler.name} writes no {type(result).__name__}")
            prepared.append(
                self._sender.prepare(result, trace=traced, cause=caused, incident=incident)
            )
        return prepared

    def _note_retry(self, failure: Exception, attempt: int, wait_s: float) -> None:
        reason = failure.reason if isinstance(failure, errors.KFixError) else "error"
        self._meter.retry(reason)
        log.warning(
            "attempt.failed",
            reason=reason,
            attempt=attempt,
            wait_s=round(wait_s, 3),
            error=str(failure),
        )

    async def _send(self, entry: Entry, event_id: str, prepared: Sequence[Prepared]) -> None:
        if not prepared:
            self._settled(entry, event_id)
            return
        if failpoints.ARMED:
            failpoints.reached("before_produce", self._stage)
        entry.owed = len(prepared)
        entry.since = time.monotonic()
        delivered = partial(self._delivered, entry, event_id, len(prepared))
        for one in prepared:
            future = await self._out(*one)
            future.add_done_callback(delivered)

    async def _out(
        self, topic: str, key: bytes | None, value: bytes | None, wire: hd.Wire
    ) -> asyncio.Future[Any]:
        try:
            return await self._producer.send(topic, key, value, wire)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the record did not get out
            self._leave(f"cannot produce to {topic}: {failure!r}")

    def _delivered(
        self, entry: Entry, event_id: str, count: int, future: asyncio.Future[Any]
    ) -> None:
        """The broker's word on one result."""
        if not self._taken(future):
            return
        entry.owed -= 1
        if entry.owed == 0:
            if failpoints.ARMED:
                failpoints.reached("after_produce", self._stage)
            self._meter.sent += count
            self._settled(entry, event_id)

    def _taken(self, future: asyncio.Future[Any]) -> bool:
        """Whether the broker has the record. Leaves when it refused; cancelled only when the process ends."""
        if future.cancelled():
            return False
        failure = future.exception()
        if failure is not None:
            self._leave(f"the broker did not take a record of {self._stage}: {failure!r}")
        return True

    def _settled(self, entry: Entry, event_id: str) -> None:
        entry.window.remember(event_id)
        self._finish(entry)

    async def _postpone(
        self, entry: Entry, failure: Exception, *, attempt: int, wait_s: float, round_: int = 0
    ) -> None:
        """To the retry topic; then the record is done here."""
        inbound, origin = _origin(entry)
        described = Failure.of(failure, mask)
        self._meter.retry(described.reason)
        log.warning(
            "record.postponed", reason=described.reason, attempt=attempt, wait_s=round(wait_s, 1)
        )
        headers = failure_headers.retry_headers(
            inbound,
            stage=self._stage,
            origin=origin,
            failure=described,
            attempt=attempt,
            round_=round_ + 1,
            due=time.time() + wait_s,
        )
        await self._hand_over(entry, self._handlers[entry.window.subject].reads.retry, headers)

    async def _bury(
        self, entry: Entry, failure: Exception, record: Record | None, *, attempt: int
    ) -> None:
        """To the dead letters, and word of it to people; then the record is done here."""
        inbound, origin = _origin(entry)
        described = Failure.of(failure, mask)
        self._meter.dead_letter(described.reason)
        foreseen = isinstance(failure, errors.Permanent | errors.Retryable)
        (log.warning if foreseen else log.error)(
            "record.dead",
            topic=origin.topic,
            partition=origin.partition,
            offset=origin.offset,
            error=described.error,
            reason=described.reason,
            message=described.message,
            attempt=attempt,
            exc_info=None if foreseen else failure,
        )
        headers = failure_headers.dead_headers(
            inbound,
            stage=self._stage,
            version=kfix.__version__,
            origin=origin,
            failure=described,
            attempt=attempt,
        )
        topic = self._handlers[entry.window.subject].reads
        word = [self._word(entry, record, headers)] if is_told(topic) else []
        await self._hand_over(entry, topic.dlq, headers, word)

    def _word(self, entry: Entry, record: Record | None, dead: hd.Headers) -> Prepared:
        """The record by which people hear of a dead letter."""
        fetched = entry.fetched
        letter = failure_headers.letter_of(
            dead,
            event_id=stable_id("dl", self._stage, fetched.topic, fetched.partition, fetched.offset),
            at=datetime.now(UTC),
            size=len(fetched.value or b""),
            about={name: mask(text) for name, text in subject_of(record).items() if text},
        )
        traced = hd.next_traceparent(dead.get(hd.TRACEPARENT, "")).encode()
        return self._sender.prepare(letter, trace=traced)

    async def _hand_over(
        self, entry: Entry, topic: str, headers: hd.Headers, also: Sequence[Prepared] = ()
    ) -> None:
        entry.owed = 1 + len(also)
        entry.since = time.monotonic()
        same = (topic, entry.fetched.key, entry.fetched.value, hd.write(headers))
        for one in (same, *also):
            future = await self._out(*one)
            future.add_done_callback(partial(self._handed_over, entry))

    def _handed_over(self, entry: Entry, future: asyncio.Future[Any]) -> None:
        if not self._taken(future):
            return
        entry.owed -= 1
        if entry.owed == 0:
            self._finish(entry)


def _ring(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)


def _origin(entry: Entry) -> tuple[hd.Headers, Origin]:
    inbound = hd.read(entry.fetched.headers)
    here = Origin(
        entry.window.subject,
        entry.fetched.partition,
        entry.fetched.offset,
        datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return inbound, Origin.of(inbound, here)


def _history(inbound: Mapping[str, bytes]) -> tuple[int, int]:
    """Attempts and rounds a retried record has behind it."""
    if hd.ROUND not in inbound:
        return 0, 0
    return hd.number(inbound.get(hd.ATTEMPT, b"")), hd.number(inbound[hd.ROUND])
