"""``kfix datadog``: what K-Fix sets up in Datadog."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

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


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(group, name="datadog")
