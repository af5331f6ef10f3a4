"""Which workloads a namespace-wide rule watches: its query's filters leave some out. Pure.

``max:kubernetes.containers.restarts{kube_namespace:shop,!kube_deployment:cart}`` says nothing of ``cart``, and neither does
``kube_deployment:check*``. What the alert is about names no single thing then, and only what is watched may be mended for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from decide.core.bearing import queries_of
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.incident import service_names
from kfix.incident.query_filters import QueryFilter, filters_of
from manifests.objects.workloads import Workload

_KINDS: Mapping[str, str] = {
    "kube_deployment": "Deployment",
    "deployment": "Deployment",
    "kube_stateful_set": "StatefulSet",
    "statefulset": "StatefulSet",
    "kube_daemon_set": "DaemonSet",
    "daemonset": "DaemonSet",
    "kube_cronjob": "CronJob",
    "cronjob": "CronJob",
    "kube_job": "Job",
    "kube_argo_rollout": "Rollout",
}
_SERVICE_LABELS = (service_names.LABEL, service_names.NAME_LABEL, *service_names.APP_LABELS)


def _pods(workload: Workload) -> Iterable[str]:
    return (pod.name for pod in workload.pods)


def _containers(workload: Workload) -> Iterable[str]:
    return (container.name for container in workload.containers())


def _services(workload: Workload) -> Iterable[str]:
    labels = workload.labels
    return (workload.name, *(str(labels[key]) for key in _SERVICE_LABELS if labels.get(key)))


_NAMES: Mapping[str, Callable[[Workload], Iterable[str]]] = {
    "pod_name": _pods,
    "kube_container_name": _containers,
    "container_name": _containers,
    "service": _services,
}


def filters(view: ClusterView) -> tuple[QueryFilter, ...]:
    """Those of the rule's query that tell workloads apart; none where the alert is about an object."""
    if view.bundle.search.ending != "namespace":
        return ()
    said = (one for query in queries_of(view) for one in filters_of(query))
    return tuple(one for one in said if one.tag in _KINDS or one.tag in _NAMES)


def left_out(view: ClusterView, finding: Finding, asked: tuple[QueryFilter, ...]) -> bool:
    """Whether the query does not see the finding's workload; never of what is no workload's."""
    ref = finding.object
    workload = finding.facts.workload or view.workload(ref.kind, ref.namespace, ref.name)
    return workload is not None and any(not _seen(workload, one) for one in asked)


def _seen(workload: Workload, asked: QueryFilter) -> bool:
    kind = _KINDS.get(asked.tag)
    if kind is not None:
        fits = workload.kind == kind and asked.fits(workload.name)
        return fits == asked.wanted
    names = list(_NAMES[asked.tag](workload))
    if asked.wanted:
        return any(asked.fits(name) for name in names)
    return not names or not all(asked.fits(name) for name in names)
