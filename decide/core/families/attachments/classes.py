"""Volumes that do not reach the node of their pod."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of

FAMILY = Family(
    id="attachments",
    shows_in=("pods", "events", "nodes"),
    mistaken_for=("volume_mount_failed", "volume_multi_attach", "node_not_ready", "pvc_pending"),
    told_by="pods",
    look_at=("attachments", "claims", "node", "events"),
)
_one = of(FAMILY, "k8s.io/api storage/v1 VolumeAttachment, CSINode; kubernetes-csi.github.io")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="volume_attach_failed",
        en="The storage driver cannot attach the volume to the node",
        fr="Le pilote de stockage ne peut pas attacher le volume au nœud",
        symptoms="pods stay in ContainerCreating",
        evidence="VolumeAttachment with status.attached false and status.attachError",
        evidence_fr="VolumeAttachment avec status.attached à false et status.attachError",
        confounders="a volume that another node still holds",
        plans="",
        yields_to=("volume_multi_attach",),
    ),
    _one(
        id="csi_driver_missing",
        en="The node does not run the storage driver of the volume",
        fr="Le pilote de stockage du volume ne tourne pas sur le nœud",
        symptoms="pods stay in ContainerCreating",
        evidence="the node's CSINode does not list the driver; driver name … not found in the list of registered CSI drivers",
        evidence_fr="le CSINode du nœud ne liste pas le pilote ; driver name … not found in the list of registered CSI drivers",
        confounders="a node that has just joined",
        plans="",
    ),
)
