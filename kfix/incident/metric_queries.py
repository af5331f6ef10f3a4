"""The metrics asked for around an alert and after a merge, as data: before and after are measured alike.

Names and statistics are those of the table (``kfix.incident.metrics``). Each query is grouped so that its number of series
stays small: by pod and container for usage, none for a service's traffic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kfix.incident.metrics import METRICS, Metric
from schemas.base import ObjectRef

#: Kind to the tag that its pods' metrics carry.
WORKLOAD_TAGS: Mapping[str, str] = {
    "Deployment": "kube_deployment",
    "StatefulSet": "kube_stateful_set",
    "DaemonSet": "kube_daemon_set",
}
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,200}")


def scope(tags: Mapping[str, str]) -> str:
    """A tag filter ``a:1,b:2``; values that are no tag values are left out."""
    return ",".join(f"{name}:{value}" for name, value in tags.items() if _SAFE.fullmatch(value))


def queries_for(
    *, cluster: str, namespace: str, workload: ObjectRef | None, service: str
) -> list[str]:
    """The queries for a workload and its service; none for what is not named."""
    place = {"kube_cluster_name": cluster, "kube_namespace": namespace}
    found: list[str] = []
    if workload is not None and workload.kind in WORKLOAD_TAGS:
        name = {WORKLOAD_TAGS[workload.kind]: workload.name}
        if _SAFE.fullmatch(workload.name):
            found += _asked("workload", scope({**place, **name}))
    if _SAFE.fullmatch(service):
        found += _asked("service", scope({**place, "service": service}))
    return found


def _asked(of: str, where: str) -> list[str]:
    return [query_of(metric, where) for metric in METRICS if metric.asked and metric.of == of]


def query_of(metric: Metric, where: str) -> str:
    """A metric's query in Datadog's language, filtered by ``where``; empty for one that is not asked for."""
    asked = metric.asked
    if asked is None:
        return ""
    by = f" by {{{','.join(asked.by)}}}" if asked.by else ""
    return (
        f"{asked.statistic}:{metric.name}{{{where}}}{by}{'.as_count()' if asked.as_count else ''}"
    )
