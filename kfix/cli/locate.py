"""`kfix locate`: where an object is declared, and how one gets there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kfix.cli.terminal import tell

if TYPE_CHECKING:
    from schemas.base import ObjectRef

_REFUSED, _WRONG_USAGE = 3, 2


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("locate")(locate)


def locate(
    object_: Annotated[str, typer.Argument(metavar="OBJECT", help="Kind/namespace/name.")],
    *,
    repo: Annotated[Path, typer.Option(help="Folder of the deployment repository.")] = Path(),
    env: Annotated[str, typer.Option(help="Environment, to choose an overlay.")] = "unknown",
    cluster: Annotated[
        str, typer.Option(help="Name of the cluster, to choose between places for several.")
    ] = "",
    field: Annotated[str, typer.Option(help="A field's path, as kfix edit takes it.")] = "",
    live: Annotated[
        Path | None,
        typer.Option(help="The object as the cluster has it (JSON or YAML): its labels are asked."),
    ] = None,
    project: Annotated[str, typer.Option(help="GitLab's path of the repository.")] = "",
) -> None:
    """Find the file that decides an object or a field of it, and say how. Refused: exit 3 with a code and the reason."""
    from kfix.infra.settings import AppSettings, load
    from kfix.offline import maps
    from kfix.offline.edit import Workspace
    from kfix.offline.renderers import here
    from kfix.texts import say
    from manifests.objects.paths import BadPath
    from manifests.proposal.explain import explain
    from manifests.refused import NotEditable
    from manifests.repository.environments import PlaceNames
    from manifests.repository.locate import Hints
    from schemas.base import ObjectRef

    try:
        ref = ObjectRef.parse(object_)
        names = PlaceNames(load(AppSettings).environment_words, [cluster])
        hints = Hints(names.asked(env), (), project, {ref.key: marks_in(live, ref) if live else {}})
        index = Workspace().index(repo)
        renderers = here()
        told = explain(index, ref, hints, renderers, field)
    except (ValueError, OSError, BadPath) as error:
        tell(str(error), err=True)
        raise typer.Exit(_WRONG_USAGE) from None
    except NotEditable as refused:
        tell(f"{refused.code}: {refused.reason}", err=True)
        raise typer.Exit(_REFUSED) from None
    for number, step in enumerate(told.steps, 1):
        tell(f"{number}. {step}", err=True)
    if told.readers:
        tell(say("manifests.map_read_by", file=told.file), err=True)
        for line in maps.part_of(told.readers):
            tell(line, err=True)
    if told.refusal is not None:
        for line in (f"{told.refusal.code}: {told.refusal.reason}", *renderers.lacking()):
            tell(line, err=True)
        raise typer.Exit(_REFUSED)
    typer.echo(told.place)


def marks_in(file: Path, ref: ObjectRef) -> dict[str, str]:
    """Labels and annotations of the object in a file. Raises ValueError when the file has another object."""
    from manifests.objects.meta import annotations_of, kind_of, labels_of, name_of
    from manifests.text import equivalence, read

    documents = read.read(read.decode(file.read_bytes()))
    for document in documents:
        item = equivalence.value_of(document.root)
        if (kind_of(item), name_of(item)) == (ref.kind, ref.name):
            both = (labels_of(item), annotations_of(item))
            return {str(k): str(v) for words in both for k, v in words.items()}
    raise ValueError(f"{file} has no {ref.key}")
