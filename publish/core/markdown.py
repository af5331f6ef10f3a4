"""Pieces of Markdown that all forges read alike. What goes into them is inert already; see ``kfix.incident.forge.dialect``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kfix.incident.forge.dialect import Dialect
from kfix.incident.inert import address


def section(heading: str, *parts: str) -> str:
    """A second-level heading and its paragraphs; empty ones are left out."""
    return blocks(f"## {heading}", *parts)


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


def details(dialect: Dialect, summary: str, *parts: str) -> str:
    """Something to unfold; empty without content. ``summary`` is ours alone."""
    body = blocks(*parts)
    return dialect.details(summary, body) if body else ""


def bullets(items: Iterable[str]) -> str:
    """A list of inert lines."""
    return "\n".join(f"- {item}" for item in items)


def numbered(items: Iterable[str]) -> str:
    """A numbered list of inert lines."""
    return "\n".join(f"{at}. {item}" for at, item in enumerate(items, 1))


def link(dialect: Dialect, text: str, url: str) -> str:
    """A link, or the text as code where ``url`` is no address."""
    target = address(url)
    return f"[{dialect.prose(text, 100)}]({target})" if target else dialect.code(text)


def id_link(dialect: Dialect, text: str, url: str) -> str:
    """A link whose text is code, for what people copy and search: nothing in it is broken."""
    target = address(url)
    return f"[{dialect.code(text)}]({target})" if target else dialect.code(text)


def paragraph(dialect: Dialect, text: str, limit: int) -> str:
    """Outside text as a paragraph of its own, ended like a sentence."""
    shown = dialect.prose(text, limit)
    return shown if not shown or shown.endswith((".", "!", "?", "…")) else shown + "."
