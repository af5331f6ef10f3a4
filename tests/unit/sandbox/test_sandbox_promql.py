"""The sandbox's PromQL says what Prometheus' documentation says."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from sandbox.prometheus.promql import BadQuery, Sampled, evaluate


class Series:
    """``a`` grows by 1 and 3 a second; ``b`` is 2 and 4; ``c`` began again at 30."""

    def named(self, metric: str) -> Iterable[Sampled]:
        if metric == "a":
            yield Sampled({"pod": "x", "job": "j"}, lambda at: at)
            yield Sampled({"pod": "y", "job": "j"}, lambda at: 3 * at)
        elif metric == "b":
            yield Sampled({"pod": "x"}, lambda at: 2.0)
            yield Sampled({"pod": "y"}, lambda at: 4.0)
            yield Sampled({"pod": "z"}, lambda at: None)
        elif metric == "c":
            yield Sampled({}, lambda at: at if at < 30 else at - 30)


def told(query: str, at: float = 300.0) -> dict[str, float]:
    """Values by the labels but the name."""
    found = evaluate(query, Series(), at)
    return {
        ",".join(f"{k}={v}" for k, v in labels if k != "__name__"): value for labels, value in found
    }


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("b", {"pod=x": 2, "pod=y": 4}),
        ('b{pod="x"}', {"pod=x": 2}),
        ('b{pod!="x"}', {"pod=y": 4}),
        ('b{pod=~"x|z"}', {"pod=x": 2}),
        ('b{pod!~"x"}', {"pod=y": 4}),
        ('b{none=""}', {"pod=x": 2, "pod=y": 4}),
        ("rate(a[5m])", {"job=j,pod=x": 1, "job=j,pod=y": 3}),
        ("increase(a[1m])", {"job=j,pod=x": 60, "job=j,pod=y": 180}),
        ("sum(rate(a[5m]))", {"": 4}),
        ("sum by (pod) (b)", {"pod=x": 2, "pod=y": 4}),
        ("max(b) by (none)", {"": 4}),
        ("avg without (pod) (rate(a[5m]))", {"job=j": 2}),
        ("count(b)", {"": 2}),
        ("b > 3", {"pod=y": 4}),
        ("b * 2 + 1", {"pod=x": 5, "pod=y": 9}),
        ("-b", {"pod=x": -2, "pod=y": -4}),
        ("8 / b", {"pod=x": 4, "pod=y": 2}),
        ("rate(a[5m]) / on (pod) b", {"job=j,pod=x": 0.5, "job=j,pod=y": 0.75}),
        ("b > (1 + 2) # four", {"pod=y": 4}),
        ('b and on (pod) label_replace(vector(1), "pod", "y", "", "")', {"pod=y": 4}),
        ("b unless b > 3", {"pod=x": 2}),
        ('b{pod="x"} or vector(7)', {"pod=x": 2, "": 7}),
        ("b > 1 and b < 3", {"pod=x": 2}),
        ("1 + 2 * 3", {"": 7}),
    ],
)
def test_an_answer(query: str, answer: dict[str, float]) -> None:
    found = told(query)
    shortened = {key: round(value, 6) for key, value in found.items()}
    # A division between vectors keeps the left side's labels, as group_left would.
    assert shortened == answer


def test_a_counter_that_begins_again_goes_on_counting() -> None:
    assert told("increase(c[1m])", at=60.0)[""] == pytest.approx(45.0, abs=15.1)


@pytest.mark.parametrize(
    "query",
    ["", "b{", "b{pod=x}", "b > ", "sum(b", "nothing(b)", "rate(a)", "b b", "rate(a[x])", "1 > 2"],
)
def test_what_is_no_query_is_refused(query: str) -> None:
    with pytest.raises(BadQuery):
        told(query)


def test_many_to_one_must_be_told() -> None:
    with pytest.raises(BadQuery):
        told("b / on () b")
