"""publish: an accepted plan becomes a merge request and a message; anything else becomes a message that says why."""

from __future__ import annotations

from kfix.engine import topics
from kfix.engine.runtime.stage import Stage
from kfix.incident import cluster_names
from kfix.incident.forge.port import Forge, MarkedState
from kfix.texts import told
from publish.core import course, notes
from publish.core.course import Course, CourseKind, Known
from publish.core.history import fix_of
from publish.core.notice import NoticeKind
from publish.core.obstacles import obstacles_of
from publish.core.spoken import AlertStanding, Word
from publish.core.wording import word
from publish.ports import Ports, Proposed
from publish.service import rereading, telling
from publish.service.answering import answer
from publish.service.merging import merge_if_proven, merge_when_told
from publish.service.opening import Declined, Opened, open_merge_request
from publish.service.telling import event
from publish.wiring import open_ports
from schemas.identity import stable_id
from schemas.merge_requests import MergeRequestEvent, MergeRequestRef, Notification
from schemas.outcomes import Outcome
from schemas.validated import ValidatedPlan, ValidatedPlans

#: Words of the forge; the others of ``mr.events`` are our own.
_HEARD = frozenset(
    {"approved", "unapproved", "merged", "closed", "reopened", "pushed", "note", "pipeline"}
)
_NOTICES: dict[str, NoticeKind] = {"recovered": "recovered", "returned": "returned"}
app: Stage[Ports] = Stage("publish", ports=open_ports)


@app.handles(topics.PLANS_VALIDATED, writes=(topics.MR_EVENTS,))
async def publish(record: ValidatedPlans, ports: Ports) -> MergeRequestEvent | None:
    """Opens, notes, declines or stays quiet, as the core chooses."""
    chosen = course.recommended(record)
    decision = await _choose(record, chosen, ports)
    if decision.why == "capped" and ports.forge is not None and chosen is not None:
        await rereading.look_again(chosen.edits[0].project, ports, ports.forge)
        decision = await _choose(record, chosen, ports)
    if decision.kind == "open" and chosen is not None:
        return await _open(record, ports)
    if decision.because is not None:
        await telling.tell_remembered(decision.because, ports)
    if decision.kind in ("note", "recovered", "returned"):
        return await _note(record, decision, ports)
    return await _decline(record, decision.why, ports) if decision.kind == "decline" else None


@app.handles(topics.MR_EVENTS, writes=(topics.MR_EVENTS,))
async def follow(record: MergeRequestEvent, ports: Ports) -> MergeRequestEvent | None:
    """Keeps the ledger true to what people did, and answers what they ask: a closed merge request is a decision."""
    if record.action not in _HEARD:
        return None
    word = Word(record.event_id, record.incident_id, record.action, record.occurred_at)
    known = await ports.ledger.heard(word)
    if record.action == "closed" and known is not None and known.state == "closed":
        await telling.tell_closed(known, ports)
    await merge_when_told(record, ports)
    if record.action == "note" and record.command:
        return await answer(record, ports)
    return None


@app.every(seconds=rereading.pace_s, writes=(topics.MR_EVENTS,))
async def reread(ports: Ports) -> list[MergeRequestEvent]:
    """Tells what the forge says of our merge requests and no webhook told."""
    return await rereading.reread(ports)


@app.handles(topics.OUTCOMES)
async def remember(outcome: Outcome, ports: Ports) -> None:
    """Keeps how a fix ended, for the text of later merge requests, and says on its own what was found."""
    fix = fix_of(outcome)
    if fix is not None and outcome.plan is not None:
        await ports.ledger.ended(outcome.incident_id, outcome.plan.plan_id, fix)
        await telling.tell_ended(outcome, ports)


async def _choose(record: ValidatedPlans, chosen: ValidatedPlan | None, ports: Ports) -> Course:
    project = chosen.edits[0].project if chosen is not None and chosen.edits else ""
    return course.choose(
        record,
        mine=await ports.ledger.of_incident(record.incident_id),
        same_trouble=await ports.ledger.of_fingerprint(record.fingerprint),
        same_project=await ports.ledger.of_project(project) if project else (),
        limits=ports.limits,
        now=ports.now(),
        alert=await _standing(record, ports),
    )


async def _standing(record: ValidatedPlans, ports: Ports) -> AlertStanding:
    """How the incident's alert stands with this record counted in, by the alerts' own times."""
    at, over = record.context.alerted_at, record.role == "recovery"
    return await ports.ledger.alert(record.incident_id, at, over=over)


async def _open(record: ValidatedPlans, ports: Ports) -> MergeRequestEvent:
    if ports.forge is None:
        return await _decline(record, "no_forge", ports)
    claim = cluster_names.again(record.context.claim, record.context.cluster, ports.own)
    if not cluster_names.is_ours(claim):
        return await _decline(record, "another_cluster", ports, ", ".join(claim.named))
    plans = course.publishable(record)
    if not plans:
        return await _decline(record, "no_edit", ports)
    result = await open_merge_request(record, plans, ports, ports.forge)
    if isinstance(result, Declined) and result.why == "capped":
        await rereading.look_again(plans[0].edits[0].project, ports, ports.forge)
        result = await open_merge_request(record, plans, ports, ports.forge)
    if isinstance(result, Declined):
        if result.why in ("same_change", "competing"):
            return await _held(record, result, ports, ports.forge)
        if result.ref is not None:
            await rereading.look_again(result.ref.project, ports, ports.forge)
        return await _decline(record, result.why, ports, result.reason)
    return await _opened(record, result, ports, ports.forge)


async def _held(
    record: ValidatedPlans, result: Declined, ports: Ports, forge: Forge
) -> MergeRequestEvent:
    """Another incident's merge request has the object: it is said there, and a competing change to people as well."""
    ref = result.ref
    if ref is not None:
        text = notes.joined(result.why, record, forge.dialect, ports.language)
        await forge.note(ref, stable_id("joined", record.incident_id, result.why), text)
    where = " ".join(part for part in (result.reason, ref.url if ref else "") if part)
    if result.why == "competing":
        return await _decline(record, result.why, ports, where)
    text = notes.plain(result.why, where, ports.language)
    return event(record, "declined", ports.now(), text=text)


async def _opened(
    record: ValidatedPlans, result: Opened, ports: Ports, forge: Forge
) -> MergeRequestEvent:
    await _remember(record, result, ports)
    # A record that comes again after people chose another plan does not take that back.
    kept = await ports.ledger.proposal_of(record.incident_id)
    chosen = (kept.chosen if kept else None) or result.plan
    patience_s = ports.settings.merge_check_s
    await merge_if_proven(record, chosen, result.ref, ports, patience_s=patience_s)
    told = await telling.tell(record, chosen, ports, kind="opened", mr_url=result.ref.url)
    if (await _standing(record, ports)).over:
        await _say(record, "recovered", result.ref, ports, forge)
    proposal = telling.proposal(record, chosen)
    return event(record, "opened", ports.now(), ref=result.ref, told=told, proposal=proposal)


async def _remember(record: ValidatedPlans, result: Opened, ports: Ports) -> None:
    known = Known(
        incident_id=record.incident_id,
        fingerprint=record.fingerprint,
        project=result.ref.project,
        iid=result.ref.iid,
        state="opened",
        opened_at=ports.now(),
        changes_hash=result.plan.plan.changes_hash,
    )
    await ports.ledger.keep_proposal(record.incident_id, Proposed(record, result.plan.plan.plan_id))
    await ports.ledger.opened(known, result.ref)


async def _note(record: ValidatedPlans, decision: Course, ports: Ports) -> MergeRequestEvent | None:
    ref = await ports.ledger.ref_of(record.incident_id)
    if ref is None or ports.forge is None:
        return None
    found = await ports.forge.find(ref.project, ref.branch)
    if found is None or found.state != "opened":
        # People decided, and their webhook got lost.
        await rereading.look_again(ref.project, ports, ports.forge)
        return None
    text = await _say(record, decision.kind, ref, ports, ports.forge)
    await ports.ledger.noted(record.incident_id, ports.now())
    told: tuple[Notification, ...] = ()
    kind = _NOTICES.get(decision.kind)
    if kind is not None:
        told = await telling.tell(record, None, ports, kind=kind, mr_url=ref.url, why=text)
    return event(record, "updated", ports.now(), ref=ref, told=told, text=text)


async def _say(
    record: ValidatedPlans, kind: CourseKind, ref: MergeRequestRef, ports: Ports, forge: Forge
) -> str:
    """Notes on the merge request how its alert stands, marks it so, and keeps that; the note's text."""
    if kind == "note":
        text = notes.repeat(
            record, forge.dialect, language=ports.language, at=record.context.alerted_at
        )
        key = record.event_id
    else:
        # A flapping alert recovers and returns often: one comment of each for each window of time.
        window = int(ports.now().timestamp() // max(ports.settings.note_every_s, 1.0))
        text, key = word(f"note_{kind}", ports.language), f"{kind}-{window}"
    await forge.note(ref, key, text)
    known = await ports.ledger.of_incident(record.incident_id)
    quiet = known is not None and course.snoozed(known, ports.now())
    mark: MarkedState = "recovered" if kind == "recovered" else "snoozed" if quiet else "proposed"
    await forge.mark(ref, mark)
    await ports.ledger.marked(record.incident_id, mark)
    return text


def _explained(record: ValidatedPlans, ports: Ports) -> str:
    return told(record.explanation, record.explanation_text, ports.language)


async def _decline(
    record: ValidatedPlans, why: str, ports: Ports, reason: str = ""
) -> MergeRequestEvent:
    if why:
        text = notes.plain(why, reason, ports.language)
    else:
        text = notes.rejections(record, ports.language) or _explained(record, ports)
    stopped = None if why else obstacles_of(record)
    said = text
    if stopped is not None:
        # Safety's explanation lists every verdict; the diagnosis's own is a sentence for people.
        said = "" if record.reason == "no_safe_plan" else _explained(record, ports)
    sent: tuple[Notification, ...] = ()
    if not ports.limits.observe:
        sent = await telling.tell(record, None, ports, kind="declined", why=said, stopped=stopped)
    return event(record, "declined", ports.now(), told=sent, text=text)
