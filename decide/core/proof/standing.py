"""The answer to "would this declaration make the symptom?": yes, no or unknown, always with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Answer = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the cause stands in the declared objects. ``why`` is a sentence for people, with its numbers."""

    answer: Answer
    why: str


def stands(why: str) -> Standing:
    """The objects make the symptom."""
    return Standing("yes", why)


def gone(why: str) -> Standing:
    """The objects do not make the symptom."""
    return Standing("no", why)


def untold(why: str) -> Standing:
    """The objects do not tell."""
    return Standing("unknown", why)
