"""The metrics asked for around an alert and after a merge, as data: before and after are measured alike.

Names follow Datadog's Kubernetes, Kubernetes State and APM integrations. Each query is grouped so that its number of
series stays small: by pod and container for usage, none for a service's traffic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from schemas.base import ObjectRef

#: Per container of a workload; ``%s`` is the tag filter.
WORKLOAD: tuple[str, ...] = (
    "avg:kubernetes.cpu.usage.total{%s} by {pod_name,kube_container_name}",
    "avg:kubernetes.cpu.limits{%s} by {kube_container_name}",
    "avg:kubernetes.cpu.requests{%s} by {kube_container_name}",
    "avg:kubernetes.cpu.cfs.throttled.periods{%s} by {kube_container_name}",
    "avg:kubernetes.cpu.cfs.periods{%s} by {kube_container_name}",
    "max:kubernetes.memory.usage{%s} by {pod_name,kube_container_name}",
    "max:kubernetes.memory.limits{%s} by {kube_container_name}",
    "max:kubernetes.containers.restarts{%s} by {pod_name,kube_container_name}",
)
#: Of the service in front of it.
SERVICE: tuple[str, ...] = (
    "sum:trace.http.request.hits{%s}.as_count()",
    "sum:trace.http.request.errors{%s}.as_count()",
    "avg:trace.http.request.duration{%s}",
)
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
            found += [query % scope({**place, **name}) for query in WORKLOAD]
    if _SAFE.fullmatch(service):
        found += [query % scope({**place, "service": service}) for query in SERVICE]
    return found
