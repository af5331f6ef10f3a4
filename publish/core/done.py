"""What was done about a record, for whoever tells people of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from publish.core.decision import TrackedMergeRequest
from publish.core.notice import NoticeKind
from schemas.merge_requests import MergeRequestRef
from schemas.validated import ValidatedPlan


@dataclass(frozen=True, slots=True)
class Done:
    """A merge request was opened or noted on (``ref``), or there is none for this record, with the reason.

    ``why`` is a key of ``core.wording`` or empty; then the record's own explanation is told.
    """

    action: Literal["opened", "updated", "declined"]
    ref: MergeRequestRef | None = None
    #: The plan that is on the branch.
    plan: ValidatedPlan | None = None
    why: str = ""
    reason: str = ""
    #: What was noted.
    text: str = ""
    #: What chats are told; ``None``: nothing.
    notice: NoticeKind | None = None
    #: The closed merge request whose end decided.
    because: TrackedMergeRequest | None = None
