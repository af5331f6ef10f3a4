"""R2 and R6: poison reaches retry or the dead letters with its bytes and reasons, and the stage goes on."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kfix.engine.broker.connection import Brokers
from kfix.engine.broker.reading import Stored
from kfix.engine.runtime.dead_letters import DeadLetterFilter, letter_id, replay
from kfix.engine.runtime.producer import Producer
from kfix.engine.runtime.settings import Runtime
from kfix.engine.wire import codec_for
from tests.pipeline import small_stages as small
from tests.pipeline.harness import (
    Cluster,
    Worker,
    drained,
    make_topics,
    new_prefix,
    publish,
    publish_raw,
    stored,
    until,
    worker,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
QUICK = {
    "KFIX_RUNTIME_ATTEMPTS": "2",
    "KFIX_RUNTIME_BACKOFF_S": "0.05",
    "KFIX_RUNTIME_BACKOFF_MAX_S": "0.5",
    "KFIX_RUNTIME_RETRY_ROUNDS": "1",
    "KFIX_RUNTIME_RETRY_DELAY_S": "0.5",
}
ORDERED = [f"order{n}" for n in range(60)]
#: Event id, behaviour, whether it gets through in the end, reason of its dead letter.
POISON = (
    ("good", "", True, ""),
    ("slow", "slow", False, "timed_out"),
    ("flaky", "unavailable:1", True, ""),
    ("flakier", "unavailable:3", True, ""),
    ("down", "unavailable", False, "unavailable"),
    ("limited", "limited:1", True, ""),
    ("silent", "unanswered", True, ""),
    ("rejected", "rejected", False, "rejected"),
    ("bug", "bug", False, "defect"),
    ("defect", "wrong", False, "defect"),
)
UNDECODABLE = (b"", b"not json", b'{"event_id": 7}', b"\x00\x00\x00\x00\x07abc", b'{"event_id"')


def raw(event_id: str, behaviour: str = "", key: str = "", number: int = 0) -> small.Raw:
    return small.Raw(
        event_id=event_id,
        occurred_at=NOW,
        key=key or event_id,
        number=number,
        behaviour=behaviour,
    )


async def test_poison_is_retried_or_buried_with_its_bytes_and_the_stage_goes_on(
    cluster: Cluster, tmp_path: Path
) -> None:
    prefix = new_prefix()
    brokers = cluster.brokers(prefix)
    await make_topics(brokers, [small.RAW, small.RELAYED])
    records = [raw(event_id, behaviour) for event_id, behaviour, _, _ in POISON]
    records += [raw(e, "busy" if n % 7 == 0 else "", f"k{n % 3}", n) for n, e in enumerate(ORDERED)]
    await publish_raw(
        brokers, [(small.RAW.name, b"bad", value, {"traceparent": TRACE}) for value in UNDECODABLE]
    )
    await publish(brokers, [(small.RAW, record) for record in records])
    passing = [event_id for event_id, _, passes, _ in POISON if passes] + ORDERED
    failing = {event_id: reason for event_id, _, passes, reason in POISON if not passes}
    with worker(
        cluster, ["tests.pipeline.small_stages:relay"], tmp_path, prefix=prefix, environment=QUICK
    ) as running:
        relayed = await eventually(brokers, small.RELAYED.name, len(passing), running)
        dead = await eventually(brokers, small.RAW.dlq, len(failing) + len(UNDECODABLE), running)
        await publish(brokers, [(small.RAW, raw("afterwards"))])
        await eventually(brokers, small.RELAYED.name, len(passing) + 1, running)
        assert await asyncio.to_thread(running.stop) == 0

    assert sorted(r.text("kfix-cause") for r in relayed) == sorted(passing)
    the_letters_say_what_happened(dead, failing)
    # The first time and one round: no more rounds than the runtime has.
    asked = small.journal_of(tmp_path / "journal", "relay")
    assert [words[0] for words in asked].count("silent") == 2
    one_keys_records_stay_in_order(tmp_path / "journal")
    await the_dead_can_be_replayed_twice(cluster, brokers, tmp_path, prefix, failing)


TRACE = f"00-{'a1' * 16}-{'b2' * 8}-01"


async def eventually(brokers: Brokers, topic: str, count: int, running: Worker) -> list[Stored]:
    """The topic's records once there are at least ``count``."""
    deadline = asyncio.get_running_loop().time() + 40
    while len(found := await stored(brokers, topic)) < count:
        assert asyncio.get_running_loop().time() < deadline, (
            f"{len(found)} of {count} in {topic}: {running.log.read_text()[-3000:]}"
        )
        await asyncio.sleep(0.3)
    return found


def the_letters_say_what_happened(dead: list[Stored], failing: dict[str, str]) -> None:
    by_id = {r.text("kfix-event-id"): r for r in dead if r.text("kfix-event-id")}
    assert {event_id: r.text("kfix-reason") for event_id, r in by_id.items()} == failing
    for event_id, letter in by_id.items():
        assert json.loads(letter.value)["event_id"] == event_id
        assert letter.text("kfix-topic") == small.RAW.name
        assert int(letter.text("kfix-partition")) >= 0
        assert int(letter.text("kfix-offset")) >= 0
        assert letter.text("kfix-stage").startswith("relay@")
        assert letter.text("kfix-first-seen").startswith("20")
    # Two attempts in place, then one round of two more through the retry topic.
    assert by_id["down"].text("kfix-attempt") == "4"
    assert by_id["rejected"].text("kfix-attempt") == "1"
    assert by_id["bug"].text("kfix-error") == "ZeroDivisionError"
    undecodable = [r for r in dead if not r.text("kfix-event-id")]
    assert sorted(r.value for r in undecodable) == sorted(UNDECODABLE)
    assert {r.text("kfix-error") for r in undecodable} == {"Undecodable"}
    assert {r.text("traceparent") for r in undecodable} == {TRACE}


def one_keys_records_stay_in_order(journal: Path) -> None:
    first_seen: dict[str, list[int]] = {}
    seen = set()
    for event_id, key, number in small.journal_of(journal, "relay"):
        if event_id.startswith("order") and event_id not in seen:
            seen.add(event_id)
            first_seen.setdefault(key, []).append(int(number))
    assert sum(map(len, first_seen.values())) == len(ORDERED)
    assert all(numbers == sorted(numbers) for numbers in first_seen.values())


async def the_dead_can_be_replayed_twice(
    cluster: Cluster, brokers: Brokers, folder: Path, prefix: str, failing: dict[str, str]
) -> None:
    """The world has recovered: replayed twice, each gets through; those that are no records stay."""
    healed = folder / "healed"
    healed.mkdir()
    (healed / "journal").touch()
    before = {r.event_id for r in await drained(brokers, small.RELAYED)}
    environment = {**QUICK, "KFIX_TEST_WORLD": "healed"}
    outbox = Producer(brokers, Runtime(_env_file=None))
    codec = codec_for(brokers.kafka)
    await outbox.start()
    try:
        with worker(
            cluster,
            ["tests.pipeline.small_stages:relay"],
            healed,
            prefix=prefix,
            environment=environment,
        ) as running:
            for _ in range(2):
                outcome = [
                    one
                    async for one in replay(
                        brokers, [small.RAW], DeadLetterFilter(), codec=codec, producer=outbox
                    )
                ]
                assert sum(bool(one.refused) for one in outcome) == len(UNDECODABLE)
                assert sum(not one.refused for one in outcome) == len(failing)
            await until(
                lambda: len(small.journal_of(healed / "journal", "relay")) >= len(failing),
                within_s=30,
                what=running.log.read_text()[-2000:],
            )
            assert await asyncio.to_thread(running.stop) == 0
    finally:
        await outbox.stop()
    after = {r.event_id for r in await drained(brokers, small.RELAYED)}
    assert after - before == set(failing)
    assert len(await stored(brokers, small.RAW.dlq)) == len(failing) + len(UNDECODABLE)
    one = (await stored(brokers, small.RAW.dlq))[0]
    only = [r async for r in _found(brokers, DeadLetterFilter(id=letter_id(one)))]
    assert [letter_id(r) for r in only] == [letter_id(one)]


async def _found(brokers: Brokers, wish: DeadLetterFilter) -> Any:
    from kfix.engine.runtime.dead_letters import find

    async for _, letter in find(brokers, [small.RAW], wish):
        yield letter
