"""`kfix`: the command line. Each command lives in its own module here and imports what it needs when it runs.

A command module has ``register(app)``, which adds its commands to the typer application.
Exit codes: 0 done, 1 failed (the reason on stderr), 2 wrong usage, 3 refused for a stated reason.
"""

from __future__ import annotations

import importlib
import sys

import typer

#: Modules of this package that register commands, in the order of ``kfix --help``.
COMMANDS: tuple[str, ...] = (
    "demo",
    "stages",
    "kafka",
    "replay",
    "sandbox",
    "schemas",
    "datadog",
    "store",
    "settings",
    "incident",
    "diagnose",
    "edit",
    "consent",
    "playbooks",
)


def main() -> None:
    """Entry point of the ``kfix`` script."""
    app = typer.Typer(
        name="kfix",
        help="From a Datadog alert to a reviewed Kubernetes fix.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for name in COMMANDS:
        importlib.import_module(f"kfix.cli.{name}").register(app)
    try:
        app()
    except ValueError as failure:
        from kfix.settings import BadSettings

        if not isinstance(failure, BadSettings):
            raise
        typer.echo(f"kfix: {failure}", err=True)
        sys.exit(2)
