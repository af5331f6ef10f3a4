"""What metrics alone tell: latency or errors that jump, after a revision or without one; load; a greedy neighbour.

The change point is the place where the sum of deviations from the mean is farthest from zero (CUSUM, Page 1954).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from decide.core import measure
from decide.core.families.performance.rules import (
    Change,
    arrow,
    changes,
    cpu_limit,
    slow,
    workload_of,
)
from decide.core.findings import Fact, Finding
from decide.core.graph import calls
from decide.core.view import ClusterView
from manifests.objects import quantities
from manifests.objects.meta import name_of, owners_of
from manifests.objects.shapes import Obj, at
from manifests.objects.times import instant
from manifests.objects.workloads import Workload
from schemas.context import Series

#: A revision this long before a jump may have caused it; one this long after it may still (sampling).
_BEFORE, _AFTER = timedelta(minutes=30), timedelta(minutes=3)


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings from series; nothing without any."""
    moved = changes(view)
    sick: dict[str, tuple[Workload, Change]] = {}
    for change in moved.values():
        workload = workload_of(view, change.name) if change.kind != "node" else None
        if workload is not None and (slow(change) or _failing(change)):
            sick[workload.ref.key] = (workload, change)
    graph = calls(view) if sick else {}
    for key, (workload, change) in sick.items():
        below = sorted(k for k in graph.get(key, set()) if k in sick and k != key)
        yield from _revision(view, workload, change, below)
        yield from _plain(workload, change, below)
        yield from _surge(workload, change)
        yield from _neighbour(view, workload, change, moved)


def _failing(change: Change) -> bool:
    before, after = change.moved.get("success", (None, None))
    lost = before is not None and after is not None and after < before - max(0.02, 0.02 * before)
    return lost or (change.ratio("errors") > 2 and change.rise("errors") > 0)


def change_point(series: Series) -> datetime | None:
    """When the level of a series changed most; ``None`` for less than eight samples or a flat line."""
    pairs = [
        (t, v) for t, v in zip(series.timestamps, series.values, strict=False) if v is not None
    ]
    if len(pairs) < 8:
        return None
    mean = sum(v for _, v in pairs) / len(pairs)
    total, best, where = 0.0, 0.0, 0.0
    for n, (_, value) in enumerate(pairs[:-1]):
        total += value - mean
        if abs(total) > best:
            best, where = abs(total), pairs[n + 1][0]
    return datetime.fromtimestamp(where, tz=UTC) if where else None


def revisions(view: ClusterView, workload: Workload) -> list[datetime]:
    """When the workload's containers changed: from one ReplicaSet to the next, and rollouts told with their detail."""
    sets = [
        s
        for s in view.inside("replicasets", workload.namespace)
        if (workload.kind, workload.name) in owners_of(s)
    ]
    sets.sort(key=lambda s: str(at(s, "metadata", "creationTimestamp") or ""))
    changed = [two for one, two in pairwise(sets) if _containers(one) != _containers(two)]
    made = [t for s in changed if (t := instant(at(s, "metadata", "creationTimestamp")))]
    told = [
        c.at
        for c in view.bundle.changes
        if c.kind == "rollout" and c.at and c.detail and c.object and c.object.name == workload.name
    ]
    return sorted({*made, *told})


def _containers(replica_set: Obj) -> object:
    return at(replica_set, "spec", "template", "spec", "containers")


def _revision(
    view: ClusterView, workload: Workload, change: Change, below: list[str]
) -> Iterator[Finding]:
    """The jump follows a revision within minutes, and nothing that it calls jumped too."""
    times = revisions(view, workload)
    if not times or below:
        return
    series = [
        s
        for meaning in ("latency", "errors", "success")
        for s in measure.usage(view, workload, meaning)
    ]
    jumps = [j for s in series if (j := change_point(s)) is not None]
    jump = min(jumps, default=None)
    if jump is None:
        return
    near = [t for t in times if t - _AFTER <= jump <= t + _BEFORE]
    if not near:
        return
    what = "latency" if slow(change) else "success" if "success" in change.moved else "errors"
    text = f"{what} {arrow(change, what)} at {jump:%H:%M}, after a revision at {near[-1]:%H:%M}"
    yield Finding(
        failure_class="bad_rollout",
        object=workload.ref,
        score=0.88,
        detail=text,
        evidence=[Fact(source="change", statement=text, object=workload.ref)],
        against=[],
        facts={"workload": workload},
    )


def _plain(workload: Workload, change: Change, below: list[str]) -> Iterator[Finding]:
    against = [f"{below[0]} is slow or failing too"] if below else []
    if slow(change):
        text = f"latency {arrow(change, 'latency')} ms"
        yield Finding(
            failure_class="latency_regression",
            object=workload.ref,
            score=0.3 if below else 0.57,  # nobody is told that all is well
            detail=text,
            evidence=[Fact(source="metric", statement=text, object=workload.ref)],
            against=against,
            facts={"workload": workload},
        )
    if _failing(change):
        what = "success" if "success" in change.moved else "errors"
        text = f"{what} {arrow(change, what)}"
        score = 0.3 if below else 0.62 if not slow(change) else 0.45
        yield Finding(
            failure_class="error_rate_regression",
            object=workload.ref,
            score=score,
            detail=text,
            evidence=[Fact(source="metric", statement=text, object=workload.ref)],
            against=against,
            facts={"workload": workload},
        )


def _surge(workload: Workload, change: Change) -> Iterator[Finding]:
    """Requests rise, and CPU with them: each request costs what it cost before."""
    more, busy = change.ratio("requests"), change.ratio("cpu")
    if more < 1.8 or not slow(change) or not 0.6 * more <= busy <= 1.7 * more:
        return
    text = f"requests {arrow(change, 'requests')} per second, CPU {arrow(change, 'cpu')} cores"
    facts = [
        Fact(source="metric", statement=text, object=workload.ref),
        Fact(source="metric", statement=f"latency {arrow(change, 'latency')} ms"),
    ]
    yield Finding(
        failure_class="load_surge",
        object=workload.ref,
        score=0.86,
        detail=text,
        evidence=facts,
        against=[],
        facts={"workload": workload, "factor": more, "limit": cpu_limit(workload)},
    )


def _neighbour(
    view: ClusterView, workload: Workload, change: Change, moved: dict[str, Change]
) -> Iterator[Finding]:
    """The node is full of somebody else's work: a pod without CPU limit rose, the slow one did not."""
    if not slow(change) or change.ratio("cpu") > 1.5:
        return
    for place in sorted({p.node for p in workload.pods if p.node}):
        node = moved.get(place)
        size = _cores(view, place)
        after = node.moved.get("cpu", (None, None))[1] if node else None
        if after is None or not size or after < 0.85 * size:
            continue
        for other in moved.values():
            greedy = workload_of(view, other.name) if other.kind != "node" else None
            if (
                greedy is None
                or greedy.ref.key == workload.ref.key
                or not any(p.node == place for p in greedy.pods)
            ):
                continue
            if (
                other.ratio("cpu") > 2
                and other.rise("cpu") > 0.2 * size
                and cpu_limit(greedy) is None
            ):
                text = f"{greedy.ref.key} takes {arrow(other, 'cpu')} of {size:g} cores of {place} without a limit; {workload.ref.key} is slow there"
                yield Finding(
                    failure_class="noisy_neighbour",
                    object=greedy.ref,
                    score=0.87,
                    detail=text,
                    evidence=[Fact(source="metric", statement=text, object=greedy.ref)],
                    against=[],
                    facts={"workload": greedy, "victim": workload},
                )


def _cores(view: ClusterView, name: str) -> float:
    node = next((n for n in view.nodes if name_of(n) == name), {})
    value = at(node, "status", "allocatable", "cpu") or at(node, "status", "capacity", "cpu")
    try:
        return float(quantities.parse(str(value))) if value is not None else 0.0
    except quantities.BadQuantity:
        return 0.0
