"""A merged fix did not hold: a merge request takes it back, and people are told. Once for an attempt, whatever is killed when.

It is never merged from here. Where our lines are not there any more as they were merged, or the owners do not want it,
none is opened and people are told why.
"""

from __future__ import annotations

from typing import Literal

import structlog

from kfix.incident.forge.port import Forge, Found
from publish.core import decision, failed, notes
from publish.core.decision import Proven, TrackedMergeRequest
from publish.core.failed import FailedFix, Fate, Reverted
from publish.core.reverting import InTheWay, inverse, taken_back
from publish.ports import PublishPorts
from publish.service import notify, repository_policy
from publish.service.branch import own_branch
from publish.service.drafting import revert_draft
from publish.service.repository_policy import Denied
from schemas import errors
from schemas.identity import (
    attempt_id,
    attempt_of,
    branch_of,
    next_attempt,
    revert_of,
    stable_id,
    taken_back_by,
)
from schemas.merge_requests import MergeRequestAction, MergeRequestEvent, MergeRequestRef
from schemas.outcomes import Outcome
from schemas.text import sentence_of
from schemas.validated import FileEdit, ValidatedPlan

log = structlog.get_logger(__name__)


async def take_back(outcome: Outcome, ports: PublishPorts) -> MergeRequestEvent | None:
    """Opens the merge request that takes a failed fix back, tells people, and gives the record for the pipeline.

    Where none is opened, the record says why. ``None`` where nothing failed, and where nothing may be touched. Safe to run
    again after a crash at any point.
    """
    forge, attempt = ports.forge, outcome.incident_id
    if forge is None or ports.limits.observe or not outcome.did_not_hold:
        return None
    proposed = await ports.ledger.proposal_of(attempt)
    ref = await ports.ledger.ref_of(attempt)
    if proposed is None or ref is None:
        log.warning("revert.unknown", incident_id=attempt)
        return None
    fix = FailedFix(outcome, proposed.record, ref)
    fate = await ports.ledger.fate_of(attempt)
    if fate is None:
        fate = await _opened(fix, ports, forge)
        await ports.ledger.keep_fate(attempt, fate, ports.now())
    back = await ports.ledger.ref_of(revert_of(attempt)) if not fate.why else None
    known = await ports.ledger.of_incident(attempt)
    quiet = known is not None and decision.snoozed(known, ports.now())
    told = Reverted(fix, fate, back, known.snoozed_until if known and quiet else None)
    text = notes.reverted(told, forge.dialect, ports.language)
    await forge.note(ref, stable_id("reverted", attempt), text)
    await link_next(attempt, ports, forge)
    notice = failed.notice_of(told, language=ports.language, console_url=ports.console_url)
    messages = await notify.tell(attempt, notice, ports)
    action: MergeRequestAction = "updated" if back is None else "revert_opened"
    return MergeRequestEvent(
        event_id=stable_id("mre", attempt, "revert", action),
        trace_id=outcome.trace_id,
        occurred_at=ports.now(),
        incident_id=attempt,
        fingerprint=outcome.fingerprint,
        action=action,
        merge_request=back or ref,
        notifications=messages,
        text="" if back is not None else failed.why_not(fate, ports.language),
    )


async def link_next(attempt: str, ports: PublishPorts, forge: Forge) -> None:
    """Says on the merge request that takes an attempt back, and on that of the next attempt, that the other one is there.

    Called by whichever comes second; both may be.
    """
    back = await ports.ledger.ref_of(revert_of(attempt))
    following = await ports.ledger.ref_of(next_attempt(attempt))
    if back is None or following is None:
        return
    apart = await _apart(attempt, ports)
    for here, other, key in ((back, following, "next_plan"), (following, back, "way_back")):
        text = notes.beside(f"{key}{apart}", other, forge.dialect, ports.language)
        await forge.note(here, stable_id(key, attempt), text)


async def tell_overtaken(incident_id: str, ports: PublishPorts) -> None:
    """One of the two was merged: says on the other one, while it is open, that it is of no use any more."""
    merged = attempt_of(incident_id)
    if merged.revert:
        attempt = taken_back_by(incident_id)
        other = next_attempt(attempt)
    elif merged.number > 1:
        attempt = attempt_id(merged.incident_id, merged.number - 1)
        other = revert_of(attempt)
    else:
        return
    known, ref = await ports.ledger.of_incident(other), await ports.ledger.ref_of(other)
    mine = await ports.ledger.ref_of(incident_id)
    forge = ports.forge
    if known is None or ref is None or mine is None or forge is None or ports.limits.observe:
        return
    if known.state == "opened":
        key = f"overtaken{await _apart(attempt, ports)}"
        text = notes.beside(key, mine, forge.dialect, ports.language)
        await forge.note(ref, stable_id("overtaken", incident_id), text)


async def _apart(attempt: str, ports: PublishPorts) -> Literal["", "_apart"]:
    """Whether the way back of an attempt and the next one change no value in common, as the end of a word's key."""
    sets = list[set[str]]()
    for name in (attempt, next_attempt(attempt)):
        proposed = await ports.ledger.proposal_of(name)
        if proposed is None or proposed.chosen is None:
            return ""
        changes = proposed.chosen.plan.kubernetes_changes
        sets.append({f"{c.object.key} {f.path}" for c in changes for f in c.fields})
    ours, theirs = sets
    return "" if any(_within(a, b) or _within(b, a) for a in ours for b in theirs) else "_apart"


def _within(field: str, whole: str) -> bool:
    """Is it the field itself, or one below it?"""
    return field == whole or field.startswith((f"{whole}.", f"{whole}["))


async def _opened(fix: FailedFix, ports: PublishPorts, forge: Forge) -> Fate:
    """Makes sure of the merge request; what came of it. Raises errors.Moved when the branch moves meanwhile."""
    outcome, merged = fix.outcome, fix.ref
    attempt, revert = outcome.incident_id, revert_of(outcome.incident_id)
    found = await forge.find(merged.project, branch_of(revert))
    if found is not None:
        return await _kept(outcome, found, ports)
    plan_id = outcome.plan.plan_id if outcome.plan else ""
    chosen = next((p for p in fix.record.plans if p.plan.plan_id == plan_id), None)
    if chosen is None or not chosen.edits:
        return Fate("revert_unknown")
    back = await _inverse(chosen, merged, forge)
    if isinstance(back, InTheWay):
        log.info("revert.in_the_way", incident_id=attempt)
        return Fate(back.key, back.why)
    allowed = await repository_policy.allowed(revert, [back], ports, forge)
    if isinstance(allowed, Denied):
        return Fate(allowed.why, allowed.reason)
    message = failed.commit_message(fix, forge.dialect, ports.language)
    try:
        there = await own_branch(back, branch_of(revert), message, ports, forge)
    except errors.Permanent as failure:
        log.warning("revert.refused", incident_id=attempt, reason=failure.reason)
        return Fate("revert_refused", sentence_of(failure))
    if there is None:
        raise errors.Moved(f"{back.target} of {back.project} moved while a change is taken back")
    draft = await revert_draft(fix, allowed, ports, forge)
    ref = await forge.open(draft)
    return await _kept(outcome, Found(ref, "opened"), ports)


async def _inverse(
    chosen: ValidatedPlan, merged: MergeRequestRef, forge: Forge
) -> Proven | InTheWay:
    """The plan that takes ``chosen`` back, on the target's present head."""
    project, target = chosen.edits[0].project, merged.target_branch or chosen.edits[0].ref
    head = await forge.head(project, target)
    if head is None:
        raise errors.NotFound(f"{project} has no branch {target}")
    edits = list[FileEdit]()
    for edit in chosen.edits:
        there = await forge.file(project, edit.path, head)
        now = None if there is None else there.decode(errors="replace")
        back = taken_back(edit.model_copy(update={"ref": target}), now, head)
        if isinstance(back, InTheWay):
            return back
        edits.append(back)
    plan = inverse(chosen.plan)
    made = chosen.model_copy(update={"plan": plan, "edits": tuple(edits)})
    return decision.proven(made)


async def _kept(outcome: Outcome, found: Found, ports: PublishPorts) -> Fate:
    plan = outcome.plan
    known = TrackedMergeRequest(
        incident_id=revert_of(outcome.incident_id),
        fingerprint=outcome.fingerprint,
        project=found.ref.project,
        iid=found.ref.iid,
        state=found.state,
        opened_at=ports.now(),
        changes_hash=inverse(plan).changes_hash if plan is not None else "",
        closed_at=found.ended_at,
    )
    await ports.ledger.opened(known, found.ref)
    return Fate()
