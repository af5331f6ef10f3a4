"""Pieces of GitLab Markdown. What goes into them is inert already; see ``core.inert``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from publish.core import inert


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


def details(summary: str, *parts: str) -> str:
    """Something to unfold; empty without content. ``summary`` is ours alone."""
    body = blocks(*parts)
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>" if body else ""


def bullets(items: Iterable[str]) -> str:
    """A list of inert lines."""
    return "\n".join(f"- {item}" for item in items)


def numbered(items: Iterable[str]) -> str:
    """A numbered list of inert lines."""
    return "\n".join(f"{at}. {item}" for at, item in enumerate(items, 1))


def link(text: str, url: str) -> str:
    """A link, or the text as code where ``url`` is no address."""
    target = inert.address(url)
    return f"[{inert.prose(text, 100)}]({target})" if target else inert.code(text)


def id_link(text: str, url: str) -> str:
    """A link whose text is code, for what people copy and search: nothing in it is broken."""
    target = inert.address(url)
    return f"[{inert.code(text)}]({target})" if target else inert.code(text)


def paragraph(text: str, limit: int) -> str:
    """Outside text as a paragraph of its own, ended like a sentence."""
    shown = inert.prose(text, limit)
    return shown if not shown or shown.endswith((".", "!", "?", "…")) else shown + "."
