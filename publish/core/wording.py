"""Every word of ours that people read, in English and French."""

from __future__ import annotations

from datetime import datetime

from kfix import texts
from kfix.texts import Language

__all__ = ["Language", "check_name", "colon", "has", "number", "number_name", "percent", "word"]

_FRENCH_UNITS = {"cores": "cœurs", "replicas": "réplicas"}


def colon(language: Language) -> str:
    """French puts a (narrow, unbreakable) blank before a colon."""
    return ":" if language == "en" else "\u202f:"


def number(value: float, unit: str, language: Language) -> str:
    """A measured value as people of the language write it; a ratio is a percentage."""
    if unit == "ratio":
        return percent(value, language)
    text = f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
    if language == "fr":
        text, unit = text.replace(".", ","), _FRENCH_UNITS.get(unit, unit)
    return f"{text} {unit}".strip()


def percent(value: float, language: Language) -> str:
    """A share of one: ``85%``, ``85 %`` in French (with a narrow, unbreakable blank)."""
    text = f"{value * 100:.3g}" if 0 < abs(value) < 0.1 else f"{value:.0%}".removesuffix("%")
    return f"{text}%" if language == "en" else text.replace(".", ",") + "\u202f%"


def word(key: str, language: Language, **filled: str | int) -> str:
    """A word or sentence in the language. Raises KeyError for an unknown key."""
    return texts.word(f"publish.{key}", language, **filled)


def when(at: datetime) -> str:
    """A point in time as people of both languages read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def has(key: str) -> bool:
    """Is there a word for this key?"""
    return texts.known(f"publish.{key}")


def number_name(name: str, language: Language) -> str:
    """The name of a check's number, where it is a word; objects and fields are called what they are."""
    key = f"publish.number.{name}"
    return texts.word(key, language) if texts.known(key) else name


def check_name(name: str, language: Language) -> str:
    """What people call a check of safety's; its own name where the catalogue has none, as in an older release."""
    key = f"safety.check.{name}"
    return texts.word(key, language) if texts.known(key) else f"`{name}`"
