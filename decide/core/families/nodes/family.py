"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.nodes import causes, kernel, memory, plans, rules
from decide.core.families.nodes.facts import UnknownScheduler
from decide.core.families.parts import Parts, repair

PARTS = Parts(
    rules=(rules.find, kernel.find, memory.find),
    builders={
        "scheduler_unknown": repair(UnknownScheduler, plans.scheduler),
    },
    causes=causes.CAUSES,
)
