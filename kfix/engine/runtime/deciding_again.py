"""Records of the past through handlers, in one world: each stage also reads what the one before gave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, cast

from kfix.engine.runtime.comparing import (
    Compared,
    because,
    compared,
    decision,
    environment_of,
    told_differences,
)
from kfix.engine.runtime.stage import Handler, Records, Stage
from kfix.engine.runtime.worlds import NotKept, Past
from kfix.engine.topics import Topic
from kfix.engine.wire import Codec
from schemas import errors
from schemas.base import Record

#: Opens a stage's ports in the world of one decision.
OpensPast = Callable[[Record], Past[Any]]
#: Takes what is decided now, with the topic and the event id of its cause.
Takes = Callable[[Topic[Any], Record, str], Awaitable[None]]


@dataclass(slots=True)
class Decisions:
    """What was decided then, by topic and the event id of its cause."""

    _found: dict[tuple[str, str], dict[str, list[Record]]] = field(default_factory=dict)

    def add(self, topic: str, cause: str, record: Record) -> None:
        """Keeps a record; one that came again, after a crash, beside the first."""
        same = self._found.setdefault((topic, cause), {})
        same.setdefault(record.event_id, []).append(record)

    def of(self, topic: str, cause: str, occurrence: int) -> list[Record] | None:
        """The results of a cause that was read for the ``occurrence``-th time (from 0); ``None`` when it was passed over then."""
        found = self._found.get((topic, cause), {})
        here = [copies[occurrence] for copies in found.values() if len(copies) > occurrence]
        return None if occurrence and not here else here


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What a handler gave, or why it did not."""

    records: Sequence[Record] = ()
    failed: str = ""
    not_as_then: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OneWorld:
    """Where decisions are made again: with ``ports`` (by stage) today's world is asked, with ``None`` that of then alone."""

    stages: Sequence[Stage[Any]]
    decisions: Decisions
    codec: Codec
    past: Mapping[str, OpensPast]
    ports: Mapping[str, Any] | None = None
    takes: Takes | None = None

    async def through(self, record: Record, occurrence: int = 0) -> list[Compared]:
        """The record through all stages that read its type, and their results through the next."""
        found: list[Compared] = []
        pending = [(record, record.event_id)]
        while pending:
            current, cause = pending.pop(0)
            for stage, handler in self._readers(current):
                made, results = await self._decided(stage, handler, current, cause, occurrence)
                found += made
                pending += results
        return found

    def _readers(self, record: Record) -> list[tuple[Stage[Any], Handler[Any]]]:
        return [
            (stage, handler)
            for stage in self.stages
            for handler in stage.handlers
            if handler.writes and handler.reads.model is type(record)
        ]

    async def _decided(
        self,
        stage: Stage[Any],
        handler: Handler[Any],
        record: Record,
        cause: str,
        occurrence: int,
    ) -> tuple[list[Compared], list[tuple[Record, str]]]:
        """What a handler decides now beside what it decided then, and what the next stages read, with its cause."""
        olds = {t.name: self.decisions.of(t.name, cause, occurrence) for t in handler.writes}
        old = next((one for found in olds.values() for one in found or ()), None)
        passed_over = occurrence > 0 and old is None
        untold = self.ports is None and (old is None or stage.name not in self.past)
        if passed_over or untold:
            return [], []
        incident = str(getattr(record, "incident_id", "") or "")
        ports: Any = None if self.ports is None else self.ports[stage.name]
        past: Past[Any] | None = None
        try:
            past = self._past(stage, old)
            ports = past.ports if past else ports
        except (NotKept, errors.Undecodable) as failure:
            if self.ports is None:
                return [
                    _of_then(stage, topic, cause, incident, one, skipped=str(failure))
                    for topic in handler.writes
                    for one in olds[topic.name] or ()
                ], []
        attempt = await self._attempt(handler, record, ports, past)
        if attempt.failed:
            return [
                replace(
                    _of_then(stage, topic, cause, incident, one, failed=attempt.failed),
                    not_as_then=attempt.not_as_then,
                )
                for topic in handler.writes
                for one in olds[topic.name] or (None,)
            ], []
        return await self._beside(stage, handler, (cause, incident), olds, attempt)

    def _past(self, stage: Stage[Any], old: Record | None) -> Past[Any] | None:
        opens = self.past.get(stage.name)
        return opens(old) if opens is not None and old is not None else None

    async def _attempt(
        self, handler: Handler[Any], record: Record, ports: Any, past: Past[Any] | None
    ) -> _Attempt:
        failed = ""
        records: list[Record] = []
        try:
            async with asyncio.timeout(handler.timeout_s):
                results = await handler.call(record, ports)
            records = self._as_read(handler, results)
        except errors.Unanswered as failure:
            records = self._as_read(handler, cast(Records, failure.otherwise))
        except Exception as failure:  # noqa: BLE001 - one record's failure is an answer, not the end
            failed = f"{type(failure).__name__}: {failure}"
        if past is None:
            return _Attempt(records, failed)
        not_as_then = told_differences(past.told.basis, past.basis)
        if past.told.never_asked:
            asked = "; ".join(dict.fromkeys(past.told.never_asked))
            return _Attempt((), f"in its world nobody asked: {asked}", not_as_then)
        return _Attempt(records, failed, not_as_then)

    def _as_read(self, handler: Handler[Any], results: Records) -> list[Record]:
        """Results as the next stage reads them."""
        given = [results] if isinstance(results, Record) else list(results or ())
        topics = {topic.model: topic for topic in handler.writes}
        return [
            self.codec.decode(topics[type(one)], self.codec.encode(one), self.codec.headers)
            for one in given
        ]

    async def _beside(
        self,
        stage: Stage[Any],
        handler: Handler[Any],
        about: tuple[str, str],
        olds: Mapping[str, Sequence[Record] | None],
        attempt: _Attempt,
    ) -> tuple[list[Compared], list[tuple[Record, str]]]:
        cause, incident = about
        found: list[Compared] = []
        read_next: list[tuple[Record, str]] = []
        for topic in handler.writes:
            fresh = [one for one in attempt.records if type(one) is topic.model]
            for old, new in _paired(olds[topic.name] or (), fresh):
                one = compared(
                    stage=stage.name,
                    topic=topic.name,
                    cause=cause,
                    incident=incident,
                    old=old,
                    new=new,
                )
                by_policy = bool(one.changed) and self.ports is None
                found.append(
                    replace(
                        one,
                        because=because(by_policy=by_policy, by_world=False),
                        not_as_then=attempt.not_as_then,
                    )
                )
                if new is not None:
                    read_next.append((new, (old or new).event_id))
                    if self.takes is not None:
                        await self.takes(topic, new, cause)
        return found, read_next


def _paired(
    olds: Sequence[Record], fresh: Sequence[Record]
) -> Iterable[tuple[Record | None, Record | None]]:
    return zip_longest(olds, fresh)


def _of_then(
    stage: Stage[Any],
    topic: Topic[Any],
    cause: str,
    incident: str,
    old: Record | None,
    *,
    failed: str = "",
    skipped: str = "",
) -> Compared:
    """What there is no decision of today for."""
    then = decision(old) if old is not None else None
    named = incident or str(getattr(old, "incident_id", "") or "")
    return Compared(
        stage.name,
        cause,
        named,
        topic.name,
        then,
        None,
        (),
        failed,
        skipped,
        environment_of(then),
    )
