"""Objects that do not go, rollouts that do not go on, budgets that let nobody move, controllers that do not act.

Sources: kubernetes.io Finalizers, Deployments, Disruptions; k8s.io/kubernetes pkg/controller/namespace/deletion.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from decide.core.clock import age
from decide.core.families.scheduling.rules import control_plane
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView, node_ref
from manifests.objects.kinds import plural_of
from manifests.objects.meta import annotations_of, condition, is_deleting, name_of, namespace_of
from manifests.objects.selectors import selects
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef

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


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about objects that wait for somebody."""
    yield from _terminating(view)
    for workload in view.workloads:
        if workload.kind == "Deployment":
            yield from _paused(view, workload)
            yield from _no_progress(view, workload)
    yield from _budgets(view)
    yield from _controllers(view)


def _terminating(view: ClusterView) -> Iterator[Finding]:
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


def _waits(view: ClusterView, obj: Obj, kind: str) -> Iterator[Finding]:
    waited = age(obj, view.bundle.alerted_at, "metadata", "deletionTimestamp")
    holders = [
        str(f)
        for f in (*items(at(obj, "metadata", "finalizers")), *items(at(obj, "spec", "finalizers")))
    ]
    protected = all("kubernetes.io/" in f or f in _ORDINARY for f in holders)
    if not holders or waited is None or (waited < _LONG and protected):
        return
    said = [condition(obj, c) for c in _REMAINING]
    told = [
        quote(f"{c.get('type')}: {c.get('message') or ''}")
        for c in said
        if c.get("status") == "True"
    ]
    ref = ObjectRef(
        api_version=str(obj.get("apiVersion") or "v1"),
        kind=kind,
        namespace=namespace_of(obj),
        name=name_of(obj),
    )
    text = f"{ref.key} is being deleted since {waited} and waits for {', '.join(holders)}"
    score = 0.93 if told else 0.6 if protected else 0.85 if waited >= _LONG else 0.62
    facts = [
        Fact(source="object", statement=text, object=ref),
        *(Fact(source="object", statement=t, object=ref) for t in told[:2]),
    ]
    yield Finding(
        failure_class="finalizer_stuck",
        object=ref,
        score=score,
        detail=text,
        evidence=facts,
        against=[],
        facts={"finalizers": holders},
    )


def _paused(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    if at(workload.obj, "spec", "paused") is not True:
        return
    declared = view.declared.get((workload.kind, workload.namespace, workload.name))
    meant = declared is not None and at(declared, "spec", "paused") is True
    told = at(workload.obj, "status", "observedGeneration") is not None  # zero is left out
    behind = told and number(at(workload.obj, "status", "updatedReplicas")) < workload.desired
    score = (0.66 if behind else 0.3) if meant else 0.86 if declared or behind else 0.62
    text = "spec.paused is true: no change of the template is rolled out"
    yield Finding(
        failure_class="rollout_stuck",
        object=workload.ref,
        score=score,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=workload.ref)],
        against=[],
        facts={"workload": workload, "paused": True},
    )


def _no_progress(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    said = condition(workload.obj, "Progressing")
    if said.get("reason") == "ProgressDeadlineExceeded" and not workload.available:
        text = quote(str(said.get("message") or "ProgressDeadlineExceeded"))
        yield Finding(
            failure_class="rollout_stuck",
            object=workload.ref,
            score=0.45,
            detail=text,
            evidence=[Fact(source="object", statement=text, object=workload.ref)],
            against=[],
            facts={"workload": workload},
        )


def _budgets(view: ClusterView) -> Iterator[Finding]:
    """A budget that lets nobody move while somebody tries."""
    blocked = [e for e in view.events if "disruption budget" in e.message]
    drained = [n for n in view.nodes if at(n, "spec", "unschedulable") and not control_plane(n)]
    for budget in view.all("poddisruptionbudgets"):
        if namespace_of(budget) not in view.focus or number(
            at(budget, "status", "disruptionsAllowed"), 1
        ):
            continue
        for workload in view.workloads:
            same = workload.namespace == namespace_of(budget)
            if not same or not selects(at(budget, "spec", "selector"), workload.labels):
                continue
            never = never_allows(budget, workload)
            on = [n for n in drained if any(p.node == name_of(n) for p in workload.pods)]
            places = {p.node for p in workload.pods}
            here = [
                e
                for e in blocked
                if view.owner(e) is workload or (e.kind == "Node" and e.name in places)
            ]
            if not here and not on and not never:
                continue
            score = (
                (0.9 if never else 0.74) if here else 0.8 if on and never else 0.62 if on else 0.4
            )
            if not workload.available:
                score -= 0.2  # its pods are down for another cause, and the budget rightly holds
            text = (
                f"PodDisruptionBudget {name_of(budget)} allows 0 disruptions of {workload.ref.key}"
                + (", and never can" if never else "")
            )
            facts = [
                Fact(source="object", statement=text),
                *(Fact(source="event", statement=quote(e.message)) for e in here[-1:]),
            ]
            yield Finding(
                failure_class="disruption_budget_blocks",
                object=workload.ref,
                score=score,
                detail=text,
                evidence=facts,
                against=[],
                facts={"workload": workload, "budget": budget, "never": never},
            )


def never_allows(budget: Obj, workload: Workload) -> bool:
    """With every pod ready it still allows nothing: minAvailable is all of them, or maxUnavailable none."""
    most, least = at(budget, "spec", "maxUnavailable"), at(budget, "spec", "minAvailable")
    if most is not None:
        return str(most) in ("0", "0%")
    return str(least) == "100%" or (isinstance(least, int) and least >= workload.desired > 0)


def _controllers(view: ClusterView) -> Iterator[Finding]:
    """Changes that no controller has looked at."""
    ignored = [
        w
        for w in view.workloads
        if w.kind in ("Deployment", "StatefulSet", "DaemonSet") and _unseen(w)
    ]
    childless = [
        w
        for w in view.workloads
        if w.kind == "Deployment"
        and w.desired
        and not w.children
        and not w.pods
        and view.collected("replicasets")
        and not view.events_of_workload(w)
        and not mapping(w.obj.get("status"))
        and not annotations_of(w.obj).get("deployment.kubernetes.io/revision")
    ]
    found = ignored or childless
    if not found:
        return
    plane = next((name_of(n) for n in view.nodes if control_plane(n)), "")
    ref = node_ref(plane) if plane else found[0].ref
    text = f"no controller acted on {', '.join(w.ref.key for w in found[:3])}"
    score = 0.85 if len(found) > 1 else 0.7
    yield Finding(
        failure_class="controller_manager_unavailable",
        object=ref,
        score=score,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=found[0].ref)],
    )


def _unseen(workload: Workload) -> bool:
    seen = at(workload.obj, "status", "observedGeneration")
    return isinstance(seen, int) and number(at(workload.obj, "metadata", "generation")) > seen
