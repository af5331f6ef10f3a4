"""The projection on SQL (SQLite and PostgreSQL)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, func, or_, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError

from console.core.projection import kept
from console.core.story import IncidentStory, incident_of, summary_of, tell
from console.ports import Listed
from kfix.engine import topics
from kfix.infra.store.console_tables import incident_records
from schemas import errors
from schemas.base import Record
from schemas.dead_letters import DeadLetter

T = TypeVar("T")
_R = incident_records.c


class SqlProjection:
    """``console.ports.Projection`` on the relational store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
            insert = postgres_insert if connection.dialect.name == "postgresql" else sqlite_insert
            connection.execute(insert(incident_records).values(**values).on_conflict_do_nothing())
            connection.commit()

        await self._in_thread(write)

    async def listed(
        self, *, where: Mapping[str, str], limit: int, offset: int
    ) -> Sequence[Listed]:
        """The newest incidents that ``where`` asks for, ``limit`` from ``offset`` on. Raises errors.Unavailable."""

        def read(connection: Connection) -> Sequence[Listed]:
            return _facts(connection, _newest(connection, where, limit, offset))

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
        """All records of an incident; ``None`` for an unknown or empty id. Raises errors.Unavailable."""
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

    async def _in_thread(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._engine.connect() as connection:
                return work(connection)

        try:
            return await asyncio.to_thread(run)
        except DBAPIError as failure:
            raise errors.Unavailable(f"the console's store: {failure.orig}") from failure


def _aware(at: datetime) -> datetime:
    """SQLite forgets the zone; all times in the store are UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _newest(
    connection: Connection, where: Mapping[str, str], limit: int, offset: int
) -> Sequence[Any]:
    last = func.max(_R.occurred_at).label("last_at")
    query = (
        select(_R.incident_id, func.min(_R.occurred_at).label("first_at"), last)
        .where(_R.incident_id != "")
        .group_by(_R.incident_id)
        .order_by(last.desc(), _R.incident_id)
        .limit(limit)
        .offset(offset)
    )
    for name, wanted in where.items():
        query = query.where(_R.incident_id.in_(_with_fact(name, wanted)))
    return connection.execute(query).all()


def _with_fact(name: str, wanted: str) -> Select[tuple[str]]:
    """Incidents of which the newest record that says anything of the fact says this."""
    value = _R.summary[name].as_string()
    newest_first = func.row_number().over(
        partition_by=_R.incident_id, order_by=_R.occurred_at.desc()
    )
    said = (
        select(_R.incident_id, value.label("said"), newest_first.label("rank"))
        .where(_R.incident_id != "", value.is_not(None))
        .subquery()
    )
    return select(said.c.incident_id).where(said.c.rank == 1, said.c.said == wanted)


def _facts(connection: Connection, rows: Sequence[Any]) -> list[Listed]:
    names = [row.incident_id for row in rows]
    merged: dict[str, dict[str, Any]] = {name: {} for name in names}
    query = (
        select(_R.incident_id, _R.summary).where(_R.incident_id.in_(names)).order_by(_R.occurred_at)
    )
    for row in connection.execute(query):
        merged[row.incident_id] |= row.summary or {}
    return [
        Listed(row.incident_id, _aware(row.first_at), _aware(row.last_at), merged[row.incident_id])
        for row in rows
    ]
