"""Typed changes on plain objects: apply and invert. ``apply(invert(c), apply(c, o)) == o`` for every change that fits."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from manifests import paths
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
                raise Stale(f"nothing at {paths.render(path[: at + 1])}") from None
            node[segment] = {} if isinstance(path[at + 1], str) else []
            node = node[segment]
    return node


def _put(obj: Any, change: FieldChange) -> None:
    path = paths.parse(change.path)
    last = path[-1]
    parent = _parent(obj, path, create=change.op == "add")
    current = paths.find(parent, (last,), _ABSENT)
    if change.op == "add" and current is not _ABSENT:
        raise Stale(f"{change.path} is already there")
    if change.op != "add" and current is _ABSENT:
        raise Stale(f"{change.path} is not there")
    if change.op != "add" and current != change.before:
        raise Stale(f"{change.path} is {current!r}, not {change.before!r}")
    if isinstance(parent, dict) and isinstance(last, str):
        if change.op == "remove":
            del parent[last]
        else:
            parent[last] = copy.deepcopy(change.after)
        return
    if not isinstance(parent, list):
        raise Stale(f"no container for {change.path}")
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


def invert(change: KubernetesChange) -> KubernetesChange:
    """The change that takes ``change`` back. Mappings that an ``add`` had to create stay, empty.

    Prefer one ``add`` of the whole missing mapping: its inverse removes exactly that.
    """
    if change.action == "create":
        return change.model_copy(update={"action": "delete", "fields": ()})
    if change.action == "delete":
        return change.model_copy(update={"action": "create"})
    swap = {"add": "remove", "remove": "add", "replace": "replace"}
    fields = tuple(
        FieldChange.model_validate(
            {"op": swap[f.op], "path": f.path, "before": f.after, "after": f.before}
        )
        for f in reversed(change.fields)
    )
    return change.model_copy(update={"fields": fields})
