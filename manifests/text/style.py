"""A file's own habits, so that new lines look like their neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from manifests.text.read import Document


@dataclass(frozen=True, slots=True)
class Habits:
    """``step``: columns from a key to the keys below it; ``dash``: columns from a key to the dashes of its list."""

    step: int = 2
    dash: int = 2


def habits_of(document: Document) -> Habits:
    """As the document's first nested mapping and its first list have it, in columns; two where it has none."""
    step = dash = -1
    for key, value in _entries(document.root):
        if value.start_mark.line <= key.start_mark.line:
            continue
        shift = int(value.start_mark.column) - int(key.start_mark.column)
        if isinstance(value, MappingNode) and step < 0 < shift:
            step = shift
        elif isinstance(value, SequenceNode) and dash < 0 <= shift:
            dash = shift
        if step > 0 <= dash:
            break
    return Habits(step if step > 0 else 2, dash if dash >= 0 else 2)


def _entries(root: Node) -> Iterator[tuple[Node, Node]]:
    """Every entry whose value is a block collection, in the order of the text."""
    waiting: list[tuple[Node | None, Node]] = [(None, root)]
    seen: set[int] = set()
    while waiting:
        key, node = waiting.pop()
        if not isinstance(node, MappingNode | SequenceNode) or node.flow_style or id(node) in seen:
            continue
        seen.add(id(node))
        if key is not None:
            yield key, node
        if isinstance(node, MappingNode):
            waiting += reversed(node.value)
        else:
            waiting += [(None, item) for item in reversed(node.value)]


def is_json(document: Document) -> bool:
    """Is the document JSON: flow collections whose keys are all double-quoted? Then new text must be JSON too."""
    node = document.root
    while isinstance(node, SequenceNode) and node.flow_style and node.value:
        node = node.value[0]
    return isinstance(node, MappingNode) and bool(node.flow_style) and has_json_keys(node)


def has_json_keys(node: Node | None) -> bool:
    """Are a mapping's keys double-quoted, as JSON has them?"""
    return bool(
        isinstance(node, MappingNode)
        and node.value
        and all(isinstance(key, ScalarNode) and key.style == '"' for key, _ in node.value)
    )
