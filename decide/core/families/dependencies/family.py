"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.dependencies import causes, crowding, plans, rules
from decide.core.families.dependencies.facts import Crowded, FullDisk, WrongPort
from decide.core.families.parts import Parts, repair

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "database_port_wrong": repair(WrongPort, plans.database_port),
        "database_connections_exhausted": repair(Crowded, crowding.fewer_connections),
        "database_disk_full": repair(FullDisk, plans.grown_claim),
    },
    causes=causes.CAUSES,
)
