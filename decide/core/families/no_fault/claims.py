"""What a firing alert claims, and whether what was read speaks against it. Pure.

"Nothing is wrong" is an answer like any other and needs evidence: the alert's own measure was read and is well now, or what it
claims would show in the objects that were read, and does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from decide.core.findings import quote
from decide.core.view import ClusterView
from kfix.texts import say
from schemas.context import Monitor, Series

#: Fewer samples say nothing of a threshold; of the last ones all have to be well.
ENOUGH, _LAST = 10, 3
#: A query whose samples can be compared with its threshold one by one: one metric, no arithmetic, no sum over time.
_PLAIN = re.compile(
    r"(?:avg|min|max)\(last_\w+\):\s*(?:avg|sum|min|max):(?P<metric>[\w.]+)\{[^}]*\}(?:\s*by\s*\{[^}]*\})?"
    r"(?:\.(?:rollup|fill)\([^)]*\))*\s*(?P<side>[<>])=?\s*(?P<limit>-?\d+(?:\.\d+)?)"
)
_SIDE = re.compile(r"\s*(?P<side>[<>])(?!=?\s*bool\b)")
#: Troubles that the statuses of pods, controllers and nodes show.
_SHOWN = re.compile(
    r"crash.?loop|restart|\boom|image.?pull|not.?ready|unready|unschedul|replicas|rollout|unavailable pods?|"
    r"(?:pods?|workloads?|deployments?|statefulsets?|daemonsets?|nodes?)\b[^.:;]{0,30}\b"
    r"(?:not available|unavailable|down|failed|failing|missing|pending|evicted)|(?:pending|evicted) pods?|"
    r"kubernetes_state\.(?:deployment|statefulset|daemonset|replicaset|pod|container|node|job)\b|"
    r"containers\.(?:restarts|state)",
    re.I,
)
#: Troubles that ready pods can have.
_MEASURED = re.compile(
    r"error|latency|slow|5xx|4xx|status.?code|throttl|\bcpu\b|\bmemory\b|\bmem\b|dns|time.?out|traffic|request|"
    r"throughput|apdex|\bslo\b|burn|queue|lag|\bdisk\b|saturat|synthetic|unreachable|connect|anomal|certificate",
    re.I,
)


def shown_by_objects(view: ClusterView) -> bool:
    """What the alert claims is what objects' statuses tell, and nothing that only a measure can."""
    alert, monitor = view.bundle.alert, view.bundle.monitor
    rule = " ".join((alert.rule.metric, alert.rule.query, monitor.query if monitor else ""))
    if _SHOWN.search(rule):
        return True
    said = f"{alert.title} {alert.body}"
    measured = any(_MEASURED.search(text) for text in (rule, said))
    return bool(_SHOWN.search(said)) and not measured


def never_crossed(view: ClusterView) -> str:
    """The alert's own measure never crossed its threshold, as a sentence; empty where it did, or was not read."""
    found = _measured(view)
    if found is None or any(found.crossed(v) for one in found.runs for v in one):
        return ""
    every = [v for one in found.runs for v in one]
    return say(
        "no_fault.noise.uncrossed",
        side=found.side,
        limit=found.limit,
        least=min(every),
        most=max(every),
    )


def well_again(view: ClusterView) -> str:
    """The alert's own measure crossed its threshold and does not any more, as a sentence; empty otherwise."""
    found = _measured(view)
    if found is None or any(found.crossed(v) for one in found.runs for v in one[-_LAST:]):
        return ""
    last = max(one[-1] for one in found.runs)
    return say("no_fault.recovery.measure", side=found.side, limit=found.limit, last=last)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """The alert's measure: its threshold and, of each group, the samples in order."""

    side: str
    limit: float
    runs: tuple[tuple[float, ...], ...]

    def crossed(self, value: float) -> bool:
        """The threshold lies between this value and what is well."""
        return value > self.limit if self.side == ">" else value < self.limit


def _measured(view: ClusterView) -> _Measured | None:
    """``None`` where monitor or measure was not read, or the query is more than one measure against a number."""
    monitor = view.bundle.monitor
    if monitor is None:
        return None
    said = _PLAIN.fullmatch(monitor.query.strip())
    if said is None:
        return _answered(view, monitor)
    series = [s for s in view.bundle.metrics if s.metric == said["metric"]]
    return _enough(series, said["side"], float(said["limit"]))


def _answered(view: ClusterView, monitor: Monitor) -> _Measured | None:
    """By series that answer the rule's own query as far as its comparison."""
    limit = monitor.thresholds.get("critical")
    series = [s for s in view.bundle.metrics if s.query and monitor.query.startswith(s.query)]
    if limit is None or not series:
        return None
    side = _SIDE.match(monitor.query, len(series[0].query))
    return _enough(series, side["side"], limit) if side else None


def _enough(series: Sequence[Series], side: str, limit: float) -> _Measured | None:
    runs = tuple(tuple(v for v in s.values if v is not None) for s in series)
    if sum(map(len, runs)) < ENOUGH or any(len(one) < _LAST for one in runs):
        return None
    return _Measured(side=side, limit=limit, runs=runs)


def unproven(view: ClusterView) -> str:
    """Why nobody is told that all is well: what the alert claims, and what was not read."""
    alert = view.bundle.alert
    absent = sorted(s.name for s in view.bundle.sources if s.state == "missing")
    if not view.bundle.metrics and "metrics" not in absent:
        absent.append("metrics")
    if view.bundle.monitor is None:
        absent.append("monitor")
    claim = quote(alert.title or alert.rule.query)
    if absent:
        return say("no_fault.unproven_unread", claim=claim, unread=absent)
    return say("no_fault.unproven", claim=claim)
