"""Pods that are to go and stay."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of

FAMILY = Family(
    id="leaving",
    shows_in=("pods", "nodes"),
    mistaken_for=("finalizer_stuck", "node_not_ready", "volume_multi_attach", "rollout_stuck"),
    told_by="pods",
    look_at=("pod", "node", "on_node"),
)
_one = of(FAMILY, "kubernetes.io: Pod Lifecycle, Non-Graceful Node Shutdown")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="pod_stuck_terminating",
        en="A pod is to go and its node does not end it",
        fr="Un pod doit disparaître et son nœud ne le termine pas",
        symptoms="a pod stays Terminating; a StatefulSet does not replace it; its volume stays attached",
        evidence="deletionTimestamp long past, no finalizer, node not ready or gone",
        evidence_fr="deletionTimestamp dépassé de longue date, aucun finalizer, nœud non prêt ou disparu",
        confounders="a long grace period",
        plans="",
        handoff="data_loss_risk",
    ),
)
