"""``kfix datadog``: what K-Fix sets up in Datadog."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from kfix.cli.terminal import tell

if TYPE_CHECKING:
    from kfix.infra.settings import DatadogConnection
    from kfix.offline.covering import Coverage
    from schemas.context import Monitor

group = typer.Typer(help="Set up Datadog's side.", no_args_is_help=True)


@group.command("install-webhook")
def install_webhook(
    url: Annotated[str, typer.Argument(help="Where Datadog reaches /datadog-webhook, https://…")],
    name: Annotated[
        str, typer.Option(help="Name of the webhook: monitors say @webhook-NAME.")
    ] = "kfix",
) -> None:
    """Create or update K-Fix's webhook: its template, and the first token of KFIX_INGEST_DATADOG_TOKENS."""
    from ingest.sources.datadog.install import Installation, install
    from ingest.sources.datadog.settings import DatadogWebhook
    from kfix.infra.settings import DatadogConnection, load
    from schemas import errors

    settings = load(DatadogWebhook)
    if not settings.tokens:
        print("KFIX_INGEST_DATADOG_TOKENS is empty: Datadog would have no secret", file=sys.stderr)
        raise typer.Exit(2)
    token = settings.tokens[0].get_secret_value()
    wanted = Installation(name, url, settings.header, token)
    try:
        done = install(load(DatadogConnection), wanted)
    except (errors.KFixError, ValueError) as error:
        print(f"not installed: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    print(f"{done}: write @webhook-{name} into the message of each monitor K-Fix should hear")


@group.command("template")
def show_template() -> None:
    """Print the payload template, for setting the webhook up by hand."""
    from ingest.sources.datadog.install import template

    print(template(), end="")


@group.command("coverage")
def show_coverage(
    *,
    tags: Annotated[
        str,
        typer.Option(help="Only monitors with all of these tags, by commas: team:shop,env:prod"),
    ] = "",
    webhook: Annotated[
        str, typer.Option(help="Name of the webhook that K-Fix hears: @webhook-NAME.")
    ] = "kfix",
    every: Annotated[
        bool, typer.Option("--all", help="Whole lists, not their beginnings.")
    ] = False,
    output: Annotated[
        Literal["text", "json"], typer.Option(help="For people, or JSON for programs.")
    ] = "text",
) -> None:
    """Read all monitors and say of each whether K-Fix could act on its alerts, on what, and which tag is missing."""
    import json

    from kfix.infra.settings import AppSettings, DatadogConnection, load
    from kfix.infra.telemetry import logs
    from kfix.offline import covering
    from schemas import errors

    logs.configure("ERROR", people=True, cached=False)
    connection = load(DatadogConnection)
    if not (connection.site or connection.url):
        print("no Datadog configured: set KFIX_DATADOG_SITE and its keys", file=sys.stderr)
        raise typer.Exit(2)
    try:
        found = asyncio.run(_coverage(connection, tags, webhook))
    except errors.KFixError as failure:
        print(f"not read: {failure}", file=sys.stderr)
        raise typer.Exit(1) from failure
    if output == "json":
        typer.echo(json.dumps(covering.shape(found), indent=2, ensure_ascii=False))
        return
    for line in covering.lines(found, load(AppSettings).language, every=every):
        tell(line)


async def _coverage(connection: DatadogConnection, tags: str, webhook: str) -> Coverage:
    from enrich.adapters.datadog import DatadogEvidence
    from enrich.adapters.datadog_rules import rule_of
    from enrich.settings import Enrich
    from kfix.infra.clients.datadog import all_monitors, app_url, open_datadog
    from kfix.infra.clusters import fleet
    from kfix.infra.settings import load
    from kfix.offline.covering import judged

    pages, settings = app_url(connection), load(Enrich)
    async with open_datadog(connection) as client:
        total = await client.monitor_count(tags)
        monitors: list[Monitor] = []
        with _progress(total, "monitors") as bar:
            async for page in all_monitors(client, tags):
                monitors += [
                    rule_of(m, f"{pages}/monitors/{m['id']}" if pages else "") for m in page
                ]
                bar.update(len(page))
        evidence = DatadogEvidence(
            client,
            app_url=pages,
            lookback=timedelta(minutes=settings.lookback_minutes),
            log_events=settings.log_events,
            monitor_events=settings.monitor_events,
        )
        with _progress(len(monitors), "judged") as bar:
            return await judged(monitors, evidence, fleet(), webhook, lambda: bar.update(1))


def _progress(total: int, label: str) -> Any:
    """On standard error, and only where somebody watches."""
    return typer.progressbar(
        length=total, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()
    )


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(group, name="datadog")
