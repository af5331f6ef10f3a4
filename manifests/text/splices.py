"""A splice: text that takes the place of a stretch of text, and the lines this was foretold to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from kfix.texts import say
from manifests.refused import NotEditable


@dataclass(frozen=True, slots=True)
class Splice:
    """``text`` for ``[start, end)``; ``added`` and ``removed`` as ``git diff --numstat`` is to count them."""

    start: int
    end: int
    text: str
    added: int = 1
    removed: int = 1

    def moved(self, by: int) -> Splice:
        """The same, ``by`` characters further on."""
        return replace(self, start=self.start + by, end=self.end + by)


@dataclass(frozen=True, slots=True)
class Lines:
    """``new`` lines (without their breaks) for the whole lines ``[start, end)``; both may be none."""

    start: int
    end: int
    new: tuple[str, ...] = ()


Piece = Splice | Lines


def settle(text: str, pieces: Sequence[Piece]) -> list[Splice]:
    """Splices for all pieces. Whole lines that touch become one: only then is the end of the file known to be theirs."""
    splices = [piece for piece in pieces if isinstance(piece, Splice)]
    joined: list[Lines] = []
    lines = (piece for piece in pieces if isinstance(piece, Lines))
    for piece in sorted(lines, key=_order):
        if joined and joined[-1].end == piece.start:
            last = joined[-1]
            joined[-1] = Lines(last.start, piece.end, last.new + piece.new)
        else:
            joined.append(piece)
    return splices + [_splice_of(text, piece) for piece in joined]


def _order(lines: Lines) -> tuple[int, int, int, bool]:
    """Of lines that come to one place, those of the innermost collection first; a dash may stand below its key's column."""
    first = lines.new[0] if lines.new else ""
    words = first.lstrip(" ")
    return lines.start, lines.end, len(words) - len(first), not words.startswith("-")


def _splice_of(text: str, lines: Lines) -> Splice:
    start, end, count = lines.start, lines.end, len(lines.new)
    newline = _break_before(text, start)
    if end < len(text) or text.endswith("\n") or not text:
        body = "".join(line + newline for line in lines.new)
        return Splice(start, end, body, count, text.count("\n", start, end))
    # The file ends without a line break, and so it stays: git counts the line that gets or loses one as changed.
    body = newline.join(lines.new)
    removed = text.count("\n", start, end) + (1 if end > start else 0)
    if start == end:
        return Splice(start, end, newline + body, count + 1, 1)
    if count or start == 0:
        return Splice(start, end, body, count, removed)
    return Splice(start - len(newline), end, "", 1, removed + 1)


def _break_before(text: str, at: int) -> str:
    """The line break in use above a position, or below it at the start of a file."""
    found = text.rfind("\n", 0, at)
    if found < 0:
        found = text.find("\n", at)
    return "\r\n" if found > 0 and text[found - 1] == "\r" else "\n"


def ordered(splices: Sequence[Splice]) -> list[Splice]:
    """From the start of the text to its end. Raises NotEditable when two of them overlap."""
    out = sorted(splices, key=lambda s: (s.start, s.end))
    for left, right in pairwise(out):
        if right.start < left.end:
            raise NotEditable("UNSUPPORTED", say("manifests.two_edits_change_same_text"))
    return out


def apply_splices(text: str, splices: Sequence[Splice]) -> str:
    """The spliced text. Splices at one position keep their order."""
    parts, at = [], 0
    for splice in ordered(splices):
        parts += [text[at : splice.start], splice.text]
        at = splice.end
    return "".join([*parts, text[at:]])


def inverse_of(text: str, splices: Sequence[Splice]) -> list[Splice]:
    """The splices that turn the spliced text back into ``text``."""
    out, shift = [], 0
    for splice in ordered(splices):
        start = splice.start + shift
        out.append(
            Splice(
                start,
                start + len(splice.text),
                text[splice.start : splice.end],
                added=splice.removed,
                removed=splice.added,
            )
        )
        shift += len(splice.text) - (splice.end - splice.start)
    return out
