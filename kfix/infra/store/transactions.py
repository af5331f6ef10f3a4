"""One transaction in a thread, the same for every stage's adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, text
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError

from schemas import errors

T = TypeVar("T")


async def transact(engine: Engine, work: Callable[[Connection], T], *, what: str) -> T:
    """Runs ``work`` and commits. Raises errors.Unavailable naming ``what`` when the database does not do it."""

    def run() -> T:
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                # Takes the write lock first: a read that turns into a write later can fail instead of wait.
                connection.execute(text("BEGIN IMMEDIATE"))
            result = work(connection)
            connection.commit()
            return result

    try:
        return await asyncio.to_thread(run)
    except DBAPIError as failure:
        raise errors.Unavailable(f"{what}: {failure.orig}") from failure


def insert_missing(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Inserts a row unless its key is there already; whether it did."""
    insert = postgres_insert if connection.dialect.name == "postgresql" else sqlite_insert
    made = connection.execute(insert(table).values(**values).on_conflict_do_nothing())
    return made.rowcount == 1


def aware(at: datetime) -> datetime:
    """A time out of the store: SQLite forgets the zone, and all times in the store are UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
