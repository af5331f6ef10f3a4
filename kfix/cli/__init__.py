"""`kfix`: the command line. Each command lives in its own module here and imports what it needs when it runs.

A command module has ``register(app)``, which adds its commands to the typer application.
Exit codes: 0 done, 1 failed (the reason on stderr), 2 wrong usage, 3 refused for a stated reason.
"""

from __future__ import annotations

import importlib
import sys
from typing import Annotated

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
    "memory",
    "forget",
    "settings",
    "incident",
    "trust",
    "capture",
    "diagnose",
    "edit",
    "consent",
    "playbooks",
)


def _tell_version(wanted: bool) -> None:
    """The answer to ``kfix --version``: what is installed here."""
    if wanted:
        import kfix
        from decide.core.version import RULES_VERSION

        typer.echo(f"kfix {kfix.__version__}, rules {RULES_VERSION}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_tell_version, help="Tell the version."),
    ] = False,
) -> None:
    """From a Datadog alert to a reviewed Kubernetes fix."""


def main() -> None:
    """Entry point of the ``kfix`` script. Refuses to start on somebody else's packages."""
    from kfix.cli.installation import complaint

    trouble = complaint()
    if trouble:
        typer.echo(f"kfix: {trouble}", err=True)
        sys.exit(3)
    app = typer.Typer(
        name="kfix",
        help="From a Datadog alert to a reviewed Kubernetes fix.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(_options)
    for name in COMMANDS:
        importlib.import_module(f"kfix.cli.{name}").register(app)
    try:
        app()
    except ValueError as failure:
        from kfix.infra.settings import BadSettings

        if not isinstance(failure, BadSettings):
            raise
        for line in failure.lines:
            typer.echo(f"kfix: {line}", err=True)
        sys.exit(2)
