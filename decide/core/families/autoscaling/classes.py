"""Autoscalers."""

from __future__ import annotations

from decide.core.families.autoscaling.facts import BlindScaler, FoughtOver, FullScaler, LostScaler
from decide.core.families.entry import FailureClass, Family, of

FAMILY = Family(
    id="autoscaling",
    shows_in=("pods", "events"),
    mistaken_for=("oom_killed", "cpu_throttling", "load_surge", "node_pressure"),
    look_at=("object", "usage", "pods"),
)
_one = of(FAMILY, "kubernetes.io: Horizontal Pod Autoscaling; pkg/controller/podautoscaler")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="autoscaler_at_ceiling",
        en="The autoscaler has reached its maximum and load still exceeds the target",
        fr="L'autoscaler est à son maximum et la charge dépasse encore la cible",
        symptoms="latency up, CPU above target",
        evidence="HPA condition ScalingLimited True, reason TooManyReplicas; currentReplicas = maxReplicas; metric above target",
        evidence_fr="condition ScalingLimited True du HPA, raison TooManyReplicas ; currentReplicas = maxReplicas ; métrique au-dessus de la cible",
        confounders="maxReplicas equal to minReplicas on purpose",
        plans="raise maxReplicas; larger requests",
        severity="medium",
        mistaken_for=("load_surge", "cpu_throttling", "autoscaler_conflict"),
        facts=FullScaler,
    ),
    _one(
        id="autoscaler_without_metrics",
        en="The autoscaler cannot read its metric",
        fr="L'autoscaler ne peut pas lire sa métrique",
        symptoms="replicas stay while load changes",
        evidence="HPA condition ScalingActive False; FailedGetResourceMetric; missing request for cpu",
        evidence_fr="condition ScalingActive False du HPA ; FailedGetResourceMetric ; missing request for cpu",
        confounders="pods that just started",
        plans="add the missing request from usage",
        severity="medium",
        facts=BlindScaler,
    ),
    _one(
        id="autoscaler_target_missing",
        en="The autoscaler's target does not exist",
        fr="La cible de l'autoscaler n'existe pas",
        symptoms="replicas stay while load changes",
        evidence="HPA condition AbleToScale False, reason FailedGetScale",
        evidence_fr="condition AbleToScale False du HPA, raison FailedGetScale",
        confounders="a target that is being created",
        plans="the workload of the nearest name",
        severity="medium",
        facts=LostScaler,
        look_at=("object", "controllers"),
    ),
    _one(
        id="autoscaler_conflict",
        en="Two controllers fight over the same pods' size or number",
        fr="Deux contrôleurs se disputent la taille ou le nombre des mêmes pods",
        symptoms="replicas or requests swing, pods are evicted again and again",
        evidence="a VerticalPodAutoscaler in mode Auto and an HPA on the same resource; two HPAs on one target; AmbiguousSelector",
        evidence_fr="un VerticalPodAutoscaler en mode Auto et un HPA sur la même ressource ; deux HPA sur une même cible ; AmbiguousSelector",
        confounders="a recommender alone (updateMode Off)",
        plans="the VPA recommends only (updateMode Off)",
        severity="medium",
        facts=FoughtOver,
    ),
)
