"""A splice: text that takes the place of a stretch of text, and the lines this was foretold to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from manifests.refused import Refused


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


def ordered(splices: Sequence[Splice]) -> list[Splice]:
    """From the start of the text to its end. Raises Refused when two of them overlap."""
    out = sorted(splices, key=lambda s: (s.start, s.end))
    for left, right in pairwise(out):
        if right.start < left.end:
            raise Refused("UNSUPPORTED", "two edits change the same text")
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
