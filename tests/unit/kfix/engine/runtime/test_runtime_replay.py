"""Deciding again and reviving dead letters, on a stand-in for the broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.comparing import Compared
from kfix.engine.runtime.dead_letters import DeadLetterFilter, find, letter_id, replay
from kfix.engine.runtime.replay import Replay
from kfix.engine.runtime.stage import Handler, Stage
from kfix.engine.topics import Topic
from kfix.engine.wire import codec_for
from kfix.infra.settings import Kafka
from schemas import errors
from schemas.base import Record
from tests.support.broker import Cluster, brokers
from tests.unit.kfix.engine.runtime.test_runtime_doors import Producer

CODEC = codec_for(Kafka(_env_file=None))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Question(Record):
    number: int
    incident_id: str = ""


class Answer(Record):
    number: int


class Report(Record):
    number: int


QUESTIONS = Topic("unit.questions", Question, lambda record: str(record.number))
ANSWERS = Topic("unit.answers", Answer, lambda record: str(record.number))
REPORTS = Topic("unit.reports", Report, lambda record: str(record.number))


@asynccontextmanager
async def no_ports() -> AsyncIterator[None]:
    yield None


def stages(factor: int, failure: Exception | None = None) -> list[Stage[None]]:
    async def answer(record: Question, _: None) -> list[Answer]:
        if failure is not None:
            raise failure
        return [
            Answer(event_id=f"now-{n}", occurred_at=NOW, number=record.number * factor + n)
            for n in range(record.number)
        ]

    async def report(record: Answer, _: None) -> Report:
        return Report(event_id=f"r-{record.event_id}", occurred_at=NOW, number=record.number)

    first, second = Stage("first", ports=no_ports), Stage("second", ports=no_ports)
    first.handlers.append(Handler(QUESTIONS, (ANSWERS,), answer, "answer", 5.0))
    second.handlers.append(Handler(ANSWERS, (REPORTS,), report, "report", 5.0))
    return [first, second]


def put(cluster: Cluster, topic: str, record: Record | bytes, **headers: str) -> None:
    value = record if isinstance(record, bytes) else CODEC.encode(record)
    cluster.put(topic, 0, 1, value)
    last = next(reversed(cluster.records.values()))[-1]
    last.headers = tuple(hd.write({k.replace("_", "-"): v for k, v in headers.items()}))


def question(number: int) -> Question:
    return Question(event_id="q", occurred_at=NOW, number=number, incident_id="inc")


async def decided(
    cluster: Cluster, number: int, factor: int, failure: Exception | None = None
) -> tuple[list[Compared], Producer]:
    producer = Producer()
    async with AsyncExitStack() as stack:
        again = Replay(
            stages(factor, failure),
            brokers=brokers(),
            codec=CODEC,
            producer=producer,  # type: ignore[arg-type]
            world="now",
        )
        await again.open(stack)
        put(cluster, "unit.questions", question(number))
        (stored,) = [one async for one in _read(cluster)]
        return await again.run(QUESTIONS, stored), producer


async def _read(cluster: Cluster) -> AsyncIterator[Any]:
    from kfix.engine.broker.reading import read

    async for one in read(brokers(), ["unit.questions"]):
        yield one


def answered(cluster: Cluster, *numbers: int) -> None:
    cluster.topics |= {"unit.answers": 1, "unit.reports": 1}
    put(cluster, "unit.answers", b"{broken", kfix_cause="q")
    for n, number in enumerate(numbers):
        then = Answer(event_id=f"then-{n}", occurred_at=NOW, number=number)
        put(cluster, "unit.answers", then, kfix_cause="q")


@pytest.mark.parametrize(
    ("then", "number", "changed"),
    [((2, 3), 2, [(), ()]), ((2, 9), 2, [(), ("number",)]), ((1,), 1, [()])],
)
async def test_what_is_decided_now_is_laid_beside_what_was_decided_then(
    cluster: Cluster, then: tuple[int, ...], number: int, changed: list[tuple[str, ...]]
) -> None:
    answered(cluster, *then)
    found, producer = await decided(cluster, number, 1)
    first = [one for one in found if one.stage == "first"]
    assert [one.changed for one in first] == changed
    assert {(one.topic, one.cause, one.incident) for one in first} == {("unit.answers", "q", "inc")}
    assert [one.then and one.then["number"] for one in first] == list(then)
    # The second stage reads what the first gave now, and nothing of it was reported then.
    second = [one for one in found if one.stage == "second"]
    assert [(one.then, one.changed) for one in second] == [(None, (".",))] * number
    assert [topic for topic, *_ in producer.sent] == [
        *["shadow.unit.answers"] * number,
        *["shadow.unit.reports"] * number,
    ]
    assert {told[hd.CAUSE] for *_, told in producer.sent[:number]} == {"q"}
    assert [told[hd.EVENT_ID] for *_, told in producer.sent[:number]] == [
        f"now-{n}" for n in range(number)
    ]
    made = sorted(one.name for one in cluster.made if not isinstance(one, int))
    assert made == ["shadow.unit.answers", "shadow.unit.reports"]


async def test_an_answer_that_is_given_no_more_differs_and_goes_on_to_nobody(
    cluster: Cluster,
) -> None:
    answered(cluster, 1, 2)
    found, producer = await decided(cluster, 0, 1)
    assert [(one.stage, one.now, one.changed) for one in found] == [("first", None, (".",))] * 2
    assert producer.sent == []


async def test_a_handler_that_fails_now_is_told_with_its_reason(cluster: Cluster) -> None:
    answered(cluster, 1)
    found, _ = await decided(cluster, 1, 1, errors.Rejected("no"))
    (one,) = found
    assert (one.stage, one.topic, one.failed) == ("first", "unit.answers", "Rejected: no")
    assert (one.then, one.now, one.changed) == ({"number": 1}, None, ())


async def test_what_goes_on_unanswered_is_compared_like_an_answer(cluster: Cluster) -> None:
    answered(cluster, 4)
    instead = Answer(event_id="i", occurred_at=NOW, number=4)
    found, _ = await decided(cluster, 1, 1, errors.Unanswered("x", otherwise=instead, rounds=1))
    assert [one.changed for one in found if one.stage == "first"] == [()]


async def test_what_the_next_stage_says_now_is_laid_beside_what_it_said_of_the_answer_of_then(
    cluster: Cluster,
) -> None:
    answered(cluster, 3)
    for number, cause in ((3, "then-0"), (8, "another")):
        then = Report(event_id=f"r{number}", occurred_at=NOW, number=number)
        put(cluster, "unit.reports", then, kfix_cause=cause)
    found, _ = await decided(cluster, 1, 3)
    assert [(one.stage, one.cause, one.topic) for one in found] == [
        ("first", "q", "unit.answers"),
        ("second", "then-0", "unit.reports"),
    ]
    found_by_topic = {one.topic: one for one in found}
    assert found_by_topic["unit.answers"].changed == ()


async def test_a_record_of_the_past_that_cannot_be_read_is_told_and_asks_nobody(
    cluster: Cluster,
) -> None:
    producer = Producer()
    async with AsyncExitStack() as stack:
        again = Replay(
            stages(1),
            brokers=brokers(),
            codec=CODEC,
            producer=producer,  # type: ignore[arg-type]
            world="now",
        )
        cluster.topics |= {"unit.answers": 1, "unit.reports": 1}
        await again.open(stack)
        put(cluster, "unit.questions", b"{broken", kfix_event_id="e9")
        (stored,) = [one async for one in _read(cluster)]
        (told,) = await again.run(QUESTIONS, stored)
    assert (told.stage, told.cause, told.topic) == ("", "e9", "unit.questions")
    assert (told.then, told.now, told.changed) == (None, None, ())
    assert told.failed.startswith("no Question: ")
    assert producer.sent == []


# --- dead letters


def buried(cluster: Cluster) -> None:
    dead = {"kfix_stage": "first@1", "kfix_partition": "0", "kfix_reason": "rejected"}
    put(cluster, "unit.questions.dlq", question(1), kfix_incident="inc-1", **dead)
    put(cluster, "unit.questions.dlq", b"{broken", kfix_incident="inc-2", **dead)
    put(cluster, "unit.answers.dlq", Answer(event_id="a", occurred_at=NOW, number=1), **dead)


@pytest.mark.parametrize(
    ("wish", "letters"),
    [
        (
            DeadLetterFilter(),
            ["unit.questions.dlq:0:0", "unit.questions.dlq:0:1", "unit.answers.dlq:0:0"],
        ),
        (DeadLetterFilter(topic="unit.answers"), ["unit.answers.dlq:0:0"]),
        (DeadLetterFilter(incident="inc-2"), ["unit.questions.dlq:0:1"]),
        (DeadLetterFilter(id="unit.questions.dlq:0:0"), ["unit.questions.dlq:0:0"]),
        (DeadLetterFilter(topic="unit.reports"), []),
    ],
)
async def test_letters_are_found_in_the_topics_that_are_there(
    cluster: Cluster, wish: DeadLetterFilter, letters: list[str]
) -> None:
    buried(cluster)
    found = [one async for one in find(brokers(), [QUESTIONS, ANSWERS, REPORTS], wish)]
    assert [letter_id(letter) for _, letter in found] == letters
    assert all(letter.topic == topic.dlq for topic, letter in found)


async def test_a_letter_goes_on_its_way_once_it_can_be_read(cluster: Cluster) -> None:
    buried(cluster)
    producer = Producer()
    done = [
        (letter_id(one.letter), one.refused)
        async for one in replay(
            brokers(),
            [QUESTIONS, ANSWERS],
            DeadLetterFilter(),
            codec=CODEC,
            producer=producer,  # type: ignore[arg-type]
        )
    ]
    assert [bool(refused) for _, refused in done] == [False, True, False]
    assert done[1][1].startswith("still no record: ")
    assert [(topic, key) for topic, key, *_ in producer.sent] == [
        ("unit.questions.retry", b"k"),
        ("unit.answers.retry", b"k"),
    ]


@pytest.mark.parametrize("bad", ["x", "a:b:1", "a:1", "a:1:1:1", "a/b:1:1"])
async def test_a_malformed_name_of_a_letter_is_refused(cluster: Cluster, bad: str) -> None:
    with pytest.raises(errors.Rejected, match="topic:partition:offset"):
        _ = [one async for one in find(brokers(), [QUESTIONS], DeadLetterFilter(id=bad))]
