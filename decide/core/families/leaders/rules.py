"""Leases of leaders that nobody renews: of the control plane, and of controllers in the alert's namespace.

Source: k8s.io/api coordination/v1; client-go leaderelection (the holder renews several times within the duration).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from decide.core.clock import age, lasted
from decide.core.facts import Facts
from decide.core.findings import Fact, Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import Obj, at, number, text
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef

_SYSTEM = "kube-system"
_PLANE = {
    "kube-controller-manager": "controller_manager_unavailable",
    "kube-scheduler": "scheduler_unavailable",
}
#: Beyond its duration a lease may be this late: clocks differ, and a new leader takes a moment.
_LATE = timedelta(minutes=2)
#: A lease that is older than this was left behind by somebody who is gone.
_FORGOTTEN = timedelta(days=7)


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about leases that are overdue, at the controller."""
    for lease in view.all("leases"):
        late = _overdue(view, lease)
        if late is None:
            continue
        name, space = name_of(lease), namespace_of(lease)
        told = say(
            "leaders.told",
            lease=f"{space}/{name}",
            late=lasted(late),
            holder=text(lease, "spec", "holderIdentity") or "?",
        )
        if space == _SYSTEM and name in _PLANE:
            yield _finding(_PLANE[name], _lease(lease), 0.86, told)
        elif space in view.focus:
            workload = _holder(view, lease)
            if workload is not None and workload.desired > 0:
                score = (
                    0.78 if workload.available else 0.5
                )  # pods that are down are told by their own cause
                yield _finding("leader_lease_expired", workload.ref, score, told, workload)


def _overdue(view: ClusterView, lease: Obj) -> timedelta | None:
    """How long nobody has renewed it; ``None`` while somebody does, and for one that was left behind."""
    now = view.bundle.alerted_at
    since, lasts = age(lease, now, "spec", "renewTime"), at(lease, "spec", "leaseDurationSeconds")
    if since is None or lasts is None or not text(lease, "spec", "holderIdentity"):
        return None
    bound = timedelta(seconds=min(number(lasts), 86_400)) + _LATE
    return since if bound < since < _FORGOTTEN else None


def _holder(view: ClusterView, lease: Obj) -> Workload | None:
    """The workload whose pod holds it, or held it: a holder says the pod's name first."""
    holder = text(lease, "spec", "holderIdentity")
    found = [
        w
        for w in view.workloads
        if w.namespace == namespace_of(lease) and holder.startswith(f"{w.name}-")
    ]
    return max(found, key=lambda w: len(w.name), default=None)


def _lease(lease: Obj) -> ObjectRef:
    return ObjectRef(
        api_version="coordination.k8s.io/v1",
        kind="Lease",
        namespace=namespace_of(lease),
        name=name_of(lease),
    )


def _finding(
    failure_class: str, ref: ObjectRef, score: float, told: str, workload: Workload | None = None
) -> Finding[Facts]:
    return Finding(
        failure_class=failure_class,
        object=ref,
        score=score,
        detail=told,
        evidence=[Fact(source="object", statement=told, object=ref)],
        facts=Facts(workload=workload),
    )
