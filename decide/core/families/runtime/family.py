"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts
from decide.core.families.runtime import plans, rules

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "volume_permission_denied": plans.volume_owner,
        "missing_env": plans.variable,
        "sidecar_port_conflict": plans.port_conflict,
        "zero_replicas": plans.replicas,
    },
)
