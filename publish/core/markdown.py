"""Pieces of Markdown that all forges read alike. What goes into them is inert already; see ``kfix.incident.forge.dialect``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def blocks(*parts: str) -> str:
    """Paragraphs, with a blank line between them; empty ones are left out."""
    return "\n\n".join(part for part in parts if part)


def table(head: Iterable[str], rows: Sequence[Iterable[str]]) -> str:
    """A table; empty without rows. Cells are one line each."""
    if not rows:
        return ""
    names = list(head)
    lines = [f"| {' | '.join(names)} |", "|" + " --- |" * len(names)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def bullets(items: Iterable[str]) -> str:
    """A list of inert lines."""
    return "\n".join(f"- {item}" for item in items)
