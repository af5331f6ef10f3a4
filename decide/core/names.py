"""How alike names are, and which of known words a misspelt one was meant to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

#: From this length on a word may hold two slips and still be told; shorter ones hold one at most, of three letters and more.
_LONG, _SHORT = 8, 3


def alike(one: str, two: str) -> float:
    """How alike two names are, 0 to 1."""
    return difflib.SequenceMatcher(None, one, two).ratio()


def meant(word: str, known: Iterable[str]) -> str:
    """The one known word that this one is a slip of; empty for a known word, and where none or several are as near."""
    if len(word) < _SHORT:
        return ""
    most = 2 if len(word) >= _LONG else 1
    near: dict[int, set[str]] = {}
    for one in known:
        if abs(len(one) - len(word)) <= most:
            near.setdefault(slips(word, one), set()).add(one)
    least = min(near, default=most + 1)
    return near[least].pop() if 0 < least <= most and len(near[least]) == 1 else ""


def slips(one: str, two: str) -> int:
    """Letters that are left out, too many, another, or changed places with the next: optimal string alignment."""
    before: list[int] = []
    last = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(two, 1):
            best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, last = last, row
    return last[-1]


def renamed(word: str, known: Iterable[str]) -> str:
    """The one known name that says the same in other words: its last part is the word's, the rest shortens it or is shortened.

    ``DATABASE_HOST`` and ``DB_HOST``; empty where none or several are.
    """
    parts = _parts(word)
    found = [
        one
        for one in known
        if one != word
        and len(parts) > 1
        and (other := _parts(one))[-1:] == parts[-1:]
        and len(other) > 1
        and _shortens("".join(other[:-1]), "".join(parts[:-1]))
    ]
    return found[0] if len(found) == 1 else ""


def _parts(word: str) -> list[str]:
    """The words of a name, in small letters."""
    return [part for part in re.split(r"[-_.]+", word.lower()) if part]


def _shortens(one: str, two: str) -> bool:
    """The letters of the shorter one stand in the longer one in their order, the first one first."""
    short, long = sorted((one, two), key=len)
    rest = iter(long)
    return bool(short) and short[0] == long[0] and all(letter in rest for letter in short)
