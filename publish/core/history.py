"""How fixes ended, as learn tells it in ``outcomes``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kfix.incident.fix_record import result_with_feedback
from schemas.context import OutcomeResult
from schemas.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Fix:
    """One fix and its end; people's newest judgement is in ``result`` already."""

    failure_class: str
    workload_kind: str
    fix_kind: str
    result: OutcomeResult
    at: datetime
    #: The merge request that takes it back was merged.
    taken_back: bool = False

    @property
    def counted(self) -> OutcomeResult:
        """The result that counts: what people took back did not hold."""
        return "failure" if self.taken_back else self.result


def fix_of(outcome: Outcome) -> Fix | None:
    """The fix that an outcome tells of; ``None`` for one without a plan, and for a change that is not live yet."""
    plan = outcome.plan
    if plan is None or outcome.is_late:
        return None
    result = result_with_feedback(outcome.result, outcome.feedback)
    return Fix(
        outcome.failure_class, plan.workload_kind, plan.fix_kind, result, outcome.occurred_at
    )
