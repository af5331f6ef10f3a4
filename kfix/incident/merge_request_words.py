"""A forge's words on a merge request as records of ``mr.events``: from a webhook or read again later, the same word is the
same record. Pure.

The id of a record is made of what happened, never of how it arrived, so that a word that comes twice counts once.
"""

from __future__ import annotations

import re
from datetime import datetime

from kfix.incident.commands import PersonCommand, command_of
from kfix.incident.redaction import mask
from schemas.identity import stable_id
from schemas.merge_requests import MergeRequestAction, MergeRequestEvent, MergeRequestRef

#: Longer notes are cut: a judgement needs few characters.
NOTE_LIMIT = 4_000
#: What is said of a pipeline that has come to its end.
FINISHED = frozenset({"success", "failed", "canceled", "skipped"})
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def clean(text: str, limit: int) -> str:
    """Text without control, zero-width and direction characters or half surrogates, at most ``limit`` long."""
    return _CONTROL.sub("", text[: limit * 2]).strip()[:limit].rstrip()


def state_id(ref: MergeRequestRef, action: str, at: datetime, actor: str = "") -> str:
    """The id of ``merged``, ``closed``, ``reopened``, ``approved`` or ``unapproved``. A merge request merges once."""
    if action == "merged":
        return _id(ref, action)
    return _id(ref, action, int(at.timestamp()), actor if "approved" in action else "")


def push_id(ref: MergeRequestRef) -> str:
    """The id of a push that left the branch at ``ref.sha``."""
    return _id(ref, "pushed", ref.sha)


def note_id(ref: MergeRequestRef, note: int) -> str:
    """The id of a comment, by the forge's number of it."""
    return _id(ref, "note", note)


def pipeline_id(ref: MergeRequestRef, pipeline: int, status: str) -> str:
    """The id of a pipeline's end, by the forge's number of it."""
    return _id(ref, "pipeline", pipeline, status)


def _id(ref: MergeRequestRef, *what: object) -> str:
    return stable_id("gl", ref.project.lower(), ref.iid, *what, digits=32)


def noted(
    incident_id: str,
    ref: MergeRequestRef | None,
    *,
    event_id: str,
    trace_id: str,
    at: datetime,
    actor: str,
    body: str,
) -> MergeRequestEvent:
    """A person's comment: masked, capped, and read for a wish."""
    text = clean(mask(body[: NOTE_LIMIT * 2]), NOTE_LIMIT)
    return worded(
        incident_id,
        ref,
        "note",
        event_id=event_id,
        trace_id=trace_id,
        at=at,
        actor=actor,
        text=text,
        command=command_of(text, actor),
    )


def worded(
    incident_id: str,
    ref: MergeRequestRef | None,
    action: MergeRequestAction,
    *,
    event_id: str,
    trace_id: str,
    at: datetime,
    actor: str,
    text: str = "",
    command: PersonCommand = PersonCommand(),  # noqa: B008 - frozen
) -> MergeRequestEvent:
    """Any word of the forge; ``at`` is its time of it."""
    return MergeRequestEvent(
        event_id=event_id,
        trace_id=trace_id,
        occurred_at=at,
        incident_id=incident_id,
        action=action,
        merge_request=ref,
        actor=actor,
        text=text,
        command=command.word,
        argument=command.argument,
        feedback=command.feedback,
        merged_at=at if action == "merged" else None,
    )
