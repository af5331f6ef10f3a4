"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.autoscaling import causes, plans, rules
from decide.core.families.autoscaling.facts import BlindScaler, FoughtOver, FullScaler, LostScaler
from decide.core.families.parts import Parts, repair

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "autoscaler_at_ceiling": repair(FullScaler, plans.ceiling),
        "autoscaler_without_metrics": repair(
            BlindScaler, plans.blind_scaler, differs=plans.requests_differ
        ),
        "autoscaler_target_missing": repair(LostScaler, plans.scaler_target),
        "autoscaler_conflict": repair(FoughtOver, plans.conflict),
    },
    causes=causes.CAUSES,
)
