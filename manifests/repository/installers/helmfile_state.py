"""helmfile's own values in one environment (``.Values`` of its templates), with the places that say them. Pure.

Sources: helmfile's environments and values-and-merging pages (1.x): defaults, then the environment's lists, later ones win.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from manifests.objects import paths
from manifests.objects.shapes import items, mapping
from manifests.refused import NotEditable
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers.helmfile_templates import UNKNOWN, NotFilled, fill
from manifests.text import equivalence, scalars

#: What an environment may say that its values are told without.
_INERT = frozenset({"values", "defaults", "missingFileHandler", "kubeContext"})
_LENIENT = ("Warn", "Info", "Debug")


@dataclass(frozen=True, slots=True)
class HelmfileDocument:
    """A document of a helmfile or of a base of it. ``whole``: was it read as it is written, so that places in it hold?"""

    path: str
    number: int
    content: Mapping[str, Any]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class StatePart:
    """Values that stand in a file, or at ``at`` inside of document ``document`` of a helmfile. ``sealed``: they are filled
    in, so that no line says them."""

    path: str
    values: Mapping[str, Any]
    at: paths.Path = ()
    document: int = 0
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """The values, lowest first. ``trouble``: why they cannot be told, in helmfile's own word."""

    parts: tuple[StatePart, ...] = ()
    values: Mapping[str, Any] | None = None
    trouble: str = ""
    #: Are there defaults below the environment's own, so that ``.Environment.Values`` is less than ``.Values``?
    mixed: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """The files that say them."""
        return tuple(dict.fromkeys(part.path for part in self.parts))


def read_state(
    index: RepositoryIndex, folder: str, documents: Sequence[HelmfileDocument], environment: str
) -> State:
    """The values of an environment. ``folder``: where the helmfile stands, also for what its bases name."""
    defaults: list[StatePart] = []
    own: list[StatePart] = []
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    try:
        for said in documents:
            spec = mapping(said.content, "environments", environment)
            strange = sorted(set(spec) - _INERT)
            if strange:
                raise NotFilled(f"environments.{environment}.{strange[0]}")
            reader = _Reader(index, folder, said, environment, merged(low, high), bool(low))
            lenient = str(spec.get("missingFileHandler", "Error")) in _LENIENT
            for key, at, into, kept in (
                ("values", ("values",), low, defaults),
                ("defaults", ("environments", environment, "defaults"), low, defaults),
                ("values", ("environments", environment, "values"), high, own),
            ):
                entries = items(said.content if at == ("values",) else spec, key)
                for part in reader.parts(entries, at, lenient=lenient):
                    kept.append(part)
                    into.update(merged(into, part.values))
        return State((*defaults, *own), merged(low, high), mixed=bool(low))
    except (NotFilled, NotEditable) as failure:
        said_of = failure.reason if isinstance(failure, NotEditable) else str(failure)
        return State((*defaults, *own), None, said_of)


@dataclass(frozen=True, slots=True)
class _Reader:
    index: RepositoryIndex
    folder: str
    said: HelmfileDocument
    environment: str
    values: Mapping[str, Any]
    mixed: bool

    def parts(
        self, entries: Sequence[Any], at: paths.Path, *, lenient: bool
    ) -> Iterator[StatePart]:
        """What a list of values says. Raises NotFilled."""
        for number, entry in enumerate(entries):
            if isinstance(entry, Mapping):
                if "{{" in str(entry) or UNKNOWN in str(entry):
                    raise NotFilled(".".join(map(str, at)))
                where = (*at, number) if self.said.whole else ()
                yield StatePart(
                    self.said.path, dict(entry), where, self.said.number, not self.said.whole
                )
                continue
            for path in self._files(str(entry), lenient=lenient):
                yield self._file(path)

    def _data(self) -> dict[str, Any]:
        return dot(self.environment, self.values, mixed=self.mixed)

    def _files(self, written: str, *, lenient: bool) -> list[str]:
        if UNKNOWN in written:
            raise NotFilled("values")
        named = posixpath.normpath(posixpath.join(self.folder, fill(written, self._data())))
        if any(sign in named for sign in "*?["):
            depth = named.count("/")
            found = [p for p in self.index.files if fnmatch.fnmatchcase(p, named)]
            found = sorted(p for p in found if p.count("/") == depth)
        else:
            found = [named] if named in self.index.texts or named in self.index.files else []
        if not found and not lenient:
            raise NotFilled(written)
        return found

    def _file(self, path: str) -> StatePart:
        content = self.index.files[path]
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        filled = path.endswith(".gotmpl")
        if path.endswith(".hcl"):
            raise NotFilled(path)
        text = fill(text, self._data()) if filled else text
        return StatePart(path, values_of(self.index, text), sealed=filled)


def dot(
    environment: str, values: Mapping[str, Any] | None, *, mixed: bool = False
) -> dict[str, Any]:
    """What templates see; ``None``: values that are not known, so that nothing can be filled in with them. ``mixed``: as in
    ``State``."""
    if values is None:
        return {"Environment": {"Name": environment}}
    own = {} if mixed else {"Values": values}
    return {"Values": values, "StateValues": values, "Environment": {"Name": environment} | own}


def values_of(index: RepositoryIndex, text: str) -> dict[str, Any]:
    """The mapping that a text of values says, where all versions of YAML read the same. Raises NotFilled, NotEditable."""
    documents = index.readings.look(text)
    if not documents or (isinstance(documents[0].root, ScalarNode) and not documents[0].root.value):
        return {}
    root = documents[0].root
    if len(documents) > 1 or not isinstance(root, MappingNode):
        raise NotFilled("values")
    check_plain(root)
    found = equivalence.filled(root)
    return dict(found) if isinstance(found, Mapping) else {}


def check_plain(node: Node) -> None:
    """Raises NotFilled where a scalar means one thing to YAML 1.1 and another to 1.2, or a key is no text."""
    if isinstance(node, SequenceNode):
        for item in node.value:
            check_plain(item)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise NotFilled("a key")
            check_plain(value)
    elif isinstance(node, ScalarNode) and not scalars.same(
        scalars.value_11(node), scalars.value_12(node)
    ):
        raise NotFilled(str(node.value))


def merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """``high`` laid over ``low``. Raises NotFilled where helmfile's ways to merge differ: an empty value over one that is
    set, a mapping over something else."""
    out = dict(low)
    for key, value in high.items():
        below = out.get(key)
        if key in out and below is not None:
            holes = value is None or (isinstance(value, list) and None in value)
            if holes or isinstance(value, Mapping) != isinstance(below, Mapping):
                raise NotFilled(str(key))
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            value = merged(below, value)  # noqa: PLW2901
        out[key] = value
    return out
