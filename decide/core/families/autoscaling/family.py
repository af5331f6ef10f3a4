"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.autoscaling import plans, rules
from decide.core.families.parts import Parts

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "autoscaler_at_ceiling": plans.ceiling,
        "autoscaler_without_metrics": plans.blind_scaler,
        "autoscaler_target_missing": plans.scaler_target,
        "autoscaler_conflict": plans.conflict,
    },
    differs={"autoscaler_without_metrics": plans.requests_differ},
)
