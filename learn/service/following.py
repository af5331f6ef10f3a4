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
from learn.core.judgement import Judgement
from learn.core.lessons import lesson
from learn.ports import Followed, LearnPorts
from learn.service import coming_back
from learn.service.telling import outcome_of, remembered
from learn.service.watching import Records, known, look
from schemas import errors
from schemas.identity import attempt_of, stable_id
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Outcome
from schemas.text import again

log = structlog.get_logger(__name__)
T = TypeVar("T")


async def follow(event: MergeRequestEvent, ports: LearnPorts) -> Outcome | None:
    """What one event of a merge request changes; a closed one ends here."""
    if event.action == "deployed":
        await ports.ledger.told(event.incident_id, "live", event.occurred_at)
        return None
    if event.action in ("opened", "updated") and event.proposal is not None:
        if attempt_of(event.incident_id).revert:
            return None  # what it takes back is known of the attempt; it is no fix of its own
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
    """A merged one is watched, a closed one is an outcome; either only once it is known what was proposed.

    A revert is no fix: once merged it is looked for in the cluster, and nothing else becomes of it.
    """
    is_revert = attempt_of(followed.incident_id).revert
    if followed.state == "open" or (followed.proposal is None and not is_revert):
        return None
    if followed.state == "merged":
        await ports.ledger.schedule(followed.incident_id, merged_at=followed.changed_at)
        return None
    judgement = Judgement("rejected", (), say("learn.closed"))
    return await _ended_as(followed, judgement, ports, at=followed.changed_at)


async def check_due(ports: LearnPorts) -> Records:
    """What looks at merged changes come to, and outcomes of merge requests that nobody decided on."""
    now = ports.now()
    lease_until = now + timedelta(seconds=ports.settings.lease_s)
    due = await ports.ledger.claim(now, lease_until=lease_until, limit=ports.settings.batch)
    looks = await asyncio.gather(
        *(_alone(one.followed.incident_id, look(one, ports, now)) for one in due)
    )
    told = [record for records in looks if records is not None for record in records]
    return [*told, *await _expired(ports, now)]


async def _alone(incident_id: str, work: Awaitable[T]) -> T | None:
    """One that fails does not hold up the others: it is still due, and comes again when its lease ends."""
    try:
        return await work
    except errors.Retryable as failure:
        log.warning(
            "check.failed", incident_id=incident_id, reason=failure.reason, error=str(failure)
        )
        return None


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
    stands = await known(ports.forge.stands(asked), {}, "gitlab") if asked else {}
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
        return await _ended_as(followed, judgement, ports, at=now)
    log.info("merge_request.unheard", incident_id=followed.incident_id, state=stand.state)
    ref = followed.merge_request
    moved = await ports.ledger.moved(followed.incident_id, stand.state, stand.at, ref)
    return await _settle(moved, ports)


async def _ended_as(
    followed: Followed, judgement: Judgement, ports: LearnPorts, *, at: datetime
) -> Outcome | None:
    """The outcome of one that was not merged, remembered."""
    outcome = await outcome_of(followed, judgement, ports, at=at)
    return await remembered(outcome, followed, ports) if outcome is not None else None


async def kept(outcome: Outcome, ports: LearnPorts) -> list[Outcome]:
    """Stores an outcome. What came while it was on its way is told in new ones: feedback, and its alert."""
    await ports.ledger.keep(outcome)
    if outcome.merged_at is not None and outcome.checked_at is None:
        await ports.ledger.told(outcome.incident_id, "late", outcome.occurred_at)
    followed = await ports.ledger.find(outcome.incident_id)
    back = await coming_back.of(followed, ports) if followed is not None else None
    if back is not None:
        return [back]  # feedback is told once that is kept
    told = await _told_feedback(outcome.incident_id, ports)
    return [told] if told is not None else []


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
    # What is not live yet taught nothing of the fix, whatever people say of it.
    return told if told.is_late else await remembered(told, followed, ports)
