"""What a poll drained while no windows stood is read again: no gap is left behind it."""

from __future__ import annotations

from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from kfix.engine.runtime.intake import put_back
from tests.pipeline import small_stages as small
from tests.pipeline.harness import Cluster, make_topics, new_prefix, publish


async def test_drained_records_that_are_put_back_come_again_in_order(cluster: Cluster) -> None:
    prefix = new_prefix()
    brokers = cluster.brokers(prefix)
    await make_topics(brokers, [small.RAW])
    now = datetime.now(UTC)
    sent = [
        small.Raw(event_id=f"e{n}", occurred_at=now, key=f"k{n % 8}", number=n) for n in range(40)
    ]
    await publish(brokers, [(small.RAW, record) for record in sent])
    consumer = AIOKafkaConsumer(**brokers.client_options("test"), auto_offset_reset="earliest")
    partitions = [TopicPartition(brokers.named(small.RAW.name), n) for n in range(4)]
    consumer.assign(partitions)
    await consumer.start()
    try:
        first = await drain(consumer, len(sent))
        put_back(consumer, first)
        again = await drain(consumer, len(sent))
        assert {tp: [r.offset for r in batch] for tp, batch in again.items()} == {
            tp: [r.offset for r in batch] for tp, batch in first.items()
        }
        away = partitions[0]
        consumer.assign([tp for tp in partitions if tp != away])
        put_back(consumer, first)  # of a partition that went away in between: its owner's business
        rest = await drain(consumer, len(sent) - len(first.get(away, [])))
        assert away not in rest
    finally:
        await consumer.stop()


async def drain(consumer: AIOKafkaConsumer, wanted: int) -> dict[TopicPartition, list[object]]:
    found: dict[TopicPartition, list[object]] = {}
    for _ in range(40):
        for tp, batch in (await consumer.getmany(timeout_ms=250)).items():
            found.setdefault(tp, []).extend(batch)
        if sum(map(len, found.values())) >= wanted:
            return found
    raise AssertionError(f"{sum(map(len, found.values()))} of {wanted} records came")
