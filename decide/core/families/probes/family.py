"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts, repair
from decide.core.families.probes import plans, rules
from decide.core.families.probes.classes import CLASSES, UNWELL
from decide.core.families.probes.facts import FailingProbe

_MENDED = tuple(entry.id for entry in CLASSES if entry is not UNWELL)

PARTS = Parts(
    rules=(rules.find,),
    builders=dict.fromkeys(_MENDED, repair(FailingProbe, plans.probe, differs=plans.differs)),
)
