"""Objects that do not go, rollouts that do not go on, budgets that let nobody move, controllers that do not act.

Sources: kubernetes.io Finalizers, Deployments, Disruptions; k8s.io/kubernetes pkg/controller/namespace/deletion.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from decide.core.clock import age, lasted
from decide.core.facts import Facts
from decide.core.families.lifecycle.facts import HeldByBudget, StuckRollout
from decide.core.families.scheduling.rules import control_plane
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView, Event, node_ref
from kfix.texts import say
from manifests.objects.kinds import plural_of
from manifests.objects.meta import (
    annotations_of,
    condition,
    is_deleting,
    name_of,
    namespace_of,
    ref_of,
)
from manifests.objects.selectors import selects
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload

#: Deletion that takes longer than this waits for somebody.
_LONG = timedelta(minutes=10)
#: Finalizers that the control plane itself clears within seconds.
_ORDINARY = frozenset({"foregroundDeletion", "orphan", "kubernetes"})
_REMAINING = (
    "NamespaceFinalizersRemaining",
    "NamespaceContentRemaining",
    "NamespaceDeletionContentFailure",
    "NamespaceDeletionDiscoveryFailure",
)
_KINDS = {
    plural_of(kind): kind
    for kind in (
        "Namespace",
        "PersistentVolumeClaim",
        "PersistentVolume",
        "Pod",
        "Service",
        "Deployment",
        "StatefulSet",
        "Job",
        "Ingress",
        "ConfigMap",
        "Secret",
    )
}


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about objects that wait for somebody."""
    yield from _terminating(view)
    for workload in view.workloads:
        if workload.kind == "Deployment":
            yield from _paused(view, workload)
            yield from _no_progress(view, workload)
    yield from _budgets(view)
    yield from _controllers(view)


def _terminating(view: ClusterView) -> Iterator[Finding[Facts]]:
    for plural, kind in _KINDS.items():
        near = (
            [*view.here(plural), *view.inside(plural, "")] if view.namespace else view.all(plural)
        )
        for obj in near:
            if not is_deleting(obj):
                continue
            here = namespace_of(obj) or (name_of(obj) if kind == "Namespace" else "")
            if here and here not in view.focus and view.namespace:
                continue
            yield from _waits(view, obj, kind)


def _waits(view: ClusterView, obj: Obj, kind: str) -> Iterator[Finding[Facts]]:
    waited = age(obj, view.bundle.alerted_at, "metadata", "deletionTimestamp")
    holders = [
        str(f)
        for f in (*items(at(obj, "metadata", "finalizers")), *items(at(obj, "spec", "finalizers")))
    ]
    protected = all("kubernetes.io/" in f or f in _ORDINARY for f in holders)
    if not holders or waited is None or (waited < _LONG and protected):
        return
    ref = ref_of(obj, kind, version="v1")
    text = say("lifecycle.finalizer.waits", object=ref.key, waited=lasted(waited), holders=holders)
    told = list(_remaining(obj))
    yield Finding(
        failure_class="finalizer_stuck",
        object=ref,
        score=0.93 if told else 0.6 if protected else 0.85 if waited >= _LONG else 0.62,
        detail=text,
        evidence=[Fact(source="object", statement=t, object=ref) for t in (text, *told[:2])],
    )


def _remaining(obj: Obj) -> Iterator[str]:
    """What a namespace says of that which keeps it."""
    for kind in _REMAINING:
        found = condition(obj, kind)
        if found.get("status") == "True":
            message = quote(str(found.get("message") or ""))
            yield say("lifecycle.finalizer.condition", condition=kind, message=message)


def _paused(view: ClusterView, workload: Workload) -> Iterator[Finding[Facts]]:
    if at(workload.obj, "spec", "paused") is not True:
        return
    declared = view.declared.get((workload.kind, workload.namespace, workload.name))
    meant = declared is not None and at(declared, "spec", "paused") is True
    told = at(workload.obj, "status", "observedGeneration") is not None  # zero is left out
    behind = told and number(at(workload.obj, "status", "updatedReplicas")) < workload.desired
    score = (0.66 if behind else 0.3) if meant else 0.86 if declared or behind else 0.62
    text = say("lifecycle.paused.told")
    yield Finding(
        failure_class="rollout_stuck",
        object=workload.ref,
        score=score,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=workload.ref)],
        facts=StuckRollout(workload=workload, paused=True),
    )


def _no_progress(view: ClusterView, workload: Workload) -> Iterator[Finding[Facts]]:
    said = condition(workload.obj, "Progressing")
    if said.get("reason") == "ProgressDeadlineExceeded" and not workload.available:
        text = quote(str(said.get("message") or "ProgressDeadlineExceeded"))
        yield Finding(
            failure_class="rollout_stuck",
            object=workload.ref,
            score=0.45,
            detail=text,
            evidence=[Fact(source="object", statement=text, object=workload.ref)],
            facts=StuckRollout(workload=workload),
        )


def _budgets(view: ClusterView) -> Iterator[Finding[HeldByBudget]]:
    """Budgets that let nobody move now."""
    drained = {
        name_of(n) for n in view.nodes if at(n, "spec", "unschedulable") and not control_plane(n)
    }
    for budget in view.all("poddisruptionbudgets"):
        here = namespace_of(budget)
        if here not in view.focus or number(at(budget, "status", "disruptionsAllowed"), 1):
            continue
        for workload in view.workloads:
            if workload.namespace == here and selects(
                at(budget, "spec", "selector"), workload.labels
            ):
                yield from _held(view, budget, workload, drained)


def _held(
    view: ClusterView, budget: Obj, workload: Workload, drained: set[str]
) -> Iterator[Finding[HeldByBudget]]:
    """A budget that lets none of the workload's pods move while somebody tries, or ever. ``drained``: names of nodes."""
    never = never_allows(budget, workload)
    places = {p.node for p in workload.pods}
    tried = [e for e in view.events if _tries(view, e, workload, places)]
    draining = bool(places & drained)
    if not tried and not draining and not never:
        return
    score = (
        (0.9 if never else 0.74)
        if tried
        else 0.8
        if draining and never
        else 0.62
        if draining
        else 0.4
    )
    if not workload.available:
        score -= 0.2  # its pods are down for another cause, and the budget rightly holds
    text = _allows_none(name_of(budget), workload.ref.key, never=never)
    yield Finding(
        failure_class="disruption_budget_blocks",
        object=workload.ref,
        score=score,
        detail=text,
        evidence=[
            Fact(source="object", statement=text),
            *(Fact(source="event", statement=quote(e.message)) for e in tried[-1:]),
        ],
        facts=HeldByBudget(workload=workload, budget=budget, never=never),
    )


def _tries(view: ClusterView, event: Event, workload: Workload, places: set[str]) -> bool:
    """An eviction of the workload's pods that a budget refused. ``places``: names of their nodes."""
    if "disruption budget" not in event.message:
        return False
    return view.owner(event) is workload or (event.kind == "Node" and event.name in places)


def _allows_none(budget: str, workload: str, *, never: bool) -> str:
    if never:
        return say("lifecycle.budget.never", budget=budget, workload=workload)
    return say("lifecycle.budget.none_now", budget=budget, workload=workload)


def never_allows(budget: Obj, workload: Workload) -> bool:
    """With every pod ready it still allows nothing: minAvailable is all of them, or maxUnavailable none."""
    most, least = at(budget, "spec", "maxUnavailable"), at(budget, "spec", "minAvailable")
    if most is not None:
        return str(most) in ("0", "0%")
    return str(least) == "100%" or (isinstance(least, int) and least >= workload.desired > 0)


def _controllers(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Changes that no controller has looked at."""
    ignored = [
        w
        for w in view.workloads
        if w.kind in ("Deployment", "StatefulSet", "DaemonSet") and _unseen(w)
    ]
    found = ignored or [w for w in view.workloads if _childless(view, w)]
    if not found:
        return
    plane = next((name_of(n) for n in view.nodes if control_plane(n)), "")
    text = say("lifecycle.controllers", workloads=[w.ref.key for w in found[:3]])
    yield Finding(
        failure_class="controller_manager_unavailable",
        object=node_ref(plane) if plane else found[0].ref,
        score=0.85 if len(found) > 1 else 0.7,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=found[0].ref)],
    )


def _childless(view: ClusterView, workload: Workload) -> bool:
    """A Deployment that wants pods and that nobody has ever acted on."""
    if workload.kind != "Deployment" or not workload.desired or not view.collected("replicasets"):
        return False
    made = workload.children or workload.pods or view.events_of_workload(workload)
    seen = mapping(workload.obj.get("status")) or annotations_of(workload.obj).get(
        "deployment.kubernetes.io/revision"
    )
    return not made and not seen


def _unseen(workload: Workload) -> bool:
    seen = at(workload.obj, "status", "observedGeneration")
    return isinstance(seen, int) and number(at(workload.obj, "metadata", "generation")) > seen
