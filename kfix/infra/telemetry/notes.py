"""Lines that ``/readyz`` shows beside its verdict: what a stage knows of itself and people ask first."""

from __future__ import annotations

_NOTES: dict[str, str] = {}


def note(name: str, text: str) -> None:
    """Sets the line ``name: text``; one line a name."""
    _NOTES[name] = " ".join(text.split())[:300]


def lines() -> str:
    """All notes, a line each, by name; empty when there are none."""
    return "".join(f"{name}: {text}\n" for name, text in sorted(_NOTES.items()))
