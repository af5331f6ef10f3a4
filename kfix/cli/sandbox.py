"""`kfix sandbox`: a small company to play with, on loopback, until it is stopped."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Adds ``sandbox``. Its options are those of ``python -m sandbox``, handed through."""
    settings = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command("sandbox", context_settings=settings)(sandbox)


def sandbox(context: typer.Context) -> None:
    """Starts the sandbox's services; prints one JSON line with addresses, tokens and KFIX_* variables, and stays up."""
    from sandbox.__main__ import main

    main(context.args)
