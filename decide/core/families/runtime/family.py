"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.facts import Facts
from decide.core.families.parts import Parts, repair
from decide.core.families.runtime import causes, locks, plans, readonly, rules, settings
from decide.core.families.runtime.facts import (
    HeldLock,
    ScaledToZero,
    StoppedProgram,
    UnsetVariable,
)

PARTS = Parts(
    rules=(rules.find, locks.find),
    builders={
        "volume_permission_denied": repair(StoppedProgram, plans.volume_owner),
        "file_permission_denied": repair(Facts, readonly.scratch),
        "file_lock_held": repair(HeldLock, locks.released),
        "missing_env": repair(UnsetVariable, plans.variable),
        "sidecar_port_conflict": repair(StoppedProgram, plans.port_conflict),
        "crash_bad_config": repair(Facts, settings.mended),
        "zero_replicas": repair(ScaledToZero, plans.replicas),
    },
    causes=causes.CAUSES,
)
