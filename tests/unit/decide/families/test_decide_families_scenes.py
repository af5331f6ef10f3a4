"""In each scene a family's rules find what `expected_<family>.yaml` shows a reader, and as much with one thing changed.

A finding that is meant to change is written anew with `python -m tests.support.decide.scenes.found`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import yaml

from tests.support.decide.scenes import families, scenes_of
from tests.support.decide.scenes.found import expected_file, found_in_scene

ALL = [(family, sentence) for family in families() for sentence in scenes_of(family)]


@cache
def expected(family: str) -> dict[str, Any]:
    text = expected_file(family).read_text("utf-8")
    found: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return found


@pytest.mark.parametrize("family", families())
def test_a_family_s_scenes_are_those_that_were_written_down(family: str) -> None:
    assert list(expected(family)) == list(scenes_of(family))


@pytest.mark.parametrize(("family", "sentence"), ALL, ids=[f"{f}: {s}" for f, s in ALL])
def test_a_family_s_rules_find_in_a_scene_what_was_written_down(family: str, sentence: str) -> None:
    found = json.loads(json.dumps(found_in_scene(family, sentence)))
    assert found == expected(family)[sentence]
