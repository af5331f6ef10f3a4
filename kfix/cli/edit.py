"""`kfix edit` and `kfix locate`: the manifest editor for people and scripts."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated, BinaryIO, NoReturn

import typer

_REFUSED, _WRONG_USAGE = 3, 2


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("edit")(edit)
    app.command("locate")(locate)


def edit(
    *,
    repo: Annotated[Path | None, typer.Option(help="Folder of the deployment repository.")] = None,
    object_: Annotated[str, typer.Option("--object", help="Kind/namespace/name.")] = "",
    set_: Annotated[list[str] | None, typer.Option("--set", help="PATH=VALUE, repeatable.")] = None,
    env: Annotated[str, typer.Option(help="Environment, to choose an overlay.")] = "unknown",
    file: Annotated[
        str, typer.Option(help="Edit this file (below --repo), without searching.")
    ] = "",
    doc: Annotated[int | None, typer.Option(help="The document's index in --file, from 0.")] = None,
    batch: Annotated[str, typer.Option(help="JSON lines of edits; - for standard input.")] = "",
    write: Annotated[
        bool, typer.Option("--write/--diff", help="Write files, or print a diff.")
    ] = False,
) -> None:
    """Change fields of a declared object and no other byte. Refused: exit 3 with a code and the reason."""
    from kfix.editing import Request, Workspace, answer

    workspace = Workspace()
    if batch:
        _batch(batch, workspace, write=write)
        return
    try:
        wanted = dict(_assignment(text) for text in set_ or [])
        request = Request(
            repo=repo, object=object_, file=file, doc=doc, set=wanted, environment=env
        )
    except ValueError as error:
        _wrong(str(error))
    if not wanted or not (object_ or file):
        _wrong("give --set and one of --object, --file, or --batch")
    reply = answer(request, workspace, write=write)
    if reply.status == "refused":
        typer.echo(f"{reply.code}: {reply.reason}", err=True)
        raise typer.Exit(_REFUSED)
    sys.stdout.buffer.write(reply.diff.encode())
    if write or reply.status == "unchanged":
        typer.echo(f"{reply.status}: {reply.file}", err=True)


def _batch(source: str, workspace: object, *, write: bool) -> None:
    from kfix.editing import Workspace, answer_line

    assert isinstance(workspace, Workspace)
    with contextlib.ExitStack() as stack:
        stream: BinaryIO = sys.stdin.buffer
        if source != "-":
            stream = stack.enter_context(Path(source).open("rb"))
        for line in stream:
            if line.strip():
                sys.stdout.buffer.write(answer_line(line, workspace, write=write) + b"\n")
                sys.stdout.buffer.flush()


def locate(
    object_: Annotated[str, typer.Argument(metavar="OBJECT", help="Kind/namespace/name.")],
    repo: Annotated[Path, typer.Option(help="Folder of the deployment repository.")] = Path(),
    env: Annotated[str, typer.Option(help="Environment, to choose an overlay.")] = "unknown",
) -> None:
    """Find the file and document that declare an object, and say how."""
    from kfix.editing import Workspace
    from manifests.locate import Hints
    from manifests.locate import locate as find
    from manifests.refused import Refused
    from schemas.base import ObjectRef

    try:
        ref = ObjectRef.parse(object_)
    except ValueError as error:
        _wrong(str(error))
    try:
        found = find(ref, Workspace().index(repo), Hints(env))
    except Refused as refused:
        typer.echo(f"{refused.code}: {refused.reason}", err=True)
        raise typer.Exit(_REFUSED) from None
    for number, step in enumerate(found.steps, 1):
        typer.echo(f"{number}. {step}", err=True)
    if found.blocked is not None:
        typer.echo(f"{found.blocked.code}: {found.blocked.reason}", err=True)
        raise typer.Exit(_REFUSED)
    typer.echo(f"{found.path} document {found.document.index}")


def _assignment(text: str) -> tuple[str, object]:
    """``PATH=VALUE``: the first equals sign outside brackets; the value is read as YAML 1.2 reads a word."""
    from kfix.editing import value_of_word

    depth = 0
    for at, char in enumerate(text):
        depth += {"[": 1, "]": -1}.get(char, 0)
        if char == "=" and depth == 0 and at:
            return text[:at], value_of_word(text[at + 1 :])
    raise ValueError(f"not PATH=VALUE: {text!r}")


def _wrong(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(_WRONG_USAGE)
