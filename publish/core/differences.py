"""What of a large value really changes: single values with their paths, instead of two heaps to compare by eye."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.base import Json
from schemas.plans import FieldChange

#: Nesting that is looked into; deeper values are shown whole.
_DEPTH = 12


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """One value that changes. ``None``: there is none."""

    path: str
    before: Json
    after: Json


def differences(change: FieldChange) -> list[ValueDifference]:
    """The single values that a change of a field comes to."""
    return list(_inside(change.path, change.before, change.after, _DEPTH))


def _inside(path: str, before: Json, after: Json, depth: int) -> Iterator[ValueDifference]:
    if before == after:
        return
    inner = list(_parts(path, before, after, depth)) if depth else []
    # Nothing inside: no parts, or a null that took the place of nothing.
    yield from inner or [ValueDifference(path, before, after)]


def _parts(path: str, before: Json, after: Json, depth: int) -> Iterator[ValueDifference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from _inside(f"{path}.{key}", before.get(key), after.get(key), depth - 1)
    old, new = _named(before), _named(after)
    if old is not None and new is not None:
        for name in dict.fromkeys([*old, *new]):
            there = f"{path}[name={name}]"
            yield from _inside(there, old.get(name), new.get(name), depth - 1)


def _named(items: Json) -> dict[str, Json] | None:
    """Items by their names; ``None`` for anything but a list of differently named items."""
    if not isinstance(items, list) or not all(isinstance(i, dict) and "name" in i for i in items):
        return None
    named = {str(item["name"]): item for item in items}
    return named if len(named) == len(items) else None


def shown(value: Json) -> str:
    """A value in one line, as people write it in a manifest."""
    if value is None:
        return "–"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value).lower() if isinstance(value, bool) else str(value)
