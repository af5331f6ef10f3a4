"""Flow mappings and lists, JSON among them: entries and items between brackets, on one line or each on its own."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass

from yaml import MappingNode, Node, SequenceNode

from kfix.texts import say
from manifests.refused import NotEditable
from manifests.text import spans, style, write
from manifests.text.blocks import New
from manifests.text.read import Document
from manifests.text.splices import Lines, Piece, Splice

_COMMA_HERE = re.compile(r"[ \t]*,")
_REST_OF_LINE = re.compile(r"[ \t]*(?P<comma>,?)[ \t]*(?:#[^\n]*)?\r?(?:\n|$)")


@dataclass(frozen=True, slots=True)
class _Flow:
    """A flow collection in its text; ``[start, end)`` of every entry or item."""

    body: str
    node: Node
    spans: tuple[tuple[int, int], ...]
    json: bool

    def text_of(self, new: New) -> str:
        value = write.flow_text(new.value, json=self.json)
        if new.key is None:
            return value
        return write.key_text(new.key, flow=True, quote='"' if self.json else None) + ": " + value

    def alone(self, at: int) -> re.Match[str] | None:
        """What follows an entry that has its lines for itself; ``None`` when it shares them."""
        start, end = self.spans[at]
        if self.body[spans.line_start(self.body, start) : start].strip():
            return None
        return _REST_OF_LINE.match(self.body, end)

    def before(self, at: int) -> str:
        """The line break and the blanks before an entry that starts a line; a blank otherwise."""
        start = self.spans[at][0]
        first = spans.line_start(self.body, start)
        indent = self.body[first:start]
        return " " if first == 0 or indent.strip() else spans.newline_at(self.body, first) + indent


def lay_out(
    body: str, document: Document, place: spans.NodePlace, going: Set[int], coming: Sequence[New]
) -> list[Piece]:
    """The text of what comes and goes in a flow collection. Raises NotEditable."""
    node = place.node
    flow = _Flow(body, node, tuple(_spans(body, node)), style.is_json(document) or _is_json(place))
    staying = [at for at in range(len(flow.spans)) if at not in going]
    runs = _runs(going)
    last = [new for new in coming if new.key is not None or not staying or new.after >= staying[-1]]
    pieces: list[Piece] = []
    if last and runs and runs[-1].stop == len(flow.spans):
        pieces.append(_instead(flow, runs.pop(), last))
    elif not staying:
        return _between_brackets(flow, last)
    elif last:
        pieces += _behind(flow, staying[-1], last)
    for run in runs:
        pieces += _without(flow, run)
    for new in coming:
        if new not in last:
            following = next(at for at in staying if at > new.after)
            pieces.append(_before(flow, following, new, alone=following - 1 not in going))
    return pieces


def _is_json(place: spans.NodePlace) -> bool:
    return style.has_json_keys(place.node if place.node.value else place.parent)


def _spans(body: str, node: Node) -> list[tuple[int, int]]:
    if isinstance(node, MappingNode):
        return [
            (int(key.start_mark.index), spans.end_of_entry(body, key, value))
            for key, value in node.value
        ]
    assert isinstance(node, SequenceNode)
    return spans.extents_of_items(body, node)


def _runs(going: Set[int]) -> list[range]:
    runs: list[range] = []
    for at in sorted(going):
        if runs and runs[-1].stop == at:
            runs[-1] = range(runs[-1].start, at + 1)
        else:
            runs.append(range(at, at + 1))
    return runs


def _own_lines(flow: _Flow, run: range) -> list[Piece]:
    """The lines of neighbours that have them for themselves; none when they share them."""
    rests = [flow.alone(at) for at in run]
    return [
        Lines(spans.line_start(flow.body, flow.spans[at][0]), rest.end())
        for at, rest in zip(run, rests, strict=True)
        if rest is not None and all(rests)
    ]


def _without(flow: _Flow, run: range) -> list[Piece]:
    """Takes neighbours away: their lines where each has its own, else their text with a comma."""
    body, first, last = flow.body, run[0], run[-1]
    lines = _own_lines(flow, run)
    comma = _COMMA_HERE.match(body, flow.spans[last][1])
    if lines and comma:
        return lines
    if lines and last + 1 == len(flow.spans):
        end = flow.spans[first - 1][1]
        comma = _COMMA_HERE.match(body, end)
        if comma is None:
            raise NotEditable("UNSUPPORTED", say("manifests.comma_does_not_follow_entry"))
        return [Splice(end, comma.end(), ""), *lines]
    _check_gaps(flow, range(max(first - 1, 0), min(last + 1 + (first == 0), len(flow.spans))))
    if first > 0:
        start, end = flow.spans[first - 1][1], flow.spans[last][1]
    else:
        start, end = flow.spans[first][0], flow.spans[last + 1][0]
    return [Splice(start, end, "", 1, 1 + body.count("\n", start, end))]


def _check_gaps(flow: _Flow, entries: range) -> None:
    for at in entries[:-1]:
        if "#" in flow.body[flow.spans[at][1] : flow.spans[at + 1][0]]:
            raise NotEditable("UNSUPPORTED", say("manifests.comment_stands_between_entries"))


def _instead(flow: _Flow, run: range, new: Sequence[New]) -> Splice:
    """New ones in the place of those that go, up to the last one."""
    _check_gaps(flow, run)
    text = ("," + flow.before(run[0])).join(flow.text_of(one) for one in new)
    return _counted(flow.body, flow.spans[run[0]][0], flow.spans[run[-1]][1], text)


def _between_brackets(flow: _Flow, new: Sequence[New]) -> list[Piece]:
    """Nothing of what was there stays between the brackets, but comments on lines of their own."""
    body, node = flow.body, flow.node
    everything = range(len(flow.spans))
    close = int(node.end_mark.index) - 1
    start = int(node.start_mark.index)
    start += len(spans.prefix_of(body[start:close]))
    if body[start] not in "{[":
        raise NotEditable("UNSUPPORTED", say("manifests.no_brackets_around_entries"))
    if "#" in _outside(flow, start, close):
        lines = _own_lines(flow, everything)
        if lines and not new:
            return lines
        raise NotEditable("UNSUPPORTED", say("manifests.brackets_with_comment_them"))
    return [_counted(body, start + 1, close, ", ".join(flow.text_of(one) for one in new))]


def _outside(flow: _Flow, start: int, close: int) -> str:
    """What stands between the brackets besides the entries."""
    borders = [start, *(at for span in flow.spans for at in span), close]
    return "".join(
        flow.body[left:right] for left, right in zip(borders[::2], borders[1::2], strict=True)
    )


def _counted(body: str, start: int, end: int, text: str) -> Splice:
    return Splice(start, end, text, 1 + text.count("\n"), 1 + body.count("\n", start, end))


def _behind(flow: _Flow, last: int, new: Sequence[New]) -> list[Piece]:
    """Behind the last entry: on lines of their own where that has one, so that its comment stays beside it."""
    end = flow.spans[last][1]
    rest, gap = flow.alone(last), flow.before(last)
    texts = [flow.text_of(one) for one in new]
    if rest is None or gap == " ":
        return [_counted(flow.body, end, end, "".join("," + gap + text for text in texts))]
    indent = gap.lstrip("\r\n")
    lines = [indent + text + "," for text in texts[:-1]] + [indent + texts[-1] + rest["comma"]]
    below = Lines(rest.end(), rest.end(), tuple(lines))
    return [below] if rest["comma"] else [Splice(end, end, ","), below]


def _before(flow: _Flow, at: int, new: New, *, alone: bool) -> Piece:
    """``alone``: the sibling above stays, so that whole lines may come between the two."""
    start, gap = flow.spans[at][0], flow.before(at)
    if gap == " " or not alone:
        return _counted(flow.body, start, start, flow.text_of(new) + "," + gap)
    first = spans.line_start(flow.body, start)
    return Lines(first, first, (gap.lstrip("\r\n") + flow.text_of(new) + ",",))
