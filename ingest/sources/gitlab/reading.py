"""GitLab's words to ``MergeRequestEvent``: only merge requests from an incident's branch are read.

Payloads: https://docs.gitlab.com/user/project/integrations/webhook_events/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard

from ingest.core.identity import digest
from ingest.core.outcomes import Ignored, Malformed
from ingest.core.reading import Document
from kfix.incident import merge_request_words as words
from kfix.incident.merge_request_words import clean
from schemas.identity import incident_of_branch
from schemas.merge_requests import MergeRequestAction, MergeRequestEvent, MergeRequestRef

_ACTIONS: dict[str, MergeRequestAction] = {
    "approved": "approved",
    "unapproved": "unapproved",
    "merge": "merged",
    "close": "closed",
    "reopen": "reopened",
}
_SHA = re.compile(r"[0-9a-f]{7,64}")
_PROJECT = re.compile(r"[\w.-]+(?:/[\w.-]+)+", re.ASCII)

Reading = MergeRequestEvent | Ignored | Malformed


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the door knows besides the body. ``key``: GitLab's idempotency key, or a hash of the body."""

    key: str
    received_at: datetime
    #: User name of K-Fix's own account; empty: not known.
    bot: str
    #: Where GitLab is; links to anywhere else are dropped.
    gitlab_url: str


def event_of(document: Document, delivery: Delivery) -> Reading:
    """The event of a webhook body, or why there is none."""
    kind = document.get("object_kind")
    if not isinstance(kind, str):
        return Malformed("nothing_to_go_on", "no object_kind")
    readers = {"merge_request": _merge_request, "note": _note, "pipeline": _pipeline}
    reader = readers.get(kind)
    return Ignored("other_event") if reader is None else reader(document, delivery)


def _merge_request(document: Document, delivery: Delivery) -> Reading:
    request = _object(document, "object_attributes")
    subject = _subject(document, request, delivery)
    if not isinstance(subject, _Subject):
        return subject
    action = _text(request, "action")
    known = _ACTIONS.get(action)
    if known is None:
        return _other_action(document, delivery, subject, action)
    at, actor, ref = _time(request, "updated_at"), _actor(document), subject.reference
    natural = (
        words.state_id(ref, known, at or delivery.received_at, actor)
        if ref and (at or known == "merged")
        else ""
    )
    return subject.event(document, delivery, known, at=at, natural=natural)


def _other_action(
    document: Document, delivery: Delivery, subject: _Subject, action: str
) -> MergeRequestEvent | Ignored:
    ours = _is_bot(document, delivery)
    if action == "open":
        return Ignored("own_action" if ours else "opened_elsewhere")
    if action in ("approval", "unapproval"):
        return Ignored("partial_approval")
    if action != "update":
        return Ignored("other_event")
    if not _text(_object(document, "object_attributes"), "oldrev"):
        return Ignored("no_change_of_code")
    if ours:
        return Ignored("own_action")
    ref = subject.reference
    natural = words.push_id(ref) if ref and ref.sha else ""
    return subject.event(document, delivery, "pushed", natural=natural)


def _note(document: Document, delivery: Delivery) -> Reading:
    note = _object(document, "object_attributes")
    if _text(note, "noteable_type") != "MergeRequest":
        return Ignored("other_event")
    subject = _subject(document, _object(document, "merge_request"), delivery)
    if not isinstance(subject, _Subject):
        return subject
    if note.get("system") is True:
        return Ignored("system_note")
    if _text(note, "action") not in ("", "create"):
        return Ignored("edited_note")
    if _is_bot(document, delivery):
        return Ignored("own_action")
    raw, number, ref = note.get("note"), note.get("id"), subject.reference
    natural = words.note_id(ref, number) if ref and _is_number(number) else ""
    key = digest("gitlab", delivery.key)
    return words.noted(
        subject.incident_id,
        ref,
        event_id=natural or f"gl-{key}",
        trace_id=key,
        at=_time(note, "created_at") or delivery.received_at,
        actor=_actor(document),
        body=raw if isinstance(raw, str) else "",
    )


def _pipeline(document: Document, delivery: Delivery) -> Reading:
    pipeline = _object(document, "object_attributes")
    request = _object(document, "merge_request")
    if not request:
        request = {"source_branch": pipeline.get("ref")}
    subject = _subject(document, request, delivery)
    if not isinstance(subject, _Subject):
        return subject
    status = _text(pipeline, "status")
    if status not in words.FINISHED:
        return Ignored("pipeline_under_way")
    at, number, ref = _time(pipeline, "finished_at"), pipeline.get("id"), subject.reference
    natural = words.pipeline_id(ref, number, status) if ref and _is_number(number) else ""
    return subject.event(document, delivery, "pipeline", text=status, at=at, natural=natural)


@dataclass(frozen=True, slots=True)
class _Subject:
    """The incident and its merge request."""

    incident_id: str
    reference: MergeRequestRef | None

    def event(
        self,
        document: Document,
        delivery: Delivery,
        action: MergeRequestAction,
        *,
        text: str = "",
        at: datetime | None = None,
        natural: str = "",
    ) -> MergeRequestEvent:
        """``natural``: the word's own id; without one the delivery's counts."""
        key = digest("gitlab", delivery.key)
        return words.worded(
            self.incident_id,
            self.reference,
            action,
            event_id=natural or f"gl-{key}",
            trace_id=key,
            at=at or delivery.received_at,
            actor=_actor(document),
            text=text,
        )


def _subject(
    document: Document, request: Document, delivery: Delivery
) -> _Subject | Ignored | Malformed:
    branch = _text(request, "source_branch")
    incident = incident_of_branch(branch)
    if incident is None:
        return Ignored("other_branch")
    source, target = request.get("source_project_id"), request.get("target_project_id")
    if source != target:
        return Ignored("foreign_fork")  # anybody may name a branch of their own fork so
    project = _text(_object(document, "project"), "path_with_namespace")
    if not _PROJECT.fullmatch(project):
        return Malformed("bad_value", "project.path_with_namespace is no project path")
    iid = request.get("iid")
    if iid is None:
        return _Subject(incident, None)
    if not isinstance(iid, int) or isinstance(iid, bool) or not 0 < iid < 2**31:
        return Malformed("bad_value", "iid is no positive integer")
    sha = _text(_object(request, "last_commit"), "id")
    url = _text(request, "url")
    reference = MergeRequestRef(
        project=project,
        iid=iid,
        url=url if delivery.gitlab_url and url.startswith(delivery.gitlab_url + "/") else "",
        branch=branch,
        target_branch=_text(request, "target_branch"),
        title=_text(request, "title"),
        sha=sha if _SHA.fullmatch(sha) else "",
    )
    return _Subject(incident, reference)


def _object(document: Document, key: str) -> dict[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _text(document: Document, key: str) -> str:
    value = document.get(key)
    return clean(value, 1_000) if isinstance(value, str) else ""


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _actor(document: Document) -> str:
    return _text(_object(document, "user"), "username")[:255]


def _is_bot(document: Document, delivery: Delivery) -> bool:
    return bool(delivery.bot) and _actor(document).lower() == delivery.bot.lower()


def _time(document: Document, key: str) -> datetime | None:
    """GitLab writes times as ``2013-12-03T17:23:34Z`` and as ``2017-09-15 16:50:55 UTC``."""
    try:
        at = datetime.fromisoformat(_text(document, key).replace(" UTC", "+00:00"))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
