"""A file's text before a unified diff made it. Pure.

Source: git's diff format ("@@ -start,count +start,count @@"; ``\\ No newline at end of file`` belongs to the line before it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from manifests.text.diffs import split

_HEAD = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(slots=True)
class _Hunk:
    #: 1-based line of the new text; the line before it where the hunk has none there.
    at: int
    #: Lines that are still to come on the old and on the new side.
    left: list[int]
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


def undone(text: str, diff: str) -> str | None:
    """The text before; empty where the diff made the file, ``None`` where it is no diff that led to ``text``."""
    hunks = list(_hunks(diff))
    if not hunks or any(any(hunk.left) for hunk in hunks):
        return None
    lines = split(text)
    for hunk in reversed(hunks):
        start = hunk.at - 1 if hunk.new else hunk.at
        if start < 0 or lines[start : start + len(hunk.new)] != hunk.new:
            return None
        lines[start : start + len(hunk.new)] = hunk.old
    return "".join(lines)


def is_removal(diff: str) -> bool:
    """The diff takes all that a file held."""
    return bool(undone("", diff))


def _hunks(diff: str) -> Iterator[_Hunk]:
    """Each hunk with its lines; what stands between hunks is no part of them."""
    hunk: _Hunk | None = None
    sides: list[list[str]] = []
    for line in split(diff):
        head = _HEAD.match(line)
        if head is not None and (hunk is None or not any(hunk.left)):
            if hunk is not None:
                yield hunk
            counts = [int(head[2] or 1), int(head[4] or 1)]
            hunk = _Hunk(int(head[3]), counts)
        elif hunk is not None and line.startswith("\\"):
            for side in sides:
                side[-1] = side[-1].removesuffix("\n")
        elif hunk is not None and any(hunk.left):
            sides = _take(hunk, line)
    if hunk is not None:
        yield hunk


def _take(hunk: _Hunk, line: str) -> list[list[str]]:
    """Puts a line where its sign says; the sides that it now stands in. A context line may have lost its blank."""
    sign, rest = (line[:1], line[1:]) if line[:1] in "+- " and line != "\n" else (" ", line)
    rest = rest if rest.endswith("\n") else rest + "\n"
    sides = [(0, hunk.old)] * (sign != "+") + [(1, hunk.new)] * (sign != "-")
    for n, side in sides:
        hunk.left[n] -= 1
        side.append(rest)
    return [side for _, side in sides]
