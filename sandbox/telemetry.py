"""A service's metrics as functions of time, from the regimes it went through: what Datadog's agent would have sent.

Metric names, units and tags follow Datadog's Kubernetes and Kubernetes State integrations ; those of traces are in ``sandbox.traces``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from sandbox import traces
from sandbox.datadog.metrics import Timeline, Value
from sandbox.regimes import History, Measure, Regime, within, wobble

_MIB = 2**20


def restarts(regime: Regime, at: float) -> int:
    """Restarts of each pod at a time within the regime."""
    minutes = max(0.0, at - regime.since) / 60
    return regime.restarts_before + int(minutes * regime.health.restarts_per_min)


def memory_mib(regime: Regime, at: float) -> float:
    """Working set of one pod: flat, climbing to the kill, or leaking."""
    health, need, limit = regime.health, regime.need, regime.spec.memory_limit_mib or math.inf
    minutes = max(0.0, at - regime.since) / 60
    if health.condition == "leaking":
        room = max(1.0, limit - need.memory_mib)
        return need.memory_mib + (minutes * need.leak_mib_per_min) % room
    if health.condition == "oom_killed":
        return min(
            limit, limit * (0.6 + 0.4 * ((minutes * health.restarts_per_min * 4) % 1 + 0.25))
        )
    return health.memory_mib


class Telemetry:
    """All services' timelines; Datadog's metric source."""

    def __init__(self) -> None:
        self.histories: dict[str, History] = {}

    def timelines(self, metric: str) -> Iterable[Timeline]:
        """All timelines of one metric."""
        for history in self.histories.values():
            for number, regime in enumerate(history.regimes):
                yield from self._of(metric, history, number, regime)

    def _of(self, metric: str, history: History, number: int, regime: Regime) -> Iterable[Timeline]:
        until = history.until(number)
        if (per_pod := POD_METRICS.get(metric)) is not None:
            unit, value = per_pod
            for pod in (*regime.pods, *regime.stuck_pods):
                stuck = pod in regime.stuck_pods
                if stuck and metric not in _STUCK_METRICS:
                    continue
                tags = {
                    **history.tags,
                    "pod_name": pod,
                    "kube_container_name": history.service,
                    "container_name": history.service,
                }
                yield Timeline(metric, tags, within(regime, until, value, pod), unit)
        elif (per_service := SERVICE_METRICS.get(metric)) is not None:
            unit, value = per_service
            yield Timeline(metric, dict(history.tags), within(regime, until, value, metric), unit)
        else:
            yield from traces.timelines(metric, history, regime, until)

    def names(self) -> Iterable[str]:
        """Every metric that there is something of."""
        yield from POD_METRICS
        yield from SERVICE_METRICS
        for history in self.histories.values():
            yield from traces.names(history)


def _cpu(regime: Regime, at: float, seed: str) -> Value:
    return regime.health.cpu_per_pod * 1e9 * wobble(seed, at)


def _memory(regime: Regime, at: float, seed: str) -> Value:
    ruled = regime.health.condition in ("oom_killed", "leaking")
    return memory_mib(regime, at) * _MIB * (1.0 if ruled else wobble(seed, at, 0.02))


def _limit(cores: bool) -> Measure:
    def value(regime: Regime, at: float, seed: str) -> Value:
        mib = regime.spec.memory_limit_mib
        return regime.spec.cpu_limit if cores else None if mib is None else mib * _MIB

    return value


def _request(cores: bool) -> Measure:
    def value(regime: Regime, at: float, seed: str) -> Value:
        return regime.spec.cpu_request if cores else regime.spec.memory_request_mib * _MIB

    return value


def _restarts(regime: Regime, at: float, seed: str) -> Value:
    return float(restarts(regime, at))


def _throttled(regime: Regime, at: float, seed: str) -> Value:
    return 10.0 * regime.health.throttled_ratio * wobble(seed, at)


def _scaler(name: str) -> Measure:
    def value(regime: Regime, at: float, seed: str) -> Value:
        scaler = regime.spec.scaler
        if scaler is None:
            return None
        figures = {
            "max": scaler.most,
            "min": scaler.least,
            "current": regime.health.replicas,
            "desired": regime.health.replicas,
        }
        return float(figures[name])

    return value


_STUCK_METRICS = {"kubernetes.containers.restarts", "kubernetes_state.container.restarts"}
POD_METRICS: dict[str, tuple[str, Measure]] = {
    "kubernetes.cpu.usage.total": ("nanocore", _cpu),
    "container.cpu.usage": ("nanocore", _cpu),
    "kubernetes.cpu.limits": ("core", _limit(True)),
    "kubernetes.cpu.requests": ("core", _request(True)),
    "kubernetes.cpu.cfs.periods": ("", lambda r, at, seed: 10.0),
    "kubernetes.cpu.cfs.throttled.periods": ("", _throttled),
    "container.cpu.throttled.periods": ("", _throttled),
    "kubernetes.memory.usage": ("byte", _memory),
    "kubernetes.memory.working_set": ("byte", _memory),
    "container.memory.usage": ("byte", _memory),
    "kubernetes.memory.limits": ("byte", _limit(False)),
    "kubernetes.memory.requests": ("byte", _request(False)),
    "kubernetes.memory.usage_pct": (
        "",
        lambda r, at, seed: (
            memory_mib(r, at) / r.spec.memory_limit_mib if r.spec.memory_limit_mib else None
        ),
    ),
    "kubernetes.containers.restarts": ("", _restarts),
    "kubernetes_state.container.restarts": ("", _restarts),
}
SERVICE_METRICS: dict[str, tuple[str, Measure]] = {
    "kubernetes_state.deployment.replicas_desired": ("", lambda r, at, s: float(r.health.replicas)),
    "kubernetes_state.deployment.replicas": (
        "",
        lambda r, at, s: float(len(r.pods + r.stuck_pods)),
    ),
    "kubernetes_state.deployment.replicas_available": (
        "",
        lambda r, at, s: float(len(r.pods) if r.stuck_pods else r.health.ready),
    ),
    "kubernetes_state.deployment.replicas_unavailable": (
        "",
        lambda r, at, s: float(len(r.stuck_pods) or r.health.replicas - r.health.ready),
    ),
    "kubernetes_state.hpa.max_replicas": ("", _scaler("max")),
    "kubernetes_state.hpa.min_replicas": ("", _scaler("min")),
    "kubernetes_state.hpa.current_replicas": ("", _scaler("current")),
    "kubernetes_state.hpa.desired_replicas": ("", _scaler("desired")),
}
