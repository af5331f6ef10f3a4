"""Each small repository is read, placed and edited as `expected_answers.yaml` shows a reader.

An answer that is meant to change is written anew with `make golden`, and the file's difference is what a reviewer reads.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import yaml

from tests.support.manifests.answers import EXPECTED, answers, edited, read_scripts
from tests.support.manifests.repositories import REPOSITORIES
from tests.support.manifests.texts import TEXTS


@cache
def expected() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(EXPECTED.read_text(), Loader=yaml.CSafeLoader)
    return found


def test_every_repository_and_text_has_an_expected_answer_and_no_other() -> None:
    assert set(expected()["repositories"]) == set(REPOSITORIES)
    assert set(expected()["texts"]) == set(TEXTS)


@pytest.mark.parametrize("name", REPOSITORIES)
def test_a_repository_is_answered_as_expected_and_with_one_thing_changed(name: str) -> None:
    found = json.loads(json.dumps(answers(name)))
    assert found == expected()["repositories"][name], f"{name}: meant to change? make golden"


def test_scripts_are_read_as_expected() -> None:
    assert json.loads(json.dumps(read_scripts())) == expected()["scripts"]


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_edited_as_expected_or_refused(name: str) -> None:
    assert edited(name) == expected()["texts"][name], f"{name}: meant to change? make golden"
