"""Looking at dead letters and sending them on their way again."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

from kfix.engine.broker.administration import list_topics
from kfix.engine.broker.connection import Brokers
from kfix.engine.broker.reading import Stored, read
from kfix.engine.runtime import failure_headers
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.producer import Producer
from kfix.engine.topics import Topic
from kfix.engine.wire import Codec
from schemas import errors

_ID = re.compile(r"(?P<topic>[A-Za-z0-9._-]+):(?P<partition>\d+):(?P<offset>\d+)")


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Which dead letters are meant; empty fields do not narrow. ``id`` is ``topic:partition:offset`` in the dlq."""

    id: str = ""
    topic: str = ""
    incident: str = ""
    reason: str = ""

    def fits(self, letter: Stored) -> bool:
        """Whether a dead letter is meant."""
        return (
            (not self.id or self.id == letter_id(letter))
            and (not self.incident or self.incident == letter.text(hd.INCIDENT))
            and (not self.reason or self.reason == letter.text(hd.REASON))
        )


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one dead letter. ``refused`` says why it stays; empty: it is on its way."""

    letter: Stored
    refused: str = ""


def letter_id(letter: Stored) -> str:
    """The name of a dead letter: ``<topic>.dlq:partition:offset``."""
    return f"{letter.topic}:{letter.partition}:{letter.offset}"


async def find(
    brokers: Brokers, topics: Iterable[Topic[Any]], wish: DeadLetterFilter
) -> AsyncIterator[tuple[Topic[Any], Stored]]:
    """Dead letters that fit, with their topic. Raises errors.Rejected for a malformed id."""
    if wish.id and _ID.fullmatch(wish.id) is None:
        raise errors.Rejected(f"not topic:partition:offset: {wish.id!r}")
    by_dlq = {topic.dlq: topic for topic in topics if not wish.topic or topic.name == wish.topic}
    present = await list_topics(brokers)
    async for letter in read(brokers, [name for name in by_dlq if name in present]):
        if wish.fits(letter):
            yield by_dlq[letter.topic], letter


def way_back(topic: Topic[Any], letter: Stored) -> tuple[str, hd.Headers]:
    """Where a dead letter goes and with which headers. Pure but for the due time, which is now.

    One that a handler gave up goes to the retry topic, addressed to its stage: other readers of the topic do not see
    it twice. One that a door could not read goes to the topic itself.
    """
    stage = letter.text(hd.STAGE).partition("@")[0]
    inbound = {name: letter.text(name) for name in letter.headers}
    headers = failure_headers.revived_headers(inbound, stage=stage, due=time.time())
    if letter.text(hd.PARTITION) == "-1":
        kept = {name: value for name, value in headers.items() if name not in hd.OF_FAILURE}
        return topic.name, kept
    return topic.retry, headers


async def replay(
    brokers: Brokers,
    topics: Iterable[Topic[Any]],
    wish: DeadLetterFilter,
    *,
    codec: Codec,
    producer: Producer,
) -> AsyncIterator[Replayed]:
    """Sends the dead letters that fit on their way again, each once its bytes are a record of its topic.

    The letters stay where they are: a topic is not edited. Replaying twice is safe, effects have natural keys.
    """
    async for topic, letter in find(brokers, topics, wish):
        try:
            codec.decode(topic, letter.value, letter.headers)
        except errors.Undecodable as failure:
            yield Replayed(letter, f"still no record: {failure}")
            continue
        target, headers = way_back(topic, letter)
        await (await producer.send(target, letter.key, letter.value, hd.write(headers)))
        yield Replayed(letter)
