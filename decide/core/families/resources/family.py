"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts, repair
from decide.core.families.resources import causes, plans, rules
from decide.core.families.resources.facts import EvictedPod, KilledContainer

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "oom_killed": repair(KilledContainer, plans.memory),
        "ephemeral_storage_exceeded": repair(EvictedPod, plans.disk),
    },
    causes=causes.CAUSES,
    declared=(causes.declared,),
)
