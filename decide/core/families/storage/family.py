"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts
from decide.core.families.storage import plans, rules

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "pvc_storage_class_mismatch": plans.claim,
        "pvc_capacity_mismatch": plans.claim,
        "pvc_access_mode_mismatch": plans.claim,
        "pvc_selector_mismatch": plans.claim,
    },
)
