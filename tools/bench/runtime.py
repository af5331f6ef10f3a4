"""The runtime alone: five pass-through hops, against a bare chain of aiokafka clients on the same broker.

The bare chain is the fastest that Python's client does: whole polls, one ``asyncio.gather`` of all sends, then the
commit. It neither decodes nor checks anything; the runtime decodes and validates each record once a hop, keeps order
per key, drops repeats, measures, and acknowledges in order. Both move the same records in the same run, once with all
hops in one process and once with a process per hop.

    python -m tools.bench runtime                                     embedded broker
    KFIX_BENCH_BOOTSTRAP=127.0.0.1:9092 python -m tools.bench runtime   Apache Kafka
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from kfix.engine.broker import embedded
from kfix.engine.broker.administration import WantedTopic, create_topics
from kfix.engine.broker.connection import Brokers, wait_until_up
from kfix.engine.runtime.process import serve
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Stage
from kfix.engine.topics import Topic
from kfix.engine.wire import codec_for
from kfix.infra.settings import Kafka
from kfix.infra.telemetry import logs
from schemas.base import Record

TITLE = "The runtime's pass-through hops against bare aiokafka"
HOPS = 5
RECORDS = int(os.environ.get("KFIX_BENCH_RECORDS", "20000"))
ROUNDS = int(os.environ.get("KFIX_BENCH_ROUNDS", "3"))
PARTITIONS = 4
#: Bytes of one record's value, about.
SIZE = 1024
_MODES = ("one process", "a process a hop")


class Parcel(Record):
    """A record of about 1 KiB."""

    key: str
    payload: str


#: One model a hop: a topic is known by its model.
MODELS: list[type[Parcel]] = [type(f"Parcel{n}", (Parcel,), {}) for n in range(HOPS + 1)]
TOPICS = [Topic(f"bench.{n}", model, lambda record: record.key) for n, model in enumerate(MODELS)]


@asynccontextmanager
async def no_ports() -> AsyncIterator[None]:
    """Ports of a stage that needs none."""
    yield None


def hop(number: int) -> Stage[None]:
    """A stage that passes on what it reads."""
    stage = Stage(f"hop{number}", ports=no_ports)
    target = MODELS[number + 1]

    async def pass_on(parcel: Parcel, _: None) -> Record:
        return target.model_construct(
            parcel.model_fields_set,
            event_id=parcel.event_id,
            trace_id=parcel.trace_id,
            occurred_at=parcel.occurred_at,
            schema_version=parcel.schema_version,
            key=parcel.key,
            payload=parcel.payload,
        )

    pass_on.__annotations__["return"] = target
    stage.handles(TOPICS[number], writes=(TOPICS[number + 1],))(pass_on)
    return stage


def parcels() -> list[tuple[bytes, bytes]]:
    """Keys and values of all records."""
    codec = codec_for(Kafka(_env_file=None))
    now = datetime.now(UTC)
    return [
        (
            key.encode(),
            codec.encode(
                MODELS[0](event_id=f"p{n}", occurred_at=now, key=key, payload="x" * (SIZE - 130))
            ),
        )
        for n in range(RECORDS)
        for key in (f"k{n % 500}",)
    ]


async def fill(brokers: Brokers, topic: str, values: Sequence[tuple[bytes, bytes]]) -> None:
    """Puts the records into the first topic."""
    producer = AIOKafkaProducer(
        **brokers.client_options("bench"), max_batch_size=262_144, acks="all"
    )
    await producer.start()
    try:
        sent = [await producer.send(topic, value, key=key) for key, value in values]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def arrive(brokers: Brokers, topic: str, count: int) -> float:
    """When (``time.time``) the last of ``count`` records stood in the last topic."""
    consumer = AIOKafkaConsumer(
        topic,
        **brokers.client_options("bench-end"),
        group_id=None,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    seen = 0
    last_ms = 0
    deadline = time.monotonic() + 60
    try:
        while seen < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{seen} of {count} records arrived")
            for records in (await consumer.getmany(timeout_ms=200)).values():
                seen += len(records)
                last_ms = max(last_ms, *(record.timestamp for record in records))
    finally:
        await consumer.stop()
    return last_ms / 1000


async def bare_hop(brokers: Brokers, number: int) -> None:
    """One hop of the bare chain: poll, send all, wait for all, commit."""
    options = brokers.client_options(f"bare{number}")
    consumer = AIOKafkaConsumer(
        brokers.named(TOPICS[number].name),
        **options,
        group_id=brokers.named(f"bare{number}"),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=2000,
        fetch_max_wait_ms=40 if brokers.embedded else 500,
    )
    producer = AIOKafkaProducer(
        **options,
        acks="all",
        enable_idempotence=not brokers.embedded,
        max_batch_size=262_144,
    )
    target = brokers.named(TOPICS[number + 1].name)
    await consumer.start()
    await producer.start()
    try:
        while True:
            polled = await consumer.getmany(timeout_ms=1000)
            if not polled:
                continue
            sent = [
                await producer.send(target, record.value, key=record.key)
                for records in polled.values()
                for record in records
            ]
            await asyncio.gather(*sent)
            await consumer.commit()
    finally:
        await consumer.stop()
        await producer.stop()


async def bare(brokers: Brokers, numbers: Sequence[int]) -> None:
    """Bare hops until cancelled."""
    await asyncio.gather(*(bare_hop(brokers, number) for number in numbers))


async def runtime(brokers: Brokers, numbers: Sequence[int]) -> None:
    """The runtime's hops until SIGTERM."""
    logs.configure("WARNING")
    await serve(
        [hop(number) for number in numbers],
        kafka=brokers.kafka,
        settings=Runtime(_env_file=None),
    )


async def measure(brokers: Brokers, kind: str, mode: str) -> float:
    """Records a second through all hops. The clock runs from the first record put in to the last come out.

    Workers join their groups, and move a first record, before the clock starts.
    """
    await create_topics(brokers, [WantedTopic(topic.name, PARTITIONS) for topic in TOPICS])
    groups = [list(range(HOPS))] if mode == _MODES[0] else [[n] for n in range(HOPS)]
    workers = [start(brokers, kind, group) for group in groups]
    first, last = brokers.named(TOPICS[0].name), brokers.named(TOPICS[-1].name)
    values = parcels()
    try:
        await fill(brokers, first, values[:PARTITIONS])
        await arrive(brokers, last, PARTITIONS)
        await asyncio.sleep(1.0)
        started = time.time()
        await fill(brokers, first, values[PARTITIONS:])
        return (RECORDS - PARTITIONS) / (await arrive(brokers, last, RECORDS) - started)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def start(brokers: Brokers, kind: str, numbers: Sequence[int]) -> subprocess.Popen[bytes]:
    """A process with some hops of one kind."""
    arguments = [brokers.bootstrap, brokers.kafka.prefix, str(int(brokers.embedded)), kind]
    return subprocess.Popen(
        [sys.executable, "-m", "tools.bench.runtime", *arguments, ",".join(map(str, numbers))],
        stdout=subprocess.DEVNULL,
        preexec_fn=embedded.die_with_parent,  # noqa: PLW1509 - prctl alone
    )


async def compare(bootstrap: str, *, is_embedded: bool) -> dict[str, float]:
    """All figures on one broker: medians of rounds in which both kinds take turns, so that a busy machine hits both."""
    figures: dict[str, float] = {}
    for mode in _MODES:
        rates: dict[str, list[float]] = {"bare": [], "runtime": []}
        for _ in range(ROUNDS):
            for kind, measured in rates.items():
                measured.append(await one(bootstrap, kind, mode, is_embedded=is_embedded))
                print(f"  {mode:16} {kind:8} {measured[-1]:8.0f} records/s", flush=True)
        ratios = [r / b for r, b in zip(rates["runtime"], rates["bare"], strict=True)]
        for kind, measured in rates.items():
            figures[f"{kind}, {mode}, records/s"] = round(statistics.median(measured))
        figures[f"ratio, {mode}"] = round(statistics.median(ratios), 3)
        print(f"  {mode:16} ratio    {figures[f'ratio, {mode}']:8.3f}", flush=True)
    return figures


async def one(bootstrap: str, kind: str, mode: str, *, is_embedded: bool) -> float:
    """One measurement under a prefix of its own."""
    kafka = Kafka(
        _env_file=None, bootstrap=bootstrap, embedded=is_embedded, prefix=f"b{uuid4().hex[:6]}."
    )
    brokers = Brokers(bootstrap, kafka, embedded=is_embedded)
    await wait_until_up(brokers, within_s=30)
    return await measure(brokers, kind, mode)


def run() -> dict[str, float]:
    """Runs on ``KFIX_BENCH_BOOTSTRAP``, or on an embedded broker of its own."""
    bootstrap = os.environ.get("KFIX_BENCH_BOOTSTRAP", "")
    if bootstrap:
        return asyncio.run(compare(bootstrap, is_embedded=False))
    port = embedded.free_port()
    child = embedded.spawn(port)
    try:
        return asyncio.run(compare(f"127.0.0.1:{port}", is_embedded=True))
    finally:
        embedded.stop(child)


def worker(arguments: list[str]) -> None:
    """A worker process: bootstrap, prefix, embedded (0 or 1), kind, numbers of its hops."""
    bootstrap, prefix, is_embedded, kind, numbers = arguments
    kafka = Kafka(
        _env_file=None,
        bootstrap=bootstrap,
        embedded=is_embedded == "1",
        prefix=prefix,
        partitions=PARTITIONS,
    )
    brokers = Brokers(bootstrap, kafka, embedded=kafka.embedded)
    hops = [int(number) for number in numbers.split(",")]
    work: Any = (bare if kind == "bare" else runtime)(brokers, hops)
    profile = os.environ.get("KFIX_BENCH_PROFILE")
    if profile and kind == "runtime":
        import cProfile

        cProfile.runctx("uvloop.run(work)", globals(), {"work": work}, profile)
        return
    uvloop.run(work)


if __name__ == "__main__":
    worker(sys.argv[1:])
