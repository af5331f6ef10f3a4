"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.mesh import plans, rules
from decide.core.families.parts import Parts

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "mesh_policy_blocks": plans.mesh,
    },
)
