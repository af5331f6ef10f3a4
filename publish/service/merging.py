"""Merges without a person where everything is proven once more at that moment; in doubt a person merges."""

from __future__ import annotations

import asyncio

import structlog

from kfix.incident import environments
from kfix.incident.forge.port import Forge
from manifests.repository.index import build
from manifests.repository.reach import reaches
from publish.core import auto_merge, decision
from publish.core.decision import Proven
from publish.ports import PublishPorts
from publish.service.branch import is_as_made
from schemas import errors
from schemas.merge_requests import MergeRequestEvent, MergeRequestRef

log = structlog.get_logger(__name__)
#: Seconds between two looks at a fresh merge request whose pipeline has not ended.
_POLL_S = 1.0


async def merge_if_proven(
    chosen: Proven, ref: MergeRequestRef, ports: PublishPorts, *, patience_s: float = 0.0
) -> bool:
    """Merges the commit ``ref.sha`` once its own pipeline has passed, looking for ``patience_s``. Was it merged?

    For a plan that may (``auto_merge.may_merge_itself``), and not when the files deploy elsewhere by now. Raises what the
    forge raises, but for a refusal of its branch rules, which is an answer.
    """
    forge = ports.forge
    sure = chosen.plan.plan.confidence >= ports.settings.draft_below
    if forge is None or ports.limits.observe or not sure:
        return False
    try:
        why = await _against(chosen, ref, ports, forge, patience_s)
        if why:
            log.info("merge.left_to_people", project=ref.project, iid=ref.iid, reason=why)
            return False
        return await forge.merge(ref)
    except errors.Unauthorized as error:
        # The branch rules let people merge and not K-Fix: that is an answer, the merge request stands.
        log.info("merge.not_allowed", project=ref.project, iid=ref.iid, reason=error.reason)
        return False


async def _against(
    chosen: Proven, ref: MergeRequestRef, ports: PublishPorts, forge: Forge, patience_s: float
) -> str:
    """What speaks against merging it now: ``pipeline``, ``place``, ``changed``; empty where nothing does."""
    target, waited = chosen.target, 0.0
    while not auto_merge.has_passed(await forge.head_of(ref), ref.sha, target):
        if waited >= patience_s:
            return "pipeline"
        await asyncio.sleep(_POLL_S)
        waited += _POLL_S
    head = await forge.head(ref.project, target)
    if head is None:
        raise errors.NotFound(f"{ref.project} has no branch {target}")
    files, paths = await forge.files(ref.project, target, head), [e.path for e in chosen.edits]
    # Where the changed files deploy to, by what the target branch declares now.
    found = await asyncio.to_thread(lambda: reaches(build(files), paths, target))
    if not environments.may_merge_now(chosen.plan.proof, found, ports.protected):
        return "place"
    # One commit alone is not ours: somebody may have put another one in its place.
    return "" if await is_as_made(chosen, ref.sha, ports, forge) else "changed"


async def merge_when_told(event: MergeRequestEvent, ports: PublishPorts) -> bool:
    """After a pipeline of an incident's branch has ended: merges what may merge by itself."""
    if event.action != "pipeline" or event.text != "success":
        return False
    known = await ports.ledger.of_incident(event.incident_id)
    ref = await ports.ledger.ref_of(event.incident_id)
    proposed = await ports.ledger.proposal_of(event.incident_id)
    if known is None or known.state != "opened" or ref is None or proposed is None:
        return False
    chosen = proposed.chosen
    if chosen is None or not auto_merge.may_merge_itself(proposed.record, chosen, ports.protected):
        return False
    return await merge_if_proven(decision.proven(chosen), ref, ports)
