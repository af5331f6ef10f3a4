"""Reading topics from outside of any group: for replay, the dead letters and tests. Nothing is committed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kfix.engine.broker.administration import list_topics
from kfix.engine.broker.connection import Brokers
from schemas import errors

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer

#: Seconds a poll waits. Three silent polls in a row end a read whose end the broker does not tell.
_POLL_MS = 400
_SILENT_POLLS = 3


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it lies in a topic (named without prefix)."""

    topic: str
    partition: int
    offset: int
    at: datetime
    key: bytes | None
    value: bytes
    headers: dict[str, bytes] = field(default_factory=dict)

    def text(self, header: str) -> str:
        """A header as text; empty when there is none."""
        return self.headers.get(header, b"").decode("utf-8", "replace")


async def read(
    brokers: Brokers,
    topics: Sequence[str],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> AsyncIterator[Stored]:
    """Records of the topics (named without prefix) that are there now, by partition in offset order.

    ``since`` (inclusive) and ``until`` (exclusive) bound the broker's time of the record. Raises errors.NotFound for
    a topic that is not there.
    """
    from aiokafka import AIOKafkaConsumer

    if not topics:
        return
    consumer = AIOKafkaConsumer(
        **brokers.client_options("reader"),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    try:
        await _position(consumer, brokers, topics, since)
        async for record in _until_end(consumer):
            at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
            if (since is None or at >= since) and (until is None or at < until):
                yield Stored(
                    brokers.plain(record.topic),
                    record.partition,
                    record.offset,
                    at,
                    record.key,
                    record.value or b"",
                    dict(record.headers),
                )
    finally:
        await consumer.stop()


async def _position(
    consumer: AIOKafkaConsumer, brokers: Brokers, topics: Sequence[str], since: datetime | None
) -> None:
    from aiokafka import TopicPartition

    partitions = []
    known = await list_topics(brokers)
    for topic in topics:
        if topic not in known:
            raise errors.NotFound(f"there is no topic {topic}")
        partitions += [TopicPartition(brokers.named(topic), n) for n in range(known[topic])]
    consumer.assign(partitions)
    # The embedded broker's index by time is not to be trusted; there, everything is read and filtered.
    if since is not None and not brokers.embedded:
        at_ms = int(since.timestamp() * 1000)
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, at_ms))
        for partition, offset in found.items():
            if offset is None:
                await consumer.seek_to_end(partition)
            else:
                consumer.seek(partition, offset.offset)


async def _until_end(consumer: AIOKafkaConsumer) -> AsyncIterator[Any]:
    """Polls until each partition is read to the end that the broker told with its last answer."""
    silent = 0
    while silent < _SILENT_POLLS:
        batches = await consumer.getmany(timeout_ms=_POLL_MS)
        silent = 0 if batches else silent + 1
        for records in batches.values():
            for record in records:
                yield record
        if not batches and await _at_end(consumer):
            return


async def _at_end(consumer: AIOKafkaConsumer) -> bool:
    for partition in consumer.assignment():
        end = consumer.highwater(partition)
        if end is None or await consumer.position(partition) < end:
            return False
    return True
