"""Claims that find no volume."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of
from decide.core.families.storage.facts import UnboundClaim

FAMILY = Family(
    id="storage",
    shows_in=("pods", "events", "nodes"),
    mistaken_for=(
        "insufficient_cpu",
        "insufficient_memory",
        "taint_not_tolerated",
        "node_cordoned",
        "node_selector_mismatch",
    ),
    told_by="events",
    look_at=("claims", "volumes", "events"),
)
_one = of(
    FAMILY,
    "k8s.io/kubernetes pkg/controller/volume/persistentvolume and pkg/scheduler/framework/plugins/volumebinding",
    facts=UnboundClaim,
)

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="pvc_storage_class_mismatch",
        en="The claim's storage class does not exist or fits no volume",
        fr="La classe de stockage du PVC n'existe pas ou ne convient à aucun volume",
        symptoms="Pending pods, a claim that is not Bound",
        evidence='storageclass.storage.k8s.io "…" not found',
        confounders="a provisioner that is slow",
        plans="the class that a free volume or the cluster has",
    ),
    _one(
        id="pvc_capacity_mismatch",
        en="No free volume is as large as the claim asks",
        fr="Aucun volume libre n'a la taille demandée",
        symptoms="Pending pods, a claim that is not Bound",
        evidence="unbound; every other attribute of a free volume fits",
        evidence_fr="PVC non lié ; un volume libre convient sur tous les autres points",
        confounders="a provisioner that is slow",
        plans="the size that a free volume has",
    ),
    _one(
        id="pvc_access_mode_mismatch",
        en="No free volume offers the claim's access mode",
        fr="Aucun volume libre n'offre le mode d'accès demandé",
        symptoms="Pending pods, a claim that is not Bound",
        evidence="unbound; every other attribute of a free volume fits",
        evidence_fr="PVC non lié ; un volume libre convient sur tous les autres points",
        confounders="a provisioner that is slow",
        plans="the mode that a free volume has",
    ),
    _one(
        id="pvc_selector_mismatch",
        en="No free volume carries the labels of the claim's selector",
        fr="Aucun volume libre ne porte les labels du sélecteur",
        symptoms="Pending pods, a claim that is not Bound",
        evidence="unbound; every other attribute of a free volume fits",
        evidence_fr="PVC non lié ; un volume libre convient sur tous les autres points",
        confounders="a provisioner that is slow",
        plans="the labels that a free volume has",
    ),
    _one(
        id="pv_bound_elsewhere",
        en="The fitting volume is bound to another claim",
        fr="Le volume adéquat est lié à un autre PVC",
        symptoms="Pending pods, a claim that is not Bound",
        evidence="spec.claimRef names another claim",
        evidence_fr="spec.claimRef désigne un autre PVC",
        confounders="a provisioner that is slow",
        plans="",
        handoff="data_loss_risk",
    ),
    _one(
        id="pvc_pending",
        en="The claim is not bound",
        fr="Le PVC n'est pas lié",
        symptoms="Pending pods, a claim that is not Bound",
        evidence="unbound immediate PersistentVolumeClaims; ProvisioningFailed",
        confounders="a provisioner that is slow",
        plans="",
        yields_to=(
            "pvc_storage_class_mismatch",
            "pvc_capacity_mismatch",
            "pvc_access_mode_mismatch",
            "pvc_selector_mismatch",
            "pv_bound_elsewhere",
        ),
    ),
)
