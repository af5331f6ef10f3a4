"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.devices import causes, plans, rules
from decide.core.families.devices.facts import AbsentDevice
from decide.core.families.parts import Parts, repair

PARTS = Parts(
    rules=(rules.find,),
    builders={"device_claim_missing": repair(AbsentDevice, plans.claim)},
    causes=causes.CAUSES,
)
