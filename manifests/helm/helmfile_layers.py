"""The values of helmfile's releases as layers, also of what helmfile fills in; and the place of helmfile's own value that
one of a release is made of. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kfix.texts import say
from manifests.helm import value_files
from manifests.helm.layers import Filling, Layer, Release, layer_for, merged
from manifests.helm.placed import Placed
from manifests.helm.value_paths import ABSENT, walk
from manifests.objects import paths
from manifests.refused import EditRefused, NotEditable
from manifests.repository import rendering
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers.helmfile import FileRelease, ReleaseValues
from manifests.repository.installers.helmfile_state import StatePart
from manifests.repository.installers.helmfile_templates import NotFilled
from schemas.base import Json
from schemas.plans import FieldChange

#: Values that are tried.
_TRIES = 60


def of_release(index: RepositoryIndex, release: FileRelease) -> list[Layer]:
    """The layers above the chart's own values."""
    return [
        value_files.absent(one.path) if one.path in release.absent else _layer(index, one, release)
        for one in release.layers
    ]


def _layer(index: RepositoryIndex, one: ReleaseValues, release: FileRelease) -> Layer:
    if not one.text:
        found = value_files.entry(index, one.path, one.inline, one.at)
        return replace(found, document=release.document) if found.holder else found
    said = say("manifests.values_in", path=one.path)
    return Layer(said, one.inline or {}, holder=one.path, sealed=_made(one.path), rendered=one.text)


def _made(path: str) -> EditRefused:
    return EditRefused("TEMPLATED", say("manifests.helmfile_makes", path=path))


def filling_of(index: RepositoryIndex, release: FileRelease) -> Filling | None:
    """What its templates are filled with; ``None`` where nothing is."""
    filling = release.filling
    if filling is None or filling.state.values is None:
        return None
    defaults = value_files.defaults(index, release.chart)

    def again(values: Mapping[str, Any]) -> Sequence[Layer] | None:
        try:
            made = tuple(filling.again(values))
        except (NotFilled, NotEditable):
            return None
        return [*defaults, *of_release(index, replace(release, layers=made))]

    files = {*release.reads, *(one.path for one in release.layers if one.text)}
    return Filling(
        (release.place, release.environment),
        tuple(_of_state(index, part) for part in filling.state.parts),
        filling.state.values,
        again,
        frozenset(files),
    )


def _of_state(index: RepositoryIndex, part: StatePart) -> Layer:
    if part.sealed:
        return Layer(part.path, part.values, holder=part.path, sealed=_made(part.path))
    if not part.at:
        return value_files.file(index, part.path)
    found = value_files.entry(index, part.path, part.values, part.at)
    return replace(found, document=part.document)


def placed(
    releases: Sequence[Release], release: Release, found: tuple[paths.Path, Json]
) -> Placed | None:
    """Where helmfile's own value stands that a value of the release is made of; ``None`` where that is not one, or the
    release's value is not made of one. Raises NotEditable where it is, and no line says it for this environment alone."""
    filling, (path, value) = release.filling, found
    if filling is None or not _is_filled(release, path):
        return None
    now = merged(release.layers)
    wanted = rendering.expected(now, [FieldChange(path=paths.render(path), after=value)])
    reaching: list[paths.Path] = []
    for at in _candidates(filling.values, paths.find(now, path, ABSENT)):
        change = FieldChange(path=paths.render(at), after=value)
        made = filling.again(rendering.expected(dict(filling.values), [change]))
        values = merged(made) if made is not None else {}
        if values == wanted:
            return Placed(_layer_of(releases, release, filling, at), at, value)
        if paths.find(values, path, ABSENT) == value:
            reaching.append(at)
    if len(reaching) != 1:
        return None
    return Placed(_layer_of(releases, release, filling, reaching[0]), reaching[0], value)


def _layer_of(
    releases: Sequence[Release], release: Release, filling: Filling, at: paths.Path
) -> Layer:
    """The place of helmfile's own value that no other environment reads; what else of the environment does is rendered
    for the proof. Raises NotEditable."""
    own = replace(release, layers=filling.layers)
    others = {one.filling.of: one for one in releases if one.filling is not None}
    others = {of: one for of, one in others.items() if of[1] != filling.of[1]}
    beside = [replace(o, layers=o.filling.layers) for o in others.values() if o.filling]
    return layer_for(own, [own, *beside], at)


def _is_filled(release: Release, path: paths.Path) -> bool:
    """Is the last layer that says the value one that is filled in?"""
    saying = [one for one in release.layers if paths.find(one.values, path, ABSENT) is not ABSENT]
    return bool(saying) and bool(saying[-1].rendered)


def _candidates(values: Mapping[str, Any], now: object) -> Iterator[paths.Path]:
    """Where helmfile's own values have what the release has."""
    alike = (at for at, value in walk(values, ()) if now is not ABSENT and str(value) == str(now))
    for _, at in zip(range(_TRIES), alike, strict=False):
        yield at
