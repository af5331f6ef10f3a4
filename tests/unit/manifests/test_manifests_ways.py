"""Each small repository answers as `expected_ways.yaml` shows where it is asked in other ways than for one field.

An answer that is meant to change is written anew with `make golden`, and the file's difference is what a reviewer reads.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import yaml

from tests.support.manifests.ways import ALL, EXPECTED, ways


@cache
def expected() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(EXPECTED.read_text(), Loader=yaml.CSafeLoader)
    return found


def test_every_repository_has_its_expected_ways_and_no_other() -> None:
    assert set(expected()) == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_repository_asked_in_other_ways_answers_as_expected(name: str) -> None:
    assert ways(name) == expected()[name], f"{name}: meant to change? make golden"
