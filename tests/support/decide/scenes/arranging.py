"""What several families' scenes put into a cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.support.decide.clusters import Cluster, Obj


def level(c: Cluster, metric: str, before: float, after: float | None = None, **tags: str) -> None:
    """A series of sixty samples that steps in the middle, or does not where no level after it is given."""
    c.series(metric, [before] * 30 + [before if after is None else after] * 30, **tags)


def stepping(c: Cluster, app: str, **measures: tuple[float, float]) -> None:
    """Steps of an application's measures: ``latency``, ``cpu``, ``rps``, …, as the captures name them."""
    names = {"latency": "p95latency", "throttled": "cpu_cfs", "success": "success_rate"}
    for name, (before, after) in measures.items():
        level(c, f"service.{names.get(name, name)}", before, after, service=app)


def unlimited(c: Cluster, app: str) -> None:
    """Its container has no limits."""
    c.container(app)["resources"].pop("limits")


def cpu_limit(c: Cluster, app: str, cpu: str) -> None:
    """Its container's limit of CPU."""
    c.container(app)["resources"]["limits"]["cpu"] = cpu


def anomaly(c: Cluster, name: str, *texts: str, **fields: Any) -> None:
    """The alert lists it as abnormal, and why."""
    c.anomalies.append(json.dumps({"name": name, "evidence": list(texts), **fields}))


def on_node(c: Cluster, app: str, node: int) -> str:
    """Its pod runs on that node; returns the node's name."""
    c.pod(app)["spec"]["nodeName"] = c.nodes[node]
    return c.nodes[node]


def pod_specs(c: Cluster, app: str) -> Sequence[Obj]:
    """Its pod's spec and its template's."""
    return c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]


def beside(c: Cluster, app: str, name: str = "proxy", **status: Any) -> Obj:
    """A second container in its pod and in its template; returns its spec."""
    spec: Obj = {"name": name, "image": f"registry.example/{name}:7"}
    for one in pod_specs(c, app):
        one["containers"] = [*one["containers"], spec]
    told = {"name": name, "ready": True, "restartCount": 0, "state": {"running": {}}}
    c.pod(app)["status"]["containerStatuses"].append(told | status)
    return spec


def warned(
    c: Cluster, app: str, reason: str, message: str, count: int = 3, at: str = "11:59"
) -> None:
    """An event about its pod, last seen at that time of the day."""
    c.event("Pod", c.pod(app)["metadata"]["name"], reason, message, count)
    c.objects["events"][-1]["lastTimestamp"] = f"2026-05-04T{at}:00Z"
