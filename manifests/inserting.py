"""Insert: a new entry of a mapping or a new item of a list, in the style of what is around it."""

from __future__ import annotations

import re

from yaml import MappingNode, Node, SequenceNode

from manifests import paths, spans, writing
from manifests.edits import Insert
from manifests.reading import Document
from manifests.refused import Refused
from manifests.replacing import fill_below, holds, is_json
from manifests.splices import Splice
from manifests.style import dash_shift

_BEFORE_ITEM = re.compile(r"-(?P<gap>\s*)$")


def splice(body: str, document: Document, edit: Insert) -> Splice | None:
    """The splice for ``edit``; ``None`` when the entry is there with that value. Raises Refused."""
    place = spans.resolve(document, edit.parent)
    if place is None:
        raise Refused("NOT_FOUND", f"nothing at {paths.render(edit.parent)}")
    if isinstance(place.node, MappingNode) and isinstance(edit.key, str):
        return _entry(body, document, place, edit, edit.key)
    if isinstance(place.node, SequenceNode) and isinstance(edit.key, int):
        return _item(body, document, place, edit, edit.key)
    raise Refused("UNSUPPORTED", f"nothing can be added to {paths.render(edit.parent)}")


def _entry(
    body: str, document: Document, place: spans.Place, edit: Insert, key: str
) -> Splice | None:
    there = spans.resolve(document, (*edit.parent, key))
    if there is not None:
        if holds(document, there.node, edit.value):
            return None
        raise Refused("STALE", f"{paths.render((*edit.parent, key))} is there already")
    node = place.node
    assert isinstance(node, MappingNode)
    dash = dash_shift(body, document)
    if not node.value:
        return _into_empty(
            body, place, writing.entry_lines(key, edit.value, column=_inner(place), dash=dash), edit
        )
    if node.flow_style:
        return _flow_entry(body, node, key, edit.value)
    after = next((e for e in node.value if edit.after and e[0].value == edit.after), node.value[-1])
    column = _block_column(body, node)
    lines = writing.entry_lines(key, edit.value, column=column, dash=dash)
    return _below(body, spans.end_of_entry(body, *after), lines)


def _inner(place: spans.Place) -> int:
    if place.key is None:
        raise Refused("UNSUPPORTED", "an empty mapping that hangs on no key")
    return int(place.key.start_mark.column) + 2


def _block_column(body: str, node: MappingNode) -> int:
    key: Node = node.value[0][0]
    at = int(key.start_mark.index)
    before = body[spans.line_start(body, at) : at]
    if "\t" in before:
        raise Refused("TAB_INDENT", "a tab stands before the entry")
    if before.strip(" -") or body[at] == "?":
        raise Refused("UNSUPPORTED", "the mapping does not start on its own line")
    return len(before)


def _into_empty(body: str, place: spans.Place, lines: list[str], edit: Insert) -> Splice:
    """``{}`` or ``[]``: becomes a block in a block, stays flow inside flow."""
    node = place.node
    start, end = int(node.start_mark.index), int(node.end_mark.index)
    if place.key is None or (place.parent is not None and place.parent.flow_style):
        json = is_json(place.parent)
        shown: writing.Value = (
            {str(edit.key): edit.value} if isinstance(edit.key, str) else [edit.value]
        )
        return Splice(start, end, writing.flow_text(shown, json=json))
    if body[start:end] not in ("{}", "[]"):
        raise Refused("UNSUPPORTED", "an empty collection with an anchor, a tag or a comment in it")
    at = spans.colon_end(body, place.key)
    if body[at:start].strip():
        raise Refused("UNSUPPORTED", "an empty collection that does not follow its key")
    return fill_below(body, at, end, lines)


def _below(body: str, end: int, lines: list[str]) -> Splice:
    """New lines under the line in which ``end`` lies."""
    stop = spans.line_end(body, end)
    if not spans.only_comment(body[end:stop]):
        raise Refused("UNSUPPORTED", "something else stands on the line")
    newline = spans.newline_at(body, end)
    if stop < len(body):
        text = "".join(line + newline for line in lines)
        return Splice(stop + 1, stop + 1, text, len(lines), 0)
    # The last line has no line break: git counts it as changed.
    text = "".join(newline + line for line in lines)
    return Splice(stop, stop, text, len(lines) + 1, 1)


def _flow_entry(body: str, node: MappingNode, key: str, value: writing.Value) -> Splice:
    json = is_json(node)
    name = writing.key_text(key, flow=True, quote='"' if json else None)
    text = f"{name}: {writing.flow_text(value, json=json)}"
    return _flow_after(body, spans.end_of_entry(body, *node.value[-1]), node.value[-1][0], text)


def _flow_after(body: str, end: int, sibling: Node, text: str) -> Splice:
    """After the last sibling, on its line or, where each sibling has its own line, on a new one."""
    at = int(sibling.start_mark.index)
    indent = body[spans.line_start(body, at) : at]
    if indent.strip() or spans.line_start(body, at) == 0:
        return Splice(end, end, ", " + text)
    return Splice(end, end, "," + spans.newline_at(body, at) + indent + text, 2, 1)


def _item(
    body: str, document: Document, place: spans.Place, edit: Insert, at: int
) -> Splice | None:
    node = place.node
    assert isinstance(node, SequenceNode)
    if at < len(node.value) and holds(document, node.value[at], edit.value):
        return None
    if not 0 <= at <= len(node.value):
        raise Refused("STALE", f"the list has {len(node.value)} items, not {at}")
    dash = dash_shift(body, document)
    if not node.value:
        column = _inner(place) - 2 + dash
        return _into_empty(
            body, place, writing.item_lines(edit.value, column=column, gap=" ", dash=dash), edit
        )
    if node.flow_style:
        return _flow_item(body, node, at, edit.value)
    column, gap = dash_of(body, node.value[-1])
    lines = writing.item_lines(edit.value, column=column, gap=gap, dash=dash)
    if at > 0:
        return _below(body, spans.end_of(body, _only(node, at)), lines)
    start = spans.line_start(body, int(node.value[0].start_mark.index))
    newline = spans.newline_at(body, start)
    return Splice(start, start, "".join(line + newline for line in lines), len(lines), 0)


def _only(node: SequenceNode, at: int) -> SequenceNode:
    """The first ``at`` items as a list of their own: its end is where the new item goes."""
    return SequenceNode(node.tag, node.value[:at], node.start_mark, node.end_mark, flow_style=False)


def dash_of(body: str, item: Node) -> tuple[int, str]:
    """Column of an item's dash and the blanks after it. Raises Refused where the dash stands elsewhere."""
    at = int(item.start_mark.index)
    start = spans.line_start(body, at)
    match = _BEFORE_ITEM.search(body, start, at)
    if match is None or body[start : match.start()].strip():
        raise Refused("UNSUPPORTED", "an item whose dash is not alone before it")
    return match.start() - start, match.group("gap") or " "


def _flow_item(body: str, node: SequenceNode, at: int, value: writing.Value) -> Splice:
    text = writing.flow_text(value, json=all(getattr(n, "style", "") == '"' for n in node.value))
    if at < len(node.value):
        start = int(node.value[at].start_mark.index)
        return Splice(start, start, text + ", ")
    return _flow_after(body, spans.end_of(body, node.value[-1]), node.value[-1], text)
