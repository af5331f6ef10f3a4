"""PromQL that K-Fix asks, and what it reads out of a rule's expression."""

from __future__ import annotations

import re

import pytest

from kfix.incident.cluster_tags import scoped
from kfix.incident.metrics import METRICS
from kfix.incident.prometheus.expressions import RuleComparison, bare, compared
from kfix.incident.prometheus.queries import SeriesOf, matcher, questions
from sandbox.prometheus.promql import compile_query

SHOP = {"kube_namespace": "shop", "kube_deployment": "api", "kube_cluster_name": "eu-1"}


class Nothing:
    def named(self, metric: str) -> list[object]:
        return []


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("up == 0", RuleComparison("up", "==", 0.0)),
        ("(up < 1)", RuleComparison("up", "<", 1.0)),
        ("((a) / (b) > (25 / 100))", RuleComparison("(a) / (b)", ">", 0.25)),
        ("sum(rate(x{a!='>',b=~\"<\"}[5m])) by (c) >= 1e3 # > 5", None),
        ("a > -1.5", RuleComparison("a", ">", -1.5)),
        ("predict_linear(a[6h], 24 * 60 * 60) < 0", None),
        ("a > 5 and b < 3", None),
        ("a and b", None),
        ("(a > 5) unless on (x) b", None),
        ("a > b", None),
        ("a > bool 1", None),
        ("1 < a", None),
        ("a > 1 / 0", None),
        ("a > __import__('os')", None),
        ("a", None),
        ("", None),
        ("max_over_time(a[5m:1m]) > 3", RuleComparison("max_over_time(a[5m:1m])", ">", 3.0)),
        ("(a > 1) > 2", RuleComparison("(a > 1)", ">", 2.0)),
        ("(a) + (b) > 2", RuleComparison("(a) + (b)", ">", 2.0)),
    ],
)
def test_what_an_expression_compares(expression: str, found: RuleComparison | None) -> None:
    if found is None and "1e3" in expression:
        found = RuleComparison("sum(rate(x{a!='>',b=~\"<\"}[5m])) by (c)", ">=", 1000.0)
    if found is None and "predict" in expression:
        found = RuleComparison("predict_linear(a[6h], 24 * 60 * 60)", "<", 0.0)
    assert compared(expression) == found
    if found is not None:
        assert bare(expression).startswith(found.measure)


@pytest.mark.parametrize("text", ["(" * 5000, '"', "a > " + "(" * 79, ")" * 50, "a" * 20_000])
def test_what_is_no_expression_is_compared_with_nothing(text: str) -> None:
    assert compared(text) is None


def test_every_row_is_asked_for_the_pods_of_a_workload_and_can_be_evaluated() -> None:
    asked = questions(SHOP, SeriesOf())
    rows = [m.name for m in METRICS if m.source == "prometheus" and m.asked]
    assert sorted(q.metric.name for q in asked) == sorted(rows)
    for question in asked:
        assert 'namespace="shop"' in question.promql
        assert "cluster" not in question.promql
        assert compile_query(question.promql, Nothing())(0.0) == []  # type: ignore[arg-type]
    assert all('cluster="eu-1"' in q.promql for q in questions(SHOP, SeriesOf(label="cluster")))


@pytest.mark.parametrize(
    ("kind", "pod", "others"),
    [
        (
            "kube_deployment",
            "api-6d4cf56db6-x2x8k",
            ["api-0", "api-web-6d4cf56db6-x2x8k", "api-x2x8k"],
        ),
        ("kube_stateful_set", "api-12", ["api-6d4cf56db6-x2x8k", "api-web-0", "apis-0"]),
        ("kube_daemon_set", "api-x2x8k", ["api-0", "api-6d4cf56db6-x2x8k"]),
        ("kube_argo_rollout", "api-6d4cf56db6-x2x8k", ["api-0"]),
    ],
)
def test_pods_of_a_workload_are_told_by_their_names(kind: str, pod: str, others: list[str]) -> None:
    asked = questions({"kube_namespace": "shop", kind: "api"}, SeriesOf())
    (pattern,) = {re.search(r'pod=~"([^"]+)"', q.promql)[1] for q in asked}  # type: ignore[index]
    assert re.fullmatch(pattern, pod)
    assert not any(re.fullmatch(pattern, other) for other in others)


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"kube_deployment": "api"},
        {"kube_namespace": "shop"},
        {"kube_namespace": 'shop"} or up{a="', "kube_deployment": "api"},
        {"kube_namespace": "shop", "kube_deployment": 'api"} or vector(1) or up{a="'},
        {"kube_namespace": "shop", "kube_deployment": "api.*|.+"},
        {"kube_namespace": "shop", "kube_deployment": "API"},
        {"kube_namespace": "shop", "service": "api\nx"},
    ],
)
def test_what_is_no_name_of_kubernetes_asks_nothing(names: dict[str, str]) -> None:
    assert questions(names, SeriesOf()) == []


def test_a_service_alone_is_asked_for_its_traffic() -> None:
    asked = questions({"kube_namespace": "shop", "service": "api"}, SeriesOf())
    assert {q.metric.meaning for q in asked} == {"requests", "errors", "latency"}
    assert all('service="api"' in q.promql for q in asked)


def test_a_value_cannot_end_its_text() -> None:
    assert matcher("a", 'x"\\\n') == 'a="x\\"\\\\\\n"'


@pytest.mark.parametrize(
    ("whose", "asked"),
    [
        (SeriesOf(), True),
        (SeriesOf(cluster="EU-1"), True),
        (SeriesOf(cluster="us-1"), False),
        (SeriesOf(label="cluster"), True),
    ],
)
def test_another_clusters_series_are_not_asked_for(whose: SeriesOf, asked: bool) -> None:
    assert bool(questions(SHOP, whose)) is asked


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("sum by (cluster) (cluster:namespace:pod_memory:active) > 1", []),
        ("cluster:node_cpu:ratio_rate5m > 0.9", []),
        ("(env:errors:rate5m) >= (1 / 2)", []),
        ('a{cluster="us", env="prod", job!="x", pod=~"api-.*", zone=""} > 1', ["cluster", "env"]),
        ("a{cluster='us'} > 1", ["cluster"]),
        ('sum(rate(a{env="prod"}[5m])) by (le) > 1', ["env"]),
        ('absent(up{job="env:prod"})', ["job"]),
        # other languages are read as they were
        (
            "avg(last_5m):avg:kubernetes.cpu.usage{env:prod,cluster:us} by {host} > 5",
            ["env", "cluster"],
        ),
        (
            'logs("env:prod cluster:us").index("*").rollup("count").by("host").last("5m") > 5',
            ["env", "cluster"],
        ),
        ('"http.can_connect".over("env:prod").by("host","url").last(4).count_by_status()', ["env"]),
        ("kube_namespace:shop,env:prod", ["kube_namespace", "env"]),
        ("env:prod", ["env"]),
    ],
)
def test_names_of_recorded_series_are_no_tags(query: str, asked: list[str]) -> None:
    found = [key for key, _ in scoped(query) if key not in ("avg", "sum")]
    assert found == asked
