"""Answers ``/kfix …`` in comments: only to who may develop in the project, once for each comment, never to itself.

A comment of theirs without an order is a person's words on the proposal, and goes to who learns of it.

A comment is delivered again after a crash or by the forge itself, so whatever is asked for is done in a way that doing it
twice changes nothing, and the answer carries the comment's id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from kfix.incident.forge.port import Forge, Role
from publish.core import decision, notes, words
from publish.core.decision import TrackedMergeRequest
from publish.core.wording import when, word
from publish.ports import PublishedProposal, PublishPorts
from publish.service import notify
from publish.service.open import Switched, put_on_branch
from schemas.identity import attempt_of, stable_id, taken_back_by
from schemas.merge_requests import MergeRequestEvent, MergeRequestRef
from schemas.validated import ValidatedPlan

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Wish:
    """A comment of somebody who may ask, and where to answer it."""

    event: MergeRequestEvent
    ref: MergeRequestRef
    ports: PublishPorts
    forge: Forge
    role: Role

    async def say(self, text: str, ref: MergeRequestRef | None = None) -> None:
        """Answers, once."""
        await self.forge.note(ref or self.ref, self.event.event_id, text)

    async def say_word(self, key: str) -> None:
        """Answers with a sentence of ``core.wording``."""
        await self.say(word(key, self.ports.language))


async def answer(event: MergeRequestEvent, ports: PublishPorts) -> MergeRequestEvent | None:
    """Does what a comment asks for and says so on the merge request. The record that the pipeline has to know, if any."""
    forge = ports.forge
    ref = await ports.ledger.ref_of(event.incident_id) or event.merge_request
    if forge is None or ref is None or ports.limits.observe or event.actor == await forge.me():
        return None
    role = await forge.role(ref.project, event.actor)
    if role < Role.DEVELOPER:
        log.info("command.denied", command=event.command, actor=event.actor)
        # One answer for each person, however many comments they write.
        await forge.note(ref, stable_id("denied", event.actor), word("denied", ports.language))
        return None
    log.info("command.taken", command=event.command, actor=event.actor)
    return await _obey(_Wish(event, ref, ports, forge, role))


async def overheard(event: MergeRequestEvent, ports: PublishPorts) -> MergeRequestEvent | None:
    """A comment without an order as a person's words; ``None`` for one of a machine, of ours, or of who may not judge."""
    forge, said = ports.forge, words.said_in(event)
    if forge is None or said is None or words.is_machine(event.actor, ports.settings.machines):
        return None
    ref = await ports.ledger.ref_of(event.incident_id)
    if ref is None or event.actor == await forge.me():
        return None
    role = await forge.role(ref.project, event.actor)
    if role < Role.DEVELOPER:
        log.info("words.of_a_stranger", actor=event.actor)
        return None
    of_fix = event.model_copy(update={"incident_id": taken_back_by(event.incident_id)})
    return words.told(of_fix, said, ref, role)


async def _obey(wish: _Wish) -> MergeRequestEvent | None:
    command = wish.event.command
    if attempt_of(wish.event.incident_id).revert:
        await _lead_to_the_fix(wish)
        return None
    if command == "feedback":
        return await _feedback(wish)
    if command == "alternative":
        return await _alternative(wish)
    if command == "snooze":
        await _snooze(wish)
    elif command == "explain":
        await _explain(wish)
    else:
        await wish.say(notes.usage(wish.ports.language))
    return None


async def _lead_to_the_fix(wish: _Wish) -> None:
    """What takes a change back is no fix: it is neither judged nor exchanged."""
    fix = await wish.ports.ledger.ref_of(taken_back_by(wish.event.incident_id))
    if fix is None:
        await wish.say_word("forgotten")
        return
    await wish.say(notes.elsewhere(fix, wish.forge.dialect, wish.ports.language))


async def _feedback(wish: _Wish) -> MergeRequestEvent | None:
    """The feedback that a comment gives; answers how to write it where it gives none."""
    event, given = wish.event, wish.event.feedback
    if given is None or (given.verdict == "comment" and given.score is None and not given.text):
        await wish.say(notes.usage(wish.ports.language))
        return None
    await wish.say(notes.judged(given, wish.forge.dialect, wish.ports.language))
    return words.told(event, given, wish.ref, wish.role)


async def _snooze(wish: _Wish) -> None:
    """Silence from the comment's time on, so that a second delivery makes it no longer."""
    ports, event = wish.ports, wish.event
    longest = timedelta(seconds=ports.settings.snooze_at_most_s)
    wanted = notes.duration(event.argument, longest)
    if wanted is None:
        await wish.say(notes.usage(ports.language))
        return
    known = await ports.ledger.of_incident(event.incident_id)
    if known is None:
        await wish.say_word("forgotten")
        return
    until = event.occurred_at + wanted if wanted else None
    await ports.ledger.snooze(event.incident_id, until)
    if known.state == "opened":
        await wish.forge.mark(wish.ref, "snoozed" if until else "proposed")
    if until is None:
        await wish.say_word("awake")
        return
    await wish.say(f"{word('snoozed', ports.language)} {when(until)}.")


async def snoozed(event: MergeRequestEvent, ports: PublishPorts) -> None:
    """The same from the console, which has decided already that the person may; nothing for what was never proposed."""
    longest = timedelta(seconds=ports.settings.snooze_at_most_s)
    wanted = notes.duration(event.argument, longest)
    known = await ports.ledger.of_incident(event.incident_id)
    if known is None or wanted is None:
        log.warning("snooze.of_nothing", incident_id=event.incident_id)
        return
    until = event.occurred_at + wanted if wanted else None
    await ports.ledger.snooze(event.incident_id, until)
    ref, forge = await ports.ledger.ref_of(event.incident_id), ports.forge
    if ref is None or forge is None or ports.limits.observe:
        return
    if known.state == "opened":
        await forge.mark(ref, "snoozed" if until else "proposed")
    text = notes.silenced(event.actor, until, forge.dialect, ports.language)
    await forge.note(ref, event.event_id, text)


async def _explain(wish: _Wish) -> None:
    proposed = await wish.ports.ledger.proposal_of(wish.event.incident_id)
    chosen = proposed.chosen if proposed is not None else None
    if proposed is None or chosen is None:
        await wish.say_word("forgotten")
        return
    await wish.say(notes.explain(proposed.record, chosen, wish.forge.dialect, wish.ports.language))


async def _alternative(wish: _Wish) -> MergeRequestEvent | None:
    """Puts another plan on the branch, if it is as proven as the first and nobody else worked there."""
    ports, incident = wish.ports, wish.event.incident_id
    known, proposed = (
        await ports.ledger.of_incident(incident),
        await ports.ledger.proposal_of(incident),
    )
    chosen = proposed.chosen if proposed is not None else None
    if known is None or proposed is None or chosen is None:
        await wish.say_word("forgotten")
        return None
    at, plans = int(wish.event.argument or 0), proposed.record.plans
    if not 0 < at <= len(plans):
        numbers = [number for number, plan in enumerate(plans, 1) if plan is not chosen]
        await wish.say(notes.no_such_plan(numbers, ports.language))
        return None
    if plans[at - 1] is chosen:
        # Also where a crash came between the switch and its answer.
        return await _switched(wish, at, proposed, wish.ref)
    refusal = _refusal(plans[at - 1], wish, known)
    if refusal:
        await wish.say(refusal)
        return None
    return await _switch(wish, at, proposed)


def _refusal(wanted: ValidatedPlan, wish: _Wish, known: TrackedMergeRequest) -> str:
    """Why a plan is not put on the branch, from what is known here; empty when it may be."""
    language = wish.ports.language
    if known.state != "opened":
        return word("not_open", language)
    if not wanted.accepted or not wanted.edits:
        return notes.refused(wanted, wish.forge.dialect, language)
    return (
        "" if decision.proven(wanted).project == wish.ref.project else word("elsewhere", language)
    )


async def _switch(wish: _Wish, at: int, proposed: PublishedProposal) -> MergeRequestEvent | None:
    record, wanted = proposed.record, proposed.record.plans[at - 1]
    done = await put_on_branch(record, wanted, wish.ref, wish.ports, wish.forge)
    if not isinstance(done, Switched):
        await wish.say(
            notes.declined(done.why, done.reason, wish.forge.dialect, wish.ports.language)
        )
        return None
    now = PublishedProposal(record, wanted.plan.plan_id)
    await wish.ports.ledger.switched(record.incident_id, wanted.plan.changes_hash, done.ref, now)
    return await _switched(wish, at, now, done.ref)


async def _switched(
    wish: _Wish, at: int, proposed: PublishedProposal, ref: MergeRequestRef
) -> MergeRequestEvent:
    """Says it, to people and to the pipeline."""
    record, wanted = proposed.record, proposed.record.plans[at - 1]
    await wish.say(notes.switched(at, wanted, wish.forge.dialect, wish.ports.language))
    told = notify.event(record, "updated", wish.event.occurred_at, ref=ref, chosen=wanted)
    return told.model_copy(update={"event_id": stable_id("mre", wish.event.event_id, "switched")})
