"""Takes a merged change back in a file as it is now: our lines, where they still stand, become the lines before. Pure.

Nothing else of the file changes. Where somebody changed one of our lines since, or it is not certain which lines are
ours, nothing is taken back and it is said which lines stand in the way.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kfix.texts import say
from manifests import NotEditable
from manifests.text import read
from manifests.text.diffs import LineChange, between, invert, split, unified
from manifests.text.undoing import undone
from publish.core.decision import sha256
from schemas.plans import ActionPlan
from schemas.validated import FileEdit

#: Lines of each side that are told, and characters of one.
_LINES, _LONGEST = 3, 120
_Leaf = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InTheWay:
    """Why a change is not taken back, in one sentence, as untrusted as the file. ``key``: what it comes to, of our words."""

    why: str
    key: Literal["revert_changed", "revert_already"] = "revert_changed"


def inverse(plan: ActionPlan) -> ActionPlan:
    """The plan's own way back as a plan."""
    return plan.model_copy(
        update={
            "kubernetes_changes": plan.rollback_changes,
            "rollback_changes": plan.kubernetes_changes,
        }
    )


def taken_back(edit: FileEdit, now: str | None, head: str) -> FileEdit | InTheWay:
    """The edit that takes ``edit`` back. ``now``: the file at commit ``head`` of the edit's branch, ``None``: it is gone."""
    if not edit.before_sha256:
        return InTheWay(say("publish.revert.created", path=edit.path))
    before = undone(edit.after, edit.diff)
    if before is None or sha256(before.encode()) != edit.before_sha256:
        return InTheWay(say("publish.revert.unknown", path=edit.path))
    if now is None:
        return InTheWay(say("publish.revert.gone", path=edit.path))
    text = _restored(before, edit.after, now, edit.path)
    if isinstance(text, InTheWay):
        return text
    if not _means_just_that(before, edit.after, now, text):
        return InTheWay(say("publish.revert.uncertain", path=edit.path))
    changes = between(now, text)
    return FileEdit(
        project=edit.project,
        path=edit.path,
        ref=edit.ref,
        base_commit=head,
        before_sha256=sha256(now.encode()),
        after_sha256=sha256(text.encode()),
        after=text,
        diff=unified(edit.path, now, changes),
        added_lines=sum(len(change.new) for change in changes),
        removed_lines=sum(len(change.old) for change in changes),
    )


def _restored(before: str, after: str, now: str, path: str) -> str | InTheWay:
    if _stands_so(before, after, now):
        return InTheWay(say("publish.revert.already", path=path), "revert_already")
    ours, there = split(after), split(now)
    blocks = difflib.SequenceMatcher(None, ours, there, autojunk=False).get_matching_blocks()
    lines = list(there)
    for change in reversed(invert(between(before, after))):
        at = _place(change, len(ours), blocks)
        if at is None:
            return _told(change, ours, there, path)
        lines[at : at + len(change.old)] = change.new
    return "".join(lines)


def _place(change: LineChange, length: int, blocks: Sequence[difflib.Match]) -> int | None:
    """Where the lines stand now; of a change that adds none of ours, where both its neighbours still touch."""
    first, last = change.at, change.at + len(change.old)
    if not change.old:
        first, last = max(0, first - 1), min(length, last + 1)
    for block in blocks:
        if block.a <= first and last <= block.a + block.size:
            return block.b + change.at - block.a
    return None


def _told(change: LineChange, ours: Sequence[str], there: Sequence[str], path: str) -> InTheWay:
    """The lines that we left there, and what stands in their place."""
    first, last = change.at, change.at + max(1, len(change.old))
    matcher = difflib.SequenceMatcher(None, ours, there, autojunk=False)
    found = [
        line
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal" and i1 < last and (first < i2 or i1 == i2 >= first)
        for line in there[j1:j2]
    ]
    return InTheWay(
        say(
            "publish.revert.changed",
            path=path,
            ours=_shown(ours[first:last]),
            now=_shown(found) or say("publish.revert.nothing"),
        )
    )


def _shown(lines: Sequence[str]) -> str:
    shown = " / ".join(line.strip()[:_LONGEST] for line in lines[:_LINES])
    return f"{shown} / …" if len(lines) > _LINES else shown


def _means_just_that(before: str, after: str, now: str, text: str) -> bool:
    """Do the values that change between ``now`` and ``text`` change as between ``after`` and ``before``, and no others?"""
    try:
        wanted, made = _values(after), _values(before)
        there, restored = _values(now), _values(text)
    except NotEditable:
        return False
    gone, come = wanted - made, made - wanted
    return bool(gone or come) and there - restored == gone and restored - there == come


def _stands_so(before: str, after: str, now: str) -> bool:
    """Has every value that the change made what it was before it?"""
    try:
        wanted, made, there = _values(after), _values(before), _values(now)
    except NotEditable:
        return False
    gone, come = wanted - made, made - wanted
    return bool(gone or come) and not (there & gone) and come <= there


def _values(text: str) -> Counter[_Leaf]:
    """Every value with its path. Documents and items of lists go by their names where they have any, else by their place."""
    found: Counter[_Leaf] = Counter()
    for document in read.read(read.without_bom(text)[1]):
        found.update(_leaves(document.tree, (_name(document.tree) or f"#{document.index}",)))
    return found


def _leaves(tree: read.Tree, path: _Leaf) -> Iterator[_Leaf]:
    if isinstance(tree, tuple):
        yield (*path, *tree)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, (*path, *map(str, key)))
        if not tree:
            yield (*path, "{}")
    else:
        names = [_text(item, "name") for item in tree]
        named = all(names) and len(set(names)) == len(names)
        for at, item in enumerate(tree):
            yield from _leaves(item, (*path, names[at] if named else f"[{at}]"))
        if not tree:
            yield (*path, "[]")


def _name(tree: read.Tree) -> str:
    """``Kind/namespace/name`` of an object."""
    about = _value(tree, "metadata")
    kind, name = _text(tree, "kind"), _text(about, "name")
    return f"{kind}/{_text(about, 'namespace')}/{name}" if kind and name else ""


def _value(tree: read.Tree | None, name: str) -> read.Tree | None:
    if not isinstance(tree, dict):
        return None
    return next((value for key, value in tree.items() if key[1] == name), None)


def _text(tree: read.Tree | None, name: str) -> str:
    value = _value(tree, name)
    return value[1] if isinstance(value, tuple) else ""
