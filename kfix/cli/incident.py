"""`kfix incident`: incidents as the console's projection has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kfix.cli.terminal import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from console.ports import Listed


def register(app: typer.Typer) -> None:
    """Adds ``incident list`` and ``incident show``."""
    group = typer.Typer(help="Incidents, read from the store.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("show")(show)
    app.add_typer(group, name="incident")


def list_(
    limit: Annotated[int, typer.Option(help="how many, the newest first", min=1, max=1000)] = 20,
    state: Annotated[str, typer.Option(help="only those that stand there: held, failed, …")] = "",
) -> None:
    """One line an incident: time, id, state, cause, object, attempts where there are several."""
    import asyncio

    from console.adapters.sql import SqlProjection
    from kfix.incident.fix_life import NEXT

    if state and state not in NEXT:
        raise typer.BadParameter(f"no such state; there are {', '.join(NEXT)}")
    engine = _store()
    projection = SqlProjection(engine)

    async def read() -> Sequence[Listed]:
        await projection.catch_up()
        return await projection.listed(where=where, limit=limit, offset=0)

    where = {"state": state} if state else {}
    for found in asyncio.run(read()):
        facts = found.facts
        words = [facts.get(name, "") for name in ("state", "failure_class", "object")]
        if facts.get("attempts"):
            words.append(f"attempt {facts['attempts']}")
        tell(
            "  ".join(
                [f"{found.last_at:%Y-%m-%d %H:%M}", found.incident_id, *map(str, words)]
            ).rstrip()
        )
    engine.dispose()


def show(incident_id: Annotated[str, typer.Argument(help="inc-…")]) -> None:
    """The incident's complete output as JSON."""
    import asyncio
    import json

    from console.adapters.sql import SqlProjection
    from console.core.output import complete

    engine = _store()
    story = asyncio.run(SqlProjection(engine).story(incident_id))
    engine.dispose()
    if story is None:
        typer.echo(f"kfix: no incident {incident_id}", err=True)
        raise typer.Exit(1)
    typer.echo(json.dumps(complete(story), indent=2, ensure_ascii=False))


def _store() -> Engine:
    from kfix.infra.settings import AppSettings, load
    from kfix.infra.store.engine import open_store
    from schemas import errors

    try:
        return open_store(load(AppSettings).database_url.get_secret_value())
    except errors.KFixError as failure:
        typer.echo(f"kfix: {failure}", err=True)
        raise typer.Exit(1) from None
