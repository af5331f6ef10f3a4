"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.lifecycle import causes, plans, rules
from decide.core.families.lifecycle.facts import HeldByBudget, StuckRollout
from decide.core.families.parts import Parts, repair

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "rollout_stuck": repair(StuckRollout, plans.rollout),
        "disruption_budget_blocks": repair(HeldByBudget, plans.budget),
    },
    causes=causes.CAUSES,
)
