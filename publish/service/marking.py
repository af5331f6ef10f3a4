"""Keeps the labels of an incident's merge requests in step with their lives: merged, watched, held, failed, taken back."""

from __future__ import annotations

import structlog

from kfix.incident.forge.port import Forge, MarkedState
from publish.core.marks import ending_words, family, marks_of
from publish.core.spoken import Word
from publish.ports import PublishPorts
from schemas import errors
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Outcome

log = structlog.get_logger(__name__)
#: Words after which a label says something else.
MOVING = frozenset({"merged", "closed", "reopened", "deployed"})


async def mark_moved(record: MergeRequestEvent, ports: PublishPorts) -> None:
    """Marks the merge requests of the incident after a word that moved one of them; again is fine."""
    if record.action in MOVING:
        await _mark(record.incident_id, ports, reopened=record.action == "reopened")


async def mark_ended(outcome: Outcome, ports: PublishPorts) -> None:
    """Keeps what became of a fix, and marks its merge request; again is fine."""
    for word in ending_words(outcome):
        await ports.ledger.heard(word)
    await _mark(outcome.incident_id, ports)


async def hear_deployed(record: MergeRequestEvent, ports: PublishPorts) -> None:
    """Keeps that a change is live."""
    word = Word(record.event_id, record.incident_id, record.action, record.occurred_at)
    await ports.ledger.heard(word)


async def _mark(incident_id: str, ports: PublishPorts, *, reopened: bool = False) -> None:
    forge = ports.forge
    if forge is None or ports.limits.observe:
        return
    names = family(incident_id)
    known = [k for name in names if (k := await ports.ledger.of_incident(name)) is not None]
    marks = marks_of(await ports.ledger.words_of(names), known)
    if reopened:
        marks.setdefault(incident_id, "proposed")
    for one in known:
        if one.incident_id in marks:
            await _set(one.incident_id, marks[one.incident_id], ports, forge)


async def _set(incident_id: str, mark: MarkedState, ports: PublishPorts, forge: Forge) -> None:
    ref = await ports.ledger.ref_of(incident_id)
    if ref is None:
        return
    try:
        await forge.mark(ref, mark)
    except errors.Permanent as failure:
        # A label is a help to those who filter; what it says is in the pipeline all the same.
        log.warning("mark.refused", iid=ref.iid, mark=mark, reason=failure.reason)
