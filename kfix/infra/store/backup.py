"""A copy of a SQLite store while stages work on it, and back. PostgreSQL has ``pg_dump`` (docs/operations.md)."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from kfix.infra.store.engine import open_engine
from kfix.infra.store.migrate import status
from schemas import errors

#: Pages that are copied while nobody else writes; then others have their turn.
_PAGES = 1000


def file_of(url: str) -> Path:
    """The file of a SQLite store. Raises errors.Rejected for another database."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise errors.Rejected(
            "this copies SQLite's file alone: use pg_dump and pg_restore for PostgreSQL",
            reason="not_sqlite",
        )
    return Path(str(parsed.database))


def back_up(url: str, to: Path) -> None:
    """A whole and consistent copy of the store as it is now, readable by its owner. Stages may go on working.

    The file appears when it is whole. Raises errors.Rejected for another database, errors.NotFound without a store,
    errors.Unavailable when SQLite refuses.
    """
    source = file_of(url)
    if not source.is_file():
        raise errors.NotFound(f"there is no store at {source}")
    partial = to.with_name(f"{to.name}.partial")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with (
            closing(sqlite3.connect(source, timeout=30)) as here,
            closing(sqlite3.connect(partial)) as there,
        ):
            here.backup(there, pages=_PAGES)
            there.execute("PRAGMA journal_mode=DELETE")
            _whole(there, partial)
        partial.replace(to)
    except (sqlite3.Error, OSError) as failure:
        partial.unlink(missing_ok=True)
        raise errors.Unavailable(f"the copy was not made: {failure}") from failure


def restore(url: str, backup: Path) -> str:
    """Puts a copy in the place of a store that is not there; its revision. Stages must not run.

    Raises errors.Rejected for another database, where a store is there already, and for what is no store of this
    version or an older one; errors.Unavailable when the file cannot be read.
    """
    target = file_of(url)
    there = [
        f.name
        for f in (target, *(target.with_name(target.name + s) for s in ("-wal", "-shm")))
        if f.exists()
    ]
    if there:
        raise errors.Rejected(
            f"there is a store already ({', '.join(there)}): stop all stages and move it away",
            reason="store_there",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        partial.write_bytes(backup.read_bytes())
        with closing(sqlite3.connect(partial)) as copied:
            _whole(copied, backup)
        revision = _known(partial)
        partial.replace(target)
    except (sqlite3.Error, OSError) as failure:
        raise errors.Unavailable(f"the copy was not read: {failure}") from failure
    finally:
        for left in partial.parent.glob(f"{partial.name}*"):
            left.unlink(missing_ok=True)
    return revision


def _whole(connection: sqlite3.Connection, file: Path) -> None:
    (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if said != "ok":
        raise errors.Rejected(f"{file} is damaged: {said}", reason="damaged")


def _known(file: Path) -> str:
    engine = open_engine(f"sqlite:///{file}")
    try:
        found, _ = status(engine)
    finally:
        engine.dispose()
    if not found:
        raise errors.Rejected("this is no store of K-Fix", reason="no_store")
    return found
