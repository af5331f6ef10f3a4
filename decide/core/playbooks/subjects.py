"""What a playbook's expressions can look at, made of a cluster. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from decide.core import measure
from decide.core.objects import Obj, Workload, at, mapping, name_of, namespace_of
from decide.core.playbooks.compiling import Compiled
from decide.core.view import ClusterView
from schemas.base import ObjectRef

#: Objects of one kind in ``cluster``, pods, events and log lines of one object: conversions cost, budgets end.
_SHOWN = 200
#: Kind to lower-case plural, as bundles name it.
PLURALS = {
    "Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets", "Job": "jobs", "CronJob": "cronjobs",
    "Pod": "pods", "Service": "services", "Ingress": "ingresses", "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "PersistentVolumeClaim": "persistentvolumeclaims", "PodDisruptionBudget": "poddisruptionbudgets",
    "NetworkPolicy": "networkpolicies", "ConfigMap": "configmaps", "Node": "nodes", "Namespace": "namespaces",
}  # fmt: skip
#: Kinds without a namespace.
CLUSTER_KINDS = ("Node", "Namespace")
_VERSIONS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1", "CronJob": "batch/v1",
             "Ingress": "networking.k8s.io/v1", "HorizontalPodAutoscaler": "autoscaling/v2", "PodDisruptionBudget": "policy/v1",
             "NetworkPolicy": "networking.k8s.io/v1"}  # fmt: skip


def ref_of(kind: str, obj: Obj) -> ObjectRef:
    """The object's reference, whether or not it says its kind."""
    version = str(obj.get("apiVersion") or _VERSIONS.get(kind, "v1"))
    return ObjectRef(api_version=version, kind=kind, namespace=namespace_of(obj), name=name_of(obj))


def variables(
    view: ClusterView, compiled: Compiled, ref: ObjectRef, obj: Obj, workload: Workload | None
) -> dict[str, Any]:
    """What the playbook's expressions look at, and nothing else."""
    names = compiled.names
    values: dict[str, Any] = {
        "kind": ref.kind,
        "name": ref.name,
        "namespace": ref.namespace,
        "object": plain(obj),
    }
    makers: dict[str, Callable[[], Any]] = {
        "declared": lambda: plain(view.declared.get((ref.kind, ref.namespace, ref.name)) or {}),
        "pods": lambda: [plain(p.obj) for p in workload.pods[:_SHOWN]] if workload else [],
        "services": lambda: [plain(s) for s in view.services_of.get(workload.ref.key, [])] if workload else [],
        "scalers": lambda: [plain(s) for s in scalers(view, ref)],
        "cluster": lambda: _cluster(view, compiled),
        "metrics": lambda: _metrics(view, workload),
        "now": lambda: view.bundle.alerted_at,
        "events": lambda: _events(view, ref, workload),
        "logs": lambda: [line for log in (view.logs_of(workload) if workload else []) for line in log.lines][-_SHOWN:],
        "alert": lambda: {"title": view.bundle.alert.title, "tags": dict(view.bundle.alert.tags), "environment": view.bundle.environment},
    }  # fmt: skip
    for name in sorted(names & set(makers)):
        values[name] = makers[name]()
    return values


def plain(obj: Obj) -> dict[str, Any]:
    """The object without what nobody asks for and what costs most to convert."""
    out = {key: value for key, value in obj.items() if key != "metadata"}
    out["metadata"] = {k: v for k, v in mapping(obj.get("metadata")).items() if k != "managedFields"}  # fmt: skip
    return out


def scalers(view: ClusterView, ref: ObjectRef) -> list[Obj]:
    """Autoscalers of a workload."""
    return [
        s
        for s in view.all("horizontalpodautoscalers")
        if namespace_of(s) == ref.namespace
        and at(s, "spec", "scaleTargetRef", "kind") == ref.kind
        and at(s, "spec", "scaleTargetRef", "name") == ref.name
    ]


def _cluster(view: ClusterView, compiled: Compiled) -> dict[str, list[Any]]:
    """Objects by plural, of the kinds that were collected: those of the focus and the cluster's own."""
    inside = {"", *view.focus}
    return {
        plural: [plain(o) for o in view.all(plural) if namespace_of(o) in inside][:_SHOWN]
        for plural in view.bundle.k8s_context.objects
        if plural in compiled.words
    }


def _metrics(view: ClusterView, workload: Workload | None) -> dict[str, dict[str, float]]:
    """By meaning, for those that were measured: ``last``, ``p95``, ``peak`` and how many ``samples``."""
    out: dict[str, dict[str, float]] = {}
    for meaning in measure.NAMES if workload else ():
        assert workload is not None
        series = measure.usage(view, workload, meaning)
        numbers = measure.values(series)
        if numbers:
            out[meaning] = {
                "last": measure.latest(series) or 0.0,
                "p95": measure.percentile(numbers, 0.95) or 0.0,
                "peak": max(numbers),
                "samples": float(len(numbers)),
            }
    return out


def _events(
    view: ClusterView, ref: ObjectRef, workload: Workload | None
) -> list[Mapping[str, Any]]:
    found = view.events_of_workload(workload) if workload else view.events_of(ref.kind, ref.namespace, ref.name)  # fmt: skip
    return [
        {"reason": e.reason, "message": e.message, "count": e.count, "warning": e.warning, "kind": e.kind}
        for e in found[-_SHOWN:]
    ]  # fmt: skip
