"""Candidate plans come in, validated plans go out."""

from __future__ import annotations

from kfix.engine import topics
from kfix.engine.runtime.stage import Stage
from kfix.engine.runtime.worlds import Notebook
from safety.adapters.worlds import noting
from safety.ports import SafetyPorts
from safety.service.validation import examination
from safety.wiring import open_past, open_ports
from schemas import errors
from schemas.plans import CandidatePlans
from schemas.validated import ValidatedPlans

app: Stage[SafetyPorts] = Stage("safety", ports=open_ports, past=open_past)


@app.handles(topics.PLANS_CANDIDATE, writes=(topics.PLANS_VALIDATED,), timeout_s=300.0)
async def validate(candidate: CandidatePlans, ports: SafetyPorts) -> ValidatedPlans:
    """Examines every plan; what cannot be proven is not passed on as safe.

    Raises errors.Unanswered, with the verdicts as they are, when the repository or the API server could not be asked.
    """
    book = Notebook(ports.basis)
    examined = await examination(candidate, noting(ports.about(candidate.context), book))
    plans = examined.plans.model_copy(update={"world": book.world()})
    if examined.unanswered:
        raise errors.Unanswered(
            "; ".join(examined.unanswered),
            otherwise=plans,
            rounds=ports.ask_again,
        )
    return plans
