"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts
from decide.core.families.regressions import plans, rules

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "noisy_neighbour": plans.neighbour,
        "load_surge": plans.surge,
    },
)
