"""Rules and builders of plans that broke: defects of K-Fix, kept as values so that the others are heard. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from traceback import extract_tb
from typing import TypeVar

from decide.core.findings import Finding

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDefect:
    """A defect that an incident met."""

    #: ``rules of FAMILY`` or ``plans of CLASS``.
    where: str
    #: The error's type and the line that raised it. Its message stays away: it may quote what strangers wrote.
    what: str


def heard(where: str, make: Callable[[], Iterable[_T]]) -> tuple[list[_T], RuleDefect | None]:
    """What was made until the end or until it broke, and what broke.

    Objects have shapes that nobody expected. One rule's defect must neither take the answer from an incident that the
    other rules explain nor pass for "nothing found": it is told with the answer, logged and counted.
    """
    found: list[_T] = []
    try:
        found.extend(make())
    except Exception as error:  # noqa: BLE001 - any defect of one rule; told with the answer, logged, counted
        return found, RuleDefect(where=where, what=_told(error))
    return found, None


def _told(error: Exception) -> str:
    frames = extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    place = f" at {'/'.join(PurePath(last.filename).parts[-3:])}:{last.lineno}" if last else ""
    return f"{type(error).__name__}{place}"


def rules_of(rule: Callable[..., Iterable[Finding]]) -> str:
    """Where a rule belongs: its family's folder, else its module."""
    _, _, below = rule.__module__.partition(".families.")
    return f"rules of {below.partition('.')[0] or rule.__module__.rpartition('.')[2]}"
