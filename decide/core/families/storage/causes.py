"""What keeps a claim without a volume."""

from __future__ import annotations

from decide.core.families.parts import Cause, cause
from decide.core.families.storage.facts import UnboundClaim
from decide.core.families.storage.rules import claims_of, obstacles
from decide.core.findings import Finding
from decide.core.proof.asking import not_there, subject
from decide.core.proof.counterfactual import seen
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of
from manifests.objects.shapes import Obj, at
from manifests.objects.workloads import Workload


def claim(finding: Finding[UnboundClaim], view: ClusterView) -> Standing:
    """Whether every claim that the pods mount has a volume, or one that is free and fits."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    named = claims_of(Workload(workload.kind, workload.obj)) or claims_of(workload)
    for name in named:
        found = view.get("persistentvolumeclaims", workload.namespace, name)
        if found is None:
            return stands(say("proof.absent", object=f"PersistentVolumeClaim/{name}"))
        if at(found, "status", "phase") == "Bound":
            continue
        told = _unbound(view, workload, found)
        if told.answer != "no":
            return told
    return gone(say("proof.claims_there", workload=workload.name))


def _unbound(view: ClusterView, workload: Workload, found: Obj) -> Standing:
    name = name_of(found)
    free = [v for v in view.all("persistentvolumes") if not obstacles(found, v)]
    free = [v for v in free if at(v, "status", "phase") in ("Available", None)]
    was = seen(view).get("persistentvolumeclaims", workload.namespace, name)
    changed = was is not None and at(was, "spec") != at(found, "spec")
    if changed:
        return untold(say("proof.claim.immutable", claim=name))
    if free:
        return gone(say("proof.claim.fits", claim=name, volume=name_of(free[0])))
    wanted = at(found, "spec", "storageClassName")
    makers = [c for c in view.all("storageclasses") if name_of(c) == wanted]
    if any(c.get("provisioner") != "kubernetes.io/no-provisioner" for c in makers):
        return untold(say("proof.claim.provisioned", claim=name, storage_class=str(wanted)))
    return stands(say("proof.claim.none_fits", claim=name))


_CLAIM = cause(UnboundClaim, claim, certain=True)
#: By id of the class.
CAUSES: dict[str, Cause] = {
    "pvc_storage_class_mismatch": _CLAIM,
    "pvc_capacity_mismatch": _CLAIM,
    "pvc_access_mode_mismatch": _CLAIM,
    "pvc_selector_mismatch": _CLAIM,
}
