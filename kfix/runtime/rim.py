"""Faust at the rim: one app per stage for group membership, assignment, polls and commits.

Faust hands records over one by one and acknowledges one by one, which costs more than a handler (a tenth of the
throughput of the plain client, measured), and it drops a record whose handler raised. So its consumer is taken at
the seam below: whole polls go to the engine, and the offsets that its commit task writes are the engine's.

Three rules are kept here, each of which costs records when broken:
- A poll outlives a rebalance: asked under one assignment, it may be answered with records of the next. What it
  drained while no windows stood for the assignment is put back in the same step; dropping it would leave a gap, over
  which later offsets are committed.
- On revocation the records under way may finish for a few seconds and are committed while the partitions are ours.
- A commit that fails is not a crash: the offsets stay due and are committed with the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, cast

import faust
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.app.base import BootStrategy
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from yarl import URL

from kfix.broker.connection import Brokers
from kfix.runtime.engine import Engine
from kfix.runtime.outbox import HEADROOM_BYTES
from kfix.runtime.settings import Runtime
from kfix.runtime.window import Partition

log = structlog.get_logger(__name__)

#: Seconds one poll waits for records; also how fast the loop notices that it should stop.
_POLL_S = 1.0
#: The same while some partitions are left out because their windows are full: they may have room any moment.
_SHORT_POLL_S = 0.01
#: Seconds a commit may take at a revocation or at the end, when the broker may be gone.
_LAST_COMMIT_S = 5.0
#: Seconds for leaving the group; a broker that is away finds out by itself.
_STOP_S = 8.0


class Gate:
    """Stands while the engine has windows for an assignment; each assignment has its own."""


class _Thread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with our connection options, polls that lose nothing, and forgiving commits."""

    app: App
    #: Set when windows are open, taken away before a revocation is answered: the group waits for both.
    gate: Gate | None = None

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        app = self.app
        knobs = app.knobs
        # Faust reads these two from the thread elsewhere.
        self._assignor = RoundRobinPartitionAssignor
        return AIOKafkaConsumer(
            **app.brokers.client_options(f"{app.engine.stage.name}-consumer"),
            group_id=app.conf.id,
            group_instance_id=f"{app.conf.id}-{knobs.instance}" if knobs.instance else None,
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=knobs.max_poll_records,
            max_poll_interval_ms=3_600_000,
            max_partition_fetch_bytes=knobs.max_record_bytes + HEADROOM_BYTES,
            fetch_max_wait_ms=(
                knobs.embedded_fetch_wait_ms if app.brokers.embedded else knobs.fetch_wait_ms
            ),
            request_timeout_ms=40_000,
            session_timeout_ms=int(knobs.session_timeout_s * 1000),
            rebalance_timeout_ms=30_000,
            heartbeat_interval_ms=int(knobs.heartbeat_s * 1000),
            metadata_max_age_ms=60_000,
        )

    async def poll(
        self, partitions: set[TP], wait_s: float
    ) -> tuple[Gate | None, Mapping[Any, list[Any]]]:
        """Records of the next poll and the gate they came through; none of either when there was no gate."""
        answer = await self.call_thread(self._poll, partitions, wait_s)
        return cast(tuple[Gate | None, Mapping[Any, list[Any]]], answer)

    async def _poll(
        self, partitions: set[TP], wait_s: float
    ) -> tuple[Gate | None, Mapping[Any, list[Any]]]:
        consumer = self._ensure_consumer()
        records = await self._fetch_records(
            consumer, partitions, timeout=wait_s, max_records=consumer._max_poll_records
        )
        gate = self.gate
        if gate is None:
            put_back(consumer, records)
            return None, {}
        return gate, records

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        wanted = {
            TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
            if TopicPartition(tp.topic, tp.partition) in assigned
        }
        if not wanted:
            return False
        try:
            await consumer.commit(wanted)
        except (KafkaError, IllegalStateError) as failure:
            # The group is rebalancing or the coordinator is away: due again with the next commit.
            log.info("commit.refused", stage=self.app.engine.stage.name, error=repr(failure))
            return False
        return True


def put_back(consumer: AIOKafkaConsumer, records: Mapping[Any, list[Any]]) -> None:
    """Makes the consumer read drained records again, where they are still its own. Nothing runs in between."""
    assigned = consumer.assignment()
    for tp, batch in records.items():
        if tp in assigned and batch:
            consumer.seek(tp, batch[0].offset)


class _Consumer(driver.Consumer):
    """Faust's consumer, whose polls and offsets are the engine's."""

    app: App
    _thread: _Thread

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def _drain_messages(self, fetcher: Any) -> None:
        engine = self.app.engine
        thread = self._thread
        self._room = asyncio.Event()
        try:
            while not (self.should_stop or fetcher.should_stop):
                if not self.flow_active:
                    await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # asyncio's event will do
                    continue
                active = self._get_active_partitions()
                if not active:
                    await self._wait_for_room()
                    continue
                wait_s = _SHORT_POLL_S if self._buffered_partitions else _POLL_S
                gate, records = await thread.poll(set(active), wait_s)
                if gate is None or gate is not thread.gate:
                    # Of an assignment that is over: its next owner starts at the committed offsets.
                    await asyncio.sleep(_SHORT_POLL_S)
                    continue
                for tp, batch in records.items():
                    if not engine.take(Partition(tp.topic, tp.partition), batch):
                        self.on_buffer_full(TP(tp.topic, tp.partition))
                await asyncio.sleep(0)
        except ConsumerStoppedError:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise

    async def _wait_for_room(self) -> None:
        self._room.clear()
        try:
            async with asyncio.timeout(0.2):
                await self._room.wait()
        except TimeoutError:
            return

    def make_room(self, partition: Partition) -> None:
        """Polls a partition again whose window was full."""
        self.on_buffer_drop(TP(partition.topic, partition.number))
        self._room.set()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        app = self.app
        self._thread.gate = None
        if self._thread._consumer is not None and app.engine.windows:
            self.stop_flow()
            await app.engine.settle(within_s=app.knobs.revoke_drain_s)
            await self.commit_now()
        app.engine.revoke()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        app = self.app
        app.engine.revoke()
        app.engine.assign([Partition(tp.topic, tp.partition) for tp in assigned])
        self._buffered_partitions.clear()
        self._thread.gate = Gate()
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        await super().perform_seek()
        for partition, window in self.app.engine.windows.items():
            if window.committed is None:
                window.committed = self._committed_offset.get(TP(partition.topic, partition.number))

    async def commit_now(self) -> None:
        """Commits what is due, without waiting for ever for a broker that is away."""
        try:
            async with asyncio.timeout(_LAST_COMMIT_S):
                await self.force_commit()
        except TimeoutError:
            log.warning("commit.timed_out", stage=self.app.engine.stage.name)

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        engine = self.app.engine
        due = engine.committable()
        if not due:
            return False
        done = await self._commit({TP(p.topic, p.number): offset for p, offset in due.items()})
        if done:
            engine.committed(due)
        return bool(done)

    async def verify_all_partitions_active(self) -> None:
        """Faust only logs here; the runtime's watchdog acts."""

    async def on_task_error(self, exc: BaseException) -> None:
        """Nothing: Faust would commit here."""


class _Transport(driver.Transport):
    Consumer = _Consumer


class _Boot(BootStrategy):
    """Only what a consumer needs: the outbox produces, the door serves, and there are no agents."""

    enable_web = False
    enable_kafka_producer = False
    enable_sensors = False

    def kafka_consumer(self) -> Iterable[Any]:
        return [self.app.consumer]


class App(faust.App):
    """A stage's Faust app: its id is the consumer group."""

    BootStrategy = _Boot

    def __init__(
        self,
        engine: Engine,
        *,
        brokers: Brokers,
        knobs: Runtime,
        leave: Callable[[str], NoReturn],
    ) -> None:
        self.engine = engine
        self.brokers = brokers
        self.knobs = knobs
        self._leave = leave
        self._ending = False
        super().__init__(
            brokers.named(f"kfix-{engine.stage.name}"),
            broker=f"kafka://{brokers.bootstrap.split(',')[0]}",
            store="memory://",
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            broker_commit_interval=knobs.commit_interval_s,
            broker_session_timeout=int(knobs.session_timeout_s),
            stream_wait_empty=False,
            stream_processing_timeout=3600,
            broker_commit_livelock_soft_timeout=3600,
        )

    def _new_transport(self) -> Any:
        return _Transport([URL(f"kafka://{self.brokers.bootstrap.split(',')[0]}")], self)

    def _create_directories(self) -> None:
        """Nothing: there are no tables."""

    def _crash(self, reason: BaseException) -> None:
        if not self._ending:
            self._leave(f"the consumer of {self.engine.stage.name} crashed: {reason!r}")

    @property
    def _intake(self) -> _Consumer:
        return cast(_Consumer, self.consumer)

    async def join(self) -> None:
        """Joins the group and returns once partitions are assigned and polled."""
        self.finalize()
        self.topics.add(self.topic(*self.engine.subscription))
        self.engine.start(self._intake.make_room)
        await self.start()

    def lag(self) -> int:
        """Records of the assigned partitions that are not committed yet, as far as the broker told their ends."""
        total = 0
        for partition, window in self.engine.windows.items():
            end = self._highwater(partition)
            if end is None:
                continue
            position = window.committed
            total += end - position if position is not None else 0
        return total

    def _highwater(self, partition: Partition) -> int | None:
        try:
            end = self.consumer.highwater(TopicPartition(partition.topic, partition.number))
        except (IllegalStateError, AssertionError, AttributeError):
            return None
        return int(end) if end is not None else None

    async def leave(self, *, within_s: float) -> None:
        """Finishes what is under way, commits it and leaves the group."""
        self._ending = True
        self.consumer.stop_flow()
        await self.engine.settle(within_s=within_s)
        await self._intake.commit_now()
        try:
            async with asyncio.timeout(_STOP_S):
                await self.stop()
        except TimeoutError:
            log.warning("group.not_left", stage=self.engine.stage.name)
        await self.engine.stop()
