"""The words of an edit, and what an edit means on a document's picture (``reading.Tree``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.text import scalars
from manifests.text.read import STR, Key, Leaf, Tree
from manifests.text.scalars import is_scalar
from manifests.text.write import Value


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
    or a new item of the list at ``parent``, before position ``key`` (the list's length: last).

    ``of`` is a precondition for items: how many the list has before the edit. Without it an equal item at that
    position is taken for the new one.
    """

    doc: int
    parent: paths.Path
    key: str | int
    value: Value
    after: str | None = None
    of: int | None = None


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


def copied(tree: Tree) -> Tree:
    """A picture of one's own."""
    if isinstance(tree, dict):
        return {key: copied(inside) for key, inside in tree.items()}
    return [copied(item) for item in tree] if isinstance(tree, list) else tree


def apply_to(tree: Tree, edits: Iterable[Edit]) -> None:
    """Makes a document's picture in place what the edits say. Raises NotEditable NOT_FOUND where one does not fit.

    Paths and positions mean the first picture, whatever the other edits do to it.
    """
    items: list[tuple[list[Tree], int, Edit]] = []
    entries: list[tuple[dict[Key, Tree], Key, Edit]] = []
    for edit in edits:
        path = edit.parent if isinstance(edit, Insert) else edit.path[:-1]
        holder, slot = _at(tree, path), _slot_of(edit)
        if isinstance(holder, list):
            items.append((holder, int(_slot(holder, slot)), edit))  # type: ignore[arg-type]
        elif isinstance(holder, dict):
            new = isinstance(edit, Insert)
            entries.append((holder, (STR, str(slot), 0) if new else _slot(holder, slot), edit))  # type: ignore[arg-type]
    for mapping, key, edit in sorted(entries, key=lambda entry: isinstance(entry[2], Insert)):
        if isinstance(edit, Delete):
            del mapping[key]
        else:
            mapping[key] = tree_of(edit.value if isinstance(edit, Insert) else edit.new)
    _apply_to_lists(items)


def _slot_of(edit: Edit) -> paths.Segment:
    return edit.key if isinstance(edit, Insert) else edit.path[-1]


def _apply_to_lists(items: list[tuple[list[Tree], int, Edit]]) -> None:
    """From the end of a list to its start; at one position new items stay in their order, before the old one."""

    def order(numbered: tuple[int, tuple[list[Tree], int, Edit]]) -> tuple[int, bool, int]:
        nth, (_, at, edit) = numbered
        return (-at, isinstance(edit, Insert), -nth)

    for _, (holder, at, edit) in sorted(enumerate(items), key=order):
        if isinstance(edit, Insert):
            holder.insert(at, tree_of(edit.value))
        elif isinstance(edit, Delete):
            del holder[at]
        else:
            holder[at] = tree_of(edit.new)


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
    raise NotEditable("NOT_FOUND", say("manifests.nothing_at", field=paths.render((segment,))))
