"""Recognised log lines. ``formats`` holds what programs print; here is the quick way through many lines.

A log is lowered once and asked for plain words; only patterns whose words stand in a line are tried on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from decide.core.log_patterns import FORMATS
from schemas.context import LogExcerpt

#: Lines read from the end of one excerpt, and characters of one line: what killed a program stands there.
LAST_LINES, LINE = 400, 600


@dataclass(frozen=True, slots=True)
class SignalHit:
    """A recognised line."""

    signal: str
    line: str
    #: What the line names: a host, a port, a variable, an address.
    subject: str = ""
    container: str = ""


@dataclass(frozen=True, slots=True)
class _Signal:
    name: str
    words: frozenset[str]
    pattern: re.Pattern[str]


_SIGNALS = tuple(_Signal(name, frozenset(words), re.compile(text)) for name, words, text in FORMATS)
#: Frames of a stack say where, not what.
_FRAME = re.compile(r"\s+(?:at |\.\.\. \d+ )")
_WORDS = frozenset(word for signal in _SIGNALS for word in signal.words)


def read(logs: Iterable[LogExcerpt]) -> Iterator[SignalHit]:
    """Recognised lines of log excerpts, in their order; one line may give several signals."""
    for log in logs:
        newest = dict.fromkeys(line[:LINE] for line in reversed(log.lines[-LAST_LINES:]))
        lines = [line for line in reversed(newest) if not _FRAME.match(line)]
        lowered = [line.lower() for line in lines]
        whole = "\n".join(lowered)
        there = {word for word in _WORDS if word in whole}
        asked = [(s, tuple(s.words & there)) for s in _SIGNALS if s.words & there]
        if asked:
            for line, small in zip(lines, lowered, strict=True):
                yield from _hits(line, small, asked, log.container)


def _hits(
    line: str, small: str, asked: list[tuple[_Signal, tuple[str, ...]]], container: str
) -> Iterator[SignalHit]:
    for signal, words in asked:
        if any(word in small for word in words):
            match = signal.pattern.search(line)
            if match:
                subject = next((v for v in match.groupdict().values() if v), "")
                yield SignalHit(signal.name, line[:400], subject, container)
