"""Lines that ``/readyz`` shows beside its verdict: what a stage knows of itself and people ask first."""

from __future__ import annotations

from collections.abc import Callable

_NOTES: dict[str, Callable[[], str]] = {}


def note(name: str, text: Callable[[], str]) -> None:
    """Sets the line ``name: text``; one line a name. ``text`` is asked whenever the page is."""
    _NOTES[name] = text


def lines() -> str:
    """All notes, a line each, by name; empty when there are none."""
    return "".join(f"{name}: {_line(text())}\n" for name, text in sorted(_NOTES.items()))


def _line(text: str) -> str:
    return " ".join(text.split())[:300]
