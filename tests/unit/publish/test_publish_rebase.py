"""When the branch moved under a proven edit: only what still holds every document as it was proven may go on."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish.core.rebase import carries


def document(name: str, replicas: int) -> str:
    return f"kind: Deployment\nmetadata: {{name: {name}}}\nspec: {{replicas: {replicas}}}\n"


def file(**replicas: int) -> str:
    return "---\n".join(document(name, count) for name, count in replicas.items())


BEFORE = file(a=1, b=1, c=1)


@pytest.mark.parametrize(
    "changed", [*combinations("abc", 1), *combinations("abc", 2), tuple("abc")]
)
def test_every_changed_document_must_be_there_as_it_was_proven(changed: tuple[str, ...]) -> None:
    proven = {name: 2 if name in changed else 1 for name in "abc"}
    after = file(**proven)
    assert carries(BEFORE, after, after)
    for lost in changed:
        assert not carries(BEFORE, after, file(**{**proven, lost: 1}))
        assert not carries(BEFORE, after, file(**{n: c for n, c in proven.items() if n != lost}))


@given(st.permutations("abc"), st.integers(1, 9), st.booleans())
def test_what_else_moved_in_the_file_does_not_matter(
    order: list[str], other: int, commented: bool
) -> None:
    proven = {"a": 2, "b": 1, "c": 1}
    moved = {name: other if name == "c" else proven[name] for name in order}
    text = file(**moved, d=7)
    assert carries(BEFORE, file(**proven), ("# new\n" if commented else "") + text)


def test_an_edit_that_changed_no_document_carries_nothing() -> None:
    assert not carries(BEFORE, BEFORE, BEFORE)
    assert not carries(BEFORE, f"# only a comment\n{BEFORE}", BEFORE)


def test_a_file_that_cannot_be_read_carries_nothing() -> None:
    bad = "a: ["
    after = file(a=2, b=1, c=1)
    assert not carries(BEFORE, after, bad)
    assert not carries(bad, after, after)
