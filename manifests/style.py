"""A file's own habits, so that new lines look like their neighbours."""

from __future__ import annotations

from yaml import MappingNode, Node, SequenceNode

from manifests.reading import Document


def dash_shift(body: str, document: Document) -> int:
    """How far this document's list dashes stand to the right of their key: 0 or 2 as its first list has it, else 2."""
    found = _first_shift(document.root)
    return 2 if found is None else found


def _first_shift(root: Node) -> int | None:
    waiting: list[Node] = [root]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or node.start_mark is None:
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            for key, value in node.value:
                if isinstance(value, SequenceNode) and not value.flow_style and value.value:
                    shift = int(value.start_mark.column) - int(key.start_mark.column)
                    if value.start_mark.line > key.start_mark.line and shift >= 0:
                        return shift
            waiting += [value for _, value in reversed(node.value)]
        elif isinstance(node, SequenceNode):
            waiting += list(reversed(node.value))
    return None
