"""Claims that find no volume: which attribute keeps every volume away. A replay of the volume binder.

Source: k8s.io/kubernetes pkg/controller/volume/persistentvolume (index.go, findMatchingVolume).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from decide.core.families.scheduling.rules import unscheduled
from decide.core.families.storage.facts import UnboundClaim
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView, Event
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.meta import labels_of, name_of
from manifests.objects.selectors import selects, stated
from manifests.objects.shapes import Obj, at, items, mapping
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef

_CLASS_OF = {
    "class": "pvc_storage_class_mismatch",
    "capacity": "pvc_capacity_mismatch",
    "mode": "pvc_access_mode_mismatch",
    "selector": "pvc_selector_mismatch",
    "bound": "pv_bound_elsewhere",
}


#: What people call an obstacle.
_ATTRIBUTES = {
    "class": say("storage.attribute.class"),
    "capacity": say("storage.attribute.capacity"),
    "mode": say("storage.attribute.mode"),
    "selector": say("storage.attribute.selector"),
    "bound": say("storage.attribute.bound"),
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


def find(view: ClusterView) -> Iterator[Finding[UnboundClaim]]:
    """Findings about unbound claims, at the workload that waits for them."""
    for workload in view.workloads:
        waiting = bool(unscheduled(view, workload))
        for name in claims_of(workload):
            claim = view.get("persistentvolumeclaims", workload.namespace, name)
            if claim is not None and at(claim, "status", "phase") not in ("Bound", None):
                yield from _unbound(view, workload, claim, waiting)


def _unbound(
    view: ClusterView, workload: Workload, claim: Obj, waiting: bool
) -> Iterator[Finding[UnboundClaim]]:
    found = _Unbound(
        view=view,
        workload=workload,
        claim=claim,
        events=view.events_of("PersistentVolumeClaim", workload.namespace, name_of(claim)),
        belief=0.95 if waiting else 0.7,
    )
    if found.class_is_missing():
        detail = say("storage.no_class", storage_class=found.wanted, claim=name_of(claim))
        free = [v for v in view.all("persistentvolumes") if obstacles(claim, v) == {"class"}]
        yield found.of(
            "pvc_storage_class_mismatch", found.belief, detail, volume=free[0] if free else None
        )
    elif found.provisioner_failed():
        yield found.of("pvc_pending", found.belief - 0.1, quote(found.events[-1].message))
    else:
        yield from _nearest(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unbound:
    """A claim without a volume, and what is known of it."""

    view: ClusterView
    workload: Workload
    claim: Obj
    events: list[Event]
    #: The score of a cause that explains it whole.
    belief: float

    @property
    def wanted(self) -> str:
        """Its storage class; empty where it names none."""
        return str(at(self.claim, "spec", "storageClassName") or "")

    def class_is_missing(self) -> bool:
        """Nobody declares its storage class."""
        classes = {name_of(c) for c in self.view.all("storageclasses")}
        known = self.view.collected("storageclasses")
        return bool(self.wanted and known and self.wanted not in classes) or any(
            "storageclass" in e.message and "not found" in e.message for e in self.events
        )

    def provisioner_failed(self) -> bool:
        """A provisioner makes volumes of this class, and could not."""
        makers = [
            c.get("provisioner")
            for c in self.view.all("storageclasses")
            if name_of(c) == self.wanted
        ]
        failed = any(e.reason == "ProvisioningFailed" for e in self.events)
        return bool(makers) and _NO_PROVISIONER not in makers and failed

    def of(
        self, class_id: str, score: float, detail: str, *more: Fact, volume: Obj | None = None
    ) -> Finding[UnboundClaim]:
        """A finding with the claim's own evidence before ``more``."""
        return Finding(
            failure_class=class_id,
            object=self.workload.ref,
            score=score,
            detail=detail,
            evidence=[*self._evidence(), *more],
            facts=UnboundClaim(workload=self.workload, claim=self.claim, volume=volume),
        )

    def _evidence(self) -> list[Fact]:
        name = name_of(self.claim)
        ref = ObjectRef(
            api_version="v1",
            kind="PersistentVolumeClaim",
            namespace=self.workload.namespace,
            name=name,
        )
        phase = str(at(self.claim, "status", "phase"))
        told = say("storage.phase", claim=name, phase=phase)
        return [
            Fact(source="object", statement=told, object=ref),
            *(
                Fact(source="event", statement=quote(e.message), object=ref)
                for e in self.events[-1:]
                if e.warning
            ),
        ]


def _nearest(found: _Unbound) -> Iterator[Finding[UnboundClaim]]:
    """The volume with the fewest obstacles tells what is wrong with the claim."""
    name = name_of(found.claim)
    judged = [(obstacles(found.claim, v), v) for v in found.view.all("persistentvolumes")]
    judged = [
        (why, v)
        for why, v in judged
        if why and (at(v, "status", "phase") != "Bound" or "bound" in why)
    ]
    # A volume that serves somebody else's claim is an obstacle only when nothing else speaks against it.
    ranked = sorted(judged, key=lambda pair: (len(pair[0]), "bound" in pair[0], name_of(pair[1])))
    if not ranked:
        yield found.of("pvc_pending", found.belief - 0.15, say("storage.no_volume", claim=name))
        return
    seen: set[str] = set()
    best = len(ranked[0][0])
    for why, volume in ranked[:6]:
        text = say(
            "storage.differ",
            claim=name,
            volume=name_of(volume),
            attributes=[_ATTRIBUTES[reason] for reason in sorted(why)],
        )
        penalty = 0.12 * (len(why) - 1) + 0.1 * (len(why) - best)
        score = max(0.2, found.belief - penalty)
        for reason in sorted(why, key=lambda r: (r == "bound", r)):
            class_id = _CLASS_OF[reason]
            if class_id not in seen:
                seen.add(class_id)
                fact = Fact(source="object", statement=text)
                yield found.of(class_id, score, text, fact, volume=volume)
