"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts, repair
from decide.core.families.probes import causes, plans, rules
from decide.core.families.probes.classes import MENDED
from decide.core.families.probes.facts import FailingProbe

PARTS = Parts(
    rules=(rules.find,),
    builders=dict.fromkeys(MENDED, repair(FailingProbe, plans.probe, differs=plans.differs)),
    causes=causes.CAUSES,
    declared=(causes.declared,),
)
