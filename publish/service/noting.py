"""Says on the incident's own merge request how its alert goes on."""

from __future__ import annotations

from kfix.incident.forge.port import Forge, MarkedState
from publish.core import decision, notes
from publish.core.decision import DecisionKind
from publish.core.done import Done
from publish.core.notice import NoticeKind
from publish.core.wording import word
from publish.ports import PublishPorts
from publish.service.rereading import look_again
from schemas.merge_requests import MergeRequestRef
from schemas.validated import ValidatedPlans

_NOTICES: dict[str, NoticeKind] = {"recovered": "recovered", "returned": "returned"}


async def noted(
    record: ValidatedPlans, kind: DecisionKind, ports: PublishPorts, forge: Forge
) -> Done | None:
    """Notes it where the merge request is still open; ``None`` where it is not."""
    ref = await ports.ledger.ref_of(record.incident_id)
    if ref is None:
        return None
    found = await forge.find(ref.project, ref.branch)
    if found is None or found.state != "opened":
        # People decided, and their webhook got lost.
        await look_again(ref.project, ports, forge)
        return None
    text = await say(record, kind, ref, ports, forge)
    await ports.ledger.noted(record.incident_id, ports.now())
    return Done("updated", ref, text=text, notice=_NOTICES.get(kind))


async def say(
    record: ValidatedPlans,
    kind: DecisionKind,
    ref: MergeRequestRef,
    ports: PublishPorts,
    forge: Forge,
) -> str:
    """Notes on the merge request how its alert stands, marks it so, and keeps that; the note's text."""
    if kind == "note":
        at, key = record.context.alerted_at, record.event_id
        text = notes.repeat(record, forge.dialect, language=ports.language, at=at)
    else:
        # A flapping alert recovers and returns often: one comment of each for each window of time.
        window = int(ports.now().timestamp() // max(ports.settings.note_every_s, 1.0))
        text, key = word(f"note_{kind}", ports.language), f"{kind}-{window}"
    await forge.note(ref, key, text)
    known = await ports.ledger.of_incident(record.incident_id)
    quiet = known is not None and decision.snoozed(known, ports.now())
    mark: MarkedState = "recovered" if kind == "recovered" else "snoozed" if quiet else "proposed"
    await forge.mark(ref, mark)
    await ports.ledger.marked(record.incident_id, mark)
    return text
