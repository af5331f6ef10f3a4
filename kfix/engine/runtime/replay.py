"""Re-deciding: records of the past through today's handlers, results into shadow topics, compared with those of then.

Nothing real is touched: results go to ``shadow.<topic>``, the groups' offsets stay. In the world of ``then`` a stage's
ports tell what was noted with each decision and nobody is asked; in the world of ``now`` the caller opens the ports in
observe mode on a store of their own, and each decision is made in both worlds, so that what the world changed is told
apart from what rules and policy change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Literal

from kfix.engine.broker.administration import WantedTopic, create_topics
from kfix.engine.broker.connection import Brokers
from kfix.engine.broker.reading import Stored, read
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.comparing import Compared, told_apart
from kfix.engine.runtime.deciding_again import Decisions, OneWorld, OpensPast
from kfix.engine.runtime.producer import Producer
from kfix.engine.runtime.stage import Stage
from kfix.engine.topics import Topic
from kfix.engine.wire import Codec
from kfix.infra.settings import Retention, load
from schemas import errors
from schemas.base import Record

SHADOW = "shadow."
#: The world as it was told then, or as it answers now.
Which = Literal["then", "now"]


class Replay:
    """Runs records through the handlers of some stages, each stage also reading what the one before gave now."""

    def __init__(
        self,
        stages: Sequence[Stage[Any]],
        *,
        brokers: Brokers,
        codec: Codec,
        producer: Producer,
        world: Which = "then",
    ) -> None:
        self._stages = stages
        self._brokers = brokers
        self._codec = codec
        self._producer = producer
        self._which = world
        self._decisions = Decisions()
        self._then = self._world({})
        self._now: OneWorld | None = None
        self._read: Counter[tuple[str, str]] = Counter()

    async def open(self, stack: AsyncExitStack) -> None:
        """Opens what the stages need and makes the shadow topics.

        Raises errors.Rejected for a stage that keeps no world, when the one of then is wanted.
        """
        mute = [stage.name for stage in self._stages if stage.past is None]
        if mute and self._which == "then":
            raise errors.Rejected(
                f"{', '.join(mute)}: no world is kept with its decisions; --world now asks today's"
            )
        if self._which == "now":
            await self._ask_today(stack)
        opened = {s.name: s.past(None) for s in self._stages if s.past is not None}
        self._then = self._world(opened, takes=self._which == "then")
        written = {topic.name for s in self._stages for h in s.handlers for topic in h.writes}
        shadows = [WantedTopic(SHADOW + name, 1) for name in sorted(written)]
        await create_topics(self._brokers, shadows, load(Retention))
        await self._remember(written)

    async def _ask_today(self, stack: AsyncExitStack) -> None:
        ports = {s.name: await stack.enter_async_context(s.ports()) for s in self._stages}
        past = {s.name: s.past(ports[s.name]) for s in self._stages if s.past is not None}
        self._now = self._world(past, ports, takes=True)

    def _world(
        self,
        past: dict[str, OpensPast],
        ports: dict[str, Any] | None = None,
        *,
        takes: bool = False,
    ) -> OneWorld:
        shadow = self._shadow if takes else None
        return OneWorld(self._stages, self._decisions, self._codec, past, ports, shadow)

    async def _remember(self, written: set[str]) -> None:
        """Reads what was decided then."""
        by_name = {
            topic.name: topic for s in self._stages for h in s.handlers for topic in h.writes
        }
        async for stored in read(self._brokers, sorted(written)):
            try:
                record = self._codec.decode(by_name[stored.topic], stored.value, stored.headers)
            except errors.Undecodable:
                continue
            self._decisions.add(stored.topic, stored.text(hd.CAUSE), record)

    async def run(self, topic: Topic[Any], stored: Stored) -> list[Compared]:
        """One record of the past through all stages that read its topic, and their results through the next.

        A record that came twice, and was passed over then the second time, is passed over now.
        """
        try:
            record = self._codec.decode(topic, stored.value, stored.headers)
        except errors.Undecodable as failure:
            cause = stored.text(hd.EVENT_ID)
            return [Compared("", cause, "", topic.name, None, None, (), str(failure))]
        occurrence = self._read[topic.name, record.event_id]
        self._read[topic.name, record.event_id] += 1
        then = await self._then.through(record, occurrence)
        if self._now is None:
            return then
        return told_apart(then, await self._now.through(record, occurrence))

    async def _shadow(self, topic: Topic[Any], record: Record, cause: str) -> None:
        wire = hd.write({hd.CAUSE: cause, hd.EVENT_ID: record.event_id})
        wire += list(self._codec.headers.items())
        key = topic.key(record).encode()
        await (
            await self._producer.send(SHADOW + topic.name, key, self._codec.encode(record), wire)
        )
