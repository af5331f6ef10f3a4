"""A service's trace metrics, as Datadog makes them of its spans.

Names, types and tags: https://docs.datadoghq.com/tracing/metrics/metrics_namespace/. They know the service and its environment
and nothing of pods, workloads or namespaces. Durations are in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from sandbox.datadog.metrics import Timeline, Value, spread
from sandbox.regimes import History, Measure, Regime, within, wobble

#: What requests ask for, and their share of all.
_RESOURCES = {"GET_/items": 0.8, "POST_/items": 0.2}
_BY_STATUS = ".by_http_status"
_TAGS = ("env", "service", "version")
#: Requests per call of another service, and how long such a call takes, in seconds.
_CALLS, _CALL_S = 2.0, 0.004


@dataclass(frozen=True, slots=True)
class Kind:
    """A trace metric of one suffix: its type, its unit and its value of a regime."""

    type: Literal["gauge", "count", "distribution"]
    unit: str
    value: Measure


def _hits(regime: Regime, at: float, seed: str) -> Value:
    return regime.need.requests_per_s * wobble("hits", at)


def _errors(regime: Regime, at: float, seed: str) -> Value:
    return regime.need.requests_per_s * regime.health.error_ratio * wobble(seed, at)


def _latency(regime: Regime, at: float, seed: str) -> Value:
    """The mean; ``latency_ms`` is the 95th percentile."""
    return regime.health.latency_ms / 1000 / spread(0.95) * wobble(seed, at)


def _duration(regime: Regime, at: float, seed: str) -> Value:
    """All spans together."""
    return (_hits(regime, at, seed) or 0.0) * (_latency(regime, at, seed) or 0.0)


def _apdex(regime: Regime, at: float, seed: str) -> Value:
    """Half a second satisfies; of the others those below four times that count half."""
    mean = _latency(regime, at, seed) or 0.001
    satisfied, tolerated = (_below(seconds / mean) for seconds in (0.5, 2.0))
    return (1 - regime.health.error_ratio) * (satisfied + tolerated) / 2


def _below(multiple: float) -> float:
    shares = (n / 100 for n in range(99, 0, -1))
    return next((share for share in shares if spread(share) <= multiple), 0.0)


KINDS: Mapping[str, Kind] = {
    "": Kind("distribution", "second", _latency),
    "hits": Kind("count", "", _hits),
    f"hits{_BY_STATUS}": Kind("count", "", _hits),
    "errors": Kind("count", "", _errors),
    "duration": Kind("gauge", "second", _duration),
    "apdex": Kind("gauge", "", _apdex),
}
_CALLED: Mapping[str, Kind] = {
    "": Kind("distribution", "second", lambda r, at, seed: _CALL_S * wobble(seed, at)),
    "hits": Kind("count", "", lambda r, at, seed: _CALLS * (_hits(r, at, seed) or 0.0)),
    "errors": Kind("count", "", lambda r, at, seed: 0.0),
}


def names(history: History) -> Iterable[str]:
    """Every trace metric of a service."""
    return _kinds(history).keys()


def _kinds(history: History) -> dict[str, Kind]:
    of_calls = {
        _name(call, suffix): kind for call in history.calls for suffix, kind in _CALLED.items()
    }
    return of_calls | {_name(history.operation, suffix): kind for suffix, kind in KINDS.items()}


def _name(operation: str, suffix: str) -> str:
    return f"trace.{operation}.{suffix}" if suffix else f"trace.{operation}"


def timelines(metric: str, history: History, regime: Regime, until: float) -> Iterable[Timeline]:
    """The service's timelines of one metric in one regime; none of a metric that it does not have."""
    kind = _kinds(history).get(metric)
    if kind is None:
        return
    tags = {tag: history.tags[tag] for tag in _TAGS if tag in history.tags}
    for resource, share in _RESOURCES.items():
        for more, part in _by_status(regime) if metric.endswith(_BY_STATUS) else (({}, 1.0),):
            yield Timeline(
                metric,
                {**tags, "resource_name": resource, **more},
                within(regime, until, _shared(kind, share * part), metric),
                kind.unit,
                kind.type,
                percentiles=kind.type == "distribution",
            )


def _by_status(regime: Regime) -> tuple[tuple[dict[str, str], float], ...]:
    failed = regime.health.error_ratio
    return (
        ({"http.status_class": "2xx"}, 1 - failed),
        ({"http.status_class": "5xx"}, failed),
    )


def _shared(kind: Kind, share: float) -> Measure:
    """Counts are divided among resources; how long one request takes, and how good that is, are not."""
    if kind.type != "count":
        return kind.value
    return lambda regime, at, seed: share * (kind.value(regime, at, seed) or 0.0)
