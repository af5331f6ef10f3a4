"""What metrics alone tell: latency or errors that jump, after a revision or without one; load; a greedy neighbour.

The change point is the place where the sum of deviations from the mean is farthest from zero (CUSUM, Page 1954).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from decide.core import measure
from decide.core.facts import Facts
from decide.core.families.performance.rules import (
    MetricShift,
    arrow,
    changes,
    cpu_limit,
    slow,
    workload_of,
)
from decide.core.families.regressions.facts import GreedyNeighbour, Overrun
from decide.core.findings import Fact, Finding
from decide.core.graph import calls
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.meta import name_of, owners_of
from manifests.objects.shapes import Obj, at
from manifests.objects.times import instant
from manifests.objects.workloads import Workload
from schemas.context import Series
from schemas.text import Said

#: A revision this long before a jump may have caused it; one this long after it may still (sampling).
_BEFORE, _AFTER = timedelta(minutes=30), timedelta(minutes=3)


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings from series; nothing without any."""
    sick = _sick(view)
    graph = calls(view) if sick else {}
    for key, (workload, change) in sick.items():
        below = sorted(k for k in graph.get(key, set()) if k in sick and k != key)
        if not below:
            yield from _revision(view, workload, change)
        yield from _plain(workload, change, below)
        yield from _surge(workload, change)
        yield from _neighbour(view, workload, change)


def _sick(view: ClusterView) -> dict[str, tuple[Workload, MetricShift]]:
    """Workloads that became slow or failing, by key."""
    found: dict[str, tuple[Workload, MetricShift]] = {}
    for change in changes(view).values():
        workload = workload_of(view, change.name) if change.kind != "node" else None
        if workload is not None and (slow(change) or failing(change)):
            found[workload.ref.key] = (workload, change)
    return found


def failing(change: MetricShift) -> bool:
    """Its errors rose, or its successes fell, by more than noise."""
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
    sets.sort(key=_created)
    changed = [two for one, two in pairwise(sets) if _containers(one) != _containers(two)]
    made = {moment for s in changed if (moment := instant(_created(s)))}
    return sorted(made | set(_rollouts(view, workload)))


def _created(replica_set: Obj) -> str:
    return str(at(replica_set, "metadata", "creationTimestamp") or "")


def _containers(replica_set: Obj) -> object:
    return at(replica_set, "spec", "template", "spec", "containers")


def _rollouts(view: ClusterView, workload: Workload) -> Iterator[datetime]:
    """Rollouts of the workload that were told with what they changed."""
    for change in view.bundle.changes:
        named = change.object is not None and change.object.name == workload.name
        if change.kind == "rollout" and change.at and change.detail and named:
            yield change.at


def _revision(
    view: ClusterView, workload: Workload, change: MetricShift
) -> Iterator[Finding[Facts]]:
    """The jump follows a revision within minutes; asked where nothing that it calls jumped too."""
    jump = _jump(view, workload)
    times = revisions(view, workload) if jump else []
    near = [t for t in times if jump and t - _AFTER <= jump <= t + _BEFORE]
    if not jump or not near:
        return
    what = "latency" if slow(change) else _errors(change)
    text = say(
        f"regressions.revision.{what}",
        change=arrow(change, what),
        at=f"{jump:%H:%M}",
        revision=f"{near[-1]:%H:%M}",
    )
    yield Finding(
        failure_class="bad_rollout",
        object=workload.ref,
        score=0.88,
        detail=text,
        evidence=[Fact(source="change", statement=text, object=workload.ref)],
        facts=Facts(workload=workload),
    )


def _jump(view: ClusterView, workload: Workload) -> datetime | None:
    """When the first of its measures jumped."""
    series = (
        s
        for meaning in ("latency", "errors", "success")
        for s in measure.usage(view, workload, meaning)
    )
    return min((j for s in series if (j := change_point(s)) is not None), default=None)


def _errors(change: MetricShift) -> str:
    """The meaning that its errors are measured by."""
    return "success" if "success" in change.moved else "errors"


def _plain(workload: Workload, change: MetricShift, below: list[str]) -> Iterator[Finding[Facts]]:
    """It is slow, or fails: symptoms, less likely its own where what it calls has them too."""
    against = [say("regressions.below", workload=below[0])] if below else []
    if slow(change):
        text = say("regressions.moved.latency", change=arrow(change, "latency"))
        # Above doubt: nobody is told that all is well.
        yield _symptom("latency_regression", workload, 0.3 if below else 0.57, text, against)
    if failing(change):
        what = _errors(change)
        text = say(f"regressions.moved.{what}", change=arrow(change, what))
        score = 0.3 if below else 0.62 if not slow(change) else 0.45
        yield _symptom("error_rate_regression", workload, score, text, against)


def _symptom(
    class_id: str, workload: Workload, score: float, text: str, against: list[Said]
) -> Finding[Facts]:
    return Finding(
        failure_class=class_id,
        object=workload.ref,
        score=score,
        detail=text,
        evidence=[Fact(source="metric", statement=text, object=workload.ref)],
        against=[*against],
        facts=Facts(workload=workload),
    )


def _surge(workload: Workload, change: MetricShift) -> Iterator[Finding[Overrun]]:
    """Requests rise, and CPU with them: each request costs what it cost before."""
    more, busy = change.ratio("requests"), change.ratio("cpu")
    if more < 1.8 or not slow(change) or not 0.6 * more <= busy <= 1.7 * more:
        return
    text = say(
        "regressions.surge.rose", requests=arrow(change, "requests"), cpu=arrow(change, "cpu")
    )
    slower = say("regressions.moved.latency", change=arrow(change, "latency"))
    yield Finding(
        failure_class="load_surge",
        object=workload.ref,
        score=0.86,
        detail=text,
        evidence=[
            Fact(source="metric", statement=text, object=workload.ref),
            Fact(source="metric", statement=slower),
        ],
        facts=Overrun(workload=workload, factor=more),
    )


def _neighbour(
    view: ClusterView, workload: Workload, change: MetricShift
) -> Iterator[Finding[GreedyNeighbour]]:
    """The node is full of somebody else's work: a pod without CPU limit rose, the slow one did not."""
    if not slow(change) or change.ratio("cpu") > 1.5:
        return
    moved = changes(view)
    for place in sorted({p.node for p in workload.pods if p.node}):
        size = _full(view, moved, place)
        for other in moved.values() if size else ():
            greedy = _greedy(view, other, place, size)
            if greedy is None or greedy.ref.key == workload.ref.key:
                continue
            text = say(
                "regressions.neighbour.takes",
                neighbour=greedy.ref.key,
                change=arrow(other, "cpu"),
                cores=size,
                node=place,
                workload=workload.ref.key,
            )
            yield Finding(
                failure_class="noisy_neighbour",
                object=greedy.ref,
                score=0.87,
                detail=text,
                evidence=[Fact(source="metric", statement=text, object=greedy.ref)],
                facts=GreedyNeighbour(workload=greedy, victim=workload),
            )


def _full(view: ClusterView, moved: dict[str, MetricShift], place: str) -> float:
    """The cores of a node whose CPU is nearly all in use; 0 for another."""
    node, size = moved.get(place), _cores(view, place)
    after = node.moved.get("cpu", (None, None))[1] if node else None
    return size if after is not None and after >= 0.85 * size else 0.0


def _greedy(view: ClusterView, change: MetricShift, place: str, size: float) -> Workload | None:
    """The workload of this node that took much more CPU, without a limit."""
    if change.kind == "node" or change.ratio("cpu") <= 2 or change.rise("cpu") <= 0.2 * size:
        return None
    workload = workload_of(view, change.name)
    if workload is None or not any(p.node == place for p in workload.pods):
        return None
    return workload if cpu_limit(workload) is None else None


def _cores(view: ClusterView, name: str) -> float:
    node = next((n for n in view.nodes if name_of(n) == name), {})
    value = at(node, "status", "allocatable", "cpu") or at(node, "status", "capacity", "cpu")
    try:
        return float(quantities.parse(str(value))) if value is not None else 0.0
    except quantities.BadQuantity:
        return 0.0
