"""Brings the store to this version's tables. Safe to call from every process at once: one does it, the others wait.

A store that is newer than this version is refused: its data may mean something that this version does not know.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text

from schemas import errors

#: Key of PostgreSQL's advisory lock; any number that nobody else uses.
_LOCK = 0x6B666978


def migrate(engine: Engine) -> str:
    """Runs what is missing. Returns the revision now in place. Raises errors.Permanent (``store_too_new``)."""
    from alembic import command

    with _alone(engine) as connection:
        config = _config(connection)
        _refuse_newer(config, connection)
        if connection.dialect.name == "sqlite":
            # The driver begins no transaction for CREATE TABLE by itself: killed half-way, half the tables would stay.
            connection.execute(text("BEGIN IMMEDIATE"))
        command.upgrade(config, "head")
        connection.commit()
        return revision(connection)


def status(engine: Engine) -> tuple[str, str]:
    """(revision in place, newest revision of this version); the first is empty for a store without tables."""
    with engine.connect() as connection:
        return revision(connection), _script(_config(connection)).get_current_head() or ""


def revision(connection: Connection) -> str:
    """The revision in place, empty when there is none."""
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision() or ""


def _refuse_newer(config: Any, connection: Connection) -> None:
    found = revision(connection)
    known = {script.revision for script in _script(config).walk_revisions()}
    if found and found not in known:
        raise errors.Permanent(
            f"the store is at revision {found}, which this version does not know: use a newer K-Fix",
            reason="store_too_new",
        )


def _script(config: Any) -> Any:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(config)


def _config(connection: Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option(
        "script_location", str(resources.files("kfix.infra.store") / "migrations")
    )
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A connection that no other process migrates beside."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            connection.commit()
            try:
                yield connection
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
                connection.commit()
        return
    file = engine.url.database
    if not file or file == ":memory:":
        with engine.connect() as connection:
            yield connection
        return
    with Path(f"{file}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with engine.connect() as connection:
            yield connection
