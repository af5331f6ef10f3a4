"""The one table of metrics: what each means, how it is asked for, in which unit it answers. Pure.

Asking (``metric_queries``), measuring (``measurements``) and judging (decide) read it, so that one meaning has one name and
one unit for all of them. Names and units: Datadog's Kubernetes, Docker, Container and APM integrations
(``metadata.csv`` of https://github.com/DataDog/integrations-core), its list of units
(https://docs.datadoghq.com/metrics/units/), the plain names of captures, and Prometheus' metrics of cAdvisor,
kube-state-metrics and client libraries (in base units; a name with matchers is a selector).

A meaning's unit: cores for cpu, bytes for memory, milliseconds for latency, seconds or periods for throttling, else counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from kfix.incident.traces import trace_metric
from schemas.context import Series

Meaning = Literal[
    "cpu",
    "cpu_limit",
    "cpu_request",
    "throttled",
    "periods",
    "memory",
    "memory_limit",
    "restarts",
    "latency",
    "success",
    "errors",
    "requests",
    "network_in",
    "network_out",
    "retransmits",
]
#: Unit, as the source names it in the singular, to factor.
Units = Mapping[str, float]
CORES: Units = {
    "nanocore": 1e-9,
    "microcore": 1e-6,
    "millicore": 1e-3,
    "core": 1.0,
    "percent": 0.01,
}
BYTES: Units = {
    "byte": 1.0,
    "kibibyte": 2.0**10,
    "mebibyte": 2.0**20,
    "gibibyte": 2.0**30,
    "tebibyte": 2.0**40,
}
MILLISECONDS: Units = {
    "nanosecond": 1e-6,
    "microsecond": 1e-3,
    "millisecond": 1.0,
    "second": 1e3,
    "minute": 6e4,
}
SECONDS: Units = {name: factor / 1e3 for name, factor in MILLISECONDS.items()}
COUNTS: Units = {}
#: What somebody set, not what was used.
CONFIGURED: frozenset[Meaning] = frozenset({"cpu_limit", "cpu_request", "memory_limit"})
_POD, _CONTAINER = ("pod_name", "kube_container_name"), ("kube_container_name",)


@dataclass(frozen=True, slots=True)
class Asked:
    """How a source is asked for a metric: the statistic over space, the tags it is grouped by, whether it counts.

    What Prometheus counts is asked for as a rate.
    """

    statistic: Literal["avg", "max", "sum", "p95"]
    by: tuple[str, ...] = ()
    as_count: bool = False


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of one source. ``factor``: to the meaning's unit, for an answer that names no unit that is known."""

    meaning: Meaning
    name: str
    units: Units
    factor: float = 1.0
    #: ``None``: read where it is found, and not asked for.
    asked: Asked | None = None
    of: Literal["workload", "service", "node"] = "workload"
    source: Literal["datadog", "prometheus", "capture"] = "datadog"


def _scraped(
    meaning: Meaning,
    name: str,
    units: Units,
    asked: Asked,
    of: Literal["workload", "service"] = "workload",
) -> Metric:
    factor = 1e3 if units is MILLISECONDS else 1.0
    return Metric(meaning, name, units, factor, asked, of, source="prometheus")


def _captured(meaning: Meaning, name: str, units: Units) -> Metric:
    return Metric(meaning, name, units, of="service", source="capture")


#: Of one meaning the most telling first: what the kernel kills for is the working set; usage holds caches that it would
#: give back, the resident set lacks some that it would not.
METRICS: tuple[Metric, ...] = (
    _captured("cpu", "service.cpu", CORES),
    Metric("cpu", "kubernetes.cpu.usage.total", CORES, 1e-9, Asked("avg", _POD)),
    Metric("cpu", "container.cpu.usage", CORES, 1e-9),
    Metric("cpu", "docker.cpu.usage", CORES, 0.01),
    Metric("cpu", "kubernetes.cpu.usage", CORES),
    Metric("cpu_limit", "kubernetes.cpu.limits", CORES, asked=Asked("avg", _CONTAINER)),
    Metric("cpu_request", "kubernetes.cpu.requests", CORES, asked=Asked("avg", _CONTAINER)),
    _captured("throttled", "service.cpu_cfs", COUNTS),
    Metric("throttled", "kubernetes.cpu.cfs.throttled.seconds", SECONDS),
    Metric(
        "throttled",
        "kubernetes.cpu.cfs.throttled.periods",
        COUNTS,
        asked=Asked("avg", _CONTAINER),
    ),
    Metric("throttled", "container.cpu.throttled", SECONDS, 1e-9),
    Metric("throttled", "container.cpu.throttled.periods", COUNTS),
    Metric("periods", "kubernetes.cpu.cfs.periods", COUNTS, asked=Asked("avg", _CONTAINER)),
    Metric("memory", "container.memory.working_set", BYTES),
    Metric("memory", "kubernetes.memory.working_set", BYTES),
    _captured("memory", "service.mem", BYTES),
    Metric("memory", "kubernetes.memory.usage", BYTES, asked=Asked("max", _POD)),
    Metric("memory", "kubernetes.memory.rss", BYTES),
    Metric("memory", "container.memory.usage", BYTES),
    Metric("memory_limit", "kubernetes.memory.limits", BYTES, asked=Asked("max", _CONTAINER)),
    Metric("restarts", "kubernetes.containers.restarts", COUNTS, asked=Asked("max", _POD)),
    Metric("restarts", "kubernetes_state.container.restarts", COUNTS),
    _captured("latency", "service.p95latency", MILLISECONDS),
    _captured("latency", "service.p90latency", MILLISECONDS),
    _captured("latency", "service.p50latency", MILLISECONDS),
    _captured("requests", "service.rps", COUNTS),
    _scraped("cpu", "container_cpu_usage_seconds_total", CORES, Asked("sum", _POD, as_count=True)),
    _scraped(
        "cpu_limit",
        'kube_pod_container_resource_limits{resource="cpu"}',
        CORES,
        Asked("max", _CONTAINER),
    ),
    _scraped(
        "cpu_request",
        'kube_pod_container_resource_requests{resource="cpu"}',
        CORES,
        Asked("max", _CONTAINER),
    ),
    _scraped(
        "throttled",
        "container_cpu_cfs_throttled_periods_total",
        COUNTS,
        Asked("sum", _CONTAINER, as_count=True),
    ),
    _scraped(
        "periods",
        "container_cpu_cfs_periods_total",
        COUNTS,
        Asked("sum", _CONTAINER, as_count=True),
    ),
    _scraped("memory", "container_memory_working_set_bytes", BYTES, Asked("max", _POD)),
    _scraped(
        "memory_limit",
        'kube_pod_container_resource_limits{resource="memory"}',
        BYTES,
        Asked("max", _CONTAINER),
    ),
    _scraped("restarts", "kube_pod_container_status_restarts_total", COUNTS, Asked("max", _POD)),
    _scraped("requests", "http_requests_total", COUNTS, Asked("sum", as_count=True), "service"),
    _scraped(
        "errors",
        'http_requests_total{code=~"5.."}',
        COUNTS,
        Asked("sum", as_count=True),
        "service",
    ),
    _scraped(
        "errors",
        'http_requests_total{status=~"5.."}',
        COUNTS,
        Asked("sum", as_count=True),
        "service",
    ),
    _scraped(
        "requests",
        "http_server_request_duration_seconds_count",
        COUNTS,
        Asked("sum", as_count=True),
        "service",
    ),
    _scraped(
        "errors",
        'http_server_request_duration_seconds_count{http_response_status_code=~"5.."}',
        COUNTS,
        Asked("sum", as_count=True),
        "service",
    ),
    _scraped("latency", "http_request_duration_seconds", MILLISECONDS, Asked("avg"), "service"),
    _scraped(
        "latency", "http_server_request_duration_seconds", MILLISECONDS, Asked("avg"), "service"
    ),
    _captured("success", "service.success_rate", COUNTS),
    _captured("network_in", "service.network_receive", BYTES),
    Metric("network_in", "kubernetes.network.rx_bytes", BYTES),
    _captured("network_out", "service.network_transmit", BYTES),
    Metric("network_out", "kubernetes.network.tx_bytes", BYTES),
    Metric("cpu", "node.cpu", CORES, of="node", source="capture"),
    Metric("retransmits", "node.tcp_retrans", COUNTS, of="node", source="capture"),
)
#: What is measured of a workload or its service.
MEASURED: tuple[Meaning, ...] = tuple(
    dict.fromkeys(m.meaning for m in METRICS if m.of != "node" and m.meaning not in CONFIGURED)
)
_BY_NAME: Mapping[str, Metric] = {metric.name: metric for metric in METRICS}


def of_operation(operation: str) -> tuple[Metric, Metric, Metric]:
    """What is asked for of an operation by which requests come into a service: how many, how many failed, how long."""
    name = f"trace.{operation}"
    counted = Asked("sum", as_count=True)
    return (
        Metric("requests", f"{name}.hits", COUNTS, asked=counted, of="service"),
        Metric("errors", f"{name}.errors", COUNTS, asked=counted, of="service"),
        Metric("latency", name, MILLISECONDS, 1e3, Asked("p95"), of="service"),
    )


def metric_of(series: Series) -> Metric | None:
    """The series' metric; ``None`` for one that neither the table nor the names of trace metrics have."""
    return _BY_NAME.get(series.metric) or _traced(series.metric)


@cache
def _traced(name: str) -> Metric | None:
    """A trace metric of whatever operation. Those of one that are broken down are read where they are found."""
    found = trace_metric(name)
    if found is None or found.suffix in ("apdex", "span_count"):
        return None
    requests, failed, latency = of_operation(found.operation)
    metric = {"hits": requests, "errors": failed}.get(found.suffix, latency)
    return metric if metric.name == name else replace(metric, name=name, asked=None)


@cache
def rank(name: str) -> int:
    """A metric's place in the table: of one meaning the lower says more. What is known by its name's form comes after it,
    and last the sum of durations, which grows with the requests too."""
    if name in _BY_NAME:
        return METRICS.index(_BY_NAME[name])
    found = trace_metric(name)
    return len(METRICS) + (found is not None and found.suffix == "duration")


def factor_of(series: Series, metric: Metric) -> float:
    """To the meaning's unit: by the unit that the answer names, else by the metric's own."""
    return metric.units.get(series.unit.lower().removesuffix("s"), metric.factor)


def in_our_unit(series: Series, metric: Metric) -> Series:
    """The series with its values in the meaning's unit."""
    factor = factor_of(series, metric)
    values = tuple(None if v is None else v * factor for v in series.values)
    return series.model_copy(update={"values": values})
