"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts, repair
from decide.core.families.probes import plans, rules
from decide.core.families.probes.classes import CLASSES
from decide.core.families.probes.facts import FailingProbe

_ALL = tuple(entry.id for entry in CLASSES)

PARTS = Parts(
    rules=(rules.find,),
    builders=dict.fromkeys(_ALL, repair(FailingProbe, plans.probe, differs=plans.differs)),
)
