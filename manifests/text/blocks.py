"""Block mappings and lists: entries and items are whole lines, except the first entry of a mapping beside a dash."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass

from yaml import MappingNode, Node, SequenceNode

from kfix.texts import say
from manifests.refused import NotEditable
from manifests.text import spans, write
from manifests.text.read import Document
from manifests.text.reshape import fill_below
from manifests.text.splices import Lines, Piece, Splice
from manifests.text.style import Habits, habits_of

_BEFORE_ITEM = re.compile(r"-(?P<gap>\s*)$")
_EMPTY = re.compile(r"\{[ \t]*\}|\[[ \t]*\]")


@dataclass(frozen=True, slots=True)
class New:
    """A new entry (``key``) or item (no ``key``), after the sibling at position ``after``; -1: before the first."""

    after: int
    value: write.Value
    key: str | None = None


_Extents = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Sibling:
    """``start``: of its key or dash. ``[first, stop)``: its lines with their breaks; ``end``: of the last one's text."""

    start: int
    end: int
    first: int
    stop: int
    #: Something (the dash of a list item) stands before it on its line.
    beside: bool


def lay_out(
    body: str, document: Document, place: spans.NodePlace, going: Set[int], coming: Sequence[New]
) -> list[Piece]:
    """The text of what comes and goes in a block collection, or comes into an empty one. Raises NotEditable."""
    habits = habits_of(document)
    if not place.node.value:
        return [_filled(body, place, coming, habits)]
    node = place.node
    extents = spans.extents_of_items(body, node) if isinstance(node, SequenceNode) else []
    new = [
        (_below(body, node, n.after, extents), _lines(body, node, n, extents, habits))
        for n in coming
    ]
    gone = {at: _sibling(body, node, at, extents) for at in sorted(going)}
    pieces: list[Piece] = []
    if 0 in gone and gone[0].beside:
        pieces.append(_beside_dash(body, place.node, gone, new))
    elif len(gone) == len(place.node.value) and not new:
        pieces.append(_left_empty(body, place, gone[0]))
    pieces += [Lines(sibling.first, sibling.stop) for sibling in gone.values()]
    pieces += [Lines(stop, stop, tuple(lines)) for stop, lines in new]
    return pieces


def _sibling(body: str, node: Node, at: int, extents: _Extents) -> _Sibling:
    if isinstance(node, MappingNode):
        key, value = node.value[at]
        start, end = int(key.start_mark.index), spans.end_of_entry(body, key, value)
        first = spans.line_start(body, start)
    else:
        assert isinstance(node, SequenceNode)
        first, column, _ = dash_of(body, extents[at][0])
        start, end = first + column, extents[at][1]
    stop = spans.line_end(body, end)
    if not spans.only_comment(body[end:stop]):
        raise NotEditable("UNSUPPORTED", say("manifests.something_else_stands_on_line"))
    text_end = stop - 1 if body[stop - 1 : stop] == "\r" else stop
    beside = bool(body[first:start].strip())
    return _Sibling(start, text_end, first, min(stop + 1, len(body)), beside)


def _below(body: str, node: Node, at: int, extents: _Extents) -> int:
    """Where the line below a sibling begins; above the first one for -1."""
    head = _sibling(body, node, max(at, 0), extents)
    return head.stop if at >= 0 else head.first


def dash_of(body: str, at: int) -> tuple[int, int, str]:
    """(first character of its line, column) of the dash before the item at ``at``, and the blanks after it.

    Raises NotEditable where the dash stands elsewhere than alone before the item, or on the line above it.
    """
    start = spans.line_start(body, at)
    if start and not body[start:at].strip():
        start = spans.line_start(body, start - 1)
    match = _BEFORE_ITEM.search(body, start, at)
    if match is None or body[start : match.start()].strip():
        raise NotEditable("UNSUPPORTED", say("manifests.item_whose_dash_not_alone"))
    gap = match.group("gap")
    return start, match.start() - start, " " if not gap or "\n" in gap else gap


def _lines(body: str, node: Node, new: New, extents: _Extents, habits: Habits) -> list[str]:
    if new.key is None:
        _, column, gap = dash_of(body, extents[0][0])
        return write.item_lines(new.value, column=column, gap=gap, habits=habits)
    return write.entry_lines(new.key, new.value, column=_column(body, node), habits=habits)


def _column(body: str, node: Node) -> int:
    at = int(node.value[0][0].start_mark.index)
    before = body[spans.line_start(body, at) : at]
    if "\t" in before:
        raise NotEditable("TAB_INDENT", say("manifests.tab_stands_before_entry"))
    if before.strip(" -"):
        raise NotEditable("UNSUPPORTED", say("manifests.mapping_does_not_start_on"))
    return len(before)


def _beside_dash(
    body: str, node: Node, gone: dict[int, _Sibling], new: list[tuple[int, list[str]]]
) -> Splice:
    """The first entry stands beside a dash: a new one takes its place, or the next one moves up, or ``{}`` is left."""
    head = gone.pop(0)
    if new:
        _, lines = new.pop(0)
        text = spans.newline_at(body, head.start).join(lines)[head.start - head.first :]
        return _taking_place(body, head, text, len(lines))
    following = next((at for at in range(1, len(node.value)) if at not in gone), None)
    if following is None:
        return _taking_place(body, head, "{}", 1)
    start = int(node.value[following][0].start_mark.index)
    for at in range(following - 1, -1, -1):
        upper = gone.pop(at) if at else head
        if "#" in body[upper.end : start]:
            raise NotEditable("UNSUPPORTED", say("manifests.comment_stands_under_entry_beside"))
        start = upper.start
    following_start = int(node.value[following][0].start_mark.index)
    removed = body.count("\n", head.start, following_start)
    return Splice(head.start, following_start, "", 1, removed + 1)


def _taking_place(body: str, head: _Sibling, text: str, added: int) -> Splice:
    return Splice(head.start, head.end, text, added, 1 + body.count("\n", head.start, head.end))


def _left_empty(body: str, place: spans.NodePlace, head: _Sibling) -> Piece:
    """Brackets: behind the key, or in the place of all that a document or an item has."""
    empty = "{}" if isinstance(place.node, MappingNode) else "[]"
    if place.key is None:
        return Lines(head.first, head.first, (body[head.first : head.start] + empty,))
    at = spans.colon_end(body, place.key)
    start = int(place.node.start_mark.index)
    prefix = spans.prefix_of(body[start : spans.line_end(body, start)]).rstrip()
    if prefix and spans.line_start(body, start) == spans.line_start(body, at):
        at = start + len(prefix)
    if not spans.only_comment(body[at : spans.line_end(body, at)]):
        raise NotEditable("UNSUPPORTED", say("manifests.something_else_stands_on_line"))
    return Splice(at, at, " " + empty)


def becomes_block(place: spans.NodePlace) -> bool:
    """Is this an empty collection under a key of a block mapping, to be filled with lines?"""
    in_flow = place.parent is not None and place.parent.flow_style
    return not place.node.value and place.key is not None and not in_flow


def _filled(body: str, place: spans.NodePlace, coming: Sequence[New], habits: Habits) -> Splice:
    """``{}`` or ``[]`` under a key becomes a block."""
    start, end = int(place.node.start_mark.index), int(place.node.end_mark.index)
    assert place.key is not None
    if not _EMPTY.fullmatch(body, start, end):
        raise NotEditable("UNSUPPORTED", say("manifests.empty_collection_with_anchor_tag"))
    at = spans.colon_end(body, place.key)
    if body[at:start].strip():
        raise NotEditable("UNSUPPORTED", say("manifests.empty_collection_does_not_follow"))
    column = int(place.key.start_mark.column)
    lines: list[str] = []
    for new in coming:
        if new.key is None:
            inner = column + habits.dash
            lines += write.item_lines(new.value, column=inner, gap=" ", habits=habits)
        else:
            inner = column + habits.step
            lines += write.entry_lines(new.key, new.value, column=inner, habits=habits)
    return fill_below(body, at, end, lines)
