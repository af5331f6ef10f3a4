"""A value of another shape in the place of the old one: a mapping for a number, a block for nothing."""

from __future__ import annotations

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from kfix.texts import say
from manifests.refused import NotEditable
from manifests.text import guards, scalars, spans, write
from manifests.text.read import Document
from manifests.text.scalars import is_scalar
from manifests.text.splices import Lines, Piece, Splice
from manifests.text.style import habits_of, has_json_keys, is_json


def pieces(body: str, document: Document, place: spans.NodePlace, new: write.Value) -> list[Piece]:
    """The text of ``new``: a block in a block, flow inside flow. Raises NotEditable."""
    node = place.node
    start, end = int(node.start_mark.index), spans.end_of(body, node)
    _check(body, document, place, start, end)
    if place.key is None or (place.parent is not None and place.parent.flow_style):
        if start == end or _is_block(node):
            raise NotEditable(
                "UNSUPPORTED",
                say("manifests.item_without_value_or_one"),
            )
        json = is_json(document) or has_json_keys(place.parent)
        text = write.flow_text(new, json=json)
        return [Splice(start, end, text, 1, 1 + body.count("\n", start, end))]
    at = spans.colon_end(body, place.key)
    if start < end and body[at:start].strip() and not _is_below(body, place, at):
        raise NotEditable("UNSUPPORTED", say("manifests.value_does_not_follow_key"))
    column = int(place.key.start_mark.column)
    lines = write.block_lines(new, column=column, habits=habits_of(document))
    short = "" if lines else " " + _short(new)
    if _is_below(body, place, at):
        first = spans.line_start(body, start)
        return _for_block(body, at, Lines(first, _next_line(body, end), tuple(lines)), short)
    if start == end:
        end = at
    if lines:
        return [fill_below(body, at, end, lines)]
    return [Splice(at, end, short, 1, 1 + body.count("\n", at, end))]


def _check(body: str, document: Document, place: spans.NodePlace, start: int, end: int) -> None:
    token = body[start:end]
    if spans.has_anchor(document, place.node, body):
        raise NotEditable("ANCHOR_FANOUT", say("manifests.value_carries_anchor_used_elsewhere"))
    if spans.prefix_of(token):
        raise NotEditable("UNSUPPORTED", say("manifests.value_with_anchor_or_tag"))
    if isinstance(place.node, ScalarNode):
        if place.node.style in ("|", ">") or "\n" in token:
            raise NotEditable("BLOCK_SCALAR", say("manifests.value_spans_several_lines"))
        guards.check_value(token, body[end : spans.line_end(body, end)])
    elif any(line.lstrip().startswith("#") for line in token.split("\n")):
        raise NotEditable("UNSUPPORTED", say("manifests.comment_stands_inside_value"))


def _is_block(node: Node) -> bool:
    return isinstance(node, MappingNode | SequenceNode) and not node.flow_style


def _is_below(body: str, place: spans.NodePlace, at: int) -> bool:
    """Is the value a block on the lines below its key's line?"""
    return spans.line_end(body, at) < int(place.node.start_mark.index)


def _next_line(body: str, at: int) -> int:
    return min(spans.line_end(body, at) + 1, len(body))


def _for_block(body: str, at: int, lines: Lines, short: str) -> list[Piece]:
    """The lines below the key's line make way, for others or for a word (or brackets) beside the key."""
    if not spans.only_comment(body[at : spans.line_end(body, at)]):
        raise NotEditable("UNSUPPORTED", say("manifests.something_else_stands_on_line"))
    return [Splice(at, at, short), lines] if short else [lines]


def _short(value: write.Value) -> str:
    """A value that needs no lines of its own."""
    return scalars.write(value) if is_scalar(value) else write.flow_text(value, json=False)


def fill_below(body: str, at: int, end: int, lines: list[str]) -> Splice:
    """Drops ``[at, end)`` from the key's line and puts ``lines`` below it, after its comment."""
    stop = spans.line_end(body, end)
    rest = body[end:stop].rstrip("\r")
    if not spans.only_comment(rest):
        raise NotEditable("UNSUPPORTED", say("manifests.something_else_stands_on_line"))
    newline = spans.newline_at(body, at)
    block = "".join(newline + line for line in lines)
    if at == end and stop < len(body):
        start = stop + 1
        return Splice(start, start, "".join(line + newline for line in lines), len(lines), 0)
    removed = 1 + body.count("\n", at, end)
    return Splice(at, end + len(rest), rest + block, len(lines) + 1, removed)
