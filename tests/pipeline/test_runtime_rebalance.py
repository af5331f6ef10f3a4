"""R3: workers come and go under load; nothing is lost and repeats stay bounded."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kfix.engine.runtime.producer import Producer
from kfix.engine.runtime.settings import Runtime
from kfix.engine.wire import codec_for
from tests.pipeline import small_stages as small
from tests.pipeline.harness import (
    FULL,
    Cluster,
    Worker,
    make_topics,
    new_prefix,
    start_worker,
    until,
)

#: Seconds of storm: 60 as promised, a sample otherwise. The embedded broker needs up to 18 s for one rejoin.
STORM_S = {"kafka": 60.0 if FULL else 15.0, "embedded": 120.0 if FULL else 20.0}
EVERY_S = {"kafka": 2.0, "embedded": 6.0}
#: Times that a third worker comes and goes while records trickle in.
MOVES = 20 if FULL else 4
BATCH = 20
KNOBS = {"KFIX_RUNTIME_WINDOW": "32", "KFIX_RUNTIME_REVOKE_DRAIN_S": "1"}


@pytest.mark.slow
async def test_nothing_is_lost_while_workers_come_and_go(cluster: Cluster, tmp_path: Path) -> None:
    prefix = new_prefix()
    await make_topics(cluster.brokers(prefix), [small.FANNED, small.EFFECTED])
    sent: list[str] = []
    workers = [start(cluster, tmp_path, prefix)]
    await asyncio.to_thread(workers[0].wait_ready)
    try:
        load = asyncio.create_task(produce(cluster, prefix, sent, STORM_S[cluster.name]))
        await storm(cluster, tmp_path, prefix, workers)
        await load
        await all_done(sent, tmp_path, workers)
    finally:
        for one in workers:
            one.kill()
    effects = [words[0] for words in small.journal_of(tmp_path / "journal", "effect")]
    repeats = len(effects) - len(set(effects))
    assert set(effects) == set(sent)
    print(f"R3 on {cluster.name}: {len(sent)} records, 0 lost, {repeats} repeats")


@pytest.mark.slow
async def test_nothing_is_lost_when_partitions_move_between_idle_polls(
    cluster: Cluster, tmp_path: Path
) -> None:
    """A poll that waits for records outlives a quick rebalance and is answered with the next assignment's."""
    prefix = new_prefix()
    await make_topics(cluster.brokers(prefix), [small.FANNED, small.EFFECTED])
    sent: list[str] = []
    workers = [start(cluster, tmp_path, prefix) for _ in range(2)]
    try:
        for one in workers:
            await asyncio.to_thread(one.wait_ready)
        stop = asyncio.Event()
        load = asyncio.create_task(trickle(cluster, prefix, sent, stop))
        for _ in range(MOVES):
            guest = start(cluster, tmp_path, prefix)
            workers.append(guest)
            await asyncio.to_thread(guest.wait_ready)
            await asyncio.to_thread(guest.stop)
        stop.set()
        await load
        await all_done(sent, tmp_path, workers)
    finally:
        for one in workers:
            one.kill()


async def all_done(sent: list[str], folder: Path, workers: list[Worker]) -> None:
    """Waits until each record sent had its effect; says which had none otherwise."""
    try:
        await until(lambda: set(sent) <= done(folder), within_s=90, what="all effects")
    except AssertionError:
        missing = sorted(set(sent) - done(folder))
        logs = [one.log.read_text()[-500:] for one in workers]
        pytest.fail(f"{len(missing)} of {len(sent)} without effect: {missing[:20]}; {logs}")


def start(cluster: Cluster, folder: Path, prefix: str) -> Worker:
    return start_worker(
        cluster, ["tests.pipeline.small_stages:effect"], folder, prefix=prefix, environment=KNOBS
    )


def done(folder: Path) -> set[str]:
    return {words[0] for words in small.journal_of(folder / "journal", "effect")}


async def produce(cluster: Cluster, prefix: str, sent: list[str], seconds: float) -> None:
    """Some hundred records a second, so that work is under way whenever somebody comes or goes."""
    brokers = cluster.brokers(prefix)
    codec = codec_for(brokers.kafka)
    outbox = Producer(brokers, Runtime(_env_file=None))
    await outbox.start()
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            for n in range(BATCH):
                record = fanned(f"s{len(sent)}", n)
                key = small.FANNED.key(record).encode()
                await (await outbox.send(small.FANNED.name, key, codec.encode(record), []))
                sent.append(record.event_id)
            await asyncio.sleep(0.05)
    finally:
        await outbox.stop()


async def trickle(cluster: Cluster, prefix: str, sent: list[str], stop: asyncio.Event) -> None:
    """A record every few milliseconds: polls find nothing ready and wait."""
    brokers = cluster.brokers(prefix)
    codec = codec_for(brokers.kafka)
    outbox = Producer(brokers, Runtime(_env_file=None))
    await outbox.start()
    try:
        while not stop.is_set():
            record = fanned(f"s{len(sent)}", len(sent) % 40, behaviour="")
            key = small.FANNED.key(record).encode()
            await (await outbox.send(small.FANNED.name, key, codec.encode(record), []))
            sent.append(record.event_id)
            await asyncio.sleep(0.004)
    finally:
        await outbox.stop()


def fanned(event_id: str, n: int, *, behaviour: str = "busy") -> small.Fanned:
    return small.Fanned(
        event_id=event_id,
        occurred_at=datetime.now(UTC),
        key=f"k{n}",
        number=100,
        behaviour=behaviour,
        part=0,
    )


async def storm(cluster: Cluster, folder: Path, prefix: str, workers: list[Worker]) -> None:
    """Every few seconds a worker joins, leaves in order, or is killed."""
    chance = random.Random(4)
    deadline = time.monotonic() + STORM_S[cluster.name]
    while time.monotonic() < deadline:
        alive = [one for one in workers if one.process.poll() is None]
        if len(alive) < 2 or (len(alive) < 3 and chance.random() < 0.5):
            workers.append(start(cluster, folder, prefix))
        elif chance.random() < 0.5:
            chance.choice(alive).kill()
        else:
            await asyncio.to_thread(chance.choice(alive).stop)
        await asyncio.sleep(EVERY_S[cluster.name])
    if all(one.process.poll() is not None for one in workers):
        workers.append(start(cluster, folder, prefix))
