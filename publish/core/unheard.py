"""What a second look at the forge finds that no webhook told: the same records that the webhooks would have been."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kfix.incident import merge_request_words as words
from kfix.incident.forge.port import ChangedMergeRequest, Discussion, Pipeline
from publish.core.spoken import Word, standing_of
from schemas.identity import stable_id
from schemas.merge_requests import MergeRequestAction, MergeRequestEvent, MergeRequestRef


def unheard(
    incident_id: str,
    seen: ChangedMergeRequest,
    discussion: Discussion | None,
    heard: Sequence[Word],
    *,
    began_at: datetime,
) -> list[MergeRequestEvent]:
    """The words on a merge request that are not among those ``heard``, the oldest first.

    ``discussion`` is ``None`` where it could not be read. What was said before ``began_at`` is not told; where a merge
    request stands is, however old.
    """
    told = [word for word in heard if word.told]
    found = [_move(incident_id, seen, told)]
    if discussion is not None:
        ref = seen.ref
        found += [_approval(incident_id, seen, discussion, told)]
        found += [_pipeline(incident_id, ref, discussion.pipeline)]
        found += [
            words.noted(
                incident_id,
                ref,
                event_id=(name := words.note_id(ref, comment.number)),
                trace_id=_trace(name),
                at=comment.at,
                actor=comment.author,
                body=comment.body,
            )
            for comment in discussion.comments
        ]
    known = {word.event_id for word in told}
    new = [event for event in found if event is not None and event.event_id not in known]
    kept = [e for e in new if e.occurred_at >= began_at or e.action in _MOVES]
    return sorted(kept, key=lambda event: event.occurred_at)


_MOVES = ("merged", "closed", "reopened")


def _trace(event_id: str) -> str:
    return stable_id("t", event_id, digits=32).removeprefix("t-")


def _word(
    incident_id: str,
    ref: MergeRequestRef,
    action: MergeRequestAction,
    at: datetime,
    actor: str,
    *,
    event_id: str = "",
    text: str = "",
) -> MergeRequestEvent:
    name = event_id or words.state_id(ref, action, at, actor)
    return words.worded(
        incident_id,
        ref,
        action,
        event_id=name,
        trace_id=_trace(name),
        at=at,
        actor=actor,
        text=text,
    )


def _move(
    incident_id: str, seen: ChangedMergeRequest, told: Sequence[Word]
) -> MergeRequestEvent | None:
    """The word that brings what was told to where the forge has it now; none where that is so, or what was told is newer."""
    before, state, ref = standing_of(told), seen.state, seen.ref
    if before.state in (state, "merged"):
        return None
    if state == "merged":
        return _word(incident_id, ref, "merged", seen.ended_at or seen.updated_at, seen.ended_by)
    if state == "closed":
        ended = seen.ended_at or seen.updated_at
        # A reopening whose time was told too late does not outlive the closing that the forge shows after it.
        at = seen.updated_at if before.since is not None and ended <= before.since else ended
        action: MergeRequestAction = "closed"
    else:
        at, action = seen.updated_at, "reopened"
    if before.since is not None and at <= before.since:
        return None
    return _word(incident_id, ref, action, at, seen.ended_by)


def _approval(
    incident_id: str, seen: ChangedMergeRequest, discussion: Discussion, told: Sequence[Word]
) -> MergeRequestEvent | None:
    said = sorted((w for w in told if "approved" in w.action), key=lambda word: word.at)
    before = bool(said) and said[-1].action == "approved"
    if bool(discussion.approved_by) == before:
        return None
    at = (discussion.approved_at if not before else None) or seen.updated_at
    action: MergeRequestAction = "unapproved" if before else "approved"
    return _word(incident_id, seen.ref, action, at, discussion.approved_by)


def _pipeline(
    incident_id: str, ref: MergeRequestRef, pipeline: Pipeline | None
) -> MergeRequestEvent | None:
    if pipeline is None or pipeline.finished_at is None or pipeline.status not in words.FINISHED:
        return None
    name = words.pipeline_id(ref, pipeline.number, pipeline.status)
    at, status = pipeline.finished_at, pipeline.status
    return _word(incident_id, ref, "pipeline", at, "", event_id=name, text=status)
