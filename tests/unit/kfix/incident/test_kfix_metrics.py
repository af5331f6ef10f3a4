"""One table of metrics: asking, measuring and judging mean the same by a meaning, in the same unit."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from decide.core import measure as judging
from decide.core.view import ClusterView
from kfix.incident.measurements import measure
from kfix.incident.metric_queries import (
    answered,
    of_one_environment,
    queries_for,
    query_of,
)
from kfix.incident.metrics import METRICS, Metric, factor_of, metric_of, of_operation
from schemas.base import ObjectRef
from schemas.context import Series, Traffic
from tests.support.decide.clusters import Cluster

ROOT = Path(__file__).resolve().parents[4]
TRAFFIC = Traffic(service="api", env="prod", operations=("servlet.request",))
ASKED = [
    *(metric for metric in METRICS if metric.asked is not None),
    *of_operation("servlet.request"),
]
#: Meaning to the name of its measurement, and what one of our units is in that.
MEASURED = {
    "cpu": ("cpu_cores", 1.0),
    "memory": ("memory_mib", 2.0**-20),
    "latency": ("latency_ms", 1.0),
}
CORES = ("decide/core", "learn/core", "enrich/core", "enrich/service", "learn/service")
MORE = ("publish/core", "console/core", "safety/core", "ingest/core", "kfix/incident", "schemas")
NAMED = re.compile(
    r"(?:kubernetes(?:_state)?|container|docker)\.(?:cpu|memory|network|containers?)\.\w+"
    r"|trace\.\w+\.request\.\w+"
)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_a_metric_is_in_the_table_once(metric: Metric) -> None:
    assert [m.name for m in METRICS].count(metric.name) == 1


@pytest.mark.parametrize(
    "metric", [m for m in ASKED if m.source == "datadog"], ids=lambda m: m.name
)
def test_what_is_asked_for_is_asked_once_and_answers_under_its_name(metric: Metric) -> None:
    workload = ObjectRef(kind="Deployment", namespace="shop", name="api")
    asked = queries_for(cluster="eu", namespace="shop", workload=workload, traffic=TRAFFIC)
    assert len([q for q in asked if f":{metric.name}{{" in q]) == 1
    assert query_of(metric, "a:b").startswith(f"{metric.asked.statistic}:{metric.name}{{a:b}}")  # type: ignore[union-attr]


def seen(metric: Metric, unit: str, value: float) -> ClusterView:
    """A Deployment's view with a steady series of the metric."""
    cluster = Cluster()
    cluster.app("api")
    cluster.series(metric.name, [value] * 10, kube_deployment="api", kube_container_name="app")
    bundle = cluster.bundle()
    told = tuple(s.model_copy(update={"unit": unit}) for s in bundle.metrics)
    return ClusterView(bundle.model_copy(update={"metrics": told}))


@pytest.mark.parametrize(
    ("metric", "unit"),
    [
        (metric, unit)
        for metric in ASKED
        if metric.meaning in MEASURED
        for unit in ("", *metric.units, *(f"{name}s" for name in metric.units))
    ],
    ids=lambda v: v if isinstance(v, str) else v.name,
)
def test_judging_and_measuring_read_the_same_answer_alike(metric: Metric, unit: str) -> None:
    view = seen(metric, unit, 7.0)
    workload = next(w for w in view.workloads if w.name == "api")
    (series,) = judging.usage(view, workload, metric.meaning)
    name, share = MEASURED[metric.meaning]
    measured = measure(view.bundle.metrics, 0, 4e9)[name]
    assert measured == pytest.approx(series.values[0] * share, rel=1e-9)  # type: ignore[operator]
    assert series.values[0] == pytest.approx(7.0 * factor_of(view.bundle.metrics[0], metric))


@pytest.mark.parametrize(
    ("name", "unit", "value", "expected"),
    [
        ("kubernetes.memory.usage", "mebibyte", 256.0, 2.0**28),
        ("kubernetes.cpu.usage.total", "microcore", 250_000.0, 0.25),
        ("trace.http.request", "nanosecond", 2e8, 200.0),
        ("trace.http.request", "microsecond", 2e5, 200.0),
        ("container.cpu.throttled", "second", 3.0, 3.0),
        ("container.cpu.throttled", "nanosecond", 3e9, 3.0),
        ("kubernetes.cpu.cfs.throttled.periods", "second", 3.0, 3.0),
    ],
)
def test_the_unit_of_the_answer_decides_the_factor(
    name: str, unit: str, value: float, expected: float
) -> None:
    metric = metric_of(Series(metric=name))
    assert metric is not None
    view = seen(metric, unit, value)
    workload = next(w for w in view.workloads if w.name == "api")
    (series,) = judging.usage(view, workload, metric.meaning)
    assert series.values[0] == pytest.approx(expected)


def test_a_unit_of_another_kind_is_not_believed() -> None:
    metric = next(m for m in METRICS if m.name == "kubernetes.memory.usage")
    assert factor_of(Series(metric=metric.name, unit="second"), metric) == 1.0


def _texts(path: Path) -> Iterator[str]:
    """The strings of a file, without its docstrings."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def test_no_core_names_a_metric_beside_the_table() -> None:
    table = ROOT / "kfix/incident/metrics.py"
    files = [p for folder in (*CORES, *MORE) for p in sorted((ROOT / folder).rglob("*.py"))]
    names = {metric.name for metric in METRICS}
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in files
        if path != table
        for text in _texts(path)
        if NAMED.search(text) or text in names
    ]
    assert found == []
    assert len(files) > 200
    assert any(NAMED.search(text) for text in _texts(table))


def queries(traffic: Traffic, workload: ObjectRef | None = None) -> list[str]:
    return queries_for(cluster="eu", namespace="shop", workload=workload, traffic=traffic)


def test_traffic_is_asked_for_by_the_tags_of_traces_and_never_by_those_of_workloads() -> None:
    assert queries(TRAFFIC) == [
        "sum:trace.servlet.request.hits{service:api,env:prod}.as_count()",
        "sum:trace.servlet.request.errors{service:api,env:prod}.as_count()",
        "p95:trace.servlet.request{service:api,env:prod}",
    ]


def test_without_an_environment_the_answers_say_theirs_and_two_are_not_taken_for_one() -> None:
    asked = queries(Traffic(service="api", operations=("grpc.server",)))
    assert asked[0] == "sum:trace.grpc.server.hits{service:api} by {env}.as_count()"
    usage = Series(metric="kubernetes.memory.usage")
    hits = [Series(metric="trace.grpc.server.hits", tags={"env": e}) for e in ("prod", "dev")]
    assert of_one_environment([usage, *hits]) == [usage]
    assert of_one_environment([usage, hits[0]]) == [usage, hits[0]]
    found = answered(Traffic(service="api"), [usage, hits[0]])
    assert found == Traffic(service="api", env="prod", operations=("grpc.server",))


@pytest.mark.parametrize(
    "traffic",
    [
        Traffic(service="", operations=("http.request",)),
        Traffic(service="api"),
        Traffic(service="a} by {x", operations=("http.request",)),
        Traffic(service="api", operations=("http.request{*},avg:secret",)),
    ],
)
def test_nothing_is_asked_of_traffic_that_nobody_names_or_no_tag_can_name(traffic: Traffic) -> None:
    assert queries(traffic) == []
