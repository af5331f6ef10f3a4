"""A planned field as a change of a value. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from manifests.helm.layers import Layer
from manifests.helm.value_paths import ABSENT
from manifests.objects import paths
from manifests.repository.rendering import HelmTemplate
from manifests.text import scalars
from schemas.base import Json
from schemas.plans import FieldChange


@dataclass(frozen=True, slots=True)
class Placed:
    """A planned field as a change of a value: in the file ``layer.path``, or in the object ``layer.owner``."""

    layer: Layer
    path: paths.Path
    value: Json
    #: How the chart was rendered; ``None`` for one that is kept elsewhere.
    recipe: HelmTemplate | None = None
    #: The whole new text of ``layer.path``, where that is a template whose literal changes.
    template: str = ""


def field_of(placed: Placed) -> FieldChange:
    """The value as a field of the object that holds it."""
    layer = placed.layer
    if layer.leaf:
        before = paths.find(layer.values, layer.leaf)
        return FieldChange(
            path=paths.render(layer.at), before=_text(before), after=_text(placed.value)
        )
    path = paths.render((*layer.at, *placed.path))
    now = paths.find(layer.values, placed.path, ABSENT)
    if now is ABSENT:
        return FieldChange(op="add", path=path, after=placed.value)
    return FieldChange(path=path, before=now, after=placed.value)


def held(placed: Placed, now: Json) -> tuple[str, Json]:
    """(path, value) in the file that holds it, where ``now`` stands at the layer's place: a text stays one."""
    layer = placed.layer
    if not layer.leaf:
        return paths.render((*layer.at, *placed.path)), placed.value
    value = _text(placed.value) if isinstance(now, str) else placed.value
    return paths.render(layer.at), value


def _text(value: Json) -> str:
    return value if isinstance(value, str) else scalars.plain_text(value)
