"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts
from decide.core.families.strain import plans, rules

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "heap_exhausted": plans.heap,
        "connection_pool_exhausted": plans.pool,
    },
)
