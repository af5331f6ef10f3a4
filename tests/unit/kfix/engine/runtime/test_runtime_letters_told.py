"""Whoever buries a record of the house tells of it, and the record is done once the broker has both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn

from kfix.engine import topics
from kfix.engine.broker.connection import Brokers
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.engine import Engine
from kfix.engine.runtime.offsets import Partition
from kfix.engine.runtime.process import topics_of
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Handler, Stage
from kfix.engine.topics import Topic
from kfix.engine.wire import codec_for
from kfix.infra.settings import Kafka
from schemas import errors
from schemas.alerts import Alert, FiredRule, RawAlert
from schemas.dead_letters import DeadLetter

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BROKERS = Brokers("127.0.0.1:1", Kafka(_env_file=None))
CODEC = codec_for(BROKERS.kafka)
RAW = RawAlert(
    event_id="dd-1",
    occurred_at=NOW,
    body_sha256="0",
    body=b"{}",
    alert=Alert(title="api password=hunter2 is down", rule=FiredRule(id="77")),
)
LETTER = DeadLetter(
    event_id="dl-1", occurred_at=NOW, topic="t", stage="s", reason="r", first_seen=NOW
)


@dataclass
class Producer:
    sent: list[tuple[str, bytes | None, asyncio.Future[Any]]] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: hd.Wire
    ) -> asyncio.Future[Any]:
        ack: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.sent.append((topic, value, ack))
        self.more.set()
        return ack

    async def reached(self, many: int) -> None:
        while len(self.sent) < many:
            self.more.clear()
            await self.more.wait()


@dataclass(frozen=True)
class Fetched:
    topic: str
    offset: int
    value: bytes | None
    partition: int = 0
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = 0


@asynccontextmanager
async def no_ports() -> AsyncIterator[None]:
    yield None


async def refuse(record: Any, ports: None) -> None:
    raise errors.Rejected("this is no alert of ours")


def leave(reason: str) -> NoReturn:
    raise RuntimeError(reason)


@asynccontextmanager
async def engine(topic: Topic[Any]) -> AsyncIterator[tuple[Engine, Producer]]:
    stage: Stage[None] = Stage("clerk", ports=no_ports)
    stage.handlers.append(Handler(topic, (), refuse, "refuse", 5.0))
    producer = Producer()
    made = Engine(
        stage,
        None,
        brokers=BROKERS,
        codec=CODEC,
        producer=producer,  # type: ignore[arg-type]
        settings=Runtime(_env_file=None),
        leave=leave,
    )
    made.start(lambda _: None)
    made.assign([Partition(topic.name, 0)])
    try:
        yield made, producer
    finally:
        await made.stop()


async def until_sent(producer: Producer, many: int) -> None:
    async with asyncio.timeout(5):
        await producer.reached(many)


async def test_people_hear_of_a_record_that_was_given_up_with_its_monitor_and_the_place() -> None:
    place = Partition("alerts.raw", 0)
    async with engine(topics.ALERTS_RAW) as (made, producer):
        made.take(place, [Fetched("alerts.raw", 5, CODEC.encode(RAW))])
        await until_sent(producer, 2)
        (buried, value, first), (told, word, second) = producer.sent
        assert (buried, value, told) == ("alerts.raw.dlq", CODEC.encode(RAW), "dead.letters")
        letter = CODEC.decode(topics.DEAD_LETTERS, word or b"")
        assert isinstance(letter, DeadLetter)
        assert (letter.topic, letter.partition, letter.offset) == ("alerts.raw", 0, 5)
        assert (letter.stage, letter.reason, letter.rule_id) == ("clerk", "rejected", "77")
        assert letter.message == "this is no alert of ours"
        assert letter.title.startswith("api ")
        assert "hunter2" not in letter.title
        first.set_result(None)
        await asyncio.sleep(0.01)
        assert made.committable() == {}, "the word is not with the broker yet"
        second.set_result(None)
        await asyncio.sleep(0.01)
        assert made.committable() == {place: 6}


async def test_the_same_letter_buried_again_after_a_crash_is_one_word() -> None:
    names = []
    for _ in range(2):
        async with engine(topics.ALERTS_RAW) as (made, producer):
            made.take(Partition("alerts.raw", 0), [Fetched("alerts.raw", 5, b"\xff no record")])
            await until_sent(producer, 2)
            letter = CODEC.decode(topics.DEAD_LETTERS, producer.sent[1][1] or b"")
            names.append(letter.event_id)
    assert names[0] == names[1]


async def test_a_word_that_nobody_can_work_on_makes_no_other_word() -> None:
    async with engine(topics.DEAD_LETTERS) as (made, producer):
        made.take(Partition("dead.letters", 0), [Fetched("dead.letters", 0, CODEC.encode(LETTER))])
        await until_sent(producer, 1)
        await asyncio.sleep(0.01)
        assert [one[0] for one in producer.sent] == ["dead.letters.dlq"]


def test_whoever_works_on_the_houses_topics_makes_the_one_that_tells() -> None:
    stage: Stage[None] = Stage("clerk", ports=no_ports)
    stage.handlers.append(Handler(topics.ALERTS_RAW, (), refuse, "refuse", 5.0))
    assert topics.DEAD_LETTERS in topics_of([stage])
