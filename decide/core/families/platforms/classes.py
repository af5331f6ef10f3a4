"""Pods on nodes of another operating system."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of

FAMILY = Family(
    id="platforms",
    shows_in=("pods", "events", "nodes"),
    mistaken_for=("image_platform_mismatch", "node_selector_mismatch", "image_not_found"),
    told_by="pods",
    look_at=("pod", "node_labels", "events"),
)
_one = of(
    FAMILY, "kubernetes.io: Windows in Kubernetes, spec.os; pkg/kubelet/lifecycle/predicate.go"
)

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="pod_os_mismatch",
        en="The pods are put on nodes of another operating system than they are for",
        fr="Les pods sont placés sur des nœuds d'un autre système que le leur",
        symptoms="pods fail as soon as they are bound, again and again",
        evidence="PodOSNotSupported; PodOSSelectorNodeLabelDoesNotMatch",
        confounders="an image that is built for another platform",
        plans="the node selector kubernetes.io/os, where a node of that system is ready",
        drift_places=("nodeSelector",),
    ),
)
