"""publish: an accepted plan becomes a merge request and a message; anything else becomes a message that says why."""

from __future__ import annotations

from kfix.engine import topics
from kfix.engine.runtime.stage import Stage
from publish.core.done import Done
from publish.core.history import fix_of
from publish.core.said import said_of
from publish.core.spoken import Word
from publish.ports import PublishPorts
from publish.service import deciding, marking, notify, rereading
from publish.service.answering import answer, overheard, snoozed
from publish.service.merging import merge_when_told
from publish.service.noting import noted, still_open
from publish.service.open import open_merge_request
from publish.service.publishing import published
from publish.service.reverting import take_back, tell_overtaken
from publish.service.unreadable import tell_dead_letter
from publish.wiring import open_ports
from schemas.dead_letters import DeadLetter
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Outcome
from schemas.validated import ValidatedPlans

#: Words of the forge; the others of ``mr.events`` are our own.
_HEARD = frozenset(
    {"approved", "unapproved", "merged", "closed", "reopened", "pushed", "note", "pipeline"}
)
app: Stage[PublishPorts] = Stage("publish", ports=open_ports)


@app.handles(topics.PLANS_VALIDATED, writes=(topics.MR_EVENTS,))
async def publish(record: ValidatedPlans, ports: PublishPorts) -> MergeRequestEvent | None:
    """Opens, notes, declines or stays quiet, as the core decides, and tells people and the pipeline."""
    done = await _done(record, ports)
    if done is None:
        return None
    if ports.forge is not None:
        done = await noted(record, done, ports, ports.forge)
    said = said_of(
        record,
        done,
        language=ports.language,
        console_url=ports.console_url,
        cluster=ports.fleet.one_of_several(record.context.cluster),
        judge=ports.links.links(record.incident_id, ports.console_url, ports.now()),
    )
    return await notify.tell_done(record, done, said, ports)


async def _done(record: ValidatedPlans, ports: PublishPorts) -> Done | None:
    """What is decided, done; ``None`` for nothing."""
    forge, project, looked = ports.forge, deciding.project_of(record), False
    while True:
        decision = await deciding.decide(record, project, ports)
        if decision.kind == "decline":
            because, why, reason = decision.because, decision.why, decision.reason
            done = Done("declined", why=why, reason=reason, notice="declined", because=because)
        elif decision.kind == "quiet" or forge is None:
            return None
        elif decision.kind == "open":
            result = await open_merge_request(record, decision.plans, ports, forge)
            done = await published(record, result, ports, forge)
        else:
            return await still_open(record.incident_id, decision.kind, ports, forge)
        if done.why != "capped" or forge is None or looked:
            return done
        # Merge requests that people ended while nobody listened do not hold up a new one.
        await rereading.look_again(project, ports, forge)
        looked = True


@app.handles(topics.MR_EVENTS, writes=(topics.MR_EVENTS,))
async def follow(record: MergeRequestEvent, ports: PublishPorts) -> MergeRequestEvent | None:
    """Keeps the ledger true to what people did, and answers what they ask: a closed merge request is a decision."""
    if record.action == "feedback" and record.command == "snooze":
        await snoozed(record, ports)
    if record.action == "deployed":
        await marking.hear_deployed(record, ports)
        await marking.mark_moved(record, ports)
    if record.action not in _HEARD:
        return None
    word = Word(record.event_id, record.incident_id, record.action, record.occurred_at)
    known = await ports.ledger.heard(word)
    if record.action == "closed" and known is not None and known.state == "closed":
        await notify.tell_closed(known, ports)
    if record.action == "merged":
        await tell_overtaken(record.incident_id, ports)
    await merge_when_told(record, ports)
    await marking.mark_moved(record, ports)
    if record.action == "note":
        return await (answer if record.command else overheard)(record, ports)
    return None


@app.every(seconds=rereading.pace_s, writes=(topics.MR_EVENTS,))
async def reread(ports: PublishPorts) -> list[MergeRequestEvent]:
    """Tells what the forge says of our merge requests and no webhook told."""
    return await rereading.reread(ports)


@app.handles(topics.DEAD_LETTERS)
async def hear(letter: DeadLetter, ports: PublishPorts) -> None:
    """Nothing that could not be read or worked on is silent."""
    await tell_dead_letter(letter, ports)


@app.handles(topics.OUTCOMES, writes=(topics.MR_EVENTS,))
async def remember(outcome: Outcome, ports: PublishPorts) -> MergeRequestEvent | None:
    """Keeps how a fix ended, for the text of later merge requests, and says on its own what was found.

    One that did not hold is proposed to be taken back.
    """
    fix = fix_of(outcome)
    if fix is not None and outcome.plan is not None:
        await ports.ledger.ended(outcome.incident_id, outcome.plan.plan_id, fix)
    await notify.tell_ended(outcome, ports)
    await marking.mark_ended(outcome, ports)
    return await take_back(outcome, ports)
