"""The metrics asked for around an alert and after a merge, as data: before and after are measured alike.

Names and statistics are those of the table (``kfix.incident.metrics``). Each query is grouped so that its number of series
stays small: by pod and container for usage, none for a service's traffic. Usage is found by the tags of workloads, traffic by
those that trace metrics have: service and environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from kfix.incident.metrics import METRICS, Metric, of_operation
from kfix.incident.traces import MOST, trace_metric
from schemas.base import ObjectRef
from schemas.context import Series, Traffic

#: Kind to the tag that its pods' metrics and logs carry (https://docs.datadoghq.com/containers/kubernetes/tag/).
WORKLOAD_TAGS: Mapping[str, str] = {
    "Deployment": "kube_deployment",
    "StatefulSet": "kube_stateful_set",
    "DaemonSet": "kube_daemon_set",
    "CronJob": "kube_cronjob",
    "Job": "kube_job",
    "Rollout": "kube_argo_rollout",
}
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,200}")
_OPERATION = re.compile(r"[a-z][a-z0-9_.]{0,150}")


def is_tag_value(value: str) -> bool:
    """Whether a value can stand in a filter as it is."""
    return _SAFE.fullmatch(value) is not None


def scope(tags: Mapping[str, str]) -> str:
    """A tag filter ``a:1,b:2``; values that are no tag values are left out."""
    return ",".join(f"{name}:{value}" for name, value in tags.items() if is_tag_value(value))


def cluster_tag(tags: Mapping[str, str], own: str) -> str:
    """The value of ``kube_cluster_name``: the one that the alert's tags say, else the cluster's own name."""
    told = tags.get("kube_cluster_name", "")
    return told if told and "," not in told else own


def queries_for(
    *, cluster: str, namespace: str, workload: ObjectRef | None, traffic: Traffic
) -> list[str]:
    """The queries for a workload and for its service's traffic; none for what is not named."""
    return [
        *_of_workload(cluster, namespace, workload),
        *(query for one in traffic.operations[:MOST] for query in _of_traffic(traffic, one)),
    ]


def _of_workload(cluster: str, namespace: str, workload: ObjectRef | None) -> list[str]:
    if workload is None or workload.kind not in WORKLOAD_TAGS or not is_tag_value(workload.name):
        return []
    place = {"kube_cluster_name": cluster, "kube_namespace": namespace}
    where = scope({**place, WORKLOAD_TAGS[workload.kind]: workload.name})
    rows = (m for m in METRICS if m.source == "datadog" and m.asked)
    return [query_of(metric, where) for metric in rows]


def _of_traffic(traffic: Traffic, operation: str) -> list[str]:
    """Without an environment the answers tell theirs, so that two are not taken for one (``of_one_environment``)."""
    if not is_tag_value(traffic.service) or not _OPERATION.fullmatch(operation):
        return []
    known = is_tag_value(traffic.env)
    where = scope({"service": traffic.service, "env": traffic.env})
    by = () if known else ("env",)
    return [query_of(metric, where, by) for metric in of_operation(operation)]


def query_of(metric: Metric, where: str, by: tuple[str, ...] = ()) -> str:
    """A metric's query in Datadog's language, filtered by ``where``; empty for one that is not asked for."""
    asked = metric.asked
    if asked is None:
        return ""
    keys = ",".join((*asked.by, *by))
    grouped = f" by {{{keys}}}" if keys else ""
    return f"{asked.statistic}:{metric.name}{{{where}}}{grouped}{'.as_count()' if asked.as_count else ''}"


def of_one_environment(series: Iterable[Series]) -> list[Series]:
    """The series without those of a service's traffic that several environments answered for."""
    found = list(series)
    told = {one.tags.get("env") for one in found if trace_metric(one.metric) is not None}
    several = len(told) > 1
    return [one for one in found if not (several and trace_metric(one.metric) is not None)]


def answered(traffic: Traffic, series: Iterable[Series]) -> Traffic:
    """The traffic that the series are of: the operations that there is something of, and the environment they told."""
    metrics = [(one, trace_metric(one.metric)) for one in series]
    operations = dict.fromkeys(m.operation for _, m in metrics if m is not None)
    told = (one.tags.get("env", "") for one, m in metrics if m is not None)
    env = traffic.env or next(told, "")
    return Traffic(service=traffic.service, env=env, operations=tuple(operations))
