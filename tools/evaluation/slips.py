"""Names that nobody has, but that are nearly somebody's: under new names a slip must stay the same slip. Pure.

A wrong reference is told by its likeness to a right one; a shuffle that made it unlike would change the case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from difflib import SequenceMatcher
from typing import Any

#: A slip changes at most two letters of a name of five or more; longer texts than a line are no names.
_EDITS, _LENGTH, _LINE = 2, 5, 200
_TOKEN = re.compile(r"[a-z0-9][a-z0-9-]*")


def slips(trees: Iterable[Any], names: Mapping[str, str], never: Set[str]) -> dict[str, str]:
    """Slips of ``names`` (old to new) in the objects, each with the like slip of the new name. ``never`` are none."""
    known = [name for name in names if len(name) >= _LENGTH]
    out: dict[str, str] = {}
    for token in {t for tree in trees for t in _tokens(tree)} - never:
        near = [(len(edits), name) for name in known if (edits := _edits(name, token))]
        if near:
            name = min(near)[1]
            out[token] = _slipped(names[name], name, token)
    return out


def _tokens(tree: Any) -> Iterator[str]:
    """Words of the values of objects; not of messages: what those name, objects name too."""
    if isinstance(tree, dict):
        for key, item in tree.items():
            if key not in ("message", "managedFields", "annotations"):
                yield from _tokens(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from _tokens(item)
    elif isinstance(tree, str) and len(tree) <= _LINE:
        yield from (m[0] for m in _TOKEN.finditer(tree) if len(m[0]) >= _LENGTH)


def _edits(name: str, token: str) -> list[tuple[int, int, int, int]]:
    """Start and end in ``name``, start and end in ``token``, of what differs; empty when that is more than a slip."""
    if abs(len(name) - len(token)) > _EDITS or (name[0] != token[0] and name[-1] != token[-1]):
        return []
    codes = SequenceMatcher(None, name, token, autojunk=False).get_opcodes()
    found = [(a, b, c, d) for kind, a, b, c, d in codes if kind != "equal"]
    return found if sum(max(b - a, d - c) for a, b, c, d in found) <= _EDITS else []


def _slipped(new: str, old: str, token: str) -> str:
    """The same edits at about the same places of the new name."""
    letters = list(new)
    for start, end, left, right in reversed(_edits(old, token)):
        at = round(start / len(old) * len(new))
        letters[at : at + end - start] = token[left:right]
    return "".join(letters)
