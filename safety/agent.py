"""Candidate plans come in, validated plans go out."""

from __future__ import annotations

from kfix.engine import topics
from kfix.engine.runtime.stage import Stage
from safety.service.examination import Examiner
from safety.wiring import open_ports
from schemas import errors
from schemas.plans import CandidatePlans
from schemas.validated import ValidatedPlans

app: Stage[Examiner] = Stage("safety", ports=open_ports)


@app.handles(topics.PLANS_CANDIDATE, writes=(topics.PLANS_VALIDATED,), timeout_s=300.0)
async def validate(candidate: CandidatePlans, examiner: Examiner) -> ValidatedPlans:
    """Examines every plan; what cannot be proven is not passed on as safe.

    Raises errors.Unanswered, with the verdicts as they are, when the repository or the API server could not be asked.
    """
    examined = await examiner.examination(candidate)
    if examined.unanswered:
        raise errors.Unanswered(
            "; ".join(examined.unanswered),
            otherwise=examined.plans,
            rounds=examiner.ask_again,
        )
    return examined.plans
