"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts, repair
from decide.core.families.strain import causes, plans, rules
from decide.core.families.strain.facts import Strained

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "heap_exhausted": repair(Strained, plans.heap),
        "connection_pool_exhausted": repair(Strained, plans.pool),
    },
    causes=causes.CAUSES,
)
