"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts
from decide.core.families.policies import plans, rules

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "network_policy_blocks": plans.network_policy,
    },
)
