"""What a service mesh refuses."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of
from decide.core.families.mesh.facts import ShutOut

FAMILY = Family(
    id="mesh",
    shows_in=("pods", "services", "endpoints"),
    mistaken_for=(
        "network_policy_blocks",
        "service_selector_mismatch",
        "dns_config_broken",
        "mesh_policy_blocks",
    ),
    told_by="services",
    look_at=("mesh", "said", "object"),
)
_one = of(FAMILY, "istio.io: Security, Traffic Management; envoyproxy.io: response flags")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="mesh_policy_blocks",
        en="The mesh refuses or drops the traffic",
        fr="Le maillage refuse le trafic",
        symptoms="403 or 503 from the proxy",
        evidence="RBAC: access denied; response flags UF, UH, UO, NR; AuthorizationPolicy, PeerAuthentication STRICT, DestinationRule subset",
        evidence_fr="RBAC: access denied ; response flags UF, UH, UO, NR ; AuthorizationPolicy, PeerAuthentication STRICT, subset d'une DestinationRule",
        confounders="the callee is down",
        plans="one more rule for this caller; the subset that pods have",
        facts=ShutOut,
    ),
)
