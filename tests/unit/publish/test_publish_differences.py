"""Large values are shown as the single values that change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish.core.differences import ValueDifference, differences, shown
from schemas.plans import FieldChange


def of(before: Any, after: Any) -> list[ValueDifference]:
    return differences(FieldChange(path="spec.x", before=before, after=after))


def env(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (1, 2, [("spec.x", 1, 2)]),
        (None, "a", [("spec.x", None, "a")]),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [("spec.x.b", 2, 3)]),
        ({"a": 1}, {"b": 1}, [("spec.x.a", 1, None), ("spec.x.b", None, 1)]),
        (env(A="1", B="2"), env(A="1", B="3"), [("spec.x[name=B].value", "2", "3")]),
        (env(A="1"), env(), [("spec.x[name=A]", {"name": "A", "value": "1"}, None)]),
        ([1, 2], [1, 3], [("spec.x", [1, 2], [1, 3])]),
        (
            {"a": {"b": [{"name": "c", "d": 1}]}},
            {"a": {"b": [{"name": "c", "d": 2}]}},
            [("spec.x.a.b[name=c].d", 1, 2)],
        ),
    ],
)
def test_only_what_changes_is_there(before: Any, after: Any, found: list[Any]) -> None:
    assert [(d.path, d.before, d.after) for d in of(before, after)] == found


def test_items_that_share_a_name_are_compared_as_a_whole() -> None:
    before, after = [*env(A="1"), *env(A="2")], [*env(A="1"), *env(A="3")]
    assert of(before, after) == [ValueDifference("spec.x", before, after)]


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "a", "b"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json, json)
def test_something_is_shown_exactly_when_something_changes(before: Any, after: Any) -> None:
    found = of(before, after)
    assert bool(found) == (before != after)
    for difference in found:
        assert difference.before != difference.after
        assert "\n" not in shown(difference.before)


def test_deep_values_end() -> None:
    before: Any = 1
    after: Any = 2
    for _ in range(500):
        before, after = {"a": before}, {"a": after}
    (found,) = of(before, after)
    assert found.path.count(".a") == 12


def test_values_are_written_as_in_a_manifest() -> None:
    assert [shown(v) for v in (None, True, 1, "x", {"a": [1]})] == [
        "–",
        "true",
        "1",
        "x",
        '{"a": [1]}',
    ]
