"""From a path to the place in the text: nodes on the way, keys, ends and line borders."""

from __future__ import annotations

import re
from dataclasses import dataclass

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.text import equivalence
from manifests.text.read import MERGE, Document
from schemas.text import Said

#: Anchor and tag in front of a value, which its span includes.
_PREFIX = re.compile(r"(?:(?:&[^\s,\[\]{}]+|!\S*)(?:[ \t]+|\r?\n\s*|$))+")
#: What may stand between the items of a list, and the alias behind it.
_ALIAS_ITEM = re.compile(r"(?:[&!]\S+)?(?:[\s,\[-]|#[^\n]*\n)*+(?P<alias>\*[^\s,\[\]{}]+)")
_ALIAS = re.compile(r"\s*:?\s*(\*[^\s,\[\]{}]+)")


@dataclass(frozen=True, slots=True)
class NodePlace:
    """A node, where it hangs and how it was reached. ``key`` is set inside mappings, ``at`` inside both."""

    node: Node
    parent: MappingNode | SequenceNode | None = None
    key: Node | None = None
    at: int = 0


def resolve(document: Document, path: paths.Path) -> NodePlace | None:
    """The place of ``path``; ``None`` when its last segment is not there.

    Raises NotEditable: ALIASED and ANCHOR_FANOUT when the text there also means something elsewhere, NOT_FOUND when a
    segment before the last leads nowhere, DUPLICATE_KEY, UNSUPPORTED.
    """
    place: NodePlace | None = NodePlace(document.root)
    for depth, segment in enumerate(path):
        assert place is not None
        place = _step(document, place.node, segment)
        if place is None:
            if depth + 1 < len(path):
                raise NotEditable("NOT_FOUND", nothing_at(document, path[: depth + 1]))
            return None
        if id(place.node) in document.aliased:
            raise NotEditable(
                "ANCHOR_FANOUT",
                say("manifests.used_elsewhere", field=paths.render(path[: depth + 1])),
            )
    return place


def nothing_at(document: Document, path: paths.Path) -> Said:
    """What is missing, with what stands there instead."""
    return paths.lacking(equivalence.value_of(document.root), path)


def _step(document: Document, node: Node, segment: paths.Segment) -> NodePlace | None:
    if isinstance(segment, str):
        return _entry(node, segment)
    if not isinstance(node, SequenceNode):
        raise NotEditable(
            "NOT_FOUND", say("manifests.no_list_where_should_be", field=paths.render((segment,)))
        )
    at = _match(node, segment) if isinstance(segment, paths.Match) else segment
    if at is None or at >= len(node.value):
        return None
    item = node.value[at]
    if item.start_mark.index < node.start_mark.index or any(
        item is other for other in node.value[:at]
    ):
        raise NotEditable("ALIASED", say("manifests.item_alias", at=at))
    return NodePlace(item, node, None, at)


def _entry(node: Node, key: str) -> NodePlace | None:
    if not isinstance(node, MappingNode):
        raise NotEditable("NOT_FOUND", say("manifests.no_mapping_where_should_be", key=repr(key)))
    found = [at for at, (name, _) in enumerate(node.value) if _names(name, key)]
    if len(found) > 1:
        raise NotEditable(
            "DUPLICATE_KEY", say("manifests.there_times", key=repr(key), count=len(found))
        )
    if not found:
        if key in merged_keys(node):
            raise NotEditable("ALIASED", say("manifests.comes_from_merge_key", key=repr(key)))
        return None
    name, value = node.value[found[0]]
    if value.start_mark.index < name.end_mark.index:
        raise NotEditable("ALIASED", say("manifests.key_is_alias", key=repr(key)))
    return NodePlace(value, node, name, found[0])


def _names(node: Node, key: str) -> bool:
    return isinstance(node, ScalarNode) and node.tag != MERGE and node.value == key


def merged_keys(node: MappingNode) -> set[str]:
    """Keys that ``<<`` brings into a mapping."""
    keys: set[str] = set()
    for name, value in node.value:
        if name.tag != MERGE:
            continue
        for source in value.value if isinstance(value, SequenceNode) else [value]:
            if isinstance(source, MappingNode):
                keys |= {str(k.value) for k, _ in source.value} | merged_keys(source)
    return keys


def _match(node: SequenceNode, match: paths.Match) -> int | None:
    found = []
    for at, item in enumerate(node.value):
        if not isinstance(item, MappingNode):
            continue
        for name, value in item.value:
            if (
                _names(name, match.field)
                and isinstance(value, ScalarNode)
                and value.value == match.value
            ):
                found.append(at)
    if len(found) > 1:
        raise NotEditable(
            "AMBIGUOUS_DOC",
            say("manifests.items_with", count=len(found), field=match.field, value=match.value),
        )
    return found[0] if found else None


def prefix_of(token: str) -> str:
    """Anchor and tag, with the blanks after them, at the start of a node's text."""
    match = _PREFIX.match(token)
    return match.group(0) if match else ""


def end_of(body: str, node: Node) -> int:
    """Where a node's last character is. Block collections' own end marks run on to the next token."""
    if isinstance(node, ScalarNode):
        return _end_of_scalar(body, node)
    assert isinstance(node, MappingNode | SequenceNode)
    if node.flow_style or not node.value:
        return int(node.end_mark.index)
    if isinstance(node, MappingNode):
        return end_of_entry(body, *node.value[-1])
    at = int(node.start_mark.index)
    for item in node.value[:-1]:
        at = max(at, int(item.end_mark.index))
    if node.value[-1].start_mark.index >= at:
        return end_of(body, node.value[-1])
    return extents_of_items(body, node)[-1][1]


def extents_of_items(body: str, node: SequenceNode) -> list[tuple[int, int]]:
    """(first character, last character) of a list's items, without their dashes. Raises NotEditable UNSUPPORTED."""
    extents: list[tuple[int, int]] = []
    at = int(node.start_mark.index)
    for item in node.value:
        start = int(item.start_mark.index)
        if start < at:
            # An alias gives the node that stands further up.
            match = _ALIAS_ITEM.match(body, at)
            if match is None:
                raise NotEditable("UNSUPPORTED", say("manifests.alias_cannot_be_found_text"))
            start, at = match.span("alias")
        else:
            at = end_of(body, item)
        extents.append((start, at))
    return extents


def end_of_entry(body: str, key: Node, value: Node) -> int:
    """Where a mapping entry's last character is."""
    if value.start_mark.index < key.end_mark.index:
        return _end_of_alias(body, int(key.end_mark.index))
    return max(end_of(body, value), colon_end(body, key))


def _end_of_alias(body: str, at: int) -> int:
    match = _ALIAS.match(body, at)
    if match is None:
        raise NotEditable("UNSUPPORTED", say("manifests.alias_cannot_be_found_text"))
    return match.end()


def _end_of_scalar(body: str, node: ScalarNode) -> int:
    end = int(node.end_mark.index)
    if node.style not in ("|", ">"):
        return end
    text = body[int(node.start_mark.index) : end]
    if "+" in text.split("\n", 1)[0]:
        return end - 1 if text.endswith("\n") else end
    return end - (len(text) - len(text.rstrip()))


def colon_end(body: str, key: Node) -> int:
    """Position right after the colon of a block or flow entry."""
    at = body.find(":", int(key.end_mark.index))
    if at < 0 or body[int(key.end_mark.index) : at].strip():
        raise NotEditable("UNSUPPORTED", say("manifests.entry_without_colon_after_key"))
    return at + 1


def line_start(body: str, at: int) -> int:
    """Position of the first character of the line."""
    return body.rfind("\n", 0, at) + 1


def line_end(body: str, at: int) -> int:
    """Position of the line break, or of the end of the text."""
    end = body.find("\n", at)
    return len(body) if end < 0 else end


def newline_at(body: str, at: int) -> str:
    """The line break in use around a position."""
    end = body.find("\n", at)
    if end < 0:
        end = body.rfind("\n", 0, at)
    return "\r\n" if end > 0 and body[end - 1] == "\r" else "\n"


def only_comment(text: str) -> bool:
    """Is this rest of a line blank or a comment?"""
    rest = text.strip()
    return not rest or rest.startswith("#")


def has_anchor(document: Document, node: Node, body: str) -> bool:
    """Does this node, or anything in its own text, carry an anchor that an alias elsewhere refers to?"""
    start, end = int(node.start_mark.index), end_of(body, node)
    return any(
        _inside(child, start, end) for child in _aliased_nodes(document.root, document.aliased)
    )


def _inside(node: Node, start: int, end: int) -> bool:
    return start <= int(node.start_mark.index) < end


def _aliased_nodes(root: Node, aliased: set[int]) -> list[Node]:
    if not aliased:
        return []
    found: list[Node] = []
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if id(node) in aliased:
            found.append(node)
        if isinstance(node, MappingNode):
            waiting += [child for pair in node.value for child in pair]
        elif isinstance(node, SequenceNode):
            waiting += node.value
    return found
