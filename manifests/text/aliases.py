"""Aliases and merge keys written out, so that one of their places can be changed without the others. Pure.

What every document of the text says stays the same; only how it is written changes, in as few places as one edit needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from yaml import MappingNode, Node, SequenceNode

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.text import editor, equivalence, plan_edits, read, reshape, scalars, spans, write
from manifests.text.read import MERGE, Document
from manifests.text.scalars import is_scalar
from manifests.text.splices import Splice, apply_splices
from manifests.text.style import habits_of, is_json

#: Places that share one anchor, beside the one that is edited: of more, one name for all of them was meant.
_SHARING = 2
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of a mapping whose value is an alias."""

    holder: MappingNode
    key: Node
    value: Node


def amended(text: str, number: int, wanted: Mapping[str, Any]) -> str:
    """``text`` with new values for fields of document ``number``, and aliases on the way written out. Raises NotEditable."""
    for field in wanted:
        text = written_out(text, number, paths.parse(field))
    document = read.read(read.without_bom(text)[1])[number]
    return editor.patch(text, plan_edits.set_values(document, wanted))


def written_out(text: str, number: int, path: paths.Path) -> str:
    """``text`` with the aliases and merge keys written out that an edit at ``path`` of document ``number`` would change
    elsewhere too. Raises NotEditable where one cannot be."""
    for _ in range(_ROUNDS):
        mark, body = read.without_bom(text)
        documents = read.read(body)
        splices = _next(body, documents[number], path)
        if not splices:
            return text
        after = apply_splices(body, splices)
        if _meanings(read.read(after)) != _meanings(documents):
            raise NotEditable("NOT_MINIMAL", say("manifests.result_would_mean_more_than"))
        text = mark + after
    raise NotEditable("ALIASED", say("manifests.too_many_aliases_on_way", field=paths.render(path)))


def _meanings(documents: list[Document]) -> list[write.Value]:
    return [equivalence.filled(document.root) for document in documents]


def _next(body: str, document: Document, path: paths.Path) -> list[Splice]:
    """What writes out the first alias or merge key on the way; nothing where there is none that can be."""
    node = document.root
    for segment in path:
        if not isinstance(segment, str):
            item = _item(node, segment)
            if item is None:
                return []
            node = item
            continue
        if not isinstance(node, MappingNode):
            return []
        entry = next((e for e in _own(node) if e.key.value == segment), None)
        if entry is None:
            merged = segment in spans.merged_keys(node)
            return [_own_key(body, document, node, segment)] if merged else []
        if _is_alias(entry):
            return [_literal(body, document, entry)]
        if id(entry.value) in document.aliased:
            return _everywhere_else(body, document, entry.value)
        node = entry.value
    return []


def _own(node: MappingNode) -> Iterator[_Entry]:
    for key, value in node.value:
        if key.tag != MERGE:
            yield _Entry(node, key, value)


def _item(node: Node, segment: int | paths.Match) -> Node | None:
    """A list's item that stands in the list itself."""
    if not isinstance(node, SequenceNode):
        return None
    for at, item in enumerate(node.value):
        if isinstance(segment, int):
            fits = at == segment
        else:
            value = equivalence.filled(item)
            fits = isinstance(value, dict) and str(value.get(segment.field)) == segment.value
        if fits:
            return item if item.start_mark.index >= node.start_mark.index else None
    return None


def _is_alias(entry: _Entry) -> bool:
    return bool(entry.value.start_mark.index < entry.key.end_mark.index)


def _literal(body: str, document: Document, entry: _Entry) -> Splice:
    """The aliased value in the place of the alias."""
    value = equivalence.filled(entry.value)
    at, end = spans.colon_end(body, entry.key), spans.end_of_entry(body, entry.key, entry.value)
    if entry.holder.flow_style or is_scalar(value) or not value:
        json = is_json(document)
        text = (
            scalars.write(value, style='"' if json else None, flow=bool(entry.holder.flow_style))
            if is_scalar(value)
            else write.flow_text(value, json=json)
        )
        return Splice(at, end, " " + text)
    column = int(entry.key.start_mark.column)
    lines = write.block_lines(value, column=column, habits=habits_of(document))
    return reshape.fill_below(body, at, end, lines)


def _own_key(body: str, document: Document, node: MappingNode, key: str) -> Splice:
    """The mapping says itself what a merge key brings it."""
    effective = equivalence.filled(node)
    assert isinstance(effective, dict)
    value = effective[key]
    if node.flow_style:
        at = int(node.end_mark.index) - 1
        text = f", {write.key_text(key, flow=True)}: {write.flow_text(value, json=False)}"
        return Splice(at, at, text)
    lines = write.entry_lines(
        key, value, column=int(node.start_mark.column), habits=habits_of(document)
    )
    at = spans.line_end(body, spans.end_of(body, node))
    newline = spans.newline_at(body, at)
    return Splice(at, at, "".join(newline + line for line in lines))


def _everywhere_else(body: str, document: Document, shared: Node) -> list[Splice]:
    """The other places of an anchor get what it says now; those that merge it cannot."""
    found = list(_places(document.root, shared))
    if len(found) > _SHARING or any(entry.key.tag == MERGE for entry in found):
        return []
    return [_literal(body, document, entry) for entry in found]


def _places(root: Node, shared: Node) -> Iterator[_Entry]:
    """Every entry that takes the value of an anchor, itself or among others that are merged."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            waiting += node.value
        if not isinstance(node, MappingNode):
            continue
        for key, value in node.value:
            merged = key.tag == MERGE and isinstance(value, SequenceNode) and shared in value.value
            if merged or (value is shared and value.start_mark.index < key.end_mark.index):
                yield _Entry(node, key, value)
            waiting.append(value)
