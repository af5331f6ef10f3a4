"""Tells people and the river. A chat that fails is written down as not sent; it holds up and doubles nothing."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from kfix.incident.forge.port import MarkedState
from kfix.incident.redaction import mask
from kfix.texts import told as in_words
from publish.core import notes
from publish.core.course import Known
from publish.core.done import Done
from publish.core.notice import NoticeKind, notice_of
from publish.core.obstacles import Obstacles, obstacles_of
from publish.ports import Chat, Ports
from publish.service.deciding import standing
from publish.service.noting import say
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
#: What the label of a merged merge request says, by outcome.
_ENDS: dict[str, MarkedState] = {"success": "held", "partial": "partial", "failure": "failed"}


async def tell_done(record: ValidatedPlans, done: Done, ports: Ports) -> MergeRequestEvent:
    """Tells chats what was done, and gives the record that the river has to know."""
    if done.action == "declined":
        return await _declined(record, done, ports)
    url = done.ref.url if done.ref else ""
    told: tuple[Notification, ...] = ()
    if done.notice is not None:
        told = await tell(record, done.plan, ports, kind=done.notice, mr_url=url, why=done.text)
    if done.plan is None or done.ref is None or ports.forge is None:
        return event(record, done.action, ports.now(), ref=done.ref, told=told, text=done.text)
    if (await standing(record, ports)).over:
        await say(record, "recovered", done.ref, ports, ports.forge)
    known = proposal(record, done.plan)
    return event(record, done.action, ports.now(), ref=done.ref, told=told, proposal=known)


async def _declined(record: ValidatedPlans, done: Done, ports: Ports) -> MergeRequestEvent:
    explained = in_words(record.explanation, record.explanation_text, ports.language)
    if done.because is not None:
        await tell_remembered(done.because, ports)
    if done.why:
        text = notes.plain(done.why, done.reason, ports.language)
    else:
        text = notes.rejections(record, ports.language) or explained
    stopped = None if done.why else obstacles_of(record)
    said = text
    if stopped is not None:
        # Safety's explanation lists every verdict; the diagnosis's own is a sentence for people.
        said = "" if record.reason == "no_safe_plan" else explained
    told: tuple[Notification, ...] = ()
    if done.notice is not None and not ports.limits.observe:
        told = await tell(record, None, ports, kind=done.notice, why=said, stopped=stopped)
    return event(record, "declined", ports.now(), told=told, text=text)


async def tell(
    record: ValidatedPlans,
    chosen: ValidatedPlan | None,
    ports: Ports,
    *,
    kind: NoticeKind,
    mr_url: str = "",
    why: str = "",
    stopped: Obstacles | None = None,
) -> tuple[Notification, ...]:
    """Sends the message to every chat that has not got it yet; what was sent, and what was not and why."""
    notice = notice_of(
        record,
        chosen,
        kind=kind,
        language=ports.language,
        mr_url=mr_url,
        console_url=ports.console_url,
        explanation=why,
        stopped=stopped,
    )
    before = {n.channel: n for n in await ports.ledger.told(record.incident_id, kind) if n.sent}

    async def one(chat: Chat) -> Notification:
        if chat.channel in before:
            return before[chat.channel]
        try:
            message = await chat.tell(notice)
        except errors.KFixError as error:
            log.warning("chat.not_sent", channel=chat.channel, kind=kind, reason=error.reason)
            message = Notification(channel=chat.channel, sent=False, reason=error.reason)
        await ports.ledger.keep_told(record.incident_id, kind, message)
        return message

    return tuple(await asyncio.gather(*(one(chat) for chat in ports.chats)))


async def tell_closed(known: Known, ports: Ports) -> None:
    """Says on a merge request that people closed what that means. Once for a closing, however it was heard of."""
    ref = await ports.ledger.ref_of(known.incident_id)
    if ref is None or ports.forge is None or ports.limits.observe or known.closed_at is None:
        return
    until = known.closed_at + ports.limits.remember_closed
    key = stable_id("closed", known.incident_id, int(known.closed_at.timestamp()))
    await ports.forge.note(ref, key, notes.closed(until, ports.language))


async def tell_remembered(known: Known, ports: Ports) -> None:
    """Says on a closed merge request that its trouble came again, once in a while."""
    ref = await ports.ledger.ref_of(known.incident_id)
    if ref is None or ports.forge is None or ports.limits.observe or known.closed_at is None:
        return
    window = int(ports.now().timestamp() // max(ports.settings.note_every_s, 1.0))
    until = known.closed_at + ports.limits.remember_closed
    text = notes.remembered(until, ports.language)
    await ports.forge.note(ref, f"remembered-{window}", text)


async def tell_ended(outcome: Outcome, ports: Ports) -> None:
    """Says on a merged merge request what was found afterwards."""
    state = _ENDS.get(outcome.result)
    ref = await ports.ledger.ref_of(outcome.incident_id)
    if state is None or ref is None or ports.forge is None or ports.limits.observe:
        return
    plan = outcome.plan.plan_id if outcome.plan else ""
    key = stable_id("ended", plan, outcome.result, outcome.merged_at)
    await ports.forge.note(ref, key, notes.ended(outcome, ports.forge.dialect, ports.language))
    await ports.forge.mark(ref, state)


def proposal(record: ValidatedPlans, chosen: ValidatedPlan) -> Proposal | None:
    """What learn needs to know about a merge request."""
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
    proposal: Proposal | None = None,
) -> MergeRequestEvent:
    """The record for ``mr.events``; the same cause and action give the same id."""
    cause = record.incident_id if action == "opened" else record.event_id
    return MergeRequestEvent(
        event_id=stable_id("mre", cause, action),
        trace_id=record.trace_id,
        occurred_at=now,
        incident_id=record.incident_id,
        fingerprint=record.fingerprint,
        action=action,
        merge_request=ref,
        proposal=proposal,
        notifications=told,
        text=text,
        reason=record.reason,
    )
