"""`kfix sandbox`: a small company to play with, on loopback, until it is stopped."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds ``sandbox``."""
    app.command("sandbox")(sandbox)


def sandbox(
    port: Annotated[
        list[str] | None, typer.Option(help="SERVICE=PORT; free ports otherwise")
    ] = None,
    sync_s: Annotated[float, typer.Option(help="seconds from a merge to the cluster")] = 2.0,
    with_parent: Annotated[
        bool, typer.Option(help="stop when the parent process has gone")
    ] = False,
) -> None:
    """Starts the sandbox's services; prints one JSON line with addresses, tokens and KFIX_* variables, and stays up."""
    from sandbox.__main__ import main

    arguments = ["--sync-s", str(sync_s), *(["--with-parent"] if with_parent else [])]
    for item in port or []:
        arguments += ["--port", item]
    main(arguments)
