"""Policies that stop traffic."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of
from decide.core.families.policies.facts import ClosedTraffic

FAMILY = Family(
    id="policies",
    shows_in=("pods", "services", "endpoints"),
    mistaken_for=(
        "network_policy_blocks",
        "service_selector_mismatch",
        "dns_config_broken",
        "mesh_policy_blocks",
    ),
    told_by="services",
    look_at=("policies", "labels", "object"),
)
_one = of(FAMILY, "kubernetes.io: Network Policies")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="network_policy_blocks",
        others_own=True,
        en="A NetworkPolicy blocks the traffic",
        fr="Une NetworkPolicy bloque le trafic",
        symptoms="time-outs (no refusals) between workloads that are well",
        evidence="a policy selects the caller or the callee and allows neither peer nor port; DNS closed by an egress policy",
        evidence_fr="une NetworkPolicy sélectionne l'appelant ou l'appelé et n'autorise ni le pair ni le port ; DNS fermé par une règle de sortie",
        confounders="slow callee; node network",
        plans="one more rule that allows exactly this caller and port",
        mistaken_for=("dependency_unavailable", "mesh_policy_blocks", "dns_config_broken"),
        facts=ClosedTraffic,
    ),
)
