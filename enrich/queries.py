"""The metrics asked for around an alert, as data. ``{scope}`` becomes a tag filter made from validated names.

Names follow Datadog's Kubernetes, Kubernetes State and APM integrations. Each query is grouped so that its number of
series stays small: by pod for usage, none for a service's traffic.
"""

from __future__ import annotations

import re

#: Per container of a workload.
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
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,200}")


def scope(**tags: str) -> str:
    """A tag filter ``a:1,b:2`` of the tags that are there; values that are no tag values are left out."""
    return ",".join(f"{name}:{value}" for name, value in tags.items() if _SAFE.fullmatch(value))


def queries(workload: str, service: str) -> list[str]:
    """All queries for a workload's scope and a service's scope; an empty scope asks nothing."""
    found = [query % workload for query in WORKLOAD] if workload else []
    return found + ([query % service for query in SERVICE] if service else [])
