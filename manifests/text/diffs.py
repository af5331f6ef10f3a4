"""Unified diffs from known splices: no search for differences, so large files cost no more than small ones."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from manifests.text.splices import Splice, ordered

_CONTEXT = 3


@dataclass(frozen=True, slots=True)
class LineChange:
    """``old`` lines from line ``at`` (0-based, in the first text) on become ``new``. Lines carry their breaks."""

    at: int
    old: tuple[str, ...]
    new: tuple[str, ...]


def split(text: str) -> list[str]:
    """Lines as git sees them: only a line feed ends a line."""
    lines = text.split("\n")
    out = [line + "\n" for line in lines[:-1]]
    return [*out, lines[-1]] if lines[-1] else out


def line_changes(before: str, after: str, splices: Sequence[Splice]) -> tuple[LineChange, ...]:
    """The changed lines. Equal lines at the borders of a splice are not changes."""
    groups: list[tuple[int, int, int]] = []
    shift = 0
    for splice in ordered(splices):
        start = before.rfind("\n", 0, splice.start) + 1
        whole = _ends_line(before, splice) and (splice.start == start or splice.text[-1:] == "\n")
        end = before.find("\n", splice.end - 1 if whole else splice.end)
        end = len(before) if end < 0 else end + 1
        shift += len(splice.text) - (splice.end - splice.start)
        if groups and start < groups[-1][1]:
            groups[-1] = (groups[-1][0], max(end, groups[-1][1]), shift)
        else:
            groups.append((start, end, shift))
    out, line, at, gone = [], 0, 0, 0
    for start, end, total in groups:
        line += before.count("\n", at, start)
        change = _trim(line, split(before[start:end]), split(after[start + gone : end + total]))
        if change.old or change.new:
            out.append(change)
        line += before.count("\n", start, end)
        at, gone = end, total
    return tuple(out)


def between(before: str, after: str) -> tuple[LineChange, ...]:
    """The changed lines of two texts of which no splices are known."""
    old, new = split(before), split(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return tuple(
        LineChange(i1, tuple(old[i1:i2]), tuple(new[j1:j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    )


def _ends_line(before: str, splice: Splice) -> bool:
    return splice.end > splice.start and before[splice.end - 1] == "\n"


def _trim(at: int, old: list[str], new: list[str]) -> LineChange:
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return LineChange(
        at + head, tuple(old[head : len(old) - tail]), tuple(new[head : len(new) - tail])
    )


def invert(changes: Sequence[LineChange]) -> tuple[LineChange, ...]:
    """The same changes read from the second text to the first."""
    out, shift = [], 0
    for change in changes:
        out.append(LineChange(change.at + shift, change.new, change.old))
        shift += len(change.new) - len(change.old)
    return tuple(out)


def unified(path: str, before: str, changes: Sequence[LineChange]) -> str:
    """A unified diff of one file, as ``git apply`` takes it; empty without changes."""
    if not changes:
        return ""
    lines = split(before)
    out = [f"--- a/{path}\n", f"+++ b/{path}\n"]
    shift = 0
    for group in _hunks(_joined(changes)):
        text, shift = _hunk(lines, group, shift)
        out.append(text)
    return "".join(out)


def new_file(path: str, text: str) -> str:
    """A unified diff that makes a file."""
    lines = split(text)
    body = "".join(_line("+", line) for line in lines)
    return f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{len(lines)} @@\n{body}"


def _joined(changes: Sequence[LineChange]) -> list[LineChange]:
    """Changes that touch become one, so that all removed lines stand before the added ones, as git writes them."""
    out: list[LineChange] = []
    for change in changes:
        last = out[-1] if out else None
        if last is not None and change.at == last.at + len(last.old):
            out[-1] = LineChange(last.at, last.old + change.old, last.new + change.new)
        else:
            out.append(change)
    return out


def _hunks(changes: Sequence[LineChange]) -> list[list[LineChange]]:
    groups: list[list[LineChange]] = []
    for change in changes:
        if groups:
            last = groups[-1][-1]
            if change.at - (last.at + len(last.old)) <= 2 * _CONTEXT:
                groups[-1].append(change)
                continue
        groups.append([change])
    return groups


def _hunk(lines: list[str], group: list[LineChange], shift: int) -> tuple[str, int]:
    first, last = group[0], group[-1]
    start = max(0, first.at - _CONTEXT)
    stop = min(len(lines), last.at + len(last.old) + _CONTEXT)
    body, at = [], start
    for change in group:
        body += [_line(" ", line) for line in lines[at : change.at]]
        body += [_line("-", line) for line in change.old]
        body += [_line("+", line) for line in change.new]
        at = change.at + len(change.old)
    body += [_line(" ", line) for line in lines[at:stop]]
    grown = sum(len(c.new) - len(c.old) for c in group)
    old_length, new_length = stop - start, stop - start + grown
    old_start = start + 1 if old_length else start
    new_start = start + shift + 1 if new_length else start + shift
    head = f"@@ -{old_start},{old_length} +{new_start},{new_length} @@\n"
    return head + "".join(body), shift + grown


def _line(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"


def reverse(diff: str) -> str:
    """A unified diff read backwards: what takes the change back. Expects diffs as this module writes them."""
    out: list[str] = []
    added: list[str] = []
    removed: list[str] = []
    lines = split(diff)
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ "):
            out += removed + added
            added, removed = [], []
            old, new = line[4:], lines[at + 1][4:]
            out += [f"--- {_other_side(new, 'a')}", f"+++ {_other_side(old, 'b')}"]
            at += 2
            continue
        group = {"+": removed, "-": added}.get(line[0])
        if group is not None:
            group.append(("-" if line[0] == "+" else "+") + line[1:])
        elif line[0] == "\\":
            _last_of(out, added, removed, lines[at - 1][0]).append(line)
        else:
            out += removed + added
            added, removed = [], []
            out.append(_swapped_head(line) if line.startswith("@@ ") else line)
        at += 1
    return "".join([*out, *removed, *added])


def _last_of(out: list[str], added: list[str], removed: list[str], sign: str) -> list[str]:
    return {"+": removed, "-": added}.get(sign, out)


def _other_side(name: str, side: str) -> str:
    return name if name.startswith("/dev/null") else f"{side}/{name[2:]}"


def _swapped_head(line: str) -> str:
    _, old, new, _ = line.split(" ", 3)
    return f"@@ -{new[1:]} +{old[1:]} @@\n"
