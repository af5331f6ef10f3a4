"""File patterns: ``*`` and ``?`` within a folder, ``**`` for any number of folders, ``[a-z]`` sets, ``\\`` escapes.

Matching takes time in the length of pattern times path, whatever a stranger writes into a file; a regular expression
made of the pattern would not.
"""

from __future__ import annotations

from functools import lru_cache


def matches(pattern: str, path: str) -> bool:
    """Does the whole of ``path`` match? Leading slashes count for nothing."""
    return _folders(tuple(pattern.strip("/").split("/")), tuple(path.strip("/").split("/")))


def _folders(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """``fits[j]``: the pattern's segments so far match the first ``j`` segments of the path."""
    fits = [True] + [False] * len(path)
    for segment in pattern:
        following = [False] * (len(path) + 1)
        if segment == "**":
            reached = False
            for at, fit in enumerate(fits):
                reached = reached or fit
                following[at] = reached
        else:
            for at, name in enumerate(path):
                following[at + 1] = fits[at] and _segment(segment, name)
        fits = following
    return fits[-1]


@lru_cache(maxsize=4096)
def _segment(pattern: str, name: str) -> bool:
    """One segment, by going back to the last star only: earlier ones cannot do better."""
    pieces = _pieces(pattern)
    at = place = 0
    star, retry = -1, 0
    while place < len(name):
        if at < len(pieces) and pieces[at] == "*":
            star, retry = at, place
            at += 1
        elif at < len(pieces) and _one(pieces[at], name[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            retry += 1
            at, place = star + 1, retry
        else:
            return False
    return all(piece == "*" for piece in pieces[at:])


def _pieces(pattern: str) -> list[str]:
    """``*``, ``?``, ``[set]``, and single characters with a backslash before them."""
    pieces, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        end = pattern.find("]", at + 2) if char == "[" else -1
        if char == "\\" and at + 1 < len(pattern):
            pieces.append("\\" + pattern[at + 1])
            at += 2
        elif end > 0:
            pieces.append(pattern[at : end + 1])
            at = end + 1
        else:
            pieces.append(char if char in "*?" else "\\" + char)
            at += 1
    return pieces


def _one(piece: str, char: str) -> bool:
    if piece == "?":
        return True
    if piece.startswith("\\"):
        return piece[1] == char
    body = piece[1:-1]
    negated = body[:1] in ("!", "^")
    body = body[1:] if negated else body
    found, at = False, 0
    while at < len(body):
        if body[at + 1 : at + 2] == "-" and at + 2 < len(body):
            found = found or body[at] <= char <= body[at + 2]
            at += 3
        else:
            found = found or body[at] == char
            at += 1
    return found is not negated
