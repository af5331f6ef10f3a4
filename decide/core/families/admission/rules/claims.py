"""Claims that pods mount and that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from decide.core.facts import Facts
from decide.core.families.admission.facts import AbsentClaim
from decide.core.families.admission.rules.quotas import QuotaBound, bounds, quota_family
from decide.core.findings import Fact, Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.meta import name_of
from manifests.objects.shapes import at, items
from manifests.objects.workloads import Workload


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """A claim that pods mount, not there: a quota on storage without room for it, else just the claim."""
    if not view.collected("persistentvolumeclaims"):
        return
    for workload in view.workloads:
        for volume in items(workload.spec.get("volumes")):
            claim = str(at(volume, "persistentVolumeClaim", "claimName") or "")
            if claim and not view.get("persistentvolumeclaims", workload.namespace, claim):
                yield _missing(view, workload, claim)


def _missing(view: ClusterView, workload: Workload, claim: str) -> Finding[Facts]:
    declared = view.declared.get(("PersistentVolumeClaim", workload.namespace, claim), {})
    size = str(at(declared, "spec", "resources", "requests", "storage") or "")
    told = say("admission.claim.missing", claim=claim, workload=workload.ref.key)
    fact = Fact(source="object", statement=told, object=workload.ref)
    for bound in bounds(view, workload.namespace):
        if quota_family(bound.resource) == "storage" and _too_much(bound, size):
            return _no_room(bound, claim, size, fact)
    return Finding(
        failure_class="pvc_missing",
        object=workload.ref,
        score=0.9 if view.collected("resourcequotas") else 0.55,
        detail=told,
        evidence=[fact],
        facts=AbsentClaim(workload=workload, claim=claim),
    )


def _too_much(bound: QuotaBound, size: str) -> bool:
    """The claim does not fit; of one whose size nobody knows that is taken as so."""
    need = _need(bound.resource, size)
    return need is None or bound.used + need > bound.hard


def _no_room(bound: QuotaBound, claim: str, size: str, fact: Fact) -> Finding[Facts]:
    quota, hard, used = name_of(bound.quota), str(bound.hard), str(bound.used)
    resource = bound.resource
    if size:
        told = say(
            "admission.claim.no_room",
            quota=quota,
            resource=resource,
            hard=hard,
            used=used,
            claim=claim,
            size=size,
        )
    else:
        told = say(
            "admission.claim.no_more",
            quota=quota,
            resource=resource,
            hard=hard,
            used=used,
            claim=claim,
        )
    return bound.found(
        0.95 if _need(resource, size) is not None else 0.88,
        told,
        [fact, Fact(source="object", statement=told)],
        asked="1" if "persistentvolumeclaims" in resource else size,
    )


def _need(resource: str, size: str) -> Decimal | None:
    if "persistentvolumeclaims" in resource:
        return Decimal(1)
    try:
        return quantities.parse(size) if size else None
    except quantities.BadQuantity:
        return None
