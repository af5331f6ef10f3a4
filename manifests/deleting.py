"""Delete: whole lines of an entry or item; the only one leaves ``{}`` or ``[]`` behind."""

from __future__ import annotations

from yaml import MappingNode, Node, SequenceNode

from manifests import paths, spans
from manifests.edits import Delete
from manifests.inserting import dash_of
from manifests.reading import Document
from manifests.refused import Refused
from manifests.replacing import holds
from manifests.splices import Splice


def splice(body: str, document: Document, edit: Delete) -> Splice | None:
    """The splice for ``edit``; ``None`` when it is gone already. Raises Refused."""
    place = spans.resolve(document, edit.path)
    if place is None:
        return None
    if place.parent is None:
        raise Refused("UNSUPPORTED", "a whole document is not deleted")
    if not holds(document, place.node, edit.old):
        raise Refused("STALE", f"{paths.render(edit.path)} is not what the plan saw")
    if spans.has_anchor(document, place.node, body):
        raise Refused(
            "ANCHOR_FANOUT", f"{paths.render(edit.path)} carries an anchor used elsewhere"
        )
    siblings = place.parent.value
    if place.parent.flow_style:
        return _from_flow(body, place.parent, place.at)
    if len(siblings) == 1:
        return _only_one(body, document, edit.path)
    return _lines(body, place)


def _start(node: Node | tuple[Node, Node]) -> int:
    return int((node[0] if isinstance(node, tuple) else node).start_mark.index)


def _end(body: str, node: Node | tuple[Node, Node]) -> int:
    return spans.end_of_entry(body, *node) if isinstance(node, tuple) else spans.end_of(body, node)


def _from_flow(body: str, parent: MappingNode | SequenceNode, at: int) -> Splice:
    siblings = parent.value
    if len(siblings) == 1:
        start, end = _start(siblings[0]), _end(body, siblings[0])
    elif at > 0:
        start, end = _end(body, siblings[at - 1]), _end(body, siblings[at])
    else:
        start, end = _start(siblings[0]), _start(siblings[1])
    breaks = body.count("\n", start, end)
    return Splice(start, end, "", 1, 1 + breaks)


def _lines(body: str, place: spans.Place) -> Splice:
    assert place.parent is not None
    siblings = place.parent.value
    entry = siblings[place.at]
    if place.key is not None:
        start = int(place.key.start_mark.index)
    else:
        start = (
            spans.line_start(body, int(place.node.start_mark.index)) + dash_of(body, place.node)[0]
        )
    first = spans.line_start(body, start)
    stop = spans.line_end(body, _end(body, entry))
    if body[first:start].strip():
        return _first_of_item(body, start, siblings, place.at)
    removed = body.count("\n", first, stop) + 1
    if stop < len(body):
        return Splice(first, stop + 1, "", 0, removed)
    # The last line of a file without a final line break: the one before it loses its own.
    before = max(first - 1, 0)
    if before and body[before - 1] == "\r":
        before -= 1
    return Splice(before, stop, "", 1, removed + 1)


def _first_of_item(body: str, start: int, siblings: list[tuple[Node, Node]], at: int) -> Splice:
    """The entry beside a dash: the next entry moves up beside it."""
    following = _start(siblings[at + 1]) if at + 1 < len(siblings) else -1
    if following < 0 or "#" in body[_end(body, siblings[at]) : following]:
        raise Refused("UNSUPPORTED", "the entry beside a dash cannot be taken away")
    return Splice(start, following, "", 1, 1 + body.count("\n", start, following))


def _only_one(body: str, document: Document, path: paths.Path) -> Splice:
    holder = spans.resolve(document, path[:-1])
    if holder is None or holder.key is None:
        raise Refused("UNSUPPORTED", "the only entry of something that hangs on no key")
    at = spans.colon_end(body, holder.key)
    stop = spans.line_end(body, spans.end_of(body, holder.node))
    rest_of_line = spans.line_end(body, at)
    if spans.prefix_of(body[int(holder.node.start_mark.index) :]) or rest_of_line >= stop:
        raise Refused(
            "UNSUPPORTED", "the only entry on its key's line, or behind an anchor or a tag"
        )
    comment = body[at:rest_of_line].rstrip("\r")
    if not spans.only_comment(comment):
        raise Refused("UNSUPPORTED", "something else stands on the line")
    empty = " {}" if isinstance(holder.node, MappingNode) else " []"
    end = stop - 1 if body[stop - 1 : stop] == "\r" else stop
    return Splice(at, end, empty + comment, 1, 1 + body.count("\n", at, end))
