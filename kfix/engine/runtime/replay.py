"""Re-deciding: records of the past through today's handlers, results into shadow topics, compared with those of then.

Nothing real is touched: results go to ``shadow.<topic>``, the groups' offsets stay, and the caller opens the ports of
the stages in observe mode on a store of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, cast

from kfix.engine.broker.administration import WantedTopic, create_topics
from kfix.engine.broker.connection import Brokers
from kfix.engine.broker.reading import Stored, read
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.producer import Producer
from kfix.engine.runtime.stage import Handler, Records, Stage
from kfix.engine.topics import BY_MODEL, Topic
from kfix.engine.wire import Codec
from schemas import errors
from schemas.base import Record

SHADOW = "shadow."
#: Fields that differ from run to run without a decision differing.
_VOLATILE = frozenset(
    {
        "event_id",
        "trace_id",
        "occurred_at",
        "schema_version",
        "elapsed_ms",
        "role",
        "policy_version",
    }
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One record's results then and now. ``changed`` names the paths that differ; empty: the same decision."""

    stage: str
    cause: str
    incident: str
    topic: str
    then: dict[str, Any] | None
    now: dict[str, Any] | None
    changed: tuple[str, ...]
    failed: str = ""


def decision(record: Record) -> dict[str, Any]:
    """What a record decides: its content without identities of the run, times and durations."""
    cleaned = _without_volatile(record.model_dump(mode="json"))
    assert isinstance(cleaned, dict)
    return cleaned


def _without_volatile(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_volatile(v) for k, v in value.items() if k not in _VOLATILE}
    if isinstance(value, list):
        return [_without_volatile(item) for item in value]
    return value


def differences(then: Any, now: Any, path: str = "") -> list[str]:
    """Paths at which two JSON values differ, the shortest that say it."""
    if isinstance(then, dict) and isinstance(now, dict):
        found = []
        for key in sorted(then.keys() | now.keys()):
            found += differences(then.get(key), now.get(key), f"{path}.{key}" if path else key)
        return found
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = enumerate(zip(then, now, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{path}[{i}]")]
    return [] if then == now else [path or "."]


class Replay:
    """Runs records through the handlers of some stages, each stage also reading what the one before gave now."""

    def __init__(
        self, stages: Sequence[Stage[Any]], *, brokers: Brokers, codec: Codec, producer: Producer
    ) -> None:
        self._stages = stages
        self._brokers = brokers
        self._codec = codec
        self._producer = producer
        self._ports: dict[str, Any] = {}
        self._then: dict[tuple[str, str], list[Record]] = {}

    async def open(self, stack: AsyncExitStack) -> None:
        """Opens the stages' ports and makes the shadow topics."""
        written = {topic.name for s in self._stages for h in s.handlers for topic in h.writes}
        await create_topics(
            self._brokers, [WantedTopic(SHADOW + name, 1) for name in sorted(written)]
        )
        for stage in self._stages:
            self._ports[stage.name] = await stack.enter_async_context(stage.ports())
        await self._remember(written)

    async def _remember(self, written: set[str]) -> None:
        """Reads what was decided then, by the event id of its cause."""
        by_name = {
            topic.name: topic for s in self._stages for h in s.handlers for topic in h.writes
        }
        async for stored in read(self._brokers, sorted(written)):
            try:
                record = self._codec.decode(by_name[stored.topic], stored.value, stored.headers)
            except errors.Undecodable:
                continue
            self._then.setdefault((stored.topic, stored.text(hd.CAUSE)), []).append(record)

    async def run(self, topic: Topic[Any], stored: Stored) -> AsyncIterator[Compared]:
        """One record of the past through all stages that read its topic, and their results through the next."""
        try:
            record = self._codec.decode(topic, stored.value, stored.headers)
        except errors.Undecodable as failure:
            yield Compared(
                "", stored.text(hd.EVENT_ID), "", topic.name, None, None, (), str(failure)
            )
            return
        pending = [(record, record.event_id)]
        while pending:
            current, cause = pending.pop(0)
            for stage, handler in self._readers(current):
                async for compared, result in self._one(stage, handler, current, cause):
                    yield compared
                    if result is not None:
                        pending.append((result, compared_cause(self._then, result, cause)))

    def _readers(self, record: Record) -> list[tuple[Stage[Any], Handler[Any]]]:
        return [
            (stage, handler)
            for stage in self._stages
            for handler in stage.handlers
            if handler.reads.model is type(record)
        ]

    async def _one(
        self, stage: Stage[Any], handler: Handler[Any], record: Record, cause: str
    ) -> AsyncIterator[tuple[Compared, Record | None]]:
        incident = str(getattr(record, "incident_id", "") or "")
        try:
            async with asyncio.timeout(handler.timeout_s):
                results = await handler.call(record, self._ports[stage.name])
        except errors.Unanswered as failure:
            results = cast(Records, failure.otherwise)
        except Exception as failure:  # noqa: BLE001 - one record's failure is an answer, not the end
            reason = f"{type(failure).__name__}: {failure}"
            for topic in handler.writes:
                yield (
                    Compared(stage.name, cause, incident, topic.name, None, None, (), reason),
                    None,
                )
            return
        now = [results] if isinstance(results, Record) else list(results or ())
        for topic in handler.writes:
            fresh = [result for result in now if type(result) is topic.model]
            then = self._then.get((topic.name, cause), [])
            for index in range(max(len(fresh), len(then))):
                new = fresh[index] if index < len(fresh) else None
                old = then[index] if index < len(then) else None
                if new is not None:
                    await self._shadow(topic, new, cause)
                yield (
                    _compared(
                        stage=stage.name,
                        topic=topic.name,
                        cause=cause,
                        incident=incident,
                        old=old,
                        new=new,
                    ),
                    new,
                )

    async def _shadow(self, topic: Topic[Any], record: Record, cause: str) -> None:
        wire = hd.write({hd.CAUSE: cause, hd.EVENT_ID: record.event_id})
        wire += list(self._codec.headers.items())
        key = topic.key(record).encode()
        await (
            await self._producer.send(SHADOW + topic.name, key, self._codec.encode(record), wire)
        )


def compared_cause(
    then: Mapping[tuple[str, str], Sequence[Record]], result: Record, cause: str
) -> str:
    """The event id under which the next stage's results of then are found: that of the old result, if there was one."""
    topic = BY_MODEL.get(type(result))
    olds = then.get((topic.name, cause), ()) if topic is not None else ()
    return olds[0].event_id if olds else result.event_id


def _compared(
    *, stage: str, topic: str, cause: str, incident: str, old: Record | None, new: Record | None
) -> Compared:
    then = decision(old) if old is not None else None
    now = decision(new) if new is not None else None
    named = incident or str(getattr(new or old, "incident_id", "") or "")
    return Compared(stage, cause, named, topic, then, now, tuple(differences(then, now)))
