"""Prometheus' labels in the names that all sources share. Pure.

A series has the labels of what it is about and those of what it was scraped from. An exporter tells of others: its own
pod, Service and address are nobody's trouble. Labels: kube-state-metrics (docs/metrics), cAdvisor by the kubelet,
node_exporter, and the rules of https://github.com/prometheus-operator/kube-prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Label to the shared name, in the order in which a group names them.
NAMES: Mapping[str, str] = {
    "cluster": "kube_cluster_name",
    "namespace": "kube_namespace",
    "deployment": "kube_deployment",
    "statefulset": "kube_stateful_set",
    "daemonset": "kube_daemon_set",
    "cronjob": "kube_cronjob",
    "job_name": "kube_job",
    "replicaset": "kube_replica_set",
    "horizontalpodautoscaler": "horizontalpodautoscaler",
    "persistentvolumeclaim": "persistentvolumeclaim",
    "service": "kube_service",
    "pod": "pod_name",
    "container": "kube_container_name",
    "node": "kube_node",
}
#: Names that say what an alert is about; a replica set changes with every rollout.
_PLACES = tuple(name for name in NAMES.values() if name != "kube_replica_set")
#: Of kube-state-metrics: what stands in no namespace (a ``namespace`` beside it is the exporter's own), and what does.
_CLUSTER_WIDE = frozenset({"node", "persistentvolume", "storageclass"})
_NAMESPACED = frozenset(NAMES) - {"cluster", "namespace", "service", "pod", "container", "node"}
#: Labels that a rule gives to all of its alerts, or that change with each.
_SAME_FOR_ALL = frozenset(
    {"severity", "team", "owner", "priority", "alertgroup", "monitor", "replica", "region", "env"}
    | {"environment", "runbook", "runbook_url", "value", "uid", "id", "kube_replica_set"}
)
_MOST_APART = 8
_STATE_METRICS = re.compile(r"kube-?state-?metrics", re.IGNORECASE)
_NODE_EXPORTER = re.compile(r"node-?_?exporter", re.IGNORECASE)
_KUBELET = re.compile(r"kubelet|cadvisor", re.IGNORECASE)
_BLACKBOX = re.compile(r"black-?_?box", re.IGNORECASE)
_PROBED = re.compile(r"https?://", re.IGNORECASE)
#: How Prometheus calls a label of the exporter's that the scrape has as well (``honor_labels: false``).
_EXPORTED = "exported_"
#: Of the scrape, whoever was scraped.
_SCRAPE = ("job", "instance", "endpoint", "metrics_path", "prometheus", "prometheus_replica")
_SERVED = ("service", *_SCRAPE)
_OF_A_POD = ("namespace", "pod", "container")
#: Jobs of Prometheus' example configuration and of agents, and a cluster's own programs.
_COMMON_JOB = re.compile(
    r"kubernetes-|integrations/|prometheus|alertmanager|apiserver|kube-|etcd|federate|pushgateway",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\[?[0-9A-Fa-f:.]+\]?(?::\d+)?")


def neutral(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels by the shared names; those of the scrape as ``scrape_<label>``, so that nothing takes them for a subject."""
    scraped = scraped_in(labels)
    found: dict[str, str] = {}
    for name, value in labels.items():
        if name in scraped:
            found[f"scrape_{name}"] = value
        else:
            found[shared_name(name)] = value
    host, instance = _host(labels), labels.get("instance", "")
    if host and _tells_of_nodes(labels):
        found.setdefault("kube_node", host)
    if _PROBED.match(instance):
        found.setdefault("url", instance)
    if name := _job_of_a_service(labels, scraped):
        found.setdefault("app", name)
    return found


def _job_of_a_service(labels: Mapping[str, str], scraped: frozenset[str]) -> str:
    """The job's name, where nothing else says who inside a namespace is meant: the operator calls a job as the Service that
    it scrapes, or ``namespace/name`` of a PodMonitor. Empty for exporters, and for jobs of a cluster's common targets.
    """
    job = labels.get("job", "")
    if scraped != frozenset(_SCRAPE) or _COMMON_JOB.match(job) or f"{_EXPORTED}job" in labels:
        return ""
    if any(labels.get(name) for name in (*_NAMESPACED, "service", "pod", "container", "node")):
        return ""
    return job.rpartition("/")[2]


def shared_name(label: str) -> str:
    """The shared name of a label that tells of something, as it is or as the exporter had it; else the label itself."""
    return NAMES.get(label.removeprefix(_EXPORTED), label)


def group_of(named: Mapping[str, str]) -> str:
    """What of a rule's series fired, as tags of the shared names: ``kube_namespace:shop,kube_deployment:api``.

    Where those name nothing inside a namespace, the other labels tell its series apart: ``kube_namespace:shop,queue:mails``.
    """
    names = [name for name in _PLACES if named.get(name)]
    if not set(names) - {"kube_cluster_name", "kube_namespace"}:
        names += sorted(name for name in named if _tells_apart(name, named[name]))[:_MOST_APART]
    return ",".join(f"{name}:{named[name]}" for name in names)


def _tells_apart(name: str, value: str) -> bool:
    told = name in _PLACES or name in _SAME_FOR_ALL or name.startswith(("scrape_", _EXPORTED))
    return bool(value) and "," not in value and not told


def scraped_in(labels: Mapping[str, str]) -> frozenset[str]:
    """The labels that name what was scraped, not what is told of."""
    exported = {n.removeprefix(_EXPORTED) for n in labels if n.startswith(_EXPORTED)}
    if exported & NAMES.keys():
        return frozenset((*_SERVED, *_OF_A_POD))
    job = labels.get("job", "")
    if _STATE_METRICS.search(job):
        return frozenset((*_SERVED, *_own_place(labels)))
    if _NODE_EXPORTER.search(job) or _BLACKBOX.search(job):
        return frozenset((*_SERVED, *_OF_A_POD))
    if _PROBED.match(labels.get("instance", "")):
        return frozenset((*_SERVED, "pod", "container"))
    if _KUBELET.search(job):
        return frozenset((*_SERVED, *_OF_A_POD) if _tells_of_nodes(labels) else _SERVED)
    return frozenset(_SCRAPE)


def _own_place(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Which of namespace, pod and container are kube-state-metrics' own: those that its series does not have."""
    if not _STATE_METRICS.search(labels.get("pod", "") + labels.get("container", "")):
        return ()
    nowhere = _CLUSTER_WIDE & labels.keys() and not _NAMESPACED & labels.keys()
    return _OF_A_POD if nowhere else ("pod", "container")


def _tells_of_nodes(labels: Mapping[str, str]) -> bool:
    job = labels.get("job", "")
    inside = labels.get("pod") or labels.get("persistentvolumeclaim")
    return bool(_NODE_EXPORTER.search(job) or (_KUBELET.search(job) and not inside))


def _host(labels: Mapping[str, str]) -> str:
    """The scraped host's name; empty for an address, which names nobody."""
    instance = labels.get("instance", "")
    return "" if _ADDRESS.fullmatch(instance) else instance.partition(":")[0]
