"""What turns a repository's files into the objects that reach the cluster, and how two renderings differ. Pure.

A ``Renderer`` runs elsewhere (``kfix.infra.clients.renderers`` starts kustomize and helm); here are its words, and the
comparison: documents whose text is the same are never parsed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.text import equivalence
from manifests.text.readings import Readings
from schemas.base import Json, ObjectRef
from schemas.plans import FieldChange

Files = Mapping[str, bytes | str]
#: The folder that packed charts of the configured cache are said to stand in.
CACHED = ".kfix-charts"
_BREAK = re.compile(r"(?m)^---[ \t]*(?:#.*)?\n")
_SOURCE = re.compile(r"(?m)^# Source: .*\n")


class NotRendered(Exception):
    """Nothing can be said: the tool is missing, the sources are not here, or the tool failed. The text says which."""


class GaveUp(NotRendered):
    """The time for one plan's renderings is over: nothing more is rendered."""


@dataclass(frozen=True, slots=True)
class KustomizeBuild:
    """``kustomize build FOLDER``."""

    folder: str


@dataclass(frozen=True, slots=True)
class HelmTemplate:
    """``helm template RELEASE CHART``. ``layers`` go on top of the chart's own values, later ones win: each is a path
    of the repository, or values themselves as YAML text where it has a line feed."""

    chart: str
    release: str
    namespace: str = ""
    layers: tuple[str, ...] = ()
    #: Dependencies that are not in the repository, by the names that their values stand under: rendered without them.
    without: tuple[str, ...] = ()
    #: Packed charts of the cache that are put among the chart's own, below ``CACHED``.
    packed: tuple[str, ...] = ()


Recipe = KustomizeBuild | HelmTemplate


class RenderSession(Protocol):
    """A copy of a repository's files to render in."""

    def render(self, recipe: Recipe, changed: Mapping[str, str] | None = None) -> str:
        """YAML documents; ``changed`` replaces files for this once. Raises NotRendered."""
        ...

    def cached(self, name: str) -> bytes | None:
        """A packed chart of the configured cache by its file's name; ``None`` where it is not there."""
        ...


class Renderer(Protocol):
    """Something that renders."""

    def open(
        self, files: Files, readings: Readings | None = None
    ) -> AbstractContextManager[RenderSession]:
        """A workbench over these files. ``readings`` has what was parsed of them, and takes what is."""
        ...


@dataclass(frozen=True, slots=True)
class RenderedDifference:
    """An object before and after; one of them is ``None`` where it appears or goes away."""

    key: tuple[str, str, str]
    before: Json | None
    after: Json | None


def documents_of(text: str) -> list[str]:
    """The documents' texts, without comments that say where they come from."""
    return [part for part in _BREAK.split(_SOURCE.sub("", text)) if part.strip()]


def parsed(text: str, readings: Readings | None = None) -> list[Json]:
    """The objects of rendered YAML. ``readings``: what was parsed before. Raises NotRendered when it is no YAML or has more than a rendering has."""
    try:
        documents = (readings or Readings()).read(text)
        found = [equivalence.value_of(document.root) for document in documents]
    except NotEditable as refused:
        raise NotRendered(say("manifests.rendering_cannot_be_read", why=refused.reason)) from None
    return [item for item in found if isinstance(item, dict)]


def key_of(item: Json) -> tuple[str, str, str]:
    """(kind, namespace, name)."""
    metadata = item.get("metadata")
    at = metadata if isinstance(metadata, Mapping) else {}
    return str(item.get("kind", "")), str(at.get("namespace") or ""), str(at.get("name", ""))


def compare(before: str, after: str, readings: Readings | None = None) -> list[RenderedDifference]:
    """The objects that two renderings do not share. Raises NotRendered."""
    old, new = Counter(documents_of(before)), Counter(documents_of(after))
    gone, come = list((old - new).elements()), list((new - old).elements())
    first = {key_of(item): item for text in gone for item in parsed(text, readings)}
    second = {key_of(item): item for text in come for item in parsed(text, readings)}
    return [
        RenderedDifference(key, first.get(key), second.get(key))
        for key in sorted(first.keys() | second.keys())
        if first.get(key) != second.get(key)
    ]


#: Digests that charts put beside what they are made of, so that pods are made anew.
_DIGEST = re.compile(r"[0-9a-f]{8,128}")
_DIGEST_KEY = re.compile(r"checksum|hash|sha\d*sum|sha256|digest", re.IGNORECASE)


def is_derived(difference: RenderedDifference) -> bool:
    """Does an object differ in nothing but digests of other objects, in annotations?"""
    before, after = difference.before, difference.after
    return before is not None and after is not None and same(steady(before), steady(after))


def steady(node: Json) -> Json:
    """An object without the digests in annotations that follow from other objects."""
    if isinstance(node, Mapping):
        return {
            key: _without_digests(value) if key == "annotations" else steady(value)
            for key, value in node.items()
        }
    return [steady(item) for item in node] if isinstance(node, list) else node


def _without_digests(annotations: Json) -> Json:
    if not isinstance(annotations, Mapping):
        return annotations
    return {
        key: value
        for key, value in annotations.items()
        if not (_DIGEST_KEY.search(str(key)) and _DIGEST.fullmatch(str(value)))
    }


def unsteady(bench: RenderSession, recipe: Recipe) -> set[tuple[str, str, str]]:
    """The objects of a chart that differ from one rendering to the next: passwords, certificates, times."""
    if not isinstance(recipe, HelmTemplate):
        return set()
    again = replace(recipe, layers=(*recipe.layers, "# once more\n{}\n"))
    return {d.key for d in compare(bench.render(recipe), bench.render(again))}


def find(text: str, ref: ObjectRef, readings: Readings | None = None) -> Json | None:
    """The rendered object; one without a namespace is in the release's. ``None`` when it is not there."""
    for document in documents_of(text):
        if ref.name not in document or ref.kind not in document:
            continue
        for item in parsed(document, readings):
            if means(key_of(item), ref):
                return item
    return None


def means(key: tuple[str, str, str], ref: ObjectRef) -> bool:
    """Is this the key of the object, as far as it says a namespace?"""
    kind, namespace, name = key
    same_place = not namespace or not ref.namespace or namespace == ref.namespace
    return (kind, name) == (ref.kind, ref.name) and same_place


def expected(before: Json, fields: Sequence[FieldChange]) -> Json:
    """``before`` with the fields as planned, whatever they are now. Raises paths.Missing where they do not lead."""
    out = before
    for field in fields:
        path = paths.parse(field.path)
        out = _put(out, path, field)
    return out


def _put(node: Json, path: paths.Path, field: FieldChange) -> Json:
    """A copy with one field set, added or taken away; shares what it does not change."""
    head, rest = path[0], path[1:]
    if isinstance(head, str):
        return _put_entry(node, head, rest, field)
    items = list(node) if isinstance(node, list) else []
    at = head if isinstance(head, int) else _index(items, head)
    if at >= len(items):
        if field.op == "remove":
            return items
        inside = field.after if not rest else _put({}, rest, field)
        named = isinstance(head, paths.Match) and isinstance(inside, dict)
        return [*items, {head.field: head.value} | inside if named else inside]  # type: ignore[union-attr]
    if not rest and field.op == "remove":
        return items[:at] + items[at + 1 :]
    if not rest and field.op == "add":
        return [*items[:at], field.after, *items[at:]]
    items[at] = _put(items[at], rest, field) if rest else field.after
    return items


def _put_entry(node: Json, key: str, rest: paths.Path, field: FieldChange) -> Json:
    if node is not None and not isinstance(node, Mapping):
        raise paths.Missing(say("manifests.no_mapping_put_into", key=repr(key)))
    out = dict(node or {})
    if rest:
        inside = out.get(key)
        out[key] = _put(
            [] if inside is None and not isinstance(rest[0], str) else inside, rest, field
        )
    elif field.op == "remove":
        out.pop(key, None)
    else:
        out[key] = field.after
    return out


def _index(items: list[Json], match: paths.Match) -> int:
    try:
        return paths.index_of(items, match)
    except paths.Missing:
        return len(items)


def same(left: Json, right: Json) -> bool:
    """Do two objects mean the same to Kubernetes?"""
    return equivalence.equivalent((), left, right) if left and right else left == right
