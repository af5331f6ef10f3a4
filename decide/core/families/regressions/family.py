"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts, repair
from decide.core.families.regressions import causes, plans, rules
from decide.core.families.regressions.facts import GreedyNeighbour, Overrun

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "noisy_neighbour": repair(GreedyNeighbour, plans.neighbour),
        "load_surge": repair(Overrun, plans.surge),
    },
    causes=causes.CAUSES,
)
