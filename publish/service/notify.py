"""Tells people and the pipeline. A chat that fails is written down as not sent; it holds up and doubles nothing."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from kfix.incident.redaction import mask
from publish.core import notes
from publish.core.decision import TrackedMergeRequest
from publish.core.done import Done
from publish.core.notice import Notice
from publish.core.said import PublishedWords
from publish.ports import ChatChannel, PublishPorts
from schemas import errors
from schemas.identity import stable_id
from schemas.merge_requests import (
    MergeRequestAction,
    MergeRequestEvent,
    MergeRequestRef,
    Notification,
    Proposal,
)
from schemas.outcomes import Outcome
from schemas.validated import ValidatedPlan, ValidatedPlans

log = structlog.get_logger(__name__)


async def tell_done(
    record: ValidatedPlans, done: Done, said: PublishedWords, ports: PublishPorts
) -> MergeRequestEvent:
    """Tells people what was done, in the words of ``said``, and gives the record that the pipeline has to know."""
    if done.because is not None:
        await tell_remembered(done.because, ports)
    quiet = done.action == "declined" and ports.limits.observe
    told: tuple[Notification, ...] = ()
    if said.notice is not None and not quiet:
        told = await tell(record.incident_id, said.notice, ports)
    now, ref = ports.now(), done.ref
    return event(
        record,
        done.action,
        now,
        ref=ref,
        told=told,
        text=said.text,
        chosen=done.plan,
        why=done.why,
    )


async def tell(key: str, notice: Notice, ports: PublishPorts) -> tuple[Notification, ...]:
    """Sends the message to every chat that has not got it yet; what was sent, and what was not and why.

    ``key``: the incident's id, or what else a message is about.
    """
    kind = notice.kind
    before = {n.channel: n for n in await ports.ledger.told(key, kind) if n.sent}

    async def one(chat: ChatChannel) -> Notification:
        if chat.channel in before:
            return before[chat.channel]
        try:
            message = await chat.tell(notice)
        except errors.KFixError as error:
            log.warning("chat.not_sent", channel=chat.channel, kind=kind, reason=error.reason)
            message = Notification(channel=chat.channel, sent=False, reason=error.reason)
        await ports.ledger.keep_told(key, kind, message)
        return message

    return tuple(await asyncio.gather(*(one(chat) for chat in ports.chats)))


async def tell_closed(known: TrackedMergeRequest, ports: PublishPorts) -> None:
    """Says on a merge request that people closed what that means. Once for a closing, however it was heard of."""
    if known.takes_back:
        return
    ref = await ports.ledger.ref_of(known.incident_id)
    if ref is None or ports.forge is None or ports.limits.observe or known.closed_at is None:
        return
    until = known.closed_at + ports.limits.remember_closed
    key = stable_id("closed", known.incident_id, int(known.closed_at.timestamp()))
    await ports.forge.note(ref, key, notes.closed(until, ports.language))


async def tell_remembered(known: TrackedMergeRequest, ports: PublishPorts) -> None:
    """Says on a closed merge request that its trouble came again, once in a while."""
    ref = await ports.ledger.ref_of(known.incident_id)
    if ref is None or ports.forge is None or ports.limits.observe or known.closed_at is None:
        return
    window = int(ports.now().timestamp() // max(ports.settings.note_every_s, 1.0))
    until = known.closed_at + ports.limits.remember_closed
    text = notes.remembered(until, ports.language)
    await ports.forge.note(ref, f"remembered-{window}", text)


async def tell_ended(outcome: Outcome, ports: PublishPorts) -> None:
    """Says on a merged merge request what was found afterwards."""
    ref = await ports.ledger.ref_of(outcome.incident_id)
    measured = outcome.result in ("success", "partial", "failure")
    if not measured or ref is None or ports.forge is None or ports.limits.observe:
        return
    plan = outcome.plan.plan_id if outcome.plan else ""
    ending = notes.ending_of(outcome)
    key = stable_id("ended", plan, ending, outcome.merged_at)
    await ports.forge.note(ref, key, notes.ended(outcome, ports.forge.dialect, ports.language))


def proposal(record: ValidatedPlans, chosen: ValidatedPlan) -> Proposal | None:
    """What learn needs to know about a merge request; ``None`` without a diagnosis. The diff is masked."""
    if record.analysis is None:
        return None
    return Proposal(
        context=record.context,
        analysis=record.analysis,
        plan=chosen.plan,
        alternatives=tuple(p.plan for p in record.plans if p.plan.plan_id != chosen.plan.plan_id),
        checks=chosen.checks,
        diff=mask("".join(edit.diff for edit in chosen.edits)),
    )


def event(
    record: ValidatedPlans,
    action: MergeRequestAction,
    now: datetime,
    *,
    ref: MergeRequestRef | None = None,
    told: tuple[Notification, ...] = (),
    text: str = "",
    chosen: ValidatedPlan | None = None,
    why: str = "",
) -> MergeRequestEvent:
    """The record for ``mr.events``; the same cause and action give the same id. ``chosen``: the plan on the branch."""
    proposed = proposal(record, chosen) if chosen is not None else None
    cause = record.incident_id if action == "opened" else record.event_id
    return MergeRequestEvent(
        event_id=stable_id("mre", cause, action),
        trace_id=record.trace_id,
        occurred_at=now,
        incident_id=record.incident_id,
        fingerprint=record.fingerprint,
        action=action,
        merge_request=ref,
        proposal=proposed,
        notifications=told,
        text=text,
        reason=record.reason,
        why=why,
    )
