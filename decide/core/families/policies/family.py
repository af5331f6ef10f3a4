"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts, repair
from decide.core.families.policies import causes, plans, rules
from decide.core.families.policies.facts import ClosedTraffic

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "network_policy_blocks": repair(ClosedTraffic, plans.network_policy),
    },
    causes=causes.CAUSES,
    declared=(causes.declared,),
)
