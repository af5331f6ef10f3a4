"""A stage's consumer: it joins the group, polls, and commits, in a thread of its own.

The thread keeps the group's heartbeat while a handler computes. It uses the public interface of ``AIOKafkaConsumer``
alone. Whatever the consumer says is wrong, and whatever an assignment cannot get an answer for, ends a *session*:
the consumer with its connections and its event loop is thrown away and a new one joins. Nothing waits for a call
that never returns without being looked at: ``assigned_at`` and ``polled_at`` are read from outside.

Rules that cost records when broken:
- A poll outlives a rebalance: asked under one assignment, it may be answered with records of the next. Records that
  come while no gate stands are put back in the same step; dropping them would leave a gap, over which later offsets
  are committed.
- An assignment starts at the offsets that were asked for explicitly. The consumer's own question takes a refusal of
  the whole answer for "nothing was ever committed" and starts at the beginning.
- On revocation the records under way may finish for a few seconds and are committed while the partitions are ours.
- A commit that fails is not a crash: the offsets stay due and are committed with the next.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
import uvloop
from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from kfix.engine.broker.connection import Brokers
from kfix.engine.broker.offsets import committed_offsets
from kfix.engine.runtime.engine import Engine
from kfix.engine.runtime.offsets import Partition
from kfix.engine.runtime.producer import HEADROOM_BYTES
from kfix.engine.runtime.settings import Runtime

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Seconds one poll waits for records; also how often the coordinator's errors are read.
_POLL_S = 1.0
#: The same while some partitions are left out because their windows are full: they may have room any moment.
_SHORT_POLL_S = 0.01
#: Seconds between looks at the coordinator while there is nothing to poll.
_NAP_S = 0.05
#: Seconds a commit may take at a revocation or at the end, when the broker may be gone.
_LAST_COMMIT_S = 5.0
#: Seconds for leaving the group; a broker that is away finds out by itself.
_STOP_S = 8.0
#: Seconds before the next session, doubled with each that was assigned nothing.
_BACKOFF_S, _BACKOFF_MAX_S = 0.5, 5.0
#: No partition of any assignment. Polling it returns at once and raises what the coordinator has to say.
_NOWHERE = frozenset({TopicPartition("", 0)})


class Assignment:
    """The partitions of one generation of the group. Two with the same partitions are two."""

    __slots__ = ("partitions",)

    def __init__(self, partitions: frozenset[TopicPartition]) -> None:
        self.partitions = partitions


@dataclass(frozen=True, slots=True)
class PollPlan:
    """What one poll asks for, how long it waits for records, and the nap after one that asks for none."""

    partitions: frozenset[TopicPartition]
    wait_s: float
    nap_s: float

    @property
    def within_s(self) -> float:
        """When the poll is over, also while the group is rebalancing and it does not return by itself."""
        return self.wait_s + _POLL_S


def poll_plan(
    assigned: frozenset[TopicPartition] | None, crowded: Collection[TopicPartition]
) -> PollPlan:
    """The next poll: of the assigned partitions (``None``: none yet) but those whose windows are full."""
    active = assigned.difference(crowded) if assigned is not None else frozenset()
    if not active:
        return PollPlan(_NOWHERE, 0, _SHORT_POLL_S if crowded else _NAP_S)
    return PollPlan(active, _SHORT_POLL_S if crowded else _POLL_S, 0)


def backoff_s(before_s: float, *, joined: bool) -> float:
    """Seconds to the next session after one that was assigned something, or after a wait of ``before_s`` nothing."""
    return _BACKOFF_S if joined else min(before_s * 2, _BACKOFF_MAX_S)


class Intake(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped in aiokafka
    """One stage's membership of its group. Methods are called from the main event loop unless they say otherwise.

    Times are of ``time.monotonic`` and may be read from any thread.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        group: str,
        brokers: Brokers,
        settings: Runtime,
        consumer: Callable[..., AIOKafkaConsumer] = AIOKafkaConsumer,
    ) -> None:
        """``consumer`` makes a session's consumer of ``consumer_options``."""
        self.group = group
        self._make_consumer = consumer
        #: When a poll of the present assignment last ended.
        self.polled_at = time.monotonic()
        #: Since when partitions are assigned and polled; ``None`` without an assignment.
        self.assigned_at: float | None = None
        #: When the last assignment ended, or the start.
        self.unassigned_at = self.polled_at
        #: Sessions begun. More than one: the consumer was thrown away and made again.
        self.sessions = 0
        #: The end of each assigned partition, as the last fetch told it.
        self.ends: Mapping[Partition, int] = {}
        #: The event loop of the present session.
        self.loop: asyncio.AbstractEventLoop | None = None
        self._engine = engine
        self._brokers = brokers
        self._settings = settings
        #: The present assignment, and the same once its records may be taken.
        self._assignment: Assignment | None = None
        self._gate: Assignment | None = None
        self._crowded: set[TopicPartition] = set()
        self._opening: asyncio.Task[None] | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{group}-intake", daemon=True)
        self._consumer: Any = None

    # --- in the main event loop

    async def start(self) -> None:
        """Joins; returns once partitions are assigned, however long that takes."""
        self._main = asyncio.get_running_loop()
        self._first = asyncio.Event()
        self.unassigned_at = time.monotonic()
        self._ended = asyncio.Event()
        self._thread.start()
        await self._first.wait()

    async def close(self, *, within_s: float) -> None:
        """Takes no more, lets what is under way finish for ``within_s`` seconds, commits it and leaves the group."""
        if not self._thread.is_alive():
            return
        self._shut()
        await self._engine.settle(within_s=within_s)
        self._ending.set()
        try:
            async with asyncio.timeout(_LAST_COMMIT_S + _STOP_S + _POLL_S):
                await self._ended.wait()
        except TimeoutError:
            log.warning("group.not_left", stage=self._engine.stage.name)

    @property
    def gone(self) -> bool:
        """Whether the thread has run and ended."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def make_room(self, partition: Partition) -> None:
        """Polls a partition again whose window was full."""
        self._crowded.discard(TopicPartition(partition.topic, partition.number))

    def _deliver(self, gate: Assignment, records: Mapping[TopicPartition, Sequence[Any]]) -> None:
        if gate is not self._gate:
            return  # of an assignment that is over: the next begins at the committed offsets
        for tp, batch in records.items():
            if not self._engine.take(Partition(tp.topic, tp.partition), batch):
                self._crowded.add(tp)

    def _open_windows(self, partitions: Iterable[TopicPartition]) -> None:
        self._engine.revoke()
        self._engine.assign([Partition(tp.topic, tp.partition) for tp in partitions])
        self._crowded.clear()

    # --- in the thread

    def _run(self) -> None:
        """Sessions until the end. Each has an event loop of its own, so that nothing of it outlives it."""
        wait_s = _BACKOFF_S
        while not self._ending.is_set():
            self.sessions += 1
            began = time.monotonic()
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(self._session())
            except Exception as failure:  # noqa: BLE001 - whatever it is, the next session begins clean
                log.warning(
                    "intake.begins_again", stage=self._engine.stage.name, error=repr(failure)
                )
            self._shut()
            self._assignment = None
            self._tell_main(self._engine.revoke)
            if self._ending.is_set():
                break
            wait_s = backoff_s(wait_s, joined=self.unassigned_at > began)
            self._ending.wait(wait_s)
        self._tell_main(self._ended.set)

    async def _session(self) -> None:
        self.loop = asyncio.get_running_loop()
        consumer = self._consumer = self._new_consumer()
        consumer.subscribe(self._engine.subscription, listener=self)
        try:
            async with asyncio.timeout(self._settings.assign_s):
                await consumer.start()
            committing = asyncio.create_task(self._commit_for_ever(consumer))
            try:
                await self._poll_until_the_end(consumer)
            finally:
                committing.cancel()
        finally:
            try:
                await self._surrender(consumer)
            finally:
                async with asyncio.timeout(_STOP_S):
                    await consumer.stop()

    def _new_consumer(self) -> AIOKafkaConsumer:
        client = f"{self._engine.stage.name}-consumer"
        return self._make_consumer(
            **consumer_options(self._brokers, self._settings, client=client, group=self.group)
        )

    async def _poll_until_the_end(self, consumer: AIOKafkaConsumer) -> None:
        while not self._ending.is_set():
            gate = self._gate
            plan = poll_plan(None if gate is None else gate.partitions, self._crowded)
            records = await self._poll(consumer, plan)
            if plan.nap_s:
                if gate is not None:
                    self.polled_at = time.monotonic()
                await asyncio.sleep(plan.nap_s)
                continue
            gate = self._gate
            if gate is None:
                put_back(consumer, records)
                continue
            self.polled_at = time.monotonic()
            if records:
                self._note_ends(consumer)
                await self._in_main(self._deliver, gate, records)

    async def _poll(
        self, consumer: AIOKafkaConsumer, plan: PollPlan
    ) -> Mapping[TopicPartition, Sequence[Any]]:
        """One poll. It raises what the coordinator has to say, and ends also while the group is rebalancing."""
        try:
            async with asyncio.timeout(plan.within_s):
                found: Mapping[TopicPartition, Sequence[Any]] = await consumer.getmany(
                    *plan.partitions, timeout_ms=int(plan.wait_s * 1000)
                )
        except TimeoutError:
            found = {}
        return found

    def _note_ends(self, consumer: AIOKafkaConsumer) -> None:
        told = {}
        for tp in consumer.assignment():
            with contextlib.suppress(IllegalStateError):
                end = consumer.highwater(tp)
                if end is not None:
                    told[Partition(tp.topic, tp.partition)] = end
        self.ends = told

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Called by the consumer before it joins again: finishes and commits what is under way."""
        if self._assignment is not None:
            await self._surrender(self._consumer)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Called by the consumer when it has joined. Polls begin when the offsets to begin at are known."""
        assignment = Assignment(frozenset(assigned))
        self._shut()
        self._assignment = assignment
        self.ends = {}
        await self._in_main(self._open_windows, assignment.partitions)
        self._opening = asyncio.create_task(self._open(self._consumer, assignment))

    async def _open(self, consumer: AIOKafkaConsumer, assignment: Assignment) -> None:
        """Asks where to begin until there is an answer or the assignment is over, and lets polls begin there."""
        while assignment is self._assignment and not self._ending.is_set():
            begin = await self._beginning(assignment)
            if begin is None:
                await asyncio.sleep(_BACKOFF_S)
            elif assignment is self._assignment:
                for tp, offset in begin.items():
                    if offset is not None:
                        consumer.seek(tp, offset)
                self.polled_at = self.assigned_at = time.monotonic()
                self._gate = assignment
                self._tell_main(self._first.set)
                return

    async def _beginning(
        self, assignment: Assignment
    ) -> Mapping[TopicPartition, int | None] | None:
        """The committed offset of each partition, ``None`` where there is none; ``None`` for no answer."""
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                return await committed_offsets(self._brokers, self.group, assignment.partitions)
        except Exception as failure:  # noqa: BLE001 - aiokafka raises many kinds while a broker is away
            log.warning(
                "intake.offsets_unknown", stage=self._engine.stage.name, error=repr(failure)
            )
            return None

    def _shut(self) -> None:
        """No more records of this assignment are taken. Safe from any thread."""
        self._gate = None
        if self.assigned_at is not None:
            self.assigned_at = None
            self.unassigned_at = time.monotonic()

    async def _surrender(self, consumer: AIOKafkaConsumer) -> None:
        """Ends the assignment: what is under way may finish, is committed, and the windows are closed."""
        self._shut()
        settle = self._engine.settle(
            within_s=0 if self._ending.is_set() else self._settings.revoke_drain_s
        )
        await self._await_main(settle)
        try:
            async with asyncio.timeout(_LAST_COMMIT_S):
                await self._commit(consumer)
        except TimeoutError:
            log.warning("commit.timed_out", stage=self._engine.stage.name)
        self._assignment = None
        await self._in_main(self._engine.revoke)

    async def _commit_for_ever(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            await asyncio.sleep(self._settings.commit_interval_s)
            if self._gate is None:
                continue
            try:
                async with asyncio.timeout(self._settings.request_timeout_s):
                    await self._commit(consumer)
            except TimeoutError:
                log.warning("commit.timed_out", stage=self._engine.stage.name)

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        """Commits what is due. A refusal is not a crash: it is due again with the next."""
        assignment = self._assignment
        due = await self._in_main(self._engine.committable)
        if not due or assignment is not self._assignment:
            return
        offsets = {
            TopicPartition(p.topic, p.number): OffsetAndMetadata(offset, "")
            for p, offset in due.items()
        }
        try:
            await consumer.commit(offsets)
        except (KafkaError, IllegalStateError) as failure:
            log.info("commit.refused", stage=self._engine.stage.name, error=repr(failure))
            return
        await self._in_main(self._engine.committed, due)

    def _tell_main(self, call: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
            self._main.call_soon_threadsafe(call)

    async def _in_main(self, call: Callable[..., T], *args: Any) -> T:
        """What a function answers in the main event loop, where windows and workers live."""
        answer: concurrent.futures.Future[T] = concurrent.futures.Future()

        def there() -> None:
            try:
                answer.set_result(call(*args))
            except Exception as failure:  # noqa: BLE001 - raised again in the thread
                answer.set_exception(failure)

        self._main.call_soon_threadsafe(there)
        return await asyncio.wrap_future(answer)

    async def _await_main(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._main))


def consumer_options(
    brokers: Brokers, settings: Runtime, *, client: str, group: str
) -> dict[str, Any]:
    """Keyword arguments of a stage's consumer. It commits nothing by itself: only what is finished is committed."""
    return {
        **brokers.client_options(client),
        "group_id": group,
        "group_instance_id": f"{group}-{settings.instance}" if settings.instance else None,
        "partition_assignment_strategy": [RoundRobinPartitionAssignor],
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "max_poll_records": settings.max_poll_records,
        "max_poll_interval_ms": 3_600_000,
        "max_partition_fetch_bytes": settings.max_record_bytes + HEADROOM_BYTES,
        "fetch_max_wait_ms": (
            settings.embedded_fetch_wait_ms if brokers.embedded else settings.fetch_wait_ms
        ),
        "request_timeout_ms": int(settings.request_timeout_s * 1000),
        "session_timeout_ms": int(settings.session_timeout_s * 1000),
        "rebalance_timeout_ms": int(settings.rebalance_timeout_s * 1000),
        "heartbeat_interval_ms": int(settings.heartbeat_s * 1000),
        "metadata_max_age_ms": 60_000,
    }


def put_back(consumer: AIOKafkaConsumer, records: Mapping[Any, Sequence[Any]]) -> None:
    """Makes the consumer read drained records again, where they are still its own. Nothing runs in between."""
    assigned = consumer.assignment()
    for tp, batch in records.items():
        if tp in assigned and batch:
            consumer.seek(tp, batch[0].offset)
