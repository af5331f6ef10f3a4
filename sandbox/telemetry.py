"""A service's metrics as functions of time, from the regimes it went through: what Datadog's agent would have sent.

Metric names, units and tags follow Datadog's Kubernetes and Kubernetes State integrations and its APM.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.datadog.metrics import Timeline, Value
from sandbox.physics import Health, Need, Spec

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Regime:
    """A span of time in which a service's state did not change. Unix seconds."""

    since: float
    health: Health
    spec: Spec
    need: Need
    #: Names of the pods that ran and served.
    pods: tuple[str, ...]
    #: Names of pods that never became ready.
    stuck_pods: tuple[str, ...] = ()
    #: Restarts of each pod before this regime.
    restarts_before: int = 0


@dataclass(slots=True)
class History:
    """One service's regimes, oldest first."""

    service: str
    tags: Mapping[str, str]
    regimes: list[Regime] = field(default_factory=list)

    def until(self, at: int) -> float:
        """When regime number ``at`` ended."""
        return self.regimes[at + 1].since if at + 1 < len(self.regimes) else math.inf

    def at(self, time: float) -> Regime | None:
        """The regime of a time."""
        return next((r for r in reversed(self.regimes) if r.since <= time), None)


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


def _wobble(seed: str, at: float, share: float = 0.04) -> float:
    """A small, repeatable unrest, so that no line is ruled."""
    phase = zlib.crc32(seed.encode()) % 628 / 100
    return 1 + share * math.sin(at / 47 + phase) * math.cos(at / 173 + phase)


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
                yield Timeline(metric, tags, _within(regime, until, value, pod), unit)
        elif (per_service := SERVICE_METRICS.get(metric)) is not None:
            unit, value = per_service
            yield Timeline(metric, dict(history.tags), _within(regime, until, value, metric), unit)


Measure = Callable[[Regime, float, str], Value]


def _within(regime: Regime, until: float, value: Measure, seed: str) -> Callable[[float], Value]:
    return lambda at: value(regime, at, seed) if regime.since <= at < until else None


def _cpu(regime: Regime, at: float, seed: str) -> Value:
    return regime.health.cpu_per_pod * 1e9 * _wobble(seed, at)


def _memory(regime: Regime, at: float, seed: str) -> Value:
    wobble = (
        1.0 if regime.health.condition in ("oom_killed", "leaking") else _wobble(seed, at, 0.02)
    )
    return memory_mib(regime, at) * _MIB * wobble


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
    return 10.0 * regime.health.throttled_ratio * _wobble(seed, at)


def _errors(regime: Regime, at: float, seed: str) -> Value:
    return regime.need.requests_per_s * regime.health.error_ratio * _wobble(seed, at)


def _hits(regime: Regime, at: float, seed: str) -> Value:
    return regime.need.requests_per_s * _wobble("hits", at)


def _latency(regime: Regime, at: float, seed: str) -> Value:
    return regime.health.latency_ms / 1000 * _wobble(seed, at)


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
    "trace.http.request.hits": ("", _hits),
    "trace.http.request.errors": ("", _errors),
    "trace.http.request": ("second", _latency),
    "trace.http.request.duration": ("second", _latency),
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
