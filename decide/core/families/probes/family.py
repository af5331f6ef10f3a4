"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts
from decide.core.families.probes import plans, rules
from decide.core.families.probes.classes import CLASSES

_ALL = tuple(entry.id for entry in CLASSES)

PARTS = Parts(
    rules=(rules.find,),
    builders=dict.fromkeys(_ALL, plans.probe),
    differs=dict.fromkeys(_ALL, plans.differs),
)
