"""``kfix schemas``: the Avro schemas of the topics."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

group = typer.Typer(help="The Avro schemas of the topics.", no_args_is_help=True)


def _folder() -> Path:
    import schemas

    return Path(schemas.__path__[0]) / "avro"


@group.command()
def generate(
    release: Annotated[
        bool,
        typer.Option(help="Keep today's schemas as released: readers must know them for good."),
    ] = False,
) -> None:
    """Write schemas/avro/*.avsc from the models; refuses what could not read records of a released schema."""
    from kfix.engine import topics
    from kfix.engine.wire.compatibility import breaks
    from kfix.engine.wire.files import fingerprint_of, generated, published, text_of
    from kfix.engine.wire.shapes import shape_of

    refused = [
        f"{topic.name}: {sentence}"
        for topic in topics.ALL
        for _, old in published(topic.name)
        for sentence in breaks(old, shape_of(topic.model).schema)
    ]
    if refused:
        print("incompatible with a released schema:", *refused, sep="\n  ", file=sys.stderr)
        raise typer.Exit(3)
    for topic in topics.ALL:
        schema = shape_of(topic.model).schema
        (_folder() / f"{topic.name}.avsc").write_text(generated(topic), "utf-8")
        if release:
            name = f"{topic.name}.{fingerprint_of(schema).hex()}.avsc"
            (_folder() / "published" / name).write_text(text_of(schema), "utf-8")
        print(f"{topic.name}.avsc")


@group.command()
def check() -> None:
    """Are the checked-in schemas those of the models? Exit code 1 when not."""
    from kfix.engine import topics
    from kfix.engine.wire.files import checked_in
    from kfix.engine.wire.shapes import shape_of

    stale = [t.name for t in topics.ALL if checked_in(t.name) != shape_of(t.model).schema]
    if stale:
        print("not current, run `kfix schemas generate`:", ", ".join(stale), file=sys.stderr)
        raise typer.Exit(1)
    print("current")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(group, name="schemas")
