"""From a decision to open to a merge request that the ledger knows, or to the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence

from kfix.incident.forge.port import Forge
from publish.core import decision, notes
from publish.core.decision import Proven, TrackedMergeRequest
from publish.core.done import Done
from publish.ports import PublishedProposal, PublishPorts
from publish.service.deciding import standing
from publish.service.merging import merge_if_proven
from publish.service.noting import say
from publish.service.open import Declined, Opened, open_merge_request
from publish.service.rereading import look_again
from schemas.identity import stable_id
from schemas.validated import ValidatedPlan, ValidatedPlans


async def published(
    record: ValidatedPlans, plans: Sequence[Proven], ports: PublishPorts, forge: Forge
) -> Done:
    """Opens it, keeps it, and merges it where that is proven. Safe to run again after a crash at any point."""
    result = await open_merge_request(record, plans, ports, forge)
    if isinstance(result, Declined):
        return await _declined(record, result, ports, forge)
    chosen = await _kept(record, result, ports)
    if decision.may_merge_itself(record, chosen, ports.protected):
        patience_s = ports.settings.merge_check_s
        await merge_if_proven(chosen, result.ref, ports, patience_s=patience_s)
    if (await standing(record, ports)).over:
        # The alert ended while the merge request was being opened.
        await say(record, "recovered", result.ref, ports, forge)
    return Done("opened", result.ref, chosen, notice="opened")


async def _kept(record: ValidatedPlans, result: Opened, ports: PublishPorts) -> ValidatedPlan:
    """Keeps what was opened. The plan on the branch: a record that comes again does not take back what people chose."""
    known = TrackedMergeRequest(
        incident_id=record.incident_id,
        fingerprint=record.fingerprint,
        project=result.ref.project,
        iid=result.ref.iid,
        state="opened",
        opened_at=ports.now(),
        changes_hash=result.plan.plan.changes_hash,
    )
    await ports.ledger.keep_proposal(
        record.incident_id, PublishedProposal(record, result.plan.plan.plan_id)
    )
    await ports.ledger.opened(known, result.ref)
    kept = await ports.ledger.proposal_of(record.incident_id)
    return (kept.chosen if kept else None) or result.plan


async def _declined(
    record: ValidatedPlans, result: Declined, ports: PublishPorts, forge: Forge
) -> Done:
    """Another incident's merge request has the object: it is said there, and a competing change to people as well."""
    ref = result.ref
    if result.why not in ("same_change", "competing"):
        if ref is not None:
            await look_again(ref.project, ports, forge)
        return Done("declined", why=result.why, reason=result.reason, notice="declined")
    if ref is not None:
        text = notes.joined(result.why, record, forge.dialect, ports.language)
        await forge.note(ref, stable_id("joined", record.incident_id, result.why), text)
    where = " ".join(part for part in (result.reason, ref.url if ref else "") if part)
    loud = result.why == "competing"
    return Done("declined", why=result.why, reason=where, notice="declined" if loud else None)
