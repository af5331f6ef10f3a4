"""`kfix store`: the relational store's tables."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Adds ``store migrate`` and ``store status``."""
    group = typer.Typer(help="The relational store.", no_args_is_help=True)
    group.command("migrate")(migrate)
    group.command("status")(status)
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
