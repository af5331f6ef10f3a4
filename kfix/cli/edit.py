"""`kfix edit` (`kfix locate` and `kfix map` beside it): the manifest editor for people and scripts."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated, BinaryIO, NoReturn

import typer

from kfix.cli import locate
from kfix.cli import map as maps
from kfix.cli.terminal import tell

_REFUSED, _WRONG_USAGE = 3, 2


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("edit")(edit)
    locate.register(app)
    maps.register(app)


def edit(
    *,
    repo: Annotated[Path | None, typer.Option(help="Folder of the deployment repository.")] = None,
    object_: Annotated[str, typer.Option("--object", help="Kind/namespace/name.")] = "",
    set_: Annotated[list[str] | None, typer.Option("--set", help="PATH=VALUE, repeatable.")] = None,
    env: Annotated[str, typer.Option(help="Environment, to choose an overlay.")] = "unknown",
    cluster: Annotated[
        str, typer.Option(help="Name of the cluster, to choose between places for several.")
    ] = "",
    file: Annotated[
        str, typer.Option(help="Edit this file (below --repo), without searching.")
    ] = "",
    live: Annotated[
        Path | None,
        typer.Option(help="The object as the cluster has it (JSON or YAML): its labels are asked."),
    ] = None,
    doc: Annotated[int | None, typer.Option(help="The document's index in --file, from 0.")] = None,
    batch: Annotated[str, typer.Option(help="JSON lines of edits; - for standard input.")] = "",
    write: Annotated[
        bool, typer.Option("--write/--diff", help="Write files, or print a diff.")
    ] = False,
) -> None:
    """Change fields of a declared object and no other byte.

    Exit codes: 0 edited or unchanged, 2 wrong usage, 3 refused (code and reason on standard error).
    A batch ends with 0: every line has its own answer.
    """
    from kfix.infra.settings import AppSettings, load
    from kfix.offline.edit import BAD_REQUEST, Request, Workspace, answer
    from kfix.offline.renderers import here
    from manifests.refused import NotEditable
    from schemas.base import ObjectRef

    renderers = here()
    workspace = Workspace(renderers, load(AppSettings).environment_words)
    if batch:
        _batch(batch, workspace, write=write)
        return
    if not set_ or not (object_ or file):
        _wrong("give --set and one of --object, --file, or --batch")
    try:
        wanted = dict(_assignment(text) for text in set_)
        marks = locate.marks_in(live, ObjectRef.parse(object_)) if live else {}
        request = Request(
            repo=repo,
            object=object_,
            file=file,
            doc=doc,
            set=wanted,
            environment=env,
            cluster=cluster,
            live=marks,
        )
    except (ValueError, OSError) as error:
        _wrong(str(error))
    except NotEditable as refused:
        _wrong(refused.reason)
    reply = answer(request, workspace, write=write)
    if reply.status == "refused":
        if reply.code == BAD_REQUEST:
            _wrong(reply.reason)
        for line in (f"{reply.code}: {reply.reason}", *renderers.lacking()):
            tell(line, err=True)
        raise typer.Exit(_REFUSED)
    sys.stdout.buffer.write(reply.diff.encode())
    if reply.note:
        tell(reply.note, err=True)
    if write or reply.status == "unchanged":
        tell(f"{reply.status}: {reply.file or object_}", err=True)


def _batch(source: str, workspace: object, *, write: bool) -> None:
    from kfix.offline.edit import Workspace, answer_line

    assert isinstance(workspace, Workspace)
    with contextlib.ExitStack() as stack:
        stream: BinaryIO = sys.stdin.buffer
        if source != "-":
            try:
                stream = stack.enter_context(Path(source).open("rb"))
            except OSError as error:
                _wrong(f"cannot read {source}: {error.strerror}")
        for number, line in enumerate(stream, 1):
            if line.strip():
                reply = answer_line(line, workspace, number=number, write=write)
                sys.stdout.buffer.write(reply + b"\n")
                sys.stdout.buffer.flush()


def _assignment(text: str) -> tuple[str, object]:
    """``PATH=VALUE``: the first equals sign outside brackets; the value is read as YAML 1.2 reads a word."""
    from kfix.offline.edit import value_of_word

    depth = 0
    for at, char in enumerate(text):
        depth += {"[": 1, "]": -1}.get(char, 0)
        if char == "=" and depth == 0 and at:
            return text[:at], value_of_word(text[at + 1 :])
    raise ValueError(f"not PATH=VALUE: {text!r}")


def _wrong(message: str) -> NoReturn:
    tell(message, err=True)
    raise typer.Exit(_WRONG_USAGE)
