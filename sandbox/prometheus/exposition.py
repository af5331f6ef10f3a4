"""A service's metrics as Prometheus scrapes them, from the regimes it went through: the same world that Datadog's agent sees.

Names and labels follow the kubelet's cAdvisor, kube-state-metrics (docs/metrics) and a client library's HTTP metrics, scraped as
https://github.com/prometheus-operator/kube-prometheus does. Counters are what a regime's rates come to over time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from sandbox.prometheus.promql import Sampled
from sandbox.regimes import History, Regime
from sandbox.telemetry import Telemetry, memory_mib, restarts

_MIB = 2**20
_CADVISOR = {
    "job": "kubelet",
    "service": "kubelet",
    "endpoint": "https-metrics",
    "metrics_path": "/metrics/cadvisor",
}
_STATE = {
    "job": "kube-state-metrics",
    "service": "kube-state-metrics",
    "endpoint": "http",
    "instance": "10.244.0.9:8080",
}
_CFS_PERIODS = 10.0
Rate = Callable[[Regime], float]
Gauge = Callable[[Regime, float], float | None]

#: Counters of containers: what they grow by in a second.
_GROWING: Mapping[str, Rate] = {
    "container_cpu_usage_seconds_total": lambda r: r.health.cpu_per_pod,
    "container_cpu_cfs_periods_total": lambda r: _CFS_PERIODS,
    "container_cpu_cfs_throttled_periods_total": lambda r: _CFS_PERIODS * r.health.throttled_ratio,
}
_MEMORY = "container_memory_working_set_bytes"
_RESTARTS = "kube_pod_container_status_restarts_total"
#: What a container may use and asks for, by resource.
_RESOURCES: Mapping[str, Mapping[str, Gauge]] = {
    "kube_pod_container_resource_limits": {
        "cpu": lambda r, at: r.spec.cpu_limit,
        "memory": lambda r, at: (
            None if r.spec.memory_limit_mib is None else r.spec.memory_limit_mib * _MIB
        ),
    },
    "kube_pod_container_resource_requests": {
        "cpu": lambda r, at: r.spec.cpu_request,
        "memory": lambda r, at: r.spec.memory_request_mib * _MIB,
    },
}
_UNITS = {"cpu": "core", "memory": "byte"}
_DEPLOYMENT: Mapping[str, Gauge] = {
    "kube_deployment_spec_replicas": lambda r, at: float(
        len(r.pods) if r.stuck_pods else r.health.replicas
    ),
    "kube_deployment_status_replicas_available": lambda r, at: float(
        len(r.pods) if r.stuck_pods else r.health.ready
    ),
    "kube_deployment_status_replicas_unavailable": lambda r, at: float(
        len(r.stuck_pods) or r.health.replicas - r.health.ready
    ),
}
#: What one serving pod of a service counts, by the status code of its answers: a share of the requests.
_CODES: Mapping[str, Rate] = {
    "200": lambda r: 1 - r.health.error_ratio,
    "500": lambda r: r.health.error_ratio,
}
_SECONDS: Mapping[str, Rate] = {
    "http_request_duration_seconds_count": lambda r: 1.0,
    "http_request_duration_seconds_sum": lambda r: r.health.latency_ms / 1000,
}


class Exposition:
    """``sandbox.prometheus.promql.Samples`` over all services."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def named(self, metric: str) -> Iterable[Sampled]:
        """All series of a metric, as they are now."""
        for history in self._telemetry.histories.values():
            yield from _series(metric, history)


def _series(metric: str, history: History) -> Iterator[Sampled]:
    place = {"namespace": history.tags["kube_namespace"]}
    if metric in _DEPLOYMENT:
        labels = {**_STATE, **place, "deployment": history.service}
        yield Sampled(labels, _gauge(history, _DEPLOYMENT[metric], lambda r: True))
        return
    for pod in _pods(history):
        yield from _of_pod(metric, history, pod, {**place, "pod": pod})


def _of_pod(metric: str, history: History, pod: str, place: Mapping[str, str]) -> Iterator[Sampled]:
    inside = {**place, "container": history.service}
    if metric in _GROWING:
        told = _counter(history, _GROWING[metric], lambda r: pod in r.pods)
        yield Sampled({**_CADVISOR, **inside}, told)
        yield Sampled({**_CADVISOR, **place}, told)  # the pod's own cgroup
    elif metric == _MEMORY:
        told = _gauge(history, lambda r, at: memory_mib(r, at) * _MIB, lambda r: pod in r.pods)
        yield Sampled({**_CADVISOR, **inside}, told)
        yield Sampled({**_CADVISOR, **place}, told)
    elif metric == _RESTARTS:
        counted = _gauge(history, lambda r, at: float(restarts(r, at)), lambda r: _has(r, pod))
        yield Sampled({**_STATE, **inside}, counted)
    elif metric in _RESOURCES:
        for resource, gauge in _RESOURCES[metric].items():
            labels = {**_STATE, **inside, "resource": resource, "unit": _UNITS[resource]}
            yield Sampled(labels, _gauge(history, gauge, lambda r: _has(r, pod)))
    else:
        yield from _of_application(metric, history, pod, inside)


def _of_application(
    metric: str, history: History, pod: str, inside: Mapping[str, str]
) -> Iterator[Sampled]:
    """What the program itself tells: its pods share the requests."""
    scraped = {"job": history.service, "service": history.service, "endpoint": "http", **inside}

    def share(rate: Rate) -> Rate:
        return lambda r: rate(r) * r.need.requests_per_s / max(1, len(r.pods))

    if metric == "http_requests_total":
        for code, rate in _CODES.items():
            told = _counter(history, share(rate), lambda r: pod in r.pods)
            yield Sampled({**scraped, "code": code}, told)
    elif metric in _SECONDS:
        yield Sampled(scraped, _counter(history, share(_SECONDS[metric]), lambda r: pod in r.pods))


def _pods(history: History) -> list[str]:
    """Every pod of every regime, each once."""
    return list(dict.fromkeys(p for r in history.regimes for p in (*r.pods, *r.stuck_pods)))


def _has(regime: Regime, pod: str) -> bool:
    return pod in regime.pods or pod in regime.stuck_pods


def _gauge(
    history: History, value: Gauge, there: Callable[[Regime], bool]
) -> Callable[[float], float | None]:
    def at(time: float) -> float | None:
        regime = history.at(time)
        return value(regime, time) if regime is not None and there(regime) else None

    return at


def _counter(
    history: History, rate: Rate, there: Callable[[Regime], bool]
) -> Callable[[float], float | None]:
    """The sum of what each regime adds until a time; there while a regime has it."""

    def at(time: float) -> float | None:
        current = history.at(time)
        if current is None or not there(current):
            return None
        total = 0.0
        for number, regime in enumerate(history.regimes):
            if there(regime) and regime.since < time:
                total += rate(regime) * (min(time, history.until(number)) - regime.since)
        return total

    return at
