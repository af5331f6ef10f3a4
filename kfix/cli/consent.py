"""``kfix consent``: what a repository's ``.kfix.yaml`` allows, or what is wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def consent(
    file: Annotated[Path, typer.Argument(help="The file to read.")] = Path(".kfix.yaml"),
) -> None:
    """Check a .kfix.yaml before it is merged: prints what it allows; exit 3 and the reason when it cannot be read."""
    from publish.core.repo_policy import InvalidRepositoryPolicy, read

    try:
        content = file.read_bytes()
    except OSError as error:
        print(f"{file}: {error.strerror}", file=sys.stderr)
        raise typer.Exit(1) from error
    try:
        found = read(content)
    except InvalidRepositoryPolicy as broken:
        print(broken, file=sys.stderr)
        raise typer.Exit(3) from broken
    print(found.model_dump_json(indent=2, exclude_none=True))


def register(app: typer.Typer) -> None:
    """Adds ``kfix consent``."""
    app.command()(consent)
