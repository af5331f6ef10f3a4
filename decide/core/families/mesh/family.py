"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.mesh import causes, plans, rules
from decide.core.families.mesh.facts import ShutOut
from decide.core.families.parts import Parts, repair

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "mesh_policy_blocks": repair(ShutOut, plans.mesh),
    },
    causes=causes.CAUSES,
)
