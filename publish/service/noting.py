"""Says on merge requests what happened since: how the incident's alert goes on, and who else asks for the object's change."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from kfix.incident.forge.port import Forge, MarkedState
from publish.core import decision, notes
from publish.core.done import Done, MergeRequestNote
from publish.core.notice import NoticeKind, steps_of
from publish.ports import PublishPorts
from publish.service.rereading import look_again
from schemas.validated import ValidatedPlans


async def still_open(
    incident_id: str,
    kind: Literal["note", "recovered", "returned"],
    ports: PublishPorts,
    forge: Forge,
) -> Done | None:
    """The incident's merge request, to be told of its alert; ``None`` where it is not open any more."""
    ref = await ports.ledger.ref_of(incident_id)
    if ref is None:
        return None
    found = await forge.find(ref.project, ref.branch)
    if found is None or found.state != "opened":
        # People decided, and their webhook got lost.
        await look_again(ref.project, ports, forge)
        return None
    notice: NoticeKind | None = None if kind == "note" else kind
    return Done("updated", ref, note=MergeRequestNote(kind, ref), notice=notice)


async def noted(record: ValidatedPlans, done: Done, ports: PublishPorts, forge: Forge) -> Done:
    """Writes the note, marks the merge request by how its alert stands, and keeps that; what was done, with the text.

    On another incident's merge request it is a note and no more.
    """
    note, incident_id = done.note, record.incident_id
    if note is None:
        return done
    known = await ports.ledger.of_incident(incident_id)
    quiet = known is not None and decision.snoozed(known, ports.now())
    if quiet and note.kind in ("recovered", "returned"):
        # People do not want to hear of it; the label says how the alert stands.
        await _marked(incident_id, note, ports, forge, quiet=quiet)
        return replace(done, notice=None if done.action == "updated" else done.notice)
    # A flapping alert recovers and returns often: one comment of each for each window of time.
    window = int(ports.now().timestamp() // max(ports.settings.note_every_s, 1.0))
    steps = steps_of(record, ports.language) if note.kind == "note" else ()
    key, text = notes.note_of(
        note.kind, record, forge.dialect, ports.language, window=window, steps=steps
    )
    await forge.note(note.ref, key, text)
    if done.action == "declined":
        return done
    await _marked(incident_id, note, ports, forge, quiet=quiet)
    if done.action == "opened":
        return done
    await ports.ledger.noted(incident_id, ports.now())
    return replace(done, text=text)


async def _marked(
    incident_id: str, note: MergeRequestNote, ports: PublishPorts, forge: Forge, *, quiet: bool
) -> None:
    """The label by how the alert stands, and that it is there."""
    mark: MarkedState = "snoozed" if quiet else "proposed"
    if note.kind == "recovered":
        mark = "recovered"
    await forge.mark(note.ref, mark)
    await ports.ledger.marked(incident_id, mark)
