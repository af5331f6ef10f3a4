"""Each made-up fault has the cause, the confidence, the evidence and the changes that `expected_answers.yaml` shows a reader;
`whole`, `found` and `elsewhere` hold by digests what a reader cannot see there.

An answer that is meant to change is written anew with `make golden`, and the file's difference is what a reviewer reads.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import yaml

from tests.support.decide.answers import EXPECTED, answers
from tests.support.decide.catalogue import FAULTS


@cache
def expected() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(EXPECTED.read_text(), Loader=yaml.CSafeLoader)
    return found


def test_every_fault_has_an_expected_answer_and_no_other() -> None:
    assert set(expected()) == set(FAULTS)


@pytest.mark.parametrize("key", sorted(FAULTS))
def test_a_fault_is_answered_as_expected_alone_in_company_and_with_one_thing_changed(
    key: str,
) -> None:
    found = json.loads(json.dumps(answers(key)))
    assert found == expected()[key], f"{key}: meant to change? make golden"
