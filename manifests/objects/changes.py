"""Typed changes on plain objects: apply and invert. ``apply(invert(c), apply(c, o)) == o`` for every change that fits."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from kfix.texts import say
from manifests.objects import paths
from schemas.plans import FieldChange, KubernetesChange


class Stale(ValueError):
    """The object is not what the change saw: a precondition failed."""


def _parent(obj: Any, path: paths.Path, create: bool) -> Any:
    node = obj
    for at, segment in enumerate(path[:-1]):
        try:
            node = paths.get(node, (segment,))
        except paths.Missing:
            if not create or not isinstance(segment, str) or not isinstance(node, dict):
                raise Stale(
                    say("manifests.nothing_at", field=paths.render(path[: at + 1]))
                ) from None
            node[segment] = {} if isinstance(path[at + 1], str) else []
            node = node[segment]
    return node


def _put(obj: Any, change: FieldChange) -> None:
    path = paths.parse(change.path)
    last = path[-1]
    parent = _parent(obj, path, create=change.op == "add")
    current = paths.find(parent, (last,), _ABSENT)
    if change.op == "add" and current is not _ABSENT and not isinstance(last, int):
        raise Stale(say("manifests.already_there", field=change.path))
    if change.op != "add" and current is _ABSENT:
        raise Stale(say("manifests.not_there", field=change.path))
    if change.op != "add" and current != change.before:
        raise Stale(
            say(
                "manifests.is_not_as_before",
                field=change.path,
                current=repr(current),
                before=repr(change.before),
            )
        )
    if isinstance(parent, dict) and isinstance(last, str):
        if change.op == "remove":
            del parent[last]
        else:
            parent[last] = copy.deepcopy(change.after)
        return
    if not isinstance(parent, list):
        raise Stale(say("manifests.no_container_for", field=change.path))
    if change.op == "add":
        at = last if isinstance(last, int) else len(parent)
        parent.insert(min(at, len(parent)), copy.deepcopy(change.after))
        return
    at = paths.index_of(parent, last) if isinstance(last, paths.Match) else int(str(last))
    if change.op == "remove":
        del parent[at]
    else:
        parent[at] = copy.deepcopy(change.after)


_ABSENT = object()


def apply(fields: Iterable[FieldChange], obj: Any) -> Any:
    """A changed deep copy of ``obj``. Raises Stale when a precondition does not hold, BadPath on an unreadable path."""
    out = copy.deepcopy(obj)
    for change in fields:
        _put(out, change)
    return out


def put(obj: Any, change: FieldChange, *, grow: bool = False) -> Any:
    """A copy of ``obj`` with the field as ``change`` leaves it, whatever it is now; shares all else.

    As ``apply`` does, an item that is added at a position comes before the one that stands there. ``grow``: mappings and
    items that are missing above it are made. Raises Missing and BadPath as ``paths`` does.
    """
    value = paths.ABSENT if change.op == "remove" else change.after
    return paths.put(obj, paths.parse(change.path), value, grow=grow, insert=change.op == "add")


def invert(change: KubernetesChange, before: Any = None) -> KubernetesChange:
    """The change that takes ``change`` back.

    With ``before`` (the object it was made for) the inverse is exact: mappings that an ``add`` had to create go away
    again, removed list items come back where they stood. Without it they stay, empty, or come back last; then prefer
    one ``add`` of the whole missing mapping. Raises Stale when ``change`` does not fit ``before``.
    """
    if change.action == "create":
        return change.model_copy(update={"action": "delete", "fields": ()})
    if change.action == "delete":
        return change.model_copy(update={"action": "create"})
    state = copy.deepcopy(before)
    fields: list[FieldChange] = []
    for field in change.fields:
        fields.insert(0, _swapped(field) if state is None else _undo(field, state))
        if state is not None:
            _put(state, field)
    return change.model_copy(update={"fields": tuple(fields)})


def _swapped(field: FieldChange) -> FieldChange:
    swap = {"add": "remove", "remove": "add", "replace": "replace"}
    return FieldChange.model_validate(
        {"op": swap[field.op], "path": field.path, "before": field.after, "after": field.before}
    )


def _undo(field: FieldChange, state: Any) -> FieldChange:
    """What takes one field's change back from the object that it leaves behind."""
    path = paths.parse(field.path)
    if field.op == "remove":
        return FieldChange(op="add", path=_counted(state, path), after=copy.deepcopy(field.before))
    if field.op == "replace":
        return _swapped(field)
    absent = (d for d in range(1, len(path) + 1) if paths.find(state, path[:d], _ABSENT) is _ABSENT)
    # An item may come before others: then something stands at its position already.
    depth = next(absent, len(path))
    after = copy.deepcopy(state)
    _put(after, field)
    made = path[:depth]
    if depth == len(path) and isinstance(path[-1], paths.Match | int):
        return _undo_item(field, path, state)
    return FieldChange(op="remove", path=paths.render(made), before=paths.get(after, made))


def _undo_item(field: FieldChange, path: paths.Path, state: Any) -> FieldChange:
    items = paths.get(state, path[:-1])
    last = path[-1]
    at = min(last, len(items)) if isinstance(last, int) else len(items)
    return FieldChange(op="remove", path=paths.render((*path[:-1], at)), before=field.after)


def _counted(state: Any, path: paths.Path) -> str:
    """The path with its last segment as a position, so that an item comes back where it stood."""
    last = path[-1]
    if not isinstance(last, paths.Match):
        return paths.render(path)
    at = paths.index_of(paths.get(state, path[:-1]), last)
    return paths.render((*path[:-1], at))
