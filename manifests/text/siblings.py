"""Entries and items that come and go. All changes of one mapping or list are laid out together.

Whether a deleted entry leaves ``{}`` behind, gives its place to a new one or takes its neighbour's comma along depends
on what becomes of the others, so no edit of a mapping or list is laid out alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from yaml import MappingNode, Node, SequenceNode

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.text import blocks, flows, spans
from manifests.text.edits import Delete, Insert
from manifests.text.read import Document
from manifests.text.replace import holds
from manifests.text.splices import Piece


@dataclass(slots=True)
class _Changes:
    """What comes and goes in one mapping or list, by position in the first text."""

    document: Document
    place: spans.NodePlace
    going: set[int] = field(default_factory=set)
    coming: list[blocks.New] = field(default_factory=list)


@dataclass(slots=True)
class Siblings:
    """Gathers the deletions and insertions of a file."""

    body: str
    _changes: dict[int, _Changes] = field(default_factory=dict)
    #: How many new items were found in their place already, by list and position.
    _made: Counter[tuple[int, int]] = field(default_factory=Counter)

    def takes(self, document: Document, edit: Delete | Insert) -> bool:
        """Takes an edit in; ``False`` when it is made already. Raises NotEditable."""
        if isinstance(edit, Delete):
            return self._delete(document, edit)
        return self._insert(document, edit)

    def pieces(self) -> list[Piece]:
        """The text of all changes. Raises NotEditable."""
        out: list[Piece] = []
        for changes in self._changes.values():
            lay_out = flows.lay_out if _is_flow(changes.place) else blocks.lay_out
            out += lay_out(
                self.body, changes.document, changes.place, changes.going, changes.coming
            )
        return out

    def _of(self, document: Document, place: spans.NodePlace) -> _Changes:
        return self._changes.setdefault(id(place.node), _Changes(document, place))

    def _delete(self, document: Document, edit: Delete) -> bool:
        place = spans.resolve(document, edit.path)
        if place is None:
            return False
        if place.parent is None:
            raise NotEditable("UNSUPPORTED", say("manifests.whole_document_not_deleted"))
        shown = paths.render(edit.path)
        if not holds(place.node, edit.old):
            raise NotEditable("STALE", say("manifests.not_what_plan_saw", field=shown))
        if spans.has_anchor(document, place.node, self.body):
            raise NotEditable(
                "ANCHOR_FANOUT", say("manifests.carries_anchor_used_elsewhere", shown=shown)
            )
        if isinstance(place.parent, MappingNode) and edit.path[-1] in spans.merged_keys(
            place.parent
        ):
            raise NotEditable("ALIASED", say("manifests.behind_merge_key_has_another", shown=shown))
        holder = spans.resolve(document, edit.path[:-1])
        assert holder is not None
        going = self._of(document, holder).going
        new = place.at not in going
        going.add(place.at)
        return new

    def _insert(self, document: Document, edit: Insert) -> bool:
        place = spans.resolve(document, edit.parent)
        shown = paths.render(edit.parent)
        if place is None:
            raise NotEditable("NOT_FOUND", say("manifests.nothing_at", field=shown))
        if isinstance(place.node, MappingNode) and isinstance(edit.key, str):
            new = _entry(document, place.node, edit, edit.key)
        elif isinstance(place.node, SequenceNode) and isinstance(edit.key, int):
            spot = (id(place.node), edit.key)
            new = _item(place.node, edit, edit.key, self._made[spot])
            self._made[spot] += new is None
        else:
            raise NotEditable("UNSUPPORTED", say("manifests.nothing_can_be_added", shown=shown))
        if new is not None:
            self._of(document, place).coming.append(new)
        return new is not None


def _entry(document: Document, node: MappingNode, edit: Insert, key: str) -> blocks.New | None:
    path = (*edit.parent, key)
    there = spans.resolve(document, path)
    if there is None:
        names = [name.value for name, _ in node.value]
        after = names.index(edit.after) if edit.after in names else len(names) - 1
        return blocks.New(after, edit.value, key)
    if holds(there.node, edit.value):
        return None
    raise NotEditable("STALE", say("manifests.there_already", path=paths.render(path)))


def _item(node: SequenceNode, edit: Insert, at: int, made: int) -> blocks.New | None:
    """``made``: how many new items of the same position stand there already, before this one."""
    items: list[Node] = node.value
    if len(items) != edit.of:
        if at + made < len(items) and holds(items[at + made], edit.value):
            return None
        if edit.of is not None:
            raise NotEditable(
                "STALE", say("manifests.list_has_items_not", count=len(items), at=edit.of)
            )
    if not 0 <= at <= len(items):
        raise NotEditable("STALE", say("manifests.list_has_items_not", count=len(items), at=at))
    return blocks.New(at - 1, edit.value)


def _is_flow(place: spans.NodePlace) -> bool:
    node = place.node
    assert isinstance(node, MappingNode | SequenceNode)
    return bool(node.flow_style) and not blocks.becomes_block(place)
