"""Lines of logs: the quick way through them misses nothing that a pattern matches, and near lines are left alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from decide.core.log_patterns import FORMATS
from decide.core.signals import SignalHit, read
from schemas.context import LogExcerpt
from tests.unit.decide.test_decide_signals import _alternatives

ALTERNATIVES = [
    pytest.param(name, words, part, id=f"{name} {part[:40]}")
    for name, words, pattern in FORMATS
    for part in _alternatives(pattern)
]


def hits(*lines: str, container: str = "") -> list[SignalHit]:
    return list(read([LogExcerpt(container=container, lines=lines)]))


def signals(line: str) -> list[str]:
    return [hit.signal for hit in hits(line)]


@pytest.mark.parametrize(("name", "words", "part"), ALTERNATIVES)
def test_whatever_a_pattern_matches_holds_one_of_its_words(
    name: str, words: tuple[str, ...], part: str
) -> None:
    @settings(
        max_examples=15,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.from_regex(re.compile(part, re.ASCII), fullmatch=True))
    def holds(line: str) -> None:
        assert any(word in line.lower() for word in words)

    holds()
