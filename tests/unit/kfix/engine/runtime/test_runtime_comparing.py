"""Why a decision changes, and whose it is."""

from __future__ import annotations

from typing import Any

import pytest

from kfix.engine.runtime.comparing import (
    Because,
    Compared,
    environment_of,
    told_apart,
    told_differences,
)


def made(then: Any, now: Any, **more: Any) -> Compared:
    changed = () if then == now else ("status",)
    return Compared("safety", "c", "i", "t", {"status": then}, {"status": now}, changed, **more)


@pytest.mark.parametrize(
    ("then", "policy", "today", "because"),
    [
        (1, 1, 1, ""),
        (1, 2, 2, "policy"),
        (1, 1, 2, "world"),
        (1, 2, 3, "policy and world"),
        (1, 2, 1, ""),
    ],
)
def test_what_changes_in_the_world_of_then_as_well_is_the_policys(
    then: int, policy: int, today: int, because: Because
) -> None:
    (found,) = told_apart([made(then, policy, not_as_then=("x",))], [made(then, today)])
    assert (found.because, bool(found.changed)) == (because, then != today)
    assert found.not_as_then == ("x",)


@pytest.mark.parametrize("more", [{"failed": "nobody asked"}, {"skipped": "not kept"}])
def test_nobody_can_tell_where_the_world_of_then_is_silent(more: Any) -> None:
    (found,) = told_apart([made(1, 2, **more)], [made(1, 3)])
    assert (found.because, found.changed) == ("", ("status",))
    assert told_apart([], [made(1, 3)]) == [made(1, 3)]


def test_each_of_several_results_is_laid_beside_its_own() -> None:
    found = told_apart([made(1, 1), made(5, 6)], [made(1, 2), made(5, 6)])
    assert [one.because for one in found] == ["world", "policy"]


def test_bases_tell_what_differs_with_both_values() -> None:
    then = {"rules": "a", "policy": {"most": 3, "kinds": ["x"]}, "same": 1}
    now = {"rules": "b", "policy": {"most": 3, "kinds": ["x", "y"]}, "same": 1, "new": {"k": 1}}
    assert told_differences(then, now) == (
        "new: none → {'k': 1}",
        "policy.kinds: ['x'] → ['x', 'y']",
        "rules: a → b",
    )
    assert told_differences(then, then) == ()


@pytest.mark.parametrize(
    ("environment", "production"),
    [("production", True), ("unknown", True), ("", True), ("staging", False)],
)
def test_what_is_not_known_to_be_something_else_is_production(
    environment: str, production: bool
) -> None:
    assert made(1, 2, environment=environment).in_production is production
    assert environment_of({"context": {"environment": environment}}) == environment
    assert environment_of({"number": 1}) == environment_of(None) == ""
