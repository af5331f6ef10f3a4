"""What was done about a record, for whoever tells people of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from publish.core.decision import TrackedMergeRequest
from publish.core.notice import NoticeKind
from schemas.merge_requests import MergeRequestRef
from schemas.validated import ValidatedPlan

#: How the incident's alert goes on, or that another incident asks for a change of the same object.
NoteKind = Literal["note", "recovered", "returned", "same_change", "competing"]


@dataclass(frozen=True, slots=True)
class MergeRequestNote:
    """What is to be noted, and on which merge request: the incident's own or another one's."""

    kind: NoteKind
    ref: MergeRequestRef


@dataclass(frozen=True, slots=True)
class Done:
    """A merge request was opened, or is open and told more (``ref``), or there is none for this record, with the reason.

    ``why`` is a key of ``core.wording`` or empty; then the record's own explanation is told.
    """

    action: Literal["opened", "updated", "declined"]
    ref: MergeRequestRef | None = None
    #: The plan that is on the branch.
    plan: ValidatedPlan | None = None
    why: str = ""
    reason: str = ""
    #: What is to be noted on a merge request; ``None``: nothing.
    note: MergeRequestNote | None = None
    #: What was noted.
    text: str = ""
    #: What chats are told; ``None``: nothing.
    notice: NoticeKind | None = None
    #: The closed merge request whose end decided.
    because: TrackedMergeRequest | None = None
