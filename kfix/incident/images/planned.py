"""The images that a change names, wherever in the object they stand. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from schemas.base import Json
from schemas.plans import KubernetesChange

#: Deeper than an object of Kubernetes nests.
_DEEPEST = 20


def images_in(changes: Iterable[KubernetesChange]) -> tuple[str, ...]:
    """Images that the changes set, each once, in their order. What they only leave alone is not theirs."""
    found: dict[str, None] = {}
    for change in changes:
        for field in change.fields:
            named = "ontainers" in field.path and field.path.endswith(".image")
            if named and isinstance(field.after, str):
                found[field.after] = None
            else:
                found |= dict.fromkeys(_inside(field.after))
        found |= dict.fromkeys(_inside(change.manifest))
    return tuple(found)


def _inside(value: Json, depth: int = 0) -> Iterator[str]:
    """Images of containers, which have a name beside the image; a volume's image has none."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        if isinstance(value.get("image"), str) and "name" in value:
            yield value["image"]
        for part in value.values():
            yield from _inside(part, depth + 1)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _inside(part, depth + 1)
