"""Installers in odd shapes are read, and what they deploy is edited or refused, as `expected_odd_answers.yaml` shows a reader.

An answer that is meant to change is written anew with `make golden`, and the file's difference is what a reviewer reads.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import yaml

from tests.support.manifests.answers import EXPECTED_ODD, odd_answers
from tests.support.manifests.odd_installers import ODD


@cache
def expected() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(EXPECTED_ODD.read_text(), Loader=yaml.CSafeLoader)
    return found


def test_every_odd_repository_has_an_expected_answer_and_no_other() -> None:
    assert set(expected()) == set(ODD)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_repository_is_answered_as_expected_and_with_one_thing_changed(name: str) -> None:
    found = json.loads(json.dumps(odd_answers(name)))
    assert found == expected()[name], f"{name}: meant to change? make golden"
