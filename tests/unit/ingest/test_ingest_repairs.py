"""What is almost JSON is mended where it can only mean one thing, and nowhere else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.reading import document_of, mended_document
from ingest.core.repairs import repaired
from tests.support.ingest import opened

DEPTH = 16
ONE_READING: dict[str, tuple[str, Any]] = {
    "tags without quotes": (
        '{"tags": [env:prod,kube_namespace:shop, team:a b]}',
        {"tags": ["env:prod", "kube_namespace:shop", "team:a b"]},
    ),
    "some quoted": ('{"tags": ["env:prod", team:a]}', {"tags": ["env:prod", "team:a"]}),
    "no tags": ('{"tags": [], "a": 1}', {"tags": [], "a": 1}),
    "a comma too many in a list": ('{"tags": ["a", "b",]}', {"tags": ["a", "b"]}),
    "a comma too many at the end": ('{"a": 1, "b": 2,\n}', {"a": 1, "b": 2}),
    "a missing value": ('{"id": , "title": "x"}', {"id": None, "title": "x"}),
    "a missing last value": ('{"title": "x", "id": }', {"title": "x", "id": None}),
    "a text without quotes": (
        '{"title": High CPU on api, "id": 7}',
        {"title": "High CPU on api", "id": 7},
    ),
    "a scope without quotes": (
        '{"scope": env:prod,service:api, "id": "7"}',
        {"scope": "env:prod,service:api", "id": "7"},
    ),
    "an address": ('{"link": https://app.example.com/a?b=1, "id": 7}', None),
    "what nobody filled in": ('{"a": $LINK, "b": "c"}', {"a": "$LINK", "b": "c"}),
    "numbers stay numbers": (
        '{"a": 1.5e3, "b": -2, "c": 007,}',
        {"a": 1500.0, "b": -2, "c": "007"},
    ),
    "inside of another": (
        '{"org": {"id": 1,}, "x": [1, [2,],]}',
        {"org": {"id": 1}, "x": [1, [2]]},
    ),
    "an object put between quotes": (
        '{"logs": "{"rows": [{"message": "out of \\"memory\\""}]}", "id": "7"}',
        {"logs": {"rows": [{"message": 'out of "memory"'}]}, "id": "7"},
    ),
    "a list put between quotes, last": (
        '{"id": "7", "queries": "["@evt.name:a"]"}',
        {"id": "7", "queries": ["@evt.name:a"]},
    ),
    "a text that begins with a bracket": (
        '{"a": "{x", "b": "[", "c": ,}',
        {"a": "{x", "b": "[", "c": None},
    ),
    "raw line breaks in a text": ('{"body": "a\nb", "x": ,}', {"body": "a\nb", "x": None}),
}
MANY_OR_NONE = {
    "a quote in a text": '{"title": "he said"stop" twice", "id": 7}',
    "a quote in a text before a comma": '{"title": "a "b", c", "id": 7,}',
    "a quote behind an object in a text": '{"title": "{"a": 1} and "b"", "id": 7}',
    "half an object between quotes": '{"title": "{"a": 1", "id": 7}',
    "a key without quotes": '{title: "x",}',
    "a comma missing": '{"a": "x" "b": "y"}',
    "a bracket missing": '{"tags": [a:b, "c": 1}',
    "a brace missing": '{"a": 1, "b": {"c": 2,}',
    "a text of two lines without quotes": '{"body": one\ntwo, "id": 7}',
    "something behind it": '{"a": 1,} x',
    "two commas": '{"id": ,, "title": "x"}',
    "no object": "[1, 2,]",
    "nothing": "{",
    "only text": "down!",
}


@pytest.mark.parametrize("name", ONE_READING)
def test_what_can_only_mean_one_thing_is_mended(name: str) -> None:
    text, meant = ONE_READING[name]
    mended = mended_document(text.encode(), "application/json", DEPTH)
    if meant is None:
        meant = {"link": "https://app.example.com/a?b=1", "id": 7}
    assert mended == meant


@pytest.mark.parametrize("name", MANY_OR_NONE)
def test_what_could_mean_two_things_or_nothing_is_not(name: str) -> None:
    assert mended_document(MANY_OR_NONE[name].encode(), "application/json", DEPTH) is None


def test_a_form_is_not_mended() -> None:
    form = "application/x-www-form-urlencoded"
    assert mended_document(b'{"a": 1,}', form, DEPTH) is None


def test_a_key_twice_is_one_too_many_also_in_what_is_mended() -> None:
    assert mended_document(b'{"a": 1, "a": 2,}', "application/json", DEPTH) is None


def test_what_is_nested_too_deep_is_left() -> None:
    text = '{"a": ' + "[" * 40 + "]" * 40 + ",}"
    assert mended_document(text.encode(), "application/json", DEPTH) is None
    assert mended_document(b'{"a": ' + b"[" * 200_000, "application/json", 10**6) is None


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=6), JSONS, max_size=5))
def test_what_is_json_already_means_what_it_meant(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    mended = repaired(text, 64)
    assert mended is not None
    assert json.loads(mended) == document


@given(st.dictionaries(st.text(max_size=6), JSONS, min_size=1, max_size=5))
def test_a_comma_too_many_changes_nothing(document: dict[str, Any]) -> None:
    text = json.dumps(document)[:-1] + ",}"
    assert mended_document(text.encode(), "application/json", 64) == document_of(
        json.dumps(document).encode(), "application/json", 64
    )


@given(st.text('{}[]",:\\ \n$ab1-e', max_size=60))
def test_whatever_comes_ends_in_json_or_in_nothing(text: str) -> None:
    mended = repaired("{" + text, DEPTH)
    assert mended is None or isinstance(json.loads(mended, strict=False), dict)


BROKEN = b'{"title": "he said "stop"", "monitor_id": "4711"}'


async def test_the_door_takes_what_it_can_mend_and_tells_of_the_rest_with_monitor_and_place() -> (
    None
):
    async with opened() as door:
        fine = b'{"title": "down", "alert_id": "7", "alert_transition": "Triggered", "tags": [env:prod],}'
        answer = await door.datadog(fine)
        assert (answer.status_code, answer.json()["result"]) == (202, "accepted")
        (record,) = door.kept.records
        assert record.alert.labels == {"env": "prod"}  # type: ignore[attr-defined]
        assert record.body == fine  # type: ignore[attr-defined]
        answer = await door.datadog(BROKEN)
        assert answer.json()["result"] == "dead_lettered"
        (told,) = door.kept.told
    assert (told["source"], told["rule_id"], told["title"]) == ("datadog", "4711", "he said")
    assert "line 1 column 21" in told["message"]
