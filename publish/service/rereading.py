"""Reads open merge requests again on a slow clock: webhooks get lost, and what nobody heard of must not stay so.

What is found is told as the webhook would have told it, with the same ids. A project's position moves on only past words
that came back through ``mr.events``: whatever is killed or away in between, a word is told until the pipeline has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog

from kfix.incident.forge.port import ChangedMergeRequest, Discussion, Forge
from publish.core.spoken import Word, seen_word
from publish.core.unheard import unheard
from publish.ports import PublishPorts, Reread
from schemas import errors
from schemas.identity import incident_of_branch
from schemas.merge_requests import MergeRequestEvent

log = structlog.get_logger(__name__)
#: Merge requests of one project that one look takes; the next one goes on where it ended.
_AT_MOST = 1000


def pace_s(ports: PublishPorts) -> float:
    """Seconds between two looks whether a project is due. Short, so that a start after a standstill reads at once."""
    return min(5.0, ports.settings.reread_every_s)


async def reread(ports: PublishPorts) -> list[MergeRequestEvent]:
    """What the forge says of projects that are due and the pipeline has not heard."""
    if ports.forge is None:
        return []
    now, settings = ports.now(), ports.settings
    due = await ports.ledger.due_rereads(
        now,
        read_before=now - timedelta(seconds=settings.reread_every_s),
        ended_after=now - ports.limits.remember_closed,
        lease_until=now + timedelta(seconds=settings.reread_lease_s),
    )
    return [event for item in due for event in await _alone(item, ports, ports.forge)]


async def _alone(item: Reread, ports: PublishPorts, forge: Forge) -> list[MergeRequestEvent]:
    """A project that fails holds up no other one; it comes again when its lease ends, or when the forge says."""
    try:
        return await _project(item, ports, forge)
    except errors.KFixError as failure:
        log.warning("reread.failed", project=item.project, reason=failure.reason)
        wait = getattr(failure, "retry_after_s", None)
        if wait:
            await ports.ledger.put_off(item.project, ports.now() + timedelta(seconds=wait))
        return []


async def _project(item: Reread, ports: PublishPorts, forge: Forge) -> list[MergeRequestEvent]:
    began = ports.now()
    changes = await forge.changed(item.project, item.since, _AT_MOST)
    ours = {incident: seen for seen in changes.seen if (incident := _incident(seen))}
    heard = await ports.ledger.words_of(list(ours))
    out = list[MergeRequestEvent]()
    position = changes.through
    for incident, seen in ours.items():
        said = [word for word in heard if word.incident_id == incident]
        new = await _merge_request(incident, seen, said, item, ports=ports, forge=forge)
        if new and not out:
            position = seen.updated_at
        out += new
    read_at = began if changes.complete else None
    await ports.ledger.reread(item.project, position=position, read_at=read_at)
    if out:
        log.info("reread.unheard", project=item.project, words=[event.action for event in out])
    return out


async def _merge_request(
    incident: str,
    seen: ChangedMergeRequest,
    said: Sequence[Word],
    item: Reread,
    *,
    ports: PublishPorts,
    forge: Forge,
) -> list[MergeRequestEvent]:
    """What is new on one merge request. One of another K-Fix, and one that did not change since, has nothing."""
    known = await ports.ledger.of_incident(incident)
    if known is None or known.project != item.project or known.read_through == seen.updated_at:
        return []
    discussion = await _discussion(seen, item, forge)
    new = unheard(incident, seen, discussion, said, began_at=item.began_at)
    if new:
        return new
    if known.state != seen.state:
        at = seen.ended_at or seen.updated_at
        await ports.ledger.heard(seen_word(incident, seen.state, at))
    await ports.ledger.read_through(incident, seen.updated_at)
    return []


def _incident(seen: ChangedMergeRequest) -> str:
    return incident_of_branch(seen.ref.branch) or ""


async def _discussion(seen: ChangedMergeRequest, item: Reread, forge: Forge) -> Discussion | None:
    """What was said there; ``None`` where we may not read it, which must not hide where it stands."""
    try:
        return await forge.discussion(seen.ref, max(item.since, item.began_at))
    except errors.Permanent as failure:
        log.warning("reread.discussion_missing", iid=seen.ref.iid, reason=failure.reason)
        return None


async def look_again(project: str, ports: PublishPorts, forge: Forge) -> Sequence[str]:
    """Brings the ledger to what the forge says of the project's merge requests that it takes for open; those that ended.

    For decisions that cannot wait for the clock. The pipeline hears of it from ``reread``.
    """
    ended = []
    for known in await ports.ledger.of_project(project):
        if known.state != "opened":
            continue
        ref = await ports.ledger.ref_of(known.incident_id)
        found = await forge.find(project, ref.branch) if ref is not None else None
        if found is not None and found.state != "opened":
            at = found.ended_at or ports.now()
            await ports.ledger.heard(seen_word(known.incident_id, found.state, at))
            ended.append(known.incident_id)
    return ended
