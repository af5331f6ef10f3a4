"""Prometheus' own engine reads every query of ours, and the sandbox answers each as it does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from kfix.incident.prometheus.expressions import compared
from kfix.incident.prometheus.labels import neutral
from kfix.incident.prometheus.queries import SeriesOf, questions
from kfix.incident.prometheus.rules import AlertingRule
from sandbox.prometheus.promql import SCRAPE_S, compile_query
from sandbox.prometheus.state import Prometheus
from sandbox.running import Sandbox, running
from sandbox.scenario import scenarios
from schemas.alerts import Alert
from tools.realparts.programs import Unbuildable
from tools.realparts.prometheus_engine import evaluated, program

pytestmark = [pytest.mark.promql, pytest.mark.slow]
METRICS = (
    "container_cpu_usage_seconds_total",
    "container_cpu_cfs_throttled_periods_total",
    "container_cpu_cfs_periods_total",
    "container_memory_working_set_bytes",
    "kube_pod_container_resource_limits",
    "kube_pod_container_resource_requests",
    "kube_pod_container_status_restarts_total",
    "kube_deployment_spec_replicas",
    "kube_deployment_status_replicas_available",
    "http_requests_total",
    "http_request_duration_seconds_sum",
    "http_request_duration_seconds_count",
    "ALERTS",
)
#: Expressions of kube-prometheus: whether each is read, and what it compares.
RULES = {
    "max_over_time(a{reason='CrashLoopBackOff', namespace=~\".*\"}[5m]) >= 1": 1.0,
    "(a / b < 0.15 and b > 0) unless on (namespace, persistentvolumeclaim) c == 1": None,
    "sum(increase(a{container!=''}[5m])) without (id) / sum(increase(b[5m])) without (id) > (25 / 100)": 0.25,
    "time() - max by (namespace, job_name, cluster) (a and b > 0) > 43200": 43_200.0,
    "(a - b) / (((c + d) != 0)) * 100 < 10": 10.0,
    'histogram_quantile(0.99, sum by (le) (rate(a_bucket{verb!="WATCH"}[5m]))) > 1e-1': 0.1,
    "100 * sum(rate(a{code=~'5..'}[1m])) by (job) / sum(rate(a[1m])) by (job) > 1": 1.0,
}


@pytest.fixture(scope="module", autouse=True)
def engine() -> None:
    """Skips in one line where it cannot be had."""
    try:
        program()
    except Unbuildable as why:
        pytest.skip(str(why))


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running() as found:
        for name in ("cpu_throttling", "oom"):
            await found.world.trouble(scenarios()[name])
        found.prometheus.evaluate()
        yield found


def own_queries(prometheus: Prometheus) -> list[str]:
    """What K-Fix asks about two services and the alerts that are active."""
    found = [
        question.promql
        for names in (
            {"kube_deployment": "checkout"},
            {"kube_deployment": "cart"},
            {"service": "cart"},
        )
        for question in questions({"kube_namespace": "shop", **names}, SeriesOf())
    ]
    for active in prometheus.alerts:
        labels = {"alertname": active.rule.name, **active.labels}
        said = {"name": active.rule.name, "query": active.rule.expr, "alerts": [{"labels": labels}]}
        rule = AlertingRule({**said, "labels": active.rule.labels})
        alert = Alert(labels=neutral(active.labels))
        found += [rule.query, rule.narrowed(alert), rule.episodes(alert)]
    return found


async def test_the_sandbox_answers_as_prometheus_does(sandbox: Sandbox) -> None:
    prometheus, now = sandbox.prometheus, time.time() // SCRAPE_S * SCRAPE_S
    times = [now - SCRAPE_S * n for n in range(280, -1, -1)]
    series = [
        (
            {"__name__": metric, **one.labels},
            [(t, v) for t in times if (v := one.at(t)) is not None],
        )
        for metric in METRICS
        for one in prometheus.named(metric)
    ]
    asked = [
        (q, at) for q in own_queries(prometheus) for at in (now, now - 7, now - 600, now - 3000)
    ]
    answers = await asyncio.to_thread(evaluated, series, asked)
    assert len(asked) == len(answers) > 150
    whole = 0
    for (query, at), real in zip(asked, answers, strict=True):
        assert not isinstance(real, str), (query, real)
        ours = {frozenset(labels): value for labels, value in compile_query(query, prometheus)(at)}
        assert ours == pytest.approx(real, rel=1e-6), (query, now - at)
        whole += bool(real)
    assert whole > len(asked) / 2, "most of them have an answer"


def test_expressions_are_read_as_prometheus_reads_them() -> None:
    answers = evaluated([], [(text, 0.0) for text in RULES])
    assert answers == [{}] * len(RULES), "each is an expression"
    for text, limit in RULES.items():
        found = compared(text)
        assert (found.limit if found else None) == limit, text
    measures = [found.measure for text in RULES if (found := compared(text))]
    assert evaluated([], [(measure, 0.0) for measure in measures]) == [{}] * len(measures)
