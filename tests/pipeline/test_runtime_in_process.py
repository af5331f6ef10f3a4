"""Stages in this very process, on the embedded broker: what is read, committed, measured and told when they end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from kfix.engine.broker.administration import create_topics, list_topics, with_sides
from kfix.engine.broker.connection import Brokers, wait_until_up
from kfix.engine.broker.offsets import Observer
from kfix.engine.broker.reading import read
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.dead_letters import DeadLetterFilter, find, replay
from kfix.engine.runtime.process import Process, running, serve
from kfix.engine.runtime.producer import Producer
from kfix.engine.runtime.replay import Replay
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Stage
from kfix.engine.wire import codec_for
from kfix.infra.settings import Retention
from schemas import errors
from tests.pipeline import small_stages as small
from tests.pipeline.harness import (
    Cluster,
    drained,
    make_topics,
    new_prefix,
    publish,
    publish_raw,
    stored,
)

pytestmark = pytest.mark.broker
Fast = dict[str, Any]
FAST: Fast = {
    "commit_interval_s": 0.05,
    "drain_s": 5.0,
    "retry_delay_s": 0.05,
    "backoff_s": 0.01,
    "retry_rounds": 1,
    "attempts": 2,
    "lag_every_s": 0.1,
    "health_port": 0,
    "concurrency": 8,
}


def relay(handle: Callable[[small.Raw], Any]) -> Stage[None]:
    @asynccontextmanager
    async def ports() -> AsyncIterator[None]:
        yield None

    stage = Stage("relay", ports=ports)

    @stage.handles(small.RAW, writes=(small.RELAYED,), timeout_s=20.0)
    async def pass_on(raw: small.Raw, _: None) -> small.Relayed | None:
        found: small.Relayed | None = await handle(raw)
        return found

    return stage


async def relayed(raw: small.Raw) -> small.Relayed:
    return small.Relayed(**raw.model_dump())


def raw(number: int, key: str = "", **more: Any) -> small.Raw:
    return small.Raw(
        event_id=f"e{number}",
        occurred_at=datetime.now(UTC),
        key=key or f"k{number % 8}",
        number=number,
        **more,
    )


@asynccontextmanager
async def house(cluster: Cluster, prefix: str, stage: Stage[Any], **knobs: Any) -> Any:
    settings = Runtime(_env_file=None, **{**FAST, **knobs})
    async with running([stage], kafka=cluster.kafka(prefix), settings=settings) as found:
        yield found


async def until(condition: Callable[[], bool], what: str, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def committed(brokers: Brokers) -> int:
    """The relay's committed offsets, summed over its partitions. The embedded broker's ends are too low to compare."""
    observer = Observer(brokers, timeout_s=10)
    try:
        told = await observer.standings(
            brokers.named("kfix-relay"), [brokers.named(small.RAW.name)]
        )
    finally:
        await observer.close()
    return sum(one.position for one in told.values())


async def at_least(read_all: Callable[[], Any], count: int) -> list[Any]:
    """What is in a topic, once it is so many."""
    deadline = time.monotonic() + 30
    while len(found := await read_all()) < count:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)
    return list(found)


async def metric(found: Process, line: str) -> None:
    """Waits until the health door shows a line."""
    text = ""
    async with httpx.AsyncClient(base_url=found.urls["health"], trust_env=False) as client:
        deadline = time.monotonic() + 20
        while line not in text.splitlines():
            assert time.monotonic() < deadline, (line, text)
            text = (await client.get("/metrics")).text
            await asyncio.sleep(0.05)


async def test_everything_is_handled_committed_and_measured(embedded_cluster: Cluster) -> None:
    prefix = new_prefix()
    brokers = embedded_cluster.brokers(prefix)
    await make_topics(brokers, [small.RAW, small.RELAYED])
    await publish(brokers, [(small.RAW, raw(n)) for n in range(60)])
    handled: list[str] = []

    async def note(record: small.Raw) -> small.Relayed:
        handled.append(record.event_id)
        return await relayed(record)

    async with house(embedded_cluster, prefix, relay(note), window=5, max_poll_records=7) as found:
        await until(lambda: len(handled) == 60, "all handled")
        await metric(found, 'kfix_lag_records{stage="relay"} 0.0')
        await metric(found, 'kfix_assigned_partitions{stage="relay"} 7.0')
        await metric(found, 'kfix_in_flight_records{stage="relay"} 0.0')
        await metric(found, 'kfix_intake_sessions{stage="relay"} 1.0')
        await until(lambda: found.ready, "ready")
        assert found.trouble == ""
    assert not found.ready
    assert sorted(handled) == sorted(f"e{n}" for n in range(60))
    assert await committed(brokers) == 60
    results = await drained(brokers, small.RELAYED)
    assert sorted(one.number for one in results) == list(range(60))

    async with house(embedded_cluster, prefix, relay(note)):
        await publish(brokers, [(small.RAW, raw(60))])
        await until(lambda: "e60" in handled, "the new one handled")
    assert len(handled) == 61


async def test_what_had_not_finished_when_the_stage_ended_is_handled_again(
    embedded_cluster: Cluster,
) -> None:
    """Read is not handled: an offset is committed only over what is done."""
    prefix = new_prefix()
    brokers = embedded_cluster.brokers(prefix)
    await make_topics(brokers, [small.RAW, small.RELAYED])
    await publish(brokers, [(small.RAW, raw(n, key="one")) for n in range(3)])
    begun: list[int] = []

    async def stuck(record: small.Raw) -> small.Relayed:
        begun.append(record.number)
        if record.number == 1:
            await asyncio.sleep(60)
        return await relayed(record)

    async with house(embedded_cluster, prefix, relay(stuck), drain_s=0.1):
        await until(lambda: begun == [0, 1], "the second begun")
    assert await committed(brokers) == 1

    handled: list[int] = []

    async def note(record: small.Raw) -> small.Relayed:
        handled.append(record.number)
        return await relayed(record)

    async with house(embedded_cluster, prefix, relay(note)):
        await until(lambda: len(handled) == 2, "the rest handled")
    assert handled == [1, 2]
    assert await committed(brokers) == 3


async def test_records_that_wait_are_the_lag_and_keep_a_record_from_being_committed(
    embedded_cluster: Cluster,
) -> None:
    prefix = new_prefix()
    brokers = embedded_cluster.brokers(prefix)
    await make_topics(brokers, [small.RAW, small.RELAYED])
    release = asyncio.Event()

    async def waits(record: small.Raw) -> small.Relayed:
        await release.wait()
        return await relayed(record)

    async with house(embedded_cluster, prefix, relay(waits)) as found:
        await publish(brokers, [(small.RAW, raw(n)) for n in range(10)])
        await metric(found, 'kfix_lag_records{stage="relay"} 10.0')
        await metric(found, 'kfix_lag_unknown{stage="relay"} 0.0')
        release.set()
        await metric(found, 'kfix_lag_records{stage="relay"} 0.0')


async def test_a_failure_goes_through_the_retry_topic_to_the_dead_letters_and_back(
    embedded_cluster: Cluster,
) -> None:
    prefix = new_prefix()
    brokers = embedded_cluster.brokers(prefix)
    await make_topics(brokers, [small.RAW, small.RELAYED])
    tried: list[str] = []
    healed = False

    async def fails(record: small.Raw) -> small.Relayed:
        tried.append(record.event_id)
        if not healed and record.behaviour == "away":
            raise errors.Unavailable("503")
        if not healed and record.behaviour == "bad":
            raise errors.Rejected("422")
        return await relayed(record)

    codec = codec_for(brokers.kafka)
    topics = [small.RAW, small.RELAYED]
    async with house(embedded_cluster, prefix, relay(fails)):
        await publish(
            brokers,
            [
                (small.RAW, raw(1, behaviour="away")),
                (small.RAW, raw(2, behaviour="bad")),
                (small.RAW, raw(3)),
            ],
        )
        await publish_raw(brokers, [(small.RAW.name, b"k", b"{nothing", {})])
        dead = await at_least(lambda: stored(brokers, small.RAW.dlq), 3)
        by_error = {one.text(hd.ERROR): one for one in dead}
        assert set(by_error) == {"Unavailable", "Rejected", "Undecodable"}
        assert by_error["Unavailable"].text(hd.ATTEMPT) == "4"  # two rounds of two
        assert tried.count("e1") == 4

        wish = DeadLetterFilter(reason=by_error["Rejected"].text(hd.REASON))
        found = [letter async for _, letter in find(brokers, topics, wish)]
        assert [letter.text(hd.ERROR) for letter in found] == ["Rejected"]
        assert [
            one async for one in find(brokers, topics, DeadLetterFilter(topic="elsewhere"))
        ] == []
        with pytest.raises(errors.Rejected):
            _ = [one async for one in find(brokers, topics, DeadLetterFilter(id="no:id"))]

        healed = True
        outbox = Producer(brokers, Runtime(_env_file=None))
        await outbox.start()
        told = [
            one
            async for one in replay(
                brokers, topics, DeadLetterFilter(), codec=codec, producer=outbox
            )
        ]
        await outbox.stop()
        assert sorted(bool(one.refused) for one in told) == [False, False, True]
        done = await at_least(lambda: drained(brokers, small.RELAYED), 3)
    assert sorted(one.number for one in done) == [1, 2, 3]


async def test_a_stage_with_a_door_and_a_clock_sends_what_they_make(
    embedded_cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KFIX_TEST_JOURNAL", str(tmp_path / "journal"))
    prefix = new_prefix()
    brokers = embedded_cluster.brokers(prefix)
    door = Stage(
        "door",
        ports=small.ports,
        http=small.door.http,
        listen=small.door.listen,
        publishes=(small.RAW,),
    )
    ticked: list[int] = []

    @door.every(seconds=lambda _: 0.05, writes=(small.RELAYED,))
    async def tick(_: small.Journal) -> small.Relayed | None:
        ticked.append(1)
        return small.Relayed(**raw(len(ticked)).model_dump()) if len(ticked) < 3 else None

    async with house(embedded_cluster, prefix, door) as found:
        assert set(found.urls) == {"door", "health"}
        async with httpx.AsyncClient(base_url=found.urls["door"], trust_env=False) as client:
            for number in range(3):
                assert (await client.post(f"/raw/{number}")).status_code == 202
        async with httpx.AsyncClient(base_url=found.urls["health"], trust_env=False) as client:
            assert (await client.get("/readyz")).status_code == 200
        sent = await at_least(lambda: drained(brokers, small.RAW), 3)
        ticks = await at_least(lambda: drained(brokers, small.RELAYED), 2)
    assert sorted(one.event_id for one in sent) == ["d0", "d1", "d2"]
    assert sorted(one.number for one in ticks) == [1, 2]
    listed = await list_topics(brokers)
    assert {small.RAW.name, small.RAW.dlq, small.RELAYED.name} <= set(listed)


async def test_a_process_is_ready_once_it_is_open_and_ends_in_order_when_it_is_asked_to(
    embedded_cluster: Cluster,
) -> None:
    prefix = new_prefix()
    brokers = embedded_cluster.brokers(prefix)
    await make_topics(brokers, [small.RAW, small.RELAYED])
    await publish(brokers, [(small.RAW, raw(n)) for n in range(3)])
    told: list[Process] = []
    handled: list[int] = []

    async def last(record: small.Raw) -> small.Relayed:
        handled.append(record.number)
        if len(handled) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return await relayed(record)

    switching_s = sys.getswitchinterval()
    try:
        settings = Runtime(_env_file=None, **FAST)
        kafka = embedded_cluster.kafka(prefix)
        await asyncio.wait_for(
            serve([relay(last)], kafka=kafka, settings=settings, on_ready=told.append), 60
        )
        assert sys.getswitchinterval() == pytest.approx(0.001)
    finally:
        sys.setswitchinterval(switching_s)
    assert [process.ready for process in told] == [False]
    assert await committed(brokers) == 3


async def test_a_record_of_the_past_is_decided_again_beside_what_was_decided_then(
    embedded_cluster: Cluster,
) -> None:
    prefix = new_prefix()
    brokers = embedded_cluster.brokers(prefix)
    await make_topics(brokers, [small.RAW, small.RELAYED, small.FANNED])
    await publish(brokers, [(small.RAW, raw(n, key=f"k{n}")) for n in range(4)])
    settings = Runtime(_env_file=None, **FAST)
    async with house(embedded_cluster, prefix, relay(relayed)):
        await at_least(lambda: drained(brokers, small.RELAYED), 4)

    async def otherwise(record: small.Raw) -> small.Relayed | None:
        match record.number:
            case 0:
                return await relayed(record)
            case 1:
                return small.Relayed(**{**record.model_dump(), "payload": "new"})
            case 2:
                return None
        raise errors.Rejected("422")

    codec, outbox = codec_for(brokers.kafka), Producer(brokers, settings)
    await outbox.start()
    again = Replay([relay(otherwise)], brokers=brokers, codec=codec, producer=outbox, world="now")
    found: dict[str, Any] = {}
    async with AsyncExitStack() as stack:
        await again.open(stack)
        for record in await stored(brokers, small.RAW.name):
            for one in await again.run(small.RAW, record):
                found[one.cause] = one
    await outbox.stop()
    same, other, gone, failed = (found[f"e{n}"] for n in range(4))
    assert (same.changed, same.stage, same.topic) == ((), "relay", small.RELAYED.name)
    assert same.then == same.now
    assert "event_id" not in (same.now or {})
    assert other.changed == ("payload",)
    assert (other.then or {})["payload"] == ""
    assert (other.now or {})["payload"] == "new"
    assert gone.now is None
    assert gone.then is not None
    assert gone.changed
    assert failed.failed == "Rejected: 422"
    shadows = await stored(brokers, f"shadow.{small.RELAYED.name}")
    assert sorted(one.text(hd.CAUSE) for one in shadows) == ["e0", "e1"]
    assert len(await drained(brokers, small.RELAYED)) == 4


# --- reading from outside of a group


async def test_topics_are_read_between_times_and_a_missing_one_is_said_so(
    embedded_cluster: Cluster,
) -> None:
    prefix = new_prefix()
    brokers = embedded_cluster.brokers(prefix)
    await make_topics(brokers, [small.RAW])
    await publish(brokers, [(small.RAW, raw(n, key="one")) for n in range(3)])
    await asyncio.sleep(0.05)
    between = datetime.now(UTC)
    await asyncio.sleep(0.05)
    await publish(brokers, [(small.RAW, raw(n, key="one")) for n in range(3, 5)])

    async def numbers(**bounds: datetime) -> list[str]:
        return [r.text(hd.EVENT_ID) async for r in read(brokers, [small.RAW.name], **bounds)]

    assert await numbers() == ["e0", "e1", "e2", "e3", "e4"]
    assert await numbers(since=between) == ["e3", "e4"]
    assert await numbers(until=between) == ["e0", "e1", "e2"]
    assert await numbers(since=between, until=between + timedelta(hours=1)) == ["e3", "e4"]
    assert [r async for r in read(brokers, [])] == []
    with pytest.raises(errors.NotFound, match="nowhere"):
        _ = [r async for r in read(brokers, ["nowhere"])]
    (first, *_) = await stored(brokers, small.RAW.name)
    assert (first.topic, first.offset, first.key) == (small.RAW.name, 0, b"one")
    assert first.text("no-such-header") == ""


async def test_topics_are_made_once_and_only_ours_are_listed(embedded_cluster: Cluster) -> None:
    prefix = new_prefix()
    brokers = embedded_cluster.brokers(prefix)
    await wait_until_up(brokers, within_s=10)
    wanted = with_sides([small.RAW], 4)
    assert sorted(await create_topics(brokers, wanted, Retention())) == sorted(
        brokers.named(one.name) for one in wanted
    )
    assert await create_topics(brokers, wanted, Retention()) == []
    assert await list_topics(brokers) == {
        small.RAW.name: 4,
        small.RAW.retry: 3,
        small.RAW.dlq: 3,
    }
    assert await list_topics(embedded_cluster.brokers(new_prefix())) == {}
