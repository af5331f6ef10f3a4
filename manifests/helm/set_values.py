"""Values of Applications that an ApplicationSet makes: where its template or the elements of its lists say them. Pure.

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
from manifests.objects.shapes import mapping, mappings, text
from manifests.refused import EditRefused, NotEditable
from manifests.repository import application_sets, argocd
from schemas.base import Json

_HOLE = re.compile(r"\{\{-?\s*\.?([A-Za-z0-9_.-]+?)\s*-?\}\}")
_MARK = re.compile(r"kfix-hole\.([A-Za-z0-9_.-]+)\.end")


@dataclass(frozen=True, slots=True)
class Maker:
    """An ApplicationSet, and the element of a list that one of its Applications is made of."""

    item: Json
    #: The element's place; empty: it is of no list, or of more than one.
    at: paths.Path = ()
    #: Is it known what else is made of the template?
    complete: bool = True

    @property
    def element(self) -> Mapping[str, Any]:
        """What it says."""
        return mapping(paths.find(self.item, self.at, {})) if self.at else {}


def maker_of(item: Json, application: Json, *, complete: bool) -> Maker:
    """Which element makes the Application, as far as its name tells. ``complete``: as in ``Maker``."""
    template = mapping(item, "spec", "template")
    wanted = text(application, "metadata", "name")
    found: list[paths.Path] = []
    for number, generator in enumerate(mappings(item, "spec", "generators")):
        for at, element in enumerate(mappings(generator, "list", "elements")):
            name = application_sets.filled(text(template, "metadata", "name"), element)
            if name == wanted:
                found.append(("spec", "generators", number, "list", "elements", at))
    return Maker(item, found[0] if len(found) == 1 else (), complete)


def layers(made: Layer, maker: Maker) -> Iterator[Layer]:
    """A layer of an Application as the ApplicationSet says it, and above it the values that the element fills in."""
    at: paths.Path = ("spec", "template", *made.at)
    owner, raw = ref_of(maker.item), paths.find(maker.item, at, None)
    if made.leaf:
        key = _HOLE.fullmatch(str(raw))
        place = _in_element(maker, key[1]) if key else None
        if place is not None:
            yield replace(made, owner=owner, at=place)
        else:
            yield _of_template(replace(made, owner=owner, at=at), str(raw), maker)
        return
    written = raw if isinstance(raw, str) else ""
    yield _of_template(replace(made, owner=owner, at=at, written=written), raw, maker)
    for path, name in _holes(raw):
        place = _in_element(maker, name)
        value = paths.find(made.values, path, None)
        if place is None or value is None or not all(isinstance(s, str) for s in path):
            continue
        inside: Any = value
        for segment in reversed(path):
            inside = {str(segment): inside}
        yield Layer(made.said, inside, owner=owner, at=place, leaf=path)


def _of_template(layer: Layer, raw: Any, maker: Maker) -> Layer:
    """Sealed where the template's text cannot be read as it stands, or more may be made of it than is known."""
    if not maker.complete:
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


def _in_element(maker: Maker, name: str) -> paths.Path | None:
    """Where the element says what a template names."""
    keys: paths.Path = tuple(name.split("."))
    value = paths.find(maker.element, keys, None)
    said = value is not None and not isinstance(value, Mapping | list)
    return (*maker.at, *keys) if said else None


def _holes(raw: Any) -> Iterator[tuple[paths.Path, str]]:
    """(path, name) of each value that is nothing but a placeholder."""
    if isinstance(raw, str):
        try:
            tree: Any = argocd.text_values(_HOLE.sub(r"kfix-hole.\1.end", raw))
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
    return _HOLE.sub(r"kfix-hole.\1.end", node) if isinstance(node, str) else node
