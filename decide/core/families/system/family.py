"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts, repair
from decide.core.families.system import causes, plans, rules
from decide.core.families.system.facts import SilentDns

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "cluster_dns_down": repair(SilentDns, plans.names),
    },
    causes=causes.CAUSES,
)
