"""One comparison of objects for everybody: declared, rendered or live, each with the API's defaults filled in. Pure.

    same(declared, live)                      do both mean the same object?
    same_at(declared, live, ("spec", "strategy"))
    fitted(plan.fields, live)                 the plan's changes as this writing of the object takes them

``1000m`` is ``"1"``, a probe without a period has one of ten seconds, no strategy is a rolling update by a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from manifests.objects import changes, paths
from manifests.objects.defaults import defaulted
from manifests.text.equivalence import equivalent
from schemas.base import Json
from schemas.plans import FieldChange

ABSENT = paths.ABSENT
_EMPTY: tuple[Any, ...] = ({}, [], None, "")


def same(left: Json, right: Json) -> bool:
    """Do two objects mean the same to Kubernetes, whatever the server knows of them besides?"""
    return equivalent((), defaulted(left), defaulted(right))


def same_at(left: Json, right: Json, path: paths.Path) -> bool:
    """Do two objects say the same of a field, defaults included? Empty and absent are the same."""
    return _equal(path, value_at(left, path), value_at(right, path))


def value_at(obj: Json, path: paths.Path) -> Any:
    """The field with the API's defaults; ABSENT where there is none."""
    return paths.find(defaulted(obj), path, ABSENT)


def _equal(path: paths.Path, left: Any, right: Any) -> bool:
    if left is ABSENT or right is ABSENT:
        return all(value is ABSENT or value in _EMPTY for value in (left, right))
    return equivalent(path, left, right)


def fitted(fields: Sequence[FieldChange], obj: Json) -> list[FieldChange]:
    """Changes that were made for one writing of an object, as another writing of the same takes them.

    A precondition that holds up to defaults and notation is written as ``obj`` has it; one that does not hold stays,
    so that ``changes.apply`` says it is stale. What is so already is left out.
    """
    found = []
    state = obj
    for field in fields:
        path = paths.parse(field.path)
        one = _fitted(field, path, state)
        if one is not None:
            found.append(one)
            state = _after(state, one)
    return found


def _fitted(field: FieldChange, path: paths.Path, obj: Json) -> FieldChange | None:
    now = paths.find(obj, path, ABSENT)
    if isinstance(path[-1], int) or (field.op == "add" and isinstance(path[-1], paths.Match)):
        return field  # an item by its place, or one that comes to a list
    if field.op == "remove":
        return _removed(field, path, obj, now)
    if now is not ABSENT and equivalent(path, now, field.after):
        return None
    before = field.before if field.op == "replace" else ABSENT
    if now is ABSENT:
        fits = field.op == "add" or _fits(obj, path, before, value_at(obj, path))
        return FieldChange(op="add", path=field.path, after=field.after) if fits else field
    if not (_fits(obj, path, before, now) or (before is ABSENT and now in _EMPTY)):
        return field
    whole = isinstance(now, Mapping) and isinstance(field.after, Mapping)
    after = value_at(_put(obj, path, field.after), path) if whole else field.after
    return FieldChange(op="replace", path=field.path, before=now, after=after)


def _removed(field: FieldChange, path: paths.Path, obj: Json, now: Any) -> FieldChange | None:
    if now is ABSENT:
        return None
    fits = _within(path, field.before, now) or _fits(obj, path, field.before, now)
    return field.model_copy(update={"before": now}) if fits else field


def _fits(obj: Json, path: paths.Path, before: Any, now: Any) -> bool:
    """Would the object with ``before`` at the path be the one that has ``now`` there?"""
    if before is not ABSENT and now is not ABSENT and equivalent(path, before, now):
        return True
    filled = value_at(obj, path)
    return _equal(path, value_at(_put(obj, path, before), path), filled)


def _within(path: paths.Path, part: Any, whole: Any) -> bool:
    """Is all that ``part`` says also in ``whole``, which may have defaults on top?"""
    if isinstance(part, Mapping) and isinstance(whole, Mapping):
        return all(k in whole and _within((*path, k), v, whole[k]) for k, v in part.items())
    return equivalent(path, part, whole)


def _after(obj: Json, change: FieldChange) -> Json:
    """A copy with the change made; as it is where its path leads nowhere."""
    try:
        return changes.put(obj, change)
    except paths.Missing:
        return obj


def _put(obj: Json, path: paths.Path, value: Any) -> Json:
    """A copy with the field set; as it is where the path leads nowhere."""
    try:
        return paths.put(obj, path, value)
    except paths.Missing:
        return obj
