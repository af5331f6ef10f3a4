"""The words of an edit, and what an edit means on a document's picture (``reading.Tree``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from manifests import paths, scalars
from manifests.reading import STR, Key, Leaf, Tree
from manifests.refused import Refused
from manifests.scalars import is_scalar
from manifests.writing import Value


@dataclass(frozen=True, slots=True)
class Replace:
    """Another value at ``path``. ``old`` is a precondition, exact in value and kind.

    Both are scalars; or ``old`` is ``None`` and ``new`` a mapping or list (filling an empty entry).
    """

    doc: int
    path: paths.Path
    old: Value
    new: Value


@dataclass(frozen=True, slots=True)
class Insert:
    """A new entry ``key`` of the mapping at ``parent``, after entry ``after`` (``None``: last);
    or a new item of the list at ``parent``, before position ``key`` (the list's length: last)."""

    doc: int
    parent: paths.Path
    key: str | int
    value: Value
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Takes the entry or item at ``path`` away. ``old`` is a precondition, exact in value and kind."""

    doc: int
    path: paths.Path
    old: Value


Edit = Replace | Insert | Delete


def leaf_of(value: scalars.Scalar) -> Leaf:
    """A scalar's picture, as reading back what ``scalars.write`` wrote gives it."""
    if isinstance(value, str):
        return (STR, value)
    text = "" if value is None else scalars.plain_text(value)
    return (scalars.TAG + scalars.kind_of(value), text)


def tree_of(value: Value) -> Tree:
    """A value's picture."""
    if is_scalar(value):
        return leaf_of(value)
    if isinstance(value, Mapping):
        return {(STR, key, 0): tree_of(inside) for key, inside in value.items()}
    assert isinstance(value, Sequence)
    return [tree_of(item) for item in value]


def apply_to(tree: Tree, edit: Edit) -> None:
    """Changes a document's picture in place as ``edit`` says. Raises Refused NOT_FOUND where it does not fit."""
    if isinstance(edit, Insert):
        parent = _at(tree, edit.parent)
        if isinstance(parent, list):
            parent.insert(int(edit.key), tree_of(edit.value))
        elif isinstance(parent, dict):
            parent[(STR, str(edit.key), 0)] = tree_of(edit.value)
        return
    parent, slot = _at(tree, edit.path[:-1]), edit.path[-1]
    key = _slot(parent, slot)
    if isinstance(edit, Delete):
        del parent[key]  # type: ignore[union-attr, arg-type]
    else:
        parent[key] = tree_of(edit.new)  # type: ignore[index]


def _at(tree: Tree, path: paths.Path) -> Tree:
    for segment in path:
        tree = tree[_slot(tree, segment)]  # type: ignore[index, assignment]
    return tree


def _slot(tree: Tree, segment: paths.Segment) -> int | Key:
    if isinstance(tree, dict) and isinstance(segment, str):
        for key in tree:
            if key[1] == segment:
                return key
    elif isinstance(tree, list) and isinstance(segment, int):
        return segment
    elif isinstance(tree, list) and isinstance(segment, paths.Match):
        for at, item in enumerate(tree):
            if isinstance(item, dict) and any(
                k[1] == segment.field and isinstance(v, tuple) and v[1] == segment.value
                for k, v in item.items()
            ):
                return at
    raise Refused("NOT_FOUND", f"nothing at {paths.render((segment,))}")
