"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.facts import Facts
from decide.core.families.parts import Parts, repair
from decide.core.families.platforms import causes, plans, rules

PARTS = Parts(
    rules=(rules.find,),
    builders={"pod_os_mismatch": repair(Facts, plans.system)},
    causes=causes.CAUSES,
)
