"""Values of Applications that an ApplicationSet makes: where its template or its elements say them. Pure.

What the template says is every Application's; what an element says is that of the one that is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kfix.texts import say
from manifests.helm.layers import Layer
from manifests.helm.value_paths import walk
from manifests.objects import paths
from manifests.objects.meta import ref_of
from manifests.refused import EditRefused, NotEditable
from manifests.repository import argocd
from manifests.repository.application_sets import MadeApplication
from manifests.repository.set_elements import HOLE
from schemas.base import Json

_MARK = re.compile(r"kfix-hole\.([A-Za-z0-9_.-]+)\.end")


@dataclass(frozen=True, slots=True)
class Maker:
    """An ApplicationSet, and what it makes one Application of."""

    item: Json
    made: MadeApplication
    #: Is it known what else is made of the template?
    complete: bool = True


def layers(made: Layer, maker: Maker) -> Iterator[Layer]:
    """A layer of an Application as the ApplicationSet says it, and above it the values that the element fills in."""
    at: paths.Path = ("spec", "template", *made.at)
    owner, raw = ref_of(maker.item), paths.find(maker.item, at, None)
    patched = _is_patched(made.at, maker)
    if patched:
        raw = paths.find(maker.made.patch, made.at, None)
    if made.leaf:
        key = HOLE.fullmatch(str(raw)) or _MARK.fullmatch(str(raw))
        filled = _filled_in(maker, key[1], made) if key else None
        yield filled or _of_template(replace(made, owner=owner, at=at), str(raw), maker, patched)
        return
    written = raw if isinstance(raw, str) and not patched else ""
    template = replace(made, owner=owner, at=at, written=written)
    yield _of_template(template, raw, maker, patched)
    for path, name in _holes(raw):
        value = paths.find(made.values, path, None)
        if value is None or not all(isinstance(s, str) for s in path):
            continue
        inside: Any = value
        for segment in reversed(path):
            inside = {str(segment): inside}
        filled = _filled_in(maker, name, Layer(made.said, inside, leaf=path))
        if filled is not None:
            yield filled


def _is_patched(at: paths.Path, maker: Maker) -> bool:
    """Does the set's ``templatePatch`` say what stands there?"""
    made = maker.made
    before = paths.find(made.unpatched, at, None) if made.unpatched else None
    return bool(made.unpatched) and before != paths.find(made.item, at, None)


def _of_template(layer: Layer, raw: Any, maker: Maker, patched: bool) -> Layer:
    """Sealed where the template's text cannot be read as it stands, or more may be made of it than is known."""
    if patched or not maker.complete:
        holds = True
    elif not isinstance(raw, str) or layer.leaf:
        holds = isinstance(raw, str) and "{{" in raw
    else:
        try:
            argocd.text_values(raw)
            holds = False
        except NotEditable:
            holds = True
    if not holds or layer.sealed is not None:
        return layer
    key = layer.owner.key if layer.owner else ""
    return replace(
        layer,
        sealed=EditRefused("TEMPLATED", say("manifests.applicationset_makes", object=key)),
    )


def _filled_in(maker: Maker, name: str, layer: Layer) -> Layer | None:
    """The layer where the element says what a template names; ``None`` where nothing says it in so many words."""
    place = maker.made.element.said.get(name)
    if place is None:
        return None
    if place.file:
        said = f"{place.file}: {paths.render(place.at)}"
        return replace(layer, said=said, owner=None, holder=place.file, at=place.at)
    raw = paths.find(maker.item, place.at, None)
    if raw is None or isinstance(raw, Mapping | list) or "{{" in str(raw):
        return None
    return replace(layer, owner=ref_of(maker.item), at=place.at)


def _holes(raw: Any) -> Iterator[tuple[paths.Path, str]]:
    """(path, name) of each value that is nothing but a placeholder."""
    if isinstance(raw, str):
        try:
            tree: Any = argocd.text_values(HOLE.sub(r"kfix-hole.\1.end", raw))
        except NotEditable:
            return
    else:
        tree = _marked(raw)
    for path, value in walk(tree, ()):
        found = _MARK.fullmatch(value) if isinstance(value, str) else None
        if found:
            yield path, found[1]


def _marked(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _marked(value) for key, value in node.items()}
    return HOLE.sub(r"kfix-hole.\1.end", node) if isinstance(node, str) else node
