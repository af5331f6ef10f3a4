"""Pods whose time to end is long over, though nobody holds them by a finalizer.

``deletionTimestamp`` lies at the end of the grace period: k8s.io/apimachinery ObjectMeta.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from decide.core.clock import age, lasted
from decide.core.facts import Facts
from decide.core.findings import Fact, Finding
from decide.core.view import ClusterView, node_ready, node_ref
from kfix.texts import say
from manifests.objects.pods import Pod
from manifests.objects.shapes import items
from manifests.objects.workloads import Workload

#: A kubelet ends a pod within seconds of its time.
_LONG = timedelta(minutes=5)


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about pods that do not go, at their workload; the longest past of each."""
    for workload in view.workloads:
        late = [(waited, pod) for pod in workload.pods if (waited := _late(view, pod)) is not None]
        if late:
            waited, pod = max(late, key=lambda pair: pair[0])
            yield _finding(view, workload, pod, waited)


def _late(view: ClusterView, pod: Pod) -> timedelta | None:
    if not pod.deleting or not pod.node or items(pod.obj, "metadata", "finalizers"):
        return None
    waited = age(pod.obj, view.bundle.alerted_at, "metadata", "deletionTimestamp")
    return waited if waited is not None and waited > _LONG else None


def _finding(view: ClusterView, workload: Workload, pod: Pod, waited: timedelta) -> Finding[Facts]:
    node = view.get("nodes", "", pod.node)
    told = say("leaving.told", pod=pod.name, node=pod.node, waited=lasted(waited))
    evidence = [Fact(source="object", statement=told, object=workload.ref)]
    away = view.collected("nodes") and (node is None or node_ready(node) != "True")
    if away:
        words = say("leaving.node_gone" if node is None else "leaving.node_away", node=pod.node)
        evidence.append(Fact(source="object", statement=words, object=node_ref(pod.node)))
    replaced = workload.kind != "StatefulSet" and workload.available
    return Finding(
        failure_class="pod_stuck_terminating",
        object=workload.ref,
        score=0.4 if replaced else 0.9 if away else 0.8,
        detail=told,
        evidence=evidence,
        facts=Facts(workload=workload),
    )
