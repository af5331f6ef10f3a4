"""Each made-up plan has the verdicts, sentences and numbers that `expected_answers.yaml` shows a reader.

An answer that is meant to change is written anew with `make golden`, and the file's difference is what a reviewer reads.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import yaml

from tests.support.safety.answers import EXPECTED, PLANS, answers


@cache
def expected() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(EXPECTED.read_text(), Loader=yaml.CSafeLoader)
    return found


def test_every_plan_has_an_expected_answer_and_no_other() -> None:
    assert set(expected()) == set(PLANS)


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_is_judged_as_expected_and_with_one_thing_changed(name: str) -> None:
    assert answers(name) == expected()[name], f"{name}: meant to change? make golden"
