"""Records of the past through handlers, in one world: each stage also reads what the one before gave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
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

    def of(self, topic: str, cause: str, occurrence: int) -> list[Record]:
        """The results of a cause that was read for the ``occurrence``-th time, from 0; none when it was passed over then."""
        found = self._found.get((topic, cause), {})
        return [copies[occurrence] for copies in found.values() if len(copies) > occurrence]


@dataclass(frozen=True, slots=True)
class _Case:
    """One record before one handler, and what was decided about it then, by topic."""

    stage: Stage[Any]
    handler: Handler[Any]
    record: Record
    #: Event id of what was read then.
    cause: str
    olds: Mapping[str, Sequence[Record]]

    @property
    def old(self) -> Record | None:
        """The decision of then whose world is told."""
        return next((one for found in self.olds.values() for one in found), None)

    def untold(
        self, topic: Topic[Any], old: Record | None, *, failed: str = "", skipped: str = ""
    ) -> Compared:
        """What there is no decision of today for."""
        then = None if old is None else decision(old)
        return Compared(
            self.stage.name,
            self.cause,
            self.incident_of(old),
            topic.name,
            then,
            None,
            (),
            failed,
            skipped,
            environment_of(then),
        )

    def incident_of(self, decided: Record | None) -> str:
        """The incident that the record names, else its decision."""
        named = getattr(self.record, "incident_id", "") or getattr(decided, "incident_id", "")
        return str(named or "")


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What a handler gave, and why that is no decision."""

    records: Sequence[Record] = ()
    failed: str = ""
    not_as_then: tuple[str, ...] = ()

    def beside(self, case: _Case) -> list[tuple[Topic[Any], Record | None, Record | None]]:
        """Each result beside that of then; one gap for a topic without any."""
        return [
            (topic, old, new)
            for topic in case.handler.writes
            for old, new in zip_longest(
                case.olds[topic.name], [r for r in self.records if type(r) is topic.model]
            )
        ]


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
            for case in self._cases(current, cause, occurrence):
                made, results = await self._decided(case)
                found += made
                pending += results
        return found

    def _cases(self, record: Record, cause: str, occurrence: int) -> Iterator[_Case]:
        """What can be decided again: not what was passed over, and in the world of then only what was decided in it."""
        for stage in self.stages:
            for handler in stage.handlers:
                if not handler.writes or handler.reads.model is not type(record):
                    continue
                olds = {
                    t.name: self.decisions.of(t.name, cause, occurrence) for t in handler.writes
                }
                case = _Case(stage, handler, record, cause, olds)
                asked = self.ports is not None and not occurrence
                if asked or (case.old is not None and (self.ports or stage.name in self.past)):
                    yield case

    async def _decided(self, case: _Case) -> tuple[list[Compared], list[tuple[Record, str]]]:
        """What a handler decides now beside what it decided then, and what the next stages read, with its cause."""
        try:
            past = self._past(case)
        except (NotKept, errors.Undecodable) as failure:
            if self.ports is None:
                return [
                    case.untold(topic, old, skipped=str(failure))
                    for topic in case.handler.writes
                    for old in case.olds[topic.name]
                ], []
            past = None
        attempt = await self._attempt(case, past)
        if not attempt.failed:
            return await self._compared(case, attempt)
        told = attempt.beside(case) or [(topic, None, None) for topic in case.handler.writes]
        return [
            replace(
                case.untold(topic, old, failed=attempt.failed),
                now=None if new is None else decision(new),
                not_as_then=attempt.not_as_then,
            )
            for topic, old, new in told
        ], []

    def _past(self, case: _Case) -> Past[Any] | None:
        opens, old = self.past.get(case.stage.name), case.old
        return opens(old) if opens is not None and old is not None else None

    async def _attempt(self, case: _Case, past: Past[Any] | None) -> _Attempt:
        failed = ""
        ports = past.ports if past is not None else (self.ports or {})[case.stage.name]
        records: list[Record] = []
        try:
            async with asyncio.timeout(case.handler.timeout_s):
                results = await case.handler.call(case.record, ports)
            records = self._as_read(case.handler, results)
        except errors.Unanswered as failure:
            records = self._as_read(case.handler, cast(Records, failure.otherwise))
        except Exception as failure:  # noqa: BLE001 - one record's failure is an answer, not the end
            failed = f"{type(failure).__name__}: {failure}"
        if past is None:
            return _Attempt(records, failed)
        not_as_then = told_differences(past.told.basis, past.basis)
        if past.told.never_asked:
            asked = "; ".join(dict.fromkeys(past.told.never_asked))
            return _Attempt(records, f"in its world nobody asked: {asked}", not_as_then)
        return _Attempt(records, failed, not_as_then)

    def _as_read(self, handler: Handler[Any], results: Records) -> list[Record]:
        """Results as the next stage reads them."""
        given = [results] if isinstance(results, Record) else list(results or ())
        topics = {topic.model: topic for topic in handler.writes}
        return [
            self.codec.decode(topics[type(one)], self.codec.encode(one), self.codec.headers)
            for one in given
        ]

    async def _compared(
        self, case: _Case, attempt: _Attempt
    ) -> tuple[list[Compared], list[tuple[Record, str]]]:
        found: list[Compared] = []
        read_next: list[tuple[Record, str]] = []
        for topic, old, new in attempt.beside(case):
            one = compared(
                stage=case.stage.name,
                topic=topic.name,
                cause=case.cause,
                incident=case.incident_of(new or old),
                old=old,
                new=new,
            )
            by_policy = bool(one.changed) and self.ports is None
            told = because(by_policy=by_policy, by_world=False)
            found.append(replace(one, because=told, not_as_then=attempt.not_as_then))
            if new is None:
                continue
            read_next.append((new, (old or new).event_id))
            if self.takes is not None:
                await self.takes(topic, new, case.cause)
        return found, read_next
