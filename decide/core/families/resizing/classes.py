"""Pods whose size was changed in place, and that do not get it."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of

FAMILY = Family(
    id="resizing",
    shows_in=("pods", "nodes"),
    mistaken_for=("oom_killed", "cpu_throttling", "insufficient_memory", "node_pressure"),
    told_by="pods",
    look_at=("pod", "room", "events"),
)
_one = of(FAMILY, "kubernetes.io: Resize CPU and Memory Resources assigned to Containers; KEP-1287")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="pod_resize_pending",
        en="The pod was resized in place and its node does not give it the new size",
        fr="Le pod a été redimensionné sur place et son nœud ne lui donne pas la nouvelle taille",
        symptoms="the container runs on with its old limits, and is killed or throttled by them",
        evidence="PodResizePending: Infeasible or Deferred; PodResizeInProgress: Error; allocated resources differ from the spec",
        evidence_fr="PodResizePending: Infeasible ou Deferred ; PodResizeInProgress: Error ; ressources allouées différentes du spec",
        confounders="a resize that is under way",
        plans="",
        handoff="capacity",
    ),
)
