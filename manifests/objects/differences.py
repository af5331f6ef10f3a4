"""In which fields two values differ. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from manifests.objects import paths
from schemas.base import Json


def differences(before: Json, after: Json, place: paths.Path = ()) -> dict[str, list[Json]]:
    """Field path to [before, after]; ``None`` where the field is missing.

    Named list items are matched by name; lists in which a name stands twice (variables set again, subjects of several
    kinds) are compared whole.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        found: dict[str, list[Json]] = {}
        for key in sorted({*before, *after}, key=str):
            found |= differences(before.get(key), after.get(key), (*place, str(key)))
        return found
    one, two = _by_name(before), _by_name(after)
    if one is not None and two is not None:
        found = {}
        for name in dict.fromkeys([*one, *two]):
            here = (*place, paths.Match("name", name))
            found |= differences(one.get(name), two.get(name), here)
        return found
    return {} if before == after else {paths.render(place): [before, after]}


def _by_name(items: Json) -> dict[str, Json] | None:
    if not isinstance(items, list) or not items:
        return None
    if not all(isinstance(item, Mapping) and isinstance(item.get("name"), str) for item in items):
        return None
    named = {item["name"]: item for item in items}
    return named if len(named) == len(items) else None
