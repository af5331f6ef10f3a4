"""What an alert's rule compares, so that it can be asked again after a merge. Pure.

Datadog: ``avg(last_10m):avg:kubernetes.cpu.usage.total{env:prod} by {kube_deployment} > 5`` is the measure
``avg:kubernetes.cpu.usage.total{env:prod} by {kube_deployment}``, the mean of the last ten minutes of it and ``> 5``
(https://docs.datadoghq.com/api/latest/monitors/#create-a-monitor). Prometheus: ``measure > number``. Rules that compare no one
measure with one number (composites, anomalies, changes, checks, logs) have none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from kfix.incident.prometheus.expressions import bare, compared
from schemas.alerts import Alert
from schemas.context import Monitor, Series
from schemas.plans import WatchedAlert

Side = Literal["", ">", ">=", "<", "<="]
_SIDES = frozenset({">", ">=", "<", "<="})
_SOURCES = ("", "datadog")
_LONGEST = 10_000
_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_MONITOR = re.compile(
    r"(?P<over>avg|sum|min|max)\(last_(?P<count>\d{1,4})(?P<unit>[mhdw])\):(?P<query>.+?)"
    rf"\s*(?P<side>>=|<=|>|<)\s*(?P<limit>{_NUMBER})",
    re.DOTALL,
)
#: Functions whose answer is no value of the metric itself.
_DERIVED = re.compile(r"\b(?:anomalies|forecast|outliers|change|pct_change)\s*\(", re.IGNORECASE)
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class MonitorQuery:
    """A metric monitor's query, taken apart. ``over``: the statistic over the last ``window_s`` seconds."""

    over: str
    window_s: int
    query: str
    side: Side
    limit: float


def monitor_query(text: str) -> MonitorQuery | None:
    """Datadog's query of a monitor that compares one metric query with one number; ``None`` for every other."""
    found = _MONITOR.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if found is None or _DERIVED.search(found["query"]):
        return None
    window_s = int(found["count"]) * _SECONDS[found["unit"]]
    side = cast(Side, found["side"])
    return MonitorQuery(
        found["over"], window_s, found["query"].strip(), side, float(found["limit"])
    )


def watched(alert: Alert, monitor: Monitor | None) -> WatchedAlert:
    """What is asked of the alert's source after a merge: what its rule says where that was read, else what the alert says."""
    query = (monitor.query if monitor is not None else "") or alert.rule.query
    known = WatchedAlert(
        source=alert.source,
        account=alert.account,
        rule_id=(monitor.rule_id if monitor is not None else "") or alert.rule.id,
        group=alert.rule.group,
        query=query,
    )
    if alert.source in _SOURCES:
        parts = monitor_query(query)
        if parts is None:
            return known
        update = {"measure": parts.query, "side": parts.side, "threshold": parts.limit}
        return known.model_copy(update=update)
    comparison = compared(bare(query)) if alert.source == "alertmanager" else None
    if comparison is None or comparison.side not in _SIDES:
        return known
    update = {"measure": comparison.measure, "side": comparison.side, "threshold": comparison.limit}
    return known.model_copy(update=update)


def is_beyond(alert: WatchedAlert, value: float) -> bool | None:
    """Whether a value is on the side of trouble; ``None`` where the rule compares nothing."""
    limit = alert.threshold
    if limit is None:
        return None
    sides = {">": value > limit, ">=": value >= limit, "<": value < limit, "<=": value <= limit}
    return sides.get(alert.side)


def of_group(series: Iterable[Series], group: str) -> list[Series]:
    """The series of one group: those that have no other value of its tags."""
    wanted = dict(_pairs(group))
    return [one for one in series if _fits(one.tags, wanted)]


def _fits(tags: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    told = {name.lower(): value.lower() for name, value in tags.items()}
    return all(told.get(name, value) == value for name, value in wanted.items())


def _pairs(group: str) -> Iterable[tuple[str, str]]:
    for part in group.lower().split(","):
        name, colon, value = part.strip().partition(":")
        if colon and value and value != "*":
            yield name, value


def value_of(
    series: Iterable[Series], alert: WatchedAlert, over: str, since: float, until: float
) -> float | None:
    """One number for a measure from ``since`` to ``until`` (unix seconds): the statistic over time of each series, and of
    several series the one that is furthest on the side of trouble. ``None`` without a point."""
    found = []
    for one in series:
        pairs = zip(one.timestamps, one.values, strict=False)
        points = [value for at, value in pairs if value is not None and since <= at <= until]
        if points:
            found.append(_STATISTICS.get(over, _mean)(points))
    return (min if alert.side.startswith("<") else max)(found, default=None)


def _mean(points: list[float]) -> float:
    return sum(points) / len(points)


_STATISTICS: Mapping[str, Callable[[list[float]], float]] = {
    "avg": _mean,
    "sum": sum,
    "min": min,
    "max": max,
}
