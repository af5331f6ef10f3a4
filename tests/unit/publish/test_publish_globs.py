"""File patterns: what they match, and that no pattern takes long."""

from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfix.incident.globs import matches


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("a.yaml", "a.yaml"),
        ("/a.yaml", "a.yaml"),
        ("*.yaml", "a.yaml"),
        ("apps/*/deploy.yaml", "apps/shop/deploy.yaml"),
        ("apps/**", "apps/a/b/c.yaml"),
        ("**/*.yaml", "a.yaml"),
        ("**/*.yaml", "x/y/a.yaml"),
        ("a/**/b", "a/b"),
        ("a/**/b", "a/x/y/b"),
        ("a?c", "abc"),
        ("[a-c]x", "bx"),
        ("[!a-c]x", "dx"),
        (r"\*", "*"),
        (r"a\?b", "a?b"),
        ("a[b", "a[b"),
        ("**", "a/b"),
    ],
)
def test_fits(pattern: str, path: str) -> None:
    assert matches(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.yaml", "x/a.yaml"),
        ("apps/*", "apps/a/b"),
        ("a?c", "a/c"),
        ("[a-c]x", "dx"),
        ("A.yaml", "a.yaml"),
        ("a", "ab"),
        ("", "a"),
        ("apps", "apps/a"),
        (r"\*", "x"),
    ],
)
def test_does_not_fit(pattern: str, path: str) -> None:
    assert not matches(pattern, path)


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_within_a_folder_it_is_what_fnmatch_says(pattern: str, name: str) -> None:
    if "**" not in pattern:
        assert matches(pattern, name) == bool(re.fullmatch(fnmatch.translate(pattern), name))


def test_many_stars_cost_little() -> None:
    assert not matches("*a" * 500 + "b", "a" * 2_000)
    assert not matches("**/" * 500 + "b", "/".join("a" * 500))


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_two_texts_have_an_answer(pattern: str, path: str) -> None:
    assert matches(pattern, path) in (True, False)
