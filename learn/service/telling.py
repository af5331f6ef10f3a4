"""Outcomes as records, remembered as far as the memory answers."""

from __future__ import annotations

from datetime import datetime

import structlog

from kfix.incident import judgements
from learn.core.judgement import Judgement
from learn.core.lessons import lesson
from learn.ports import Followed, LearnPorts
from schemas import errors
from schemas.identity import stable_id
from schemas.outcomes import Outcome

log = structlog.get_logger(__name__)


async def outcome_of(
    followed: Followed,
    judgement: Judgement,
    ports: LearnPorts,
    *,
    at: datetime,
    merged_at: datetime | None = None,
    checked_at: datetime | None = None,
) -> Outcome | None:
    """The outcome of what was followed; ``None`` while nobody knows what was proposed.

    One event id per incident, plan and way it ended: the same merge never has two measured outcomes.
    """
    proposal = followed.proposal
    if proposal is None:
        return None
    plan, result = proposal.plan, judgement.result
    feedback = judgements.kept(await ports.ledger.feedback_of(followed.incident_id))
    ending = "measured" if checked_at is not None else "late" if merged_at is not None else result
    return Outcome(
        event_id=stable_id("out", followed.incident_id, plan.plan_id, ending),
        trace_id=followed.trace_id,
        occurred_at=at,
        incident_id=followed.incident_id,
        fingerprint=followed.fingerprint,
        result=result,
        failure_class=proposal.analysis.failure_class,
        object=proposal.analysis.object,
        plan=plan,
        merge_request=followed.merge_request,
        measurements=judgement.measurements,
        explanation=judgement.explanation,
        lesson=lesson(proposal, result, judgement.explanation, ports.language, feedback),
        feedback=feedback,
        merged_at=merged_at,
        checked_at=checked_at,
        tags=proposal.context.tags,
        cluster=proposal.context.cluster,
        environment=proposal.context.environment,
    )


async def remembered(outcome: Outcome, followed: Followed, ports: LearnPorts) -> Outcome:
    """The outcome once the memory has it. A memory that is away raises ``errors.Retryable``: nothing is told then."""
    if followed.proposal is None:
        return outcome
    try:
        await ports.memory.remember(outcome, followed.proposal)
    except errors.Permanent as failure:
        # Wrong key or index: the outcome itself must not be lost for it.
        log.error("memory.refused", reason=failure.reason, error=str(failure))
        return outcome
    return outcome.model_copy(update={"vector_db_stored": True})
