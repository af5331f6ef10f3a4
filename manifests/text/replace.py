"""Replace: the span of one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.text import guards, literals, reshape, scalars, spans, write
from manifests.text.edits import Replace, tree_of
from manifests.text.read import STR, Document
from manifests.text.scalars import is_scalar
from manifests.text.splices import Piece, Splice
from manifests.text.style import is_json


def pieces(body: str, document: Document, edit: Replace) -> list[Piece]:
    """The text for ``edit``; none when the new value is there already. Raises NotEditable."""
    place = spans.resolve(document, edit.path)
    if place is None:
        raise NotEditable("NOT_FOUND", say("manifests.nothing_at", field=paths.render(edit.path)))
    if place.parent is None:
        raise NotEditable("UNSUPPORTED", say("manifests.whole_document_not_replaced"))
    if holds(place.node, edit.new):
        return []
    if not holds(place.node, edit.old):
        raise NotEditable(
            "STALE", say("manifests.not_what_plan_saw", field=paths.render(edit.path))
        )
    if not is_scalar(edit.new) or not isinstance(place.node, ScalarNode):
        return reshape.pieces(body, document, place, edit.new)
    if place.node.style == "|":
        return literals.pieces(body, place.node, edit.new)
    return [_scalar(body, document, place, edit.new)]


def holds(node: Node, value: write.Value) -> bool:
    """Is ``value`` what stands there, under YAML 1.1 or 1.2?"""
    if isinstance(node, ScalarNode):
        if not is_scalar(value):
            return False
        return scalars.same(scalars.value_11(node), value) or scalars.same(
            scalars.value_12(node), value
        )
    if isinstance(node, MappingNode):
        if not isinstance(value, Mapping) or len(value) != len(node.value):
            return False
        return all(
            str(key.value) in value and holds(inside, value[str(key.value)])
            for key, inside in node.value
        )
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    assert isinstance(node, SequenceNode)
    return len(value) == len(node.value) and all(
        holds(item, wanted) for item, wanted in zip(node.value, value, strict=True)
    )


def _scalar(body: str, document: Document, place: spans.NodePlace, new: scalars.Scalar) -> Splice:
    node = place.node
    assert isinstance(node, ScalarNode)
    start, end = int(node.start_mark.index), int(node.end_mark.index)
    token = body[start:end]
    if node.style == ">" or "\n" in token:
        raise NotEditable("BLOCK_SCALAR", say("manifests.value_spans_several_lines"))
    guards.check_value(token, body[end : spans.line_end(body, end)])
    prefix = spans.prefix_of(token)
    tag = _explicit_tag(prefix)
    if tag and tree_of(new) != (node.tag, scalars.plain_text(new)):
        raise NotEditable("UNSUPPORTED", say("manifests.value_tagged", tag=tag))
    flow = _inside_flow(place)
    style = '"' if flow and is_json(document) else node.style or None
    text = scalars.write(new, style=style, flow=flow, tagged=bool(tag) and node.tag == STR)
    if not token[len(prefix) :].strip():
        return _into_empty(body, place, start, Splice(start, end, prefix.rstrip() + " " + text))
    return Splice(start, end, prefix + text)


def _into_empty(body: str, place: spans.NodePlace, start: int, filled: Splice) -> Splice:
    """An implicit null: its span is empty and touches the colon or the dash."""
    if filled.end > start:
        return filled
    at = spans.colon_end(body, place.key) if place.key is not None else start
    if at != start and body[at:start].strip():
        raise NotEditable("UNSUPPORTED", say("manifests.empty_value_does_not_follow"))
    return Splice(at, at, filled.text)


def _explicit_tag(prefix: str) -> str:
    return next((word for word in prefix.split() if word.startswith("!")), "")


def _inside_flow(place: spans.NodePlace) -> bool:
    return bool(place.parent is not None and place.parent.flow_style)
