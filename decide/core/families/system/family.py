"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts
from decide.core.families.system import plans, rules

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "cluster_dns_down": plans.names,
    },
)
