"""Resizes in place that the kubelet has put off, refused or could not carry out.

Source: k8s.io/api core/v1 (PodResizePending, PodResizeInProgress, ``status.resize`` before 1.33); KEP-1287.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from decide.core.clock import age
from decide.core.facts import Facts
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import condition
from manifests.objects.pods import Pod
from manifests.objects.shapes import at, text

#: A resize that waits longer than this waits for somebody.
_PATIENCE = timedelta(minutes=5)


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about pods that wait for another size, at their workload."""
    for workload in view.workloads:
        for pod in workload.pods:
            said = _waits(view, pod) if not pod.deleting else None
            if said is not None:
                score, reason, message = said
                told = say("resizing.told", pod=pod.name, reason=reason, message=quote(message))
                yield Finding(
                    failure_class="pod_resize_pending",
                    object=workload.ref,
                    score=score,
                    detail=told,
                    evidence=[Fact(source="object", statement=told, object=workload.ref)],
                    facts=Facts(workload=workload),
                )
                break


def _waits(view: ClusterView, pod: Pod) -> tuple[float, str, str] | None:
    """Belief, reason and message of a resize that does not come about by itself."""
    pending, under_way = (
        condition(pod.obj, k) for k in ("PodResizePending", "PodResizeInProgress")
    )
    suffers = any(c.restarts for c in pod.containers()) or not pod.ready
    if pending.get("status") == "True":
        reason, message = text(pending, "reason"), text(pending, "message")
        if reason == "Infeasible":
            return 0.94 if suffers else 0.6, reason, message
        since = age({"at": pending.get("lastTransitionTime")}, view.bundle.alerted_at, "at")
        if since is not None and since < _PATIENCE:
            return None
        return 0.88 if suffers else 0.5, reason or "Deferred", message
    if under_way.get("status") == "True" and under_way.get("reason") == "Error":
        return 0.88 if suffers else 0.5, "Error", text(under_way, "message")
    stated = str(at(pod.obj, "status", "resize") or "")
    if stated in ("Infeasible", "Deferred"):
        return 0.85 if suffers else 0.5, stated, ""
    return None
