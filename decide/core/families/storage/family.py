"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts, repair
from decide.core.families.storage import causes, plans, rules
from decide.core.families.storage.facts import UnboundClaim

_CLAIM = repair(UnboundClaim, plans.claim)

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "pvc_storage_class_mismatch": _CLAIM,
        "pvc_capacity_mismatch": _CLAIM,
        "pvc_access_mode_mismatch": _CLAIM,
        "pvc_selector_mismatch": _CLAIM,
    },
    causes=causes.CAUSES,
)
