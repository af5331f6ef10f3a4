"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts
from decide.core.families.performance import plans, rules

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "cpu_throttling": plans.cpu,
        "cpu_saturation": plans.cpu,
    },
)
