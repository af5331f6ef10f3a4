"""What queries keep and leave out by patterns, negations and several values."""

from __future__ import annotations

import pytest

from kfix.incident.cluster_tags import scoped
from kfix.incident.prometheus.links import expression_in
from kfix.incident.query_filters import filters_of

QUERIES: list[tuple[str, dict[tuple[str, bool], tuple[str, ...]]]] = [
    ("avg:x{kube_namespace:shop}", {("kube_namespace", True): ("shop",)}),
    ("avg:x{!service:a}", {("service", False): ("a",)}),
    (
        "avg:x{service:A*,!pod_name:b-*}",
        {("service", True): ("a*",), ("pod_name", False): ("b-*",)},
    ),
    ("avg:x{service IN (a, b)}", {("service", True): ("a", "b")}),
    ("avg:x{NOT service IN (a,b)}", {("service", False): ("a", "b")}),
    ("avg:x{service NOT IN (a,b)}", {("service", False): ("a", "b")}),
    ("avg:x{-(service:a OR service:b)}", {("service", False): ("a", "b")}),
    ("avg:x{service:a} - (avg:y{service:b})", {("service", True): ("a", "b")}),
    (
        'logs("service:a -status:info").last("5m") > 1',
        {("service", True): ("a",), ("status", False): ("info",)},
    ),
    ("avg:x{service:$service}", {}),
    ('up{deployment!="a"} == 0', {("kube_deployment", False): ("a",)}),
    ('up{pod=~"a.*|b-.+"} == 0', {("pod_name", True): ("a*", "b-*")}),
    ('up{pod!~".*-a"} == 0', {("pod_name", False): ("*-a",)}),
    ('up{pod=~"a[0-9]+"} == 0', {}),
    ('up{pod=""} == 0', {}),
]


@pytest.mark.parametrize(("query", "said"), QUERIES, ids=[q for q, _ in QUERIES])
def test_filters_are_read(query: str, said: dict[tuple[str, bool], tuple[str, ...]]) -> None:
    found = {(one.tag, one.wanted): one.patterns for one in filters_of(query)}
    assert {name: told for name, told in found.items() if name[0] != "avg"} == said


def test_a_pattern_fits_the_whole_value() -> None:
    (one,) = filters_of("service:check*")
    assert one.fits("checkout")
    assert not one.fits("precheck")


def test_what_is_left_out_is_not_asked_for() -> None:
    assert list(scoped("{a:b,-(c:d OR e:f)}")) == [("a", "b")]
    assert ("c", "d") in list(scoped("avg:x{a:b} -(avg:y{c:d})"))


@pytest.mark.parametrize(
    ("link", "expression"),
    [
        ("http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1", "up == 0"),
        ("http://prometheus:9090/alerts", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_a_rules_link_has_its_expression(link: str, expression: str) -> None:
    assert expression_in(link) == expression
