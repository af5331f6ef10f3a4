"""`kfix store`: the relational store's tables."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kfix.cli.terminal import tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from kfix.infra.settings import Retention
    from kfix.infra.store.sweeping import Swept


def register(app: typer.Typer) -> None:
    """Adds ``store migrate``, ``status``, ``sweep``, ``backup`` and ``restore``."""
    group = typer.Typer(help="The relational store.", no_args_is_help=True)
    group.command("migrate")(migrate)
    group.command("status")(status)
    group.command("sweep")(sweep)
    group.command("backup")(backup)
    group.command("restore")(restore)
    app.add_typer(group, name="store")


def migrate() -> None:
    """Brings the store (KFIX_DATABASE_URL) to this version's tables. Stages do this by themselves at start."""
    from kfix.infra.settings import AppSettings, load
    from kfix.infra.store.engine import open_store
    from kfix.infra.store.migrate import status as status_of
    from schemas import errors

    try:
        engine = open_store(load(AppSettings).database_url.get_secret_value())
    except errors.KFixError as failure:
        typer.echo(f"kfix: {failure}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"revision {status_of(engine)[0]}")
    engine.dispose()


def status() -> None:
    """Prints the revision in place and this version's; exit 1 when they differ."""
    from sqlalchemy.exc import DBAPIError

    from kfix.infra.settings import AppSettings, load
    from kfix.infra.store.engine import open_engine
    from kfix.infra.store.migrate import status as status_of

    engine = open_engine(load(AppSettings).database_url.get_secret_value())
    try:
        found, newest = status_of(engine)
    except DBAPIError as failure:
        typer.echo(f"kfix: the store does not answer: {failure.orig}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"in place: {found or 'nothing'}; this version: {newest}")
    raise typer.Exit(0 if found == newest else 1)


def sweep(
    act: Annotated[bool, typer.Option("--yes", help="delete; without it rows are counted")] = False,
) -> None:
    """Deletes rows that are older than KFIX_RETENTION_… says, and vectors of a memory elsewhere. The stage learn does the
    store's by itself.

    Without --yes it prints how many rows of each table would go. Exit 1 when the store or the memory does not answer, 3
    while another process sweeps.
    """
    from kfix.infra.settings import Retention, load
    from schemas import errors

    retention = load(Retention)
    try:
        with _opened() as engine:
            done = asyncio.run(_swept(engine, retention, act=act))
    except errors.KFixError as failure:
        tell(f"kfix: {failure}", err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if done else 3)


def backup(
    file: Annotated[Path, typer.Argument(help="where to; an older file is replaced")],
) -> None:
    """Copies a SQLite store (KFIX_DATABASE_URL) as it is now, while stages work. For PostgreSQL use pg_dump."""
    from kfix.infra.store.backup import back_up

    _copied(lambda url: back_up(url, file))


def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="a backup")],
) -> None:
    """Puts a backup of a SQLite store in its place, where no store is. Stop all stages first.

    What happened after the backup comes again from the topics: see docs/operations.md, "Backup".
    """
    from kfix.infra.store.backup import restore as put_back

    _copied(lambda url: tell(f"revision {put_back(url, file)}"))


def _copied(work: Callable[[str], None]) -> None:
    """A failure is told: exit 1, or 3 where the copy is refused."""
    from kfix.infra.settings import AppSettings, load
    from schemas import errors

    try:
        work(load(AppSettings).database_url.get_secret_value())
    except errors.KFixError as failure:
        tell(f"kfix: {failure}", err=True)
        raise typer.Exit(3 if isinstance(failure, errors.Rejected) else 1) from None


async def _swept(engine: Engine, retention: Retention, *, act: bool) -> bool:
    from datetime import UTC, datetime, timedelta

    from kfix.infra.memory.opening import open_memory
    from kfix.infra.memory.sweeping import old_vectors
    from kfix.infra.store.sweeping import Sweeper

    sweeper = Sweeper(engine, retention)
    due = await sweeper.due()
    before = datetime.now(UTC) - timedelta(days=retention.memory_days)
    if not act:
        for table, rows in due.items():
            tell(f"{table}\t{rows}")
    else:
        with _bars(due) as advance:
            done = await sweeper.sweep(advance)
        if done is None:
            tell("kfix: another process sweeps the store", err=True)
            return False
        for one in done:
            tell(f"{one.table}\t{one.rows}\t{'more is left' if one.more else 'done'}")
    async with open_memory(engine) as memory:
        vectors = await old_vectors(memory.index, before, forget=act)
    tell(f"vectors\t{vectors}")
    if not act:
        tell("nothing was deleted: --yes deletes", err=True)
    return True


@contextmanager
def _opened() -> Iterator[Engine]:
    from kfix.infra.settings import AppSettings, load
    from kfix.infra.store.engine import open_store

    engine = open_store(load(AppSettings).database_url.get_secret_value())
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _bars(due: dict[str, int]) -> Iterator[Callable[[Swept], None]]:
    """A bar over all rows that are due, on the error stream where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("rows", total=sum(due.values()))
        seen: dict[str, int] = {}

        def advance(swept: Swept) -> None:
            seen[swept.table] = swept.rows
            bar.update(task, completed=sum(seen.values()), description=swept.table)

        yield advance
