"""The projection on SQL (SQLite and PostgreSQL)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, exists, func, or_, select, update
from sqlalchemy.exc import DBAPIError

from console.adapters import trust
from console.core.listing import KeptSummary, line_of
from console.core.projection import kept
from console.core.story import IncidentStory, incident_of, summary_of, tell
from console.ports import Listed
from kfix.engine import topics
from kfix.incident.trust.figures import ModelPrice, TrustFigures
from kfix.infra.store.console_tables import incident_lines, incident_records
from kfix.infra.store.transactions import aware, insert_missing, transact
from schemas import errors
from schemas.base import Record
from schemas.dead_letters import DeadLetter
from schemas.identity import attempt_of

T = TypeVar("T")
_R = incident_records.c
_L = incident_lines.c
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
#: Lines that one transaction draws.
_AT_ONCE = 200


class SqlProjection:
    """``console.ports.Projection`` on the relational store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        #: The last incident that ``fill_trust`` looked at; ``None``: it has seen all that were there.
        self._filled_to: str | None = ""

    async def keep(self, topic: str, record: Record) -> None:
        """Inserted once for topic and event. Raises errors.Unavailable."""
        values = {
            "topic": topic,
            "event_id": record.event_id,
            "incident_id": incident_of(record),
            "trace_id": record.trace_id or record.event_id,
            "occurred_at": record.occurred_at,
            "stored_at": datetime.now(UTC),
            "summary": summary_of(record),
            "payload": kept(record).model_dump_json(),
        }

        def write(connection: Connection) -> None:
            stored = insert_missing(connection, incident_records, values)
            if stored and values["incident_id"]:
                _draw(connection, str(values["incident_id"]))
                trust.keep(connection, record)

        await self._transact(write)

    async def catch_up(self) -> int:
        """Draws the lines of incidents that have none, as after an update; how many. Raises errors.Unavailable."""

        def draw(after: str, connection: Connection) -> Sequence[str]:
            known = exists().where(_L.incident_id == _R.incident_id)
            query = select(_R.incident_id).where(_R.incident_id > after, ~known).distinct()
            query = query.order_by(_R.incident_id).limit(_AT_ONCE)
            found = connection.execute(query).scalars().all()
            for incident_id in found:
                _draw(connection, incident_id)
            return found

        drawn, after = 0, ""
        while found := await self._transact(partial(draw, after)):
            drawn, after = drawn + len(found), found[-1]
        return drawn

    async def listed(
        self, *, where: Mapping[str, str], limit: int, offset: int
    ) -> Sequence[Listed]:
        """The newest incidents that ``where`` asks for, ``limit`` from ``offset`` on. Raises errors.Unavailable."""
        query = select(incident_lines).order_by(_L.last_at.desc(), _L.incident_id)
        for name, wanted in where.items():
            query = query.where(_fact(name) == wanted)

        def read(connection: Connection) -> Sequence[Listed]:
            return [
                Listed(row.incident_id, aware(row.first_at), aware(row.last_at), row.facts)
                for row in connection.execute(query.limit(limit).offset(offset))
            ]

        return await self._in_thread(read)

    async def by_state(self) -> Mapping[str, int]:
        """How many incidents are in each state. Raises errors.Unavailable."""
        query = select(_L.state, func.count()).group_by(_L.state)

        def read(connection: Connection) -> dict[str, int]:
            return {str(row[0]): int(row[1]) for row in connection.execute(query)}

        return await self._in_thread(read)

    async def letters(self, *, limit: int, offset: int) -> Sequence[DeadLetter]:
        """Word of dead letters, newest first. Raises errors.Unavailable."""
        query = (
            select(_R.payload)
            .where(_R.topic == topics.DEAD_LETTERS.name)
            .order_by(_R.occurred_at.desc(), _R.event_id)
            .limit(limit)
            .offset(offset)
        )

        def read(connection: Connection) -> list[DeadLetter]:
            return [
                DeadLetter.model_validate_json(row.payload) for row in connection.execute(query)
            ]

        return await self._in_thread(read)

    async def story(self, incident_id: str) -> IncidentStory | None:
        """All records of an incident, whichever attempt at it the id names; ``None`` for an unknown or empty id.

        Raises errors.Unavailable.
        """
        incident_id = attempt_of(incident_id).incident_id
        if not incident_id:
            return None

        def read(connection: Connection) -> list[tuple[str, str]]:
            own = select(_R.trace_id).where(_R.incident_id == incident_id).distinct()
            traces = [row.trace_id for row in connection.execute(own)]
            if not traces:
                return []
            wanted = or_(
                _R.incident_id == incident_id,
                (_R.incident_id == "") & _R.trace_id.in_(traces[-200:]),
            )
            query = select(_R.topic, _R.payload).where(wanted).order_by(_R.occurred_at).limit(2000)
            return [(row.topic, row.payload) for row in connection.execute(query)]

        rows = await self._in_thread(read)
        if not rows:
            return None
        records = [
            topics.BY_NAME[topic].model.model_validate_json(payload) for topic, payload in rows
        ]
        return tell(incident_id, records)

    async def trust(
        self, prices: Mapping[str, ModelPrice], *, since: datetime | None, until: datetime
    ) -> TrustFigures:
        """The figures of the attempts whose alerts happened then. Raises errors.Unavailable."""

        def read(connection: Connection) -> TrustFigures:
            return trust.figures(connection, prices, since=since, until=until)

        return await self._in_thread(read)

    async def fill_trust(self, most: int) -> bool:
        """Counts up to ``most`` incidents of which nothing was counted when they came; whether there may be more. Raises errors.Unavailable."""
        after = self._filled_to
        if after is None:
            return False
        self._filled_to = await self._transact(
            lambda connection: trust.fill(connection, after, most)
        )
        return self._filled_to is not None

    async def _transact(self, work: Callable[[Connection], T]) -> T:
        return await transact(self._engine, work, what="the console's store")

    async def _in_thread(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._engine.connect() as connection:
                return work(connection)

        try:
            return await asyncio.to_thread(run)
        except DBAPIError as failure:
            raise errors.Unavailable(f"the console's store: {failure.orig}") from failure


def _fact(name: str) -> ColumnElement[Any]:
    """What a line says under a name of a fact."""
    return _L.state if name == "state" else _L.facts[name].as_string()


def _draw(connection: Connection, incident_id: str) -> None:
    """Makes an incident's line anew. Under its lock, so that of two records that come at once neither is forgotten."""
    nothing = {"state": "investigating", "first_at": _NEVER, "last_at": _NEVER, "facts": {}}
    insert_missing(connection, incident_lines, {"incident_id": incident_id, **nothing})
    mine = _L.incident_id == incident_id
    connection.execute(select(_L.incident_id).where(mine).with_for_update())
    query = select(_R.occurred_at, _R.summary).where(_R.incident_id == incident_id)
    kept = [
        KeptSummary(aware(row.occurred_at), row.summary or {}) for row in connection.execute(query)
    ]
    line = line_of(incident_id, kept)
    values = {
        "state": line.state,
        "since": line.since,
        "first_at": line.first_at,
        "last_at": line.last_at,
        "facts": dict(line.facts),
    }
    connection.execute(update(incident_lines).where(mine).values(**values))
