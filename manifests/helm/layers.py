"""A Helm release and the layers of values that it gets: what templates see of them, and which one to edit. Pure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import EditRefused, NotEditable
from manifests.repository.rendering import HelmTemplate
from schemas.base import Json, ObjectRef

_NONE = object()


class FileValues(Mapping[str, Any]):
    """What a values file says, read when it is first asked for: of thousands of files one ask takes a few."""

    def __init__(self, read: Callable[[], Json | EditRefused]) -> None:
        self._read = read

    @functools.cached_property
    def _found(self) -> Json | EditRefused:
        return self._read()

    @property
    def refused(self) -> EditRefused | None:
        """Why the file cannot be read; then it says nothing."""
        return self._found if isinstance(self._found, EditRefused) else None

    @property
    def _values(self) -> dict[str, Any]:
        return self._found if isinstance(self._found, dict) else {}

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True, slots=True)
class Layer:
    """Values that a release gets. They stand in a file, or at ``at`` inside of an object that is declared somewhere."""

    said: str
    values: Mapping[str, Any]
    path: str = ""
    owner: ObjectRef | None = None
    at: paths.Path = ()
    #: Set where ``at`` holds this one value, as text (a parameter of an Application), and not a mapping.
    leaf: paths.Path = ()
    #: Why they must not be edited.
    sealed: EditRefused | None = None
    #: Does Helm read them by itself, with the chart?
    default: bool = False
    #: The file that ``at`` leads in, where no object holds the values (a fleet.yaml).
    holder: str = ""
    #: Which document of ``holder``, where it has several.
    document: int = 0
    #: The text at ``at``, where that holds the values as text (of an Application, of a ConfigMap).
    written: str = ""
    #: Is nothing there yet: a values file that may be missing, values that an installer may say?
    absent: bool = False
    #: What a deployer makes of a template, whose values these are.
    rendered: str = ""
    #: Does a command line say them, where nothing is edited, and nothing else is said?
    told: bool = False

    @property
    def closed(self) -> EditRefused | None:
        """Why the values must not be edited, or cannot be read."""
        unread = self.values.refused if isinstance(self.values, FileValues) else None
        return self.sealed or unread

    @property
    def text(self) -> str:
        """As a recipe takes it."""
        if self.rendered:
            return f"# filled in\n{self.rendered}"
        return self.path or "# inline\n" + yaml.safe_dump(dict(self.values), sort_keys=False)


@dataclass(frozen=True, slots=True)
class Filling:
    """A deployer's own values, lowest first, and what it makes of templates of values with other ones (``None``: nothing
    that can be told). ``of``: the helmfile and the environment whose they are; ``files``: what is read for it."""

    of: tuple[str, str]
    layers: tuple[Layer, ...]
    values: Mapping[str, Any]
    again: Callable[[Mapping[str, Any]], Sequence[Layer] | None]
    files: frozenset[str]


@dataclass(frozen=True, slots=True)
class Release:
    """An installation of a chart. ``chart`` is its folder, ``None`` when it is kept elsewhere."""

    chart: str | None
    name: str
    namespace: str
    layers: tuple[Layer, ...]
    said_by: str
    owner: ObjectRef | None = None
    #: Why nothing can be said about what it renders.
    trouble: str = ""
    #: Names and paths that may say which environment it is of, the surest first.
    words: tuple[str, ...] = ()
    #: Does nobody say that it is installed, so that its values files stand for its environments?
    alone: bool = False
    #: Why it may be of another revision than the one that is read here; empty: it is of this one.
    apart: str = ""
    #: What a chart is called that is kept elsewhere, and the version that is asked for.
    kept: str = ""
    version: str = ""
    #: Packed charts of the cache that its chart depends on.
    packed: tuple[str, ...] = ()
    #: (name that its values stand under, chart) of each dependency that is kept elsewhere: the rest is rendered without.
    lacking: tuple[tuple[str, str], ...] = ()
    #: Values that those dependencies see, or that switch them on.
    unseen: tuple[paths.Path, ...] = ()
    #: The folder of the Kustomization that inflates the chart: what builds that is rendered instead.
    inflated_in: str | None = None
    #: The release of the chart that makes the object which says this one: an app of apps.
    maker: Release | None = None
    #: Set where the deployer fills some of its values in.
    filling: Filling | None = field(default=None, compare=False)

    @property
    def lacks_values(self) -> bool:
        """Is nothing the matter but that some values are not here?"""
        return bool(self.trouble) and self.trouble == missing(self.layers)

    def recipe(self, name: str = "", namespace: str = "") -> HelmTemplate:
        """How it is rendered; ``name`` and ``namespace`` where it says none."""
        own = tuple(one.text for one in self.layers if not (one.default or one.absent))
        return HelmTemplate(
            self.chart or "",
            self.name or name,
            self.namespace or namespace,
            own,
            tuple(key for key, _ in self.lacking),
            self.packed,
        )


def seen_elsewhere(release: Release) -> Mapping[str, Any]:
    """The values that charts see which are not in the repository, by their path; all of them where none of it is here."""
    values = merged(release.layers)
    if release.chart is None:
        return values
    found = {paths.render(path): paths.find(values, path, None) for path in release.unseen}
    return {path: value for path, value in found.items() if value is not None}


def missing(layers: Sequence[Layer]) -> str:
    """Why the values are not all here; empty when they are."""
    sealed = [layer.sealed for layer in layers if layer.sealed is not None]
    return next((s.reason for s in sealed if s.code == "NOT_RENDERED"), "")


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """The values that templates see. A later ``null`` takes a key away, lists are replaced: Helm's coalescing."""
    out: dict[str, Any] = {}
    for layer in layers:
        out = _over(out, layer.values)
    return out


def _over(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(low)
    for key, value in high.items():
        below = out.get(key)
        if value is None and key in low:
            out.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(below, Mapping):
            out[key] = _over(below, value)
        else:
            out[key] = value
    return out


def layer_for(release: Release, siblings: Sequence[Release], path: paths.Path) -> Layer:
    """The last layer that sets the value and that no other release uses; else this release's last own one."""
    own = [
        layer
        for layer in release.layers
        if not _shared(layer, release, siblings) and not (layer.default and layer.closed)
    ]
    setting = _sets(release, path)
    if setting is None or not setting.told:
        own = [layer for layer in own if not layer.told]
    own = [layer for layer in own if _is_in_style(layer, siblings)]
    chosen = _setting(release, own, path) or _winning(release, own, path)
    if chosen.closed is not None:
        raise NotEditable.of(chosen.closed)
    if not (chosen.path or chosen.holder) and chosen.owner is None:
        raise NotEditable(
            "NOT_FOUND",
            say(
                "manifests.has_no_values_file_set",
                installer=release.said_by,
                field=paths.render(path),
            ),
        )
    return chosen


def _is_in_style(layer: Layer, siblings: Sequence[Release]) -> bool:
    """May values begin there: a values file that is asked for, or a place where other releases of the chart have theirs?"""
    if not layer.absent or layer.path:
        return True
    return any(
        one.values and not one.absent and one.at[-1:] == layer.at[-1:]
        for other in siblings
        for one in other.layers
    )


def _setting(release: Release, own: Sequence[Layer], path: paths.Path) -> Layer | None:
    """The own layer that sets the value now; where none does, the last own one that sets something near it."""
    setting = _sets(release, path)
    if setting is not None:
        return setting if any(setting is layer for layer in own) else None
    known = [layer for layer in own if _depth(layer, path) > 0]
    return known[-1] if known else None


def _winning(release: Release, own: Sequence[Layer], path: paths.Path) -> Layer:
    """The last own layer that wins over the one that sets the value now. Raises NotEditable VALUE_FANOUT."""
    setting = _sets(release, path)
    lowest = -1 if setting is None else release.layers.index(setting)
    above = [layer for layer in own if release.layers.index(layer) > lowest and not layer.leaf]
    if above:
        return next((layer for layer in reversed(above) if not layer.absent), above[-1])
    where = setting.said if setting is not None else release.layers[0].said
    raise NotEditable(
        "VALUE_FANOUT",
        say(
            "manifests.set_other_releases_use_too",
            field=paths.render(path),
            where=where,
            installer=release.said_by,
        ),
    )


def _sets(release: Release, path: paths.Path) -> Layer | None:
    """The last layer that sets the value."""
    setting = [layer for layer in release.layers if _depth(layer, path) == len(path)]
    return setting[-1] if setting else None


def _shared(layer: Layer, release: Release, siblings: Sequence[Release]) -> bool:
    if layer.owner is not None:
        # The template of an ApplicationSet is that of all that it makes.
        return layer.owner.kind == "ApplicationSet" and any(
            other is not release
            and any((one.owner, one.at) == (layer.owner, layer.at) for one in other.layers)
            for other in siblings
        )
    if layer.holder:
        here = layer.holder, layer.document, layer.at
        return any(
            other is not release
            and any((one.holder, one.document, one.at) == here for one in other.layers)
            for other in siblings
        )
    return bool(layer.path) and any(
        other is not release and any(layer.path == theirs.path for theirs in other.layers)
        for other in siblings
    )


def _depth(layer: Layer, path: paths.Path) -> int:
    """How many segments of the path the layer has."""
    for length in range(len(path), 0, -1):
        if paths.find(layer.values, path[:length], _NONE) is not _NONE:
            return length
    return 0
