"""Series of a workload by meaning, and small statistics on them. Pure; gaps are skipped.

Which metric means what, and its unit: ``kfix.incident.metrics``. Values come back in cores, bytes, counts, milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from decide.core.view import ClusterView
from kfix.incident.metrics import in_our_unit, metric_of, rank
from manifests.objects.workloads import Workload
from schemas.context import Series
from schemas.identity import workload_of_pod


def usage(view: ClusterView, workload: Workload, meaning: str, container: str = "") -> list[Series]:
    """A workload's series of one meaning, scaled to our unit."""
    out = []
    for series in view.bundle.metrics:
        metric = metric_of(series)
        if metric is None or metric.meaning != meaning or metric.of == "node":
            continue
        if _is_of(series, workload, container):
            out.append(in_our_unit(series, metric))
    return out


@dataclass(frozen=True, slots=True)
class Usage:
    """What one container used, in our unit: (unix seconds, value) of each of its instances, without gaps."""

    points: tuple[tuple[tuple[float, float], ...], ...] = ()

    @property
    def instances(self) -> list[list[float]]:
        """The values of each instance."""
        return [[value for _, value in one] for one in self.points]

    @property
    def values(self) -> list[float]:
        """The values of all instances."""
        return [value for one in self.points for _, value in one]

    @property
    def span_s(self) -> float:
        """Seconds from the first sample to the last one."""
        times = [at for one in self.points for at, _ in one]
        return max(times) - min(times) if times else 0.0

    def peaks(self, window_s: float) -> Iterator[float]:
        """The highest value of each instance in each window."""
        for one in self.points:
            windows: dict[int, float] = {}
            for at, value in one:
                windows[int(at // window_s)] = max(value, windows.get(int(at // window_s), value))
            yield from windows.values()


def used(view: ClusterView, workload: Workload, meaning: str, container: str) -> Usage:
    """One container's usage of one meaning, from the metric that says most about it.

    Series that name their container are that container's. What is known of the whole pod only counts for a container
    that is alone in it: nobody can tell whose usage it is otherwise.
    """
    found = usage(view, workload, meaning)
    named = [s for s in found if "kube_container_name" in tags_of(s)]
    if named:
        mine = [s for s in named if tags_of(s)["kube_container_name"] == container]
    else:
        mine = found if len(workload.containers()) == 1 else []
    best = min((rank(s.metric) for s in mine), default=None)
    chosen = [s for s in mine if rank(s.metric) == best]
    points = (
        tuple((at, v) for at, v in zip(s.timestamps, s.values, strict=False) if v is not None)
        for s in chosen
    )
    return Usage(tuple(one for one in points if one))


_SCOPE = re.compile(r"\{([^}]*)\}")


def tags_of(series: Series) -> dict[str, str]:
    """A series' own tags, completed by the filter of the query that it answers."""
    scope = _SCOPE.search(series.query)
    asked = (
        dict(part.strip().split(":", 1) for part in scope[1].split(",") if ":" in part)
        if scope
        else {}
    )
    return {**asked, **series.tags}


def _is_of(series: Series, workload: Workload, container: str) -> bool:
    tags = tags_of(series)
    namespace = tags.get("kube_namespace")
    if namespace and namespace != workload.namespace:
        return False
    if container and tags.get("kube_container_name", container) != container:
        return False
    owner = (
        tags.get("kube_deployment")
        or tags.get("kube_stateful_set")
        or tags.get("kube_ownerref_name")
    )
    if owner:
        return owner == workload.name
    if tags.get("pod_name"):
        return workload_of_pod(tags["pod_name"]) == workload.name
    return tags.get("service") == workload.name


def values(series: Iterable[Series]) -> list[float]:
    """All samples without gaps."""
    return [v for s in series for v in s.values if v is not None]


def peak(series: Iterable[Series]) -> float | None:
    """The highest sample."""
    found = values(series)
    return max(found) if found else None


def latest(series: Iterable[Series]) -> float | None:
    """The mean of the last tenth of the samples, summed over series."""
    total, seen = 0.0, False
    for one in series:
        found = [v for v in one.values if v is not None]
        if found:
            tail = found[-max(1, len(found) // 10) :]
            total, seen = total + sum(tail) / len(tail), True
    return total if seen else None


def percentile(numbers: Iterable[float], share: float) -> float | None:
    """The value below which ``share`` (0 to 1) of the numbers lie, by linear interpolation."""
    ordered = sorted(numbers)
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def shift(series: Series, at: float | None = None) -> tuple[float, float] | None:
    """Medians before and after: the split is ``at`` (unix seconds) or the best of the candidate places.

    ``None`` when there are fewer than eight samples.
    """
    pairs = [
        (t, v) for t, v in zip(series.timestamps, series.values, strict=False) if v is not None
    ]
    if len(pairs) < 8:
        return None
    if at is not None and pairs[2][0] < at < pairs[-3][0]:
        before = [v for t, v in pairs if t < at]
        after = [v for t, v in pairs if t >= at]
        return _median(before), _median(after)
    best: tuple[float, float] | None = None
    for share in (0.25, 0.4, 0.5, 0.6, 0.75):
        cut = int(len(pairs) * share)
        pair = (_median([v for _, v in pairs[:cut]]), _median([v for _, v in pairs[cut:]]))
        if best is None or abs(pair[1] - pair[0]) > abs(best[1] - best[0]):
            best = pair
    return best


def _median(numbers: list[float]) -> float:
    return percentile(numbers, 0.5) or 0.0
