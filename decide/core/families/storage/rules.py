"""Claims that find no volume: which attribute keeps every volume away. A replay of the volume binder.

Source: k8s.io/kubernetes pkg/controller/volume/persistentvolume (index.go, findMatchingVolume).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from decide.core.families.scheduling.rules import unscheduled
from decide.core.findings import Fact, Finding
from decide.core.objects import Obj, Workload, at, items, labels_of, mapping, name_of
from decide.core.selectors import selects, stated
from decide.core.view import ClusterView
from manifests.objects import quantities
from schemas.base import ObjectRef

_CLASS_OF = {
    "class": "pvc_storage_class_mismatch",
    "capacity": "pvc_capacity_mismatch",
    "mode": "pvc_access_mode_mismatch",
    "selector": "pvc_selector_mismatch",
    "bound": "pv_bound_elsewhere",
}


#: The class of volumes that people make: nothing provisions for it, claims are matched with what is there.
_NO_PROVISIONER = "kubernetes.io/no-provisioner"


def _size(value: object) -> Decimal:
    try:
        return quantities.parse(str(value or "0"))
    except quantities.BadQuantity:
        return Decimal(0)


def claims_of(workload: Workload) -> list[str]:
    """Names of the claims that a workload's pods mount."""
    specs = [workload.spec, *(pod.spec for pod in workload.pods)]
    names = [
        str(at(volume, "persistentVolumeClaim", "claimName"))
        for spec in specs
        for volume in items(spec.get("volumes"))
        if at(volume, "persistentVolumeClaim", "claimName")
    ]
    return list(dict.fromkeys(names))


def obstacles(claim: Obj, volume: Obj) -> set[str]:
    """Which attributes of a volume keep this claim from it."""
    out: set[str] = set()
    if str(at(claim, "spec", "storageClassName") or "") != str(
        at(volume, "spec", "storageClassName") or ""
    ):
        out.add("class")
    if _size(at(claim, "spec", "resources", "requests", "storage")) > _size(
        at(volume, "spec", "capacity", "storage")
    ):
        out.add("capacity")
    modes = set(map(str, items(at(claim, "spec", "accessModes"))))
    if not modes <= set(map(str, items(at(volume, "spec", "accessModes")))):
        out.add("mode")
    selector = at(claim, "spec", "selector")
    if stated(selector) and not selects(selector, labels_of(volume)):
        out.add("selector")
    ref = mapping(at(volume, "spec", "claimRef"))
    mine = ref.get("name") == name_of(claim) and ref.get("namespace") == at(
        claim, "metadata", "namespace"
    )
    if ref and not mine:
        out.add("bound")
    return out


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about unbound claims, at the workload that waits for them."""
    for workload in view.workloads:
        waiting = bool(unscheduled(view, workload))
        for name in claims_of(workload):
            claim = view.get("persistentvolumeclaims", workload.namespace, name)
            if claim is not None and at(claim, "status", "phase") not in ("Bound", None):
                yield from _unbound(view, workload, claim, waiting)


def _unbound(view: ClusterView, workload: Workload, claim: Obj, waiting: bool) -> Iterator[Finding]:
    name = name_of(claim)
    events = view.events_of("PersistentVolumeClaim", workload.namespace, name)
    ref = ObjectRef(
        api_version="v1", kind="PersistentVolumeClaim", namespace=workload.namespace, name=name
    )
    facts = [
        Fact(
            source="object",
            statement=f"PersistentVolumeClaim {name} is {at(claim, 'status', 'phase')}",
            object=ref,
        )
    ]
    facts += [
        Fact(source="event", statement=e.message, object=ref) for e in events[-1:] if e.warning
    ]
    wanted = str(at(claim, "spec", "storageClassName") or "")
    classes = {name_of(c) for c in view.all("storageclasses")}
    base = 0.95 if waiting else 0.7
    data = {"workload": workload, "claim": claim}
    missing_class = wanted and view.collected("storageclasses") and wanted not in classes
    if missing_class or any(
        "storageclass" in e.message and "not found" in e.message for e in events
    ):
        volumes = [v for v in view.all("persistentvolumes") if obstacles(claim, v) == {"class"}]
        yield Finding(
            failure_class="pvc_storage_class_mismatch",
            object=workload.ref,
            score=base,
            detail=f'storage class "{wanted}" of claim {name} does not exist',
            evidence=facts,
            against=[],
            facts={**data, "volumes": volumes, "classes": sorted(classes)},
        )
        return
    static = any(
        name_of(c) == wanted and c.get("provisioner") == _NO_PROVISIONER
        for c in view.all("storageclasses")
    )
    provisioned = (
        not static and wanted in classes and any(e.reason == "ProvisioningFailed" for e in events)
    )
    if provisioned:
        yield Finding(
            failure_class="pvc_pending",
            object=workload.ref,
            score=base - 0.1,
            detail=events[-1].message,
            evidence=facts,
            against=[],
            facts=data,
        )
        return
    yield from _nearest(view, workload, claim, facts, base)


def _nearest(
    view: ClusterView, workload: Workload, claim: Obj, facts: list[Fact], base: float
) -> Iterator[Finding]:
    """The volume with the fewest obstacles tells what is wrong with the claim."""
    judged = [(obstacles(claim, v), v) for v in view.all("persistentvolumes")]
    judged = [
        (why, v)
        for why, v in judged
        if why and (at(v, "status", "phase") != "Bound" or "bound" in why)
    ]
    # A volume that serves somebody else's claim is an obstacle only when nothing else speaks against it.
    ranked = sorted(judged, key=lambda pair: (len(pair[0]), "bound" in pair[0], name_of(pair[1])))
    data = {"workload": workload, "claim": claim}
    if not ranked:
        yield Finding(
            failure_class="pvc_pending",
            object=workload.ref,
            score=base - 0.15,
            detail=f"no volume for claim {name_of(claim)}",
            evidence=facts,
            against=[],
            facts=data,
        )
        return
    seen: set[str] = set()
    best = len(ranked[0][0])
    for why, volume in ranked[:6]:
        for reason in sorted(why, key=lambda r: (r == "bound", r)):
            if _CLASS_OF[reason] in seen:
                continue
            seen.add(_CLASS_OF[reason])
            penalty = 0.12 * (len(why) - 1) + 0.1 * (len(why) - best)
            text = f"claim {name_of(claim)} and volume {name_of(volume)} differ in: {', '.join(sorted(why))}"
            yield Finding(
                failure_class=_CLASS_OF[reason],
                object=workload.ref,
                score=max(0.2, base - penalty),
                detail=text,
                evidence=[*facts, Fact(source="object", statement=text)],
                against=[],
                facts={**data, "volume": volume},
            )
