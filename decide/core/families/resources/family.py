"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts
from decide.core.families.resources import plans, rules

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "oom_killed": plans.memory,
        "ephemeral_storage_exceeded": plans.disk,
    },
)
