"""How alike names are."""

from __future__ import annotations

import difflib


def alike(one: str, two: str) -> float:
    """How alike two names are, 0 to 1."""
    return difflib.SequenceMatcher(None, one, two).ratio()
