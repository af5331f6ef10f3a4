"""`kfix map`: who renders what of a repository, with what, and where to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

_REFUSED = 3


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("map")(map_)


def map_(
    repo: Annotated[Path, typer.Argument(help="Folder of the deployment repository.")] = Path(),
    *,
    output: Annotated[
        Literal["text", "json"], typer.Option(help="A tree, or JSON for programs.")
    ] = "text",
) -> None:
    """Print who renders what, with what, into which cluster, namespace and environment. No folder: exit 3 and the reason."""
    from kfix.offline import maps
    from kfix.offline.edit import Workspace
    from kfix.offline.renderers import here
    from manifests.proposal.survey import survey
    from manifests.refused import NotEditable

    try:
        index = Workspace().index(repo)
    except (NotEditable, OSError) as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(_REFUSED) from None
    with here().open(index.files, index.readings) as bench:
        found = survey(index, bench)
    if output == "json":
        typer.echo(json.dumps(maps.shape(found), indent=2, ensure_ascii=False))
        return
    for line in maps.lines(found):
        typer.echo(line)
