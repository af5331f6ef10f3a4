"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts, repair
from decide.core.families.performance import causes, claimed, plans, rules
from decide.core.families.performance.facts import ShortOfCpu

PARTS = Parts(
    rules=(rules.find, claimed.find),
    builders={
        "cpu_throttling": repair(ShortOfCpu, plans.cpu),
        "cpu_saturation": repair(ShortOfCpu, plans.cpu),
    },
    causes=causes.CAUSES,
)
