"""Follows merge requests to their outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from kfix.incident import judgements
from kfix.incident.forge.port import Stand
from kfix.texts import say
from learn.core.judgement import Judgement, WorkloadState, judge
from learn.core.lessons import lesson
from learn.ports import DueCheck, Followed, LearnPorts
from schemas import errors
from schemas.context import OutcomeResult
from schemas.identity import stable_id
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Outcome
from schemas.text import again

log = structlog.get_logger(__name__)
T = TypeVar("T")
#: Seconds a measurement may take before it counts as unknown.
_DEADLINE_S = 30.0


async def follow(event: MergeRequestEvent, ports: LearnPorts) -> Outcome | None:
    """What one event of a merge request changes; a closed one ends here."""
    if event.action in ("opened", "updated") and event.proposal is not None:
        followed = await ports.ledger.opened(_of(event))
        return await _settle(followed, ports)
    if event.action in ("merged", "closed", "reopened"):
        state = {"merged": "merged", "closed": "closed", "reopened": "open"}[event.action]
        at = event.merged_at or event.occurred_at
        followed = await ports.ledger.moved(event.incident_id, state, at, event.merge_request)  # type: ignore[arg-type]
        return await _settle(followed, ports)
    # A comment with a judgement is a wish; publish makes it feedback once it knows that its author may judge.
    if event.feedback is not None and event.action == "feedback":
        return await _take_feedback(event, ports)
    return None


def _of(event: MergeRequestEvent) -> Followed:
    return Followed(
        incident_id=event.incident_id,
        fingerprint=event.fingerprint,
        trace_id=event.trace_id,
        state="open",
        changed_at=event.occurred_at,
        merge_request=event.merge_request,
        proposal=event.proposal,
    )


async def _settle(followed: Followed, ports: LearnPorts) -> Outcome | None:
    """A merged one is checked later, a closed one is an outcome; either only once it is known what was proposed."""
    if followed.proposal is None or followed.state == "open":
        return None
    if followed.state == "merged":
        due_at = followed.changed_at + timedelta(seconds=ports.settings.check_after_s)
        await ports.ledger.schedule(
            followed.incident_id, merged_at=followed.changed_at, due_at=due_at
        )
        return None
    judgement = Judgement("rejected", (), say("learn.closed"))
    return await _outcome(followed, judgement, ports, at=followed.changed_at)


async def check_due(ports: LearnPorts) -> list[Outcome]:
    """Outcomes of the checks that are due, and of merge requests that nobody decided on."""
    now = ports.now()
    lease_until = now + timedelta(seconds=ports.settings.lease_s)
    due = await ports.ledger.claim(now, lease_until=lease_until, limit=ports.settings.batch)
    checked = await asyncio.gather(
        *(_alone(item.followed.incident_id, _check(item, ports, now)) for item in due)
    )
    expired = await _expired(ports, now)
    return [outcome for outcome in checked if outcome is not None] + expired


async def _alone(incident_id: str, work: Awaitable[Outcome | None]) -> Outcome | None:
    """One that fails does not hold up the others: it is still due, and comes again when its lease ends."""
    try:
        return await work
    except errors.Retryable as failure:
        log.warning(
            "check.failed", incident_id=incident_id, reason=failure.reason, error=str(failure)
        )
        return None


async def _check(due: DueCheck, ports: LearnPorts, now: datetime) -> Outcome | None:
    followed = due.followed
    proposal = followed.proposal
    if proposal is None:
        return None
    state = await _known(ports.cluster.state(proposal, due.merged_at), WorkloadState(), "cluster")
    after = await _known(ports.signals.measure(proposal, due.merged_at, now), {}, "signals")
    judgement = judge(proposal.analysis.failure_class, state, proposal.context.baseline, after)
    if judgement.unsettled and due.tries < ports.settings.tries:
        later = now + timedelta(seconds=ports.settings.retry_after_s)
        await ports.ledger.postpone(followed.incident_id, due_at=later)
        return None
    return await _outcome(followed, judgement, ports, at=now, merged_at=due.merged_at)


async def _known(question: Awaitable[T], otherwise: T, source: str) -> T:
    """The answer; ``otherwise`` when the source failed: the outcome then says that it is unknown."""
    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await question
    except TimeoutError:
        log.warning("measurement.missing", source=source, reason="timed_out")
    except errors.KFixError as failure:
        log.warning("measurement.missing", source=source, reason=failure.reason)
    return otherwise


async def _expired(ports: LearnPorts, now: datetime) -> list[Outcome]:
    """Outcomes of merge requests that the forge says are still open after all that time.

    Nothing expires on our silence alone: a webhook may be lost. What the forge does not tell is asked again later.
    """
    settings = ports.settings
    found = await ports.ledger.stale(
        now - timedelta(days=settings.expiry_days),
        now=now,
        asked_before=now - timedelta(seconds=settings.ask_again_s),
        limit=settings.batch,
    )
    asked = [followed.merge_request for followed in found if followed.merge_request is not None]
    stands = await _known(ports.forge.stands(asked), {}, "gitlab") if asked else {}
    outcomes = [
        await _alone(followed.incident_id, _ended(followed, stand, ports, now))
        for followed in found
        if (ref := followed.merge_request) is not None
        and (stand := stands.get((ref.project, ref.iid))) is not None
    ]
    return [outcome for outcome in outcomes if outcome is not None]


async def _ended(
    followed: Followed, stand: Stand, ports: LearnPorts, now: datetime
) -> Outcome | None:
    """What the forge says of one that nothing was heard of."""
    if stand.state == "open":
        judgement = Judgement("expired", (), say("learn.undecided"))
        return await _outcome(followed, judgement, ports, at=now)
    log.info("merge_request.unheard", incident_id=followed.incident_id, state=stand.state)
    ref = followed.merge_request
    moved = await ports.ledger.moved(followed.incident_id, stand.state, stand.at, ref)
    return await _settle(moved, ports)


async def _outcome(
    followed: Followed,
    judgement: Judgement,
    ports: LearnPorts,
    *,
    at: datetime,
    merged_at: datetime | None = None,
) -> Outcome | None:
    """The outcome, remembered as far as the memory answers. One event id per incident, plan and way it ended."""
    proposal = followed.proposal
    if proposal is None:
        return None
    plan, result = proposal.plan, judgement.result
    feedback = judgements.kept(await ports.ledger.feedback_of(followed.incident_id))
    outcome = Outcome(
        event_id=stable_id("out", followed.incident_id, plan.plan_id, _ending(result)),
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
        checked_at=at if merged_at is not None else None,
        tags=proposal.context.tags,
        cluster=proposal.context.cluster,
        environment=proposal.context.environment,
    )
    return await _remembered(outcome, followed, ports)


def _ending(result: OutcomeResult) -> str:
    """Measured results are one ending: the same merge never has two outcomes."""
    return "measured" if result in ("success", "partial", "failure") else result


async def _remembered(outcome: Outcome, followed: Followed, ports: LearnPorts) -> Outcome:
    if followed.proposal is None:
        return outcome
    try:
        await ports.memory.remember(outcome, followed.proposal)
    except errors.Permanent as failure:
        # Wrong key or index: the outcome itself must not be lost for it.
        log.error("memory.refused", reason=failure.reason, error=str(failure))
        return outcome
    return outcome.model_copy(update={"vector_db_stored": True})


async def kept(outcome: Outcome, ports: LearnPorts) -> Outcome | None:
    """Stores an outcome. Feedback that came while it was on its way is told in a new one."""
    await ports.ledger.keep(outcome)
    return await _told_feedback(outcome.incident_id, ports)


async def _take_feedback(event: MergeRequestEvent, ports: LearnPorts) -> Outcome | None:
    assert event.feedback is not None
    await ports.ledger.add_feedback(
        event.event_id, event.incident_id, event.feedback, event.occurred_at
    )
    return await _told_feedback(event.incident_id, ports)


async def _told_feedback(incident_id: str, ports: LearnPorts) -> Outcome | None:
    """The stored outcome with all feedback; ``None`` when there is no outcome yet or it has all."""
    known = await ports.ledger.outcome_of(incident_id)
    followed = await ports.ledger.find(incident_id)
    if known is None or followed is None or followed.proposal is None:
        return None  # it is told with the outcome, when there is one
    said = await ports.ledger.feedback_of(incident_id)
    feedback = judgements.kept(said)
    if feedback == known.feedback:
        return None
    plan_id = known.plan.plan_id if known.plan is not None else ""
    why = again(known.explanation, known.explanation_text)
    told = known.model_copy(
        update={
            "event_id": stable_id("out", incident_id, plan_id, "feedback", len(said)),
            "occurred_at": max(ports.now(), known.occurred_at),
            "feedback": feedback,
            "lesson": lesson(followed.proposal, known.result, why, ports.language, feedback),
        }
    )
    return await _remembered(told, followed, ports)
