"""The cluster's own components."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of
from decide.core.families.system.facts import SilentDns

FAMILY = Family(
    id="system",
    shows_in=("pods", "services", "endpoints"),
    mistaken_for=(
        "network_policy_blocks",
        "service_selector_mismatch",
        "dns_config_broken",
        "mesh_policy_blocks",
    ),
    told_by="services",
    look_at=("system", "dns", "nodes"),
)
_one = of(FAMILY, "kubernetes.io: DNS for Services and Pods")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="cluster_dns_down",
        en="The cluster's DNS does not answer",
        fr="Le DNS du cluster ne répond pas",
        symptoms="no name resolves anywhere",
        evidence="DNS pods not ready, no endpoints, or every workload fails to resolve",
        evidence_fr="pods DNS non prêts, aucun endpoint, ou échec de résolution pour toutes les applications",
        confounders="one workload's DNS settings",
        plans="the replicas of the DNS",
        severity="critical",
        everybodys=True,
        facts=SilentDns,
    ),
    _one(
        id="controller_manager_unavailable",
        en="The controllers do not act on changes",
        fr="Les contrôleurs n'appliquent plus les changements",
        symptoms="changes have no effect",
        evidence="metadata.generation ahead of status.observedGeneration for a long time",
        evidence_fr="metadata.generation en avance sur status.observedGeneration depuis longtemps",
        confounders="a change of this second",
        plans="",
        source="kubernetes.io: Nodes; kubelet pkg/kubelet/nodestatus",
        severity="critical",
        mistaken_for=(
            "node_kubelet_unavailable",
            "node_runtime_unavailable",
            "node_pressure",
            "node_network_delay",
        ),
        shows_in=("nodes",),
        told_by="nodes",
        at_node=True,
        look_at=("system", "nodes"),
    ),
)
