"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.lifecycle import plans, rules
from decide.core.families.parts import Parts

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "rollout_stuck": plans.rollout,
        "disruption_budget_blocks": plans.budget,
    },
)
