"""From a merge request that is open, or the reason why there is none, to what the ledger knows."""

from __future__ import annotations

from kfix.incident.forge.port import Forge
from publish.core.decision import TrackedMergeRequest
from publish.core.done import Done, MergeRequestNote
from publish.core.notice import NoticeKind
from publish.ports import PublishedProposal, PublishPorts
from publish.service.merging import merge_if_proven
from publish.service.open import Declined, Opened
from publish.service.rereading import look_again
from publish.service.reverting import link_next
from schemas.validated import ValidatedPlan, ValidatedPlans


async def published(
    record: ValidatedPlans, result: Opened | Declined, ports: PublishPorts, forge: Forge
) -> Done:
    """Keeps it, and merges it where that is proven. Safe to run again after a crash at any point."""
    if isinstance(result, Declined):
        return await _declined(record, result, ports, forge)
    chosen = await _kept(record, result, ports)
    opened = result.plan
    if opened.alone and chosen == opened.plan:
        patience_s = ports.settings.merge_check_s
        await merge_if_proven(opened, result.ref, ports, patience_s=patience_s)
    for failed in record.context.failed_attempts[-1:]:
        await link_next(failed.incident_id, ports, forge)
    alert = await ports.ledger.alert(record.incident_id, record.context.alerted_at, over=False)
    # The alert may have ended while the merge request was being opened.
    note = MergeRequestNote("recovered", result.ref) if alert.over else None
    return Done("opened", result.ref, chosen, note=note, notice="opened")


async def _kept(record: ValidatedPlans, result: Opened, ports: PublishPorts) -> ValidatedPlan:
    """Keeps what was opened. The plan on the branch: a record that comes again does not take back what people chose."""
    known = TrackedMergeRequest(
        incident_id=record.incident_id,
        fingerprint=record.fingerprint,
        project=result.ref.project,
        iid=result.ref.iid,
        state="opened",
        opened_at=ports.now(),
        changes_hash=result.plan.plan.plan.changes_hash,
    )
    await ports.ledger.keep_proposal(
        record.incident_id, PublishedProposal(record, result.plan.plan.plan.plan_id)
    )
    await ports.ledger.opened(known, result.ref)
    kept = await ports.ledger.proposal_of(record.incident_id)
    return (kept.chosen if kept else None) or result.plan.plan


async def _declined(
    record: ValidatedPlans, result: Declined, ports: PublishPorts, forge: Forge
) -> Done:
    """Another incident's merge request has the object: it is said there, and a competing change to people as well.

    So is the same change for another cluster: whoever watches that one has not heard of it.

    Where people ended our own one, the ledger hears of the others that they ended.
    """
    ref, why = result.ref, result.why
    if why not in ("same_change", "competing"):
        if ref is not None:
            await look_again(ref.project, ports, forge)
        return Done("declined", why=why, reason=result.reason, notice="declined")
    where = " ".join(part for part in (result.reason, ref.url if ref else "") if part)
    note = MergeRequestNote(why, ref) if ref is not None else None
    other = await ports.ledger.proposal_of(result.reason)
    elsewhere = other is not None and other.record.context.cluster != record.context.cluster
    notice: NoticeKind | None = "declined" if why == "competing" or elsewhere else None
    return Done("declined", why=why, reason=where, note=note, notice=notice)
