"""Templates of Markdown whose values are inert: what no template says otherwise of becomes prose that can do nothing.

Outside text is shown by ``{{ value }}``, or by one of the filters below where it is code, a cell, a fence or a link. What a
template itself writes, and our own words, are the only Markdown that acts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kfix.incident.forge.dialect import Dialect
from kfix.incident.inert import address, fence, linked
from publish.core.wording import (
    Language,
    check_name,
    colon,
    has,
    number,
    number_name,
    percent,
    when,
    word,
)


def rendered(template: str, dialect: Dialect, language: Language, **values: Any) -> str:
    """The template's Markdown. Its paragraphs begin with a blank line; those around the whole are taken off."""
    return (
        environment(dialect, language).get_template(f"{template}.md.j2").render(values).strip("\n")
    )


@lru_cache(maxsize=8)
def environment(dialect: Dialect, language: Language) -> Environment:
    """What renders templates for that forge and reader."""

    def details(body: str, key: str, count: int | None = None) -> str:
        """Something to unfold; nothing without content."""
        summary = word(key, language) + ("" if count is None else f" ({count})")
        inside = body.strip("\n")
        return dialect.details(summary, inside) + "\n\n" if inside else ""

    made = Environment(
        loader=PackageLoader("publish", "templates"),
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else _ours(dialect.prose)(value),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "word": _ours(lambda key, **filled: word(key, language, **filled)),
        "has": has,
        "colon": _ours(colon)(language),
    }
    made.filters |= {
        "prose": _ours(dialect.prose),
        "code": _ours(dialect.code),
        "cell": _ours(dialect.cell),
        "line": _ours(dialect.line),
        "fence": _ours(fence),
        "details": _ours(details),
        "sentence": _ours(lambda text, limit: _ended(dialect.prose(text, limit))),
        "copied": _ours(lambda text, url: _copied(dialect, text, url)),
        "minute": _minute,
        "percent": _ours(lambda value: percent(float(value), language)),
        "hundredths": _ours(lambda value: f"{float(value):.2f}"),
        "check_name": _ours(lambda name: check_name(name, language)),
        "number": lambda value, unit: number(value, unit, language),
        "number_name": lambda name: number_name(name, language),
        "joined": _joined,
        "ours": _first_linked,
        "reachable": _reachable,
    }
    return made


def _ours(make: Callable[..., str]) -> Callable[..., Markup]:
    """What ``make`` makes of a plain text is inert, or Markdown of ours."""
    return lambda text, *how, **more: Markup(make(str(text), *how, **more))  # noqa: S704 - inert


def _minute(at: datetime | None) -> str:
    """A point in time as people of both languages read it."""
    return "–" if at is None else when(at)


def _joined(parts: Iterable[Markup], between: str) -> Markup:
    """Inert pieces in a row; empty ones are left out. Raises TypeError for a piece that is not inert."""
    kept = list(parts)
    if not all(isinstance(part, Markup) for part in kept):
        raise TypeError("only what is inert is joined")
    return Markup(between.join(part for part in kept if part))  # noqa: S704 - inert


def _first_linked(urls: Iterable[str], hosts: Collection[str]) -> Markup:
    """The first address that leads to one of our services; empty where none does."""
    return Markup(next((url for url in urls if linked(url, hosts)), ""))  # noqa: S704 - an address


def _reachable(
    links: Iterable[tuple[str, str]], hosts: Collection[str]
) -> list[tuple[str, Markup]]:
    """The links that lead to our services."""
    return [(name, Markup(url)) for name, url in links if linked(url, hosts)]  # noqa: S704


def _copied(dialect: Dialect, text: str, url: str) -> str:
    """What people copy and search, as code: nothing in it is broken. A link where ``url`` is an address."""
    return f"[{dialect.code(text)}]({url})" if address(url) else dialect.code(text)


def _ended(shown: str) -> str:
    """Ended like a sentence."""
    return shown if not shown or shown.endswith((".", "!", "?", "…")) else shown + "."
