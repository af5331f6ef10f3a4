"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.dependencies import plans, rules
from decide.core.families.parts import Parts

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "database_port_wrong": plans.database_port,
        "database_disk_full": plans.grown_claim,
    },
)
