"""`mr.events`: the life of a merge request. Written by publish and by ingest (GitLab's webhooks), read by learn."""

from __future__ import annotations

from typing import Literal

from schemas.base import Instant, Model, Record
from schemas.feedback import Feedback
from schemas.plans import AbstentionReason, ActionPlan, Analysis, IncidentContext
from schemas.validated import CheckResult

MergeRequestAction = Literal[
    "opened",  # publish: a merge request exists for the incident (made or found again)
    "updated",  # publish: a later alert, a recovery or a re-plan was noted on it
    "declined",  # publish: no merge request, and why; people were told
    "approved",  # GitLab
    "unapproved",  # GitLab
    "merged",  # GitLab
    "closed",  # GitLab: closed without a merge
    "reopened",  # GitLab
    "pushed",  # GitLab: somebody changed the branch
    "note",  # GitLab: a comment; `command` when it is one of ours
    "pipeline",  # GitLab: a pipeline of the branch changed its state
    "deployed",  # learn: the change is live in the cluster
    "revert_opened",  # publish: a merge request takes the change back; `merge_request` is that one
    "feedback",  # console API, or a comment whose author may judge: manual feedback
]


class Notification(Model):
    """One message that went out."""

    channel: Literal["slack", "teams"]
    #: Slack's channel and ``ts``; empty for Teams, which returns neither.
    target: str = ""
    message_id: str = ""
    sent: bool = True
    reason: str = ""


class MergeRequestRef(Model):
    """Where the merge request is."""

    project: str
    iid: int
    url: str = ""
    branch: str = ""
    target_branch: str = ""
    title: str = ""
    sha: str = ""


class Proposal(Model):
    """What was proposed; carried by ``opened`` so that learn needs nothing else."""

    context: IncidentContext
    analysis: Analysis
    plan: ActionPlan
    alternatives: tuple[ActionPlan, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    diff: str = ""


class MergeRequestEvent(Record):
    """One thing that happened to an incident's merge request. GitLab's events carry no proposal."""

    incident_id: str
    fingerprint: str = ""
    action: MergeRequestAction
    merge_request: MergeRequestRef | None = None
    proposal: Proposal | None = None
    notifications: tuple[Notification, ...] = ()
    actor: str = ""
    #: Of a note: its text (masked, capped). Of a pipeline: its status. Of declined: the explanation.
    text: str = ""
    reason: AbstentionReason = ""
    #: Of declined: which rule of publish's own stopped it (``capped``, ``observe``, …); empty where ``reason`` says it all,
    #: and in records of older versions.
    why: str = ""
    #: ``feedback``, ``snooze``, ``alternative``, ``explain``, ``help`` and its argument, for ``/kfix …`` notes. A wish:
    #: whether ``actor`` may have it is decided by who answers. ``snooze`` with the action ``feedback`` is one of the
    #: console, which has decided that already.
    command: str = ""
    argument: str = ""
    feedback: Feedback | None = None
    merged_at: Instant | None = None
