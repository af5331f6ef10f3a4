"""Opens the store. SQLite (WAL) by default, PostgreSQL (psycopg2) by URL; synchronous, so call it in a thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url


def open_engine(url: str) -> Engine:
    """An engine for ``url``. A SQLite file's folder is made; its connections wait up to 30 s for a lock.

    Raises sqlalchemy.exc.ArgumentError for an unreadable URL.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(
            parsed, pool_pre_ping=True, pool_size=5, connect_args={"connect_timeout": 10}
        )
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": 30.0})

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return engine


def open_store(url: str) -> Engine:
    """An engine whose store has this version's tables: missing ones are made, older ones are brought up to date.

    Raises errors.Unavailable when the database does not answer, errors.Permanent when it is newer than this version.
    """
    from sqlalchemy.exc import DBAPIError

    from kfix.infra.store.migrate import migrate
    from schemas import errors

    engine = open_engine(url)
    try:
        migrate(engine)
    except DBAPIError as failure:
        engine.dispose()
        raise errors.Unavailable(f"the store does not answer: {failure.orig}") from failure
    return engine
