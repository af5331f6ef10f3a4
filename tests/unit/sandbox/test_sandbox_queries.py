"""Datadog's two little languages as the sandbox reads them: metric queries and searches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.datadog.metrics import BadQuery, Timeline, Window, evaluate
from sandbox.datadog.notify import render
from sandbox.datadog.search import BadSearch, Document, compile_search
from sandbox.datadog.state import StoredTimelines

SOURCE = StoredTimelines(
    [
        Timeline("cpu", {"pod": "a-1", "ns": "shop"}, lambda _: 2.0),
        Timeline("cpu", {"pod": "a-2", "ns": "shop"}, lambda _: 4.0),
        Timeline("cpu", {"pod": "b-1", "ns": "batch"}, lambda _: 10.0),
        Timeline("limit", {"pod": "a-1", "ns": "shop"}, lambda _: 8.0),
        Timeline("count", {"ns": "shop"}, lambda at: at),
    ]
)
WINDOW = Window(0, 100, 10)


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("avg:cpu{*}", 16 / 3),
        ("sum:cpu{ns:shop}", 6.0),
        ("max:cpu{ns:shop,pod:a-*}", 4.0),
        ("min:cpu{!ns:batch}", 2.0),
        ("sum:cpu{ns:shop AND NOT pod:a-1}", 4.0),
        ("sum:cpu{pod IN (a-1, b-1)}", 12.0),
        ("sum:cpu{ns NOT IN (batch)}", 6.0),
        ("sum:cpu{ns:shop OR ns:batch}", 16.0),
        ("sum:cpu{*} * 2 + 1", 33.0),
        ("100 * (max:cpu{pod:a-1} / max:limit{*})", 25.0),
        ("sum:cpu{*}.rollup(max, 60)", 16.0),
        ("sum:cpu{ns:shop}.as_rate()", 0.6),
        ("default_zero(avg:cpu{pod:a-1})", 2.0),
        ("per_second(max:count{*})", 1.0),
    ],
)
def test_a_query_gives_its_value(query: str, value: float) -> None:
    (answer,) = evaluate(query, SOURCE, WINDOW)
    assert answer.values[-1] == pytest.approx(value)


def test_groups_are_paired_in_formulas() -> None:
    found = evaluate("sum:cpu{*} by {pod} / max:limit{*} by {pod}", SOURCE, WINDOW)
    assert [(a.group, a.values[-1]) for a in found] == [((("pod", "a-1"),), 0.25)]


@pytest.mark.parametrize(
    "query", ["", "avg:cpu{", "avg:cpu{*} +", "magic(avg:cpu{*})", "12", "avg:cpu{*}.magic()"]
)
def test_a_bad_query_is_refused(query: str) -> None:
    with pytest.raises(BadQuery):
        evaluate(query, SOURCE, WINDOW)


DOCUMENT = Document(
    "Out of memory: killed", {"service": ["cart"], "status": ["error"], "@code": ["503"]}
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("*", True),
        ("service:cart", True),
        ("service:ca*", True),
        ("-service:cart", False),
        ("service:cart status:info", False),
        ("service:cart AND (status:info OR @code:5*)", True),
        ("NOT status:info", True),
        ('"out of memory"', True),
        ("killed", True),
        ("service:(cart OR checkout)", True),
        ('service:cart "no such words"', False),
    ],
)
def test_a_search_matches(query: str, found: bool) -> None:
    assert compile_search(query)(DOCUMENT) is found


@pytest.mark.parametrize("query", ["(service:cart", "service:cart)", "NOT"])
def test_a_bad_search_is_refused(query: str) -> None:
    with pytest.raises(BadSearch):
        compile_search(query)


@given(st.text())
def test_a_value_inside_quotes_never_breaks_the_payload(value: str) -> None:
    import json

    template = '{"body": "$EVENT_MSG", "n": $ID}'
    assert json.loads(render(template, {"EVENT_MSG": value, "ID": "1"})) == {"body": value, "n": 1}
