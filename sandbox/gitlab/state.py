"""What a small GitLab holds: users with tokens, projects with repositories, merge requests, notes, hooks."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from sandbox.gitlab.repository import Action, Person, Repository

MergeRequestState = Literal["opened", "closed", "merged"]
PipelineStatus = Literal["", "running", "success", "failed", "canceled", "skipped", "manual"]
DEVELOPER, MAINTAINER = 30, 40


@dataclass(frozen=True, slots=True)
class User:
    """A user or a project's bot. ``token`` is its personal or project access token."""

    id: int
    username: str
    name: str
    token: str = ""
    bot: bool = False

    @property
    def person(self) -> Person:
        """As commits name it."""
        return Person(self.name, f"{self.username}@sandbox.test")


@dataclass(slots=True)
class Note:
    """A comment on a merge request; ``system`` notes are GitLab's own."""

    id: int
    author: User
    body: str
    created: float
    updated: float
    system: bool = False


@dataclass(slots=True)
class MergeRequest:
    """A merge request. Times are unix seconds."""

    id: int
    iid: int
    author: User
    title: str
    description: str
    source_branch: str
    target_branch: str
    sha: str
    created: float
    updated: float
    state: MergeRequestState = "opened"
    labels: list[str] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    reviewers: list[User] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    #: Who approved, and when, in that order.
    approved_by: dict[User, float] = field(default_factory=dict)
    remove_source_branch: bool = False
    squash: bool = False
    auto_merge: bool = False
    pipeline: PipelineStatus = ""
    pipeline_finished: float | None = None
    #: Commit of that pipeline; empty: the head's.
    pipeline_sha: str = ""
    merged_by: User | None = None
    merged: float | None = None
    closed_by: User | None = None
    closed: float | None = None
    merge_commit_sha: str = ""
    #: Before this time the service has not found out whether it merges.
    checked_at: float = 0.0
    #: Commits at the time of the merge, when the branch may be gone afterwards.
    diff_base: str = ""

    @property
    def draft(self) -> bool:
        """Told by the title."""
        return self.title.lower().startswith(("draft:", "[draft]", "(draft)"))


@dataclass(slots=True)
class Hook:
    """A project's webhook. ``token`` is sent as it is, ``signing_token`` (``whsec_…``) signs."""

    id: int
    url: str
    token: str = ""
    signing_token: str = ""
    merge_requests_events: bool = True
    note_events: bool = True
    pipeline_events: bool = True
    #: Failures in a row; four switch the hook off.
    failures: int = 0
    disabled_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Protection:
    """Access levels that may push to a branch, and merge into it."""

    push: int = MAINTAINER
    merge: int = MAINTAINER


@dataclass(slots=True)
class Project:
    """A project. ``members`` maps user id to access level."""

    id: int
    path: str
    repository: Repository
    members: dict[int, int] = field(default_factory=dict)
    protected: dict[str, Protection] = field(default_factory=dict)
    merge_requests: list[MergeRequest] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    hooks: list[Hook] = field(default_factory=list)
    approvals_required: int = 0
    #: A new merge request's pipeline starts with this status; empty: no pipelines.
    new_pipeline: PipelineStatus = ""
    #: Its commit, where that is not the branch's head (a pipeline of the merged result); empty: the head.
    new_pipeline_sha: str = ""

    @property
    def default_branch(self) -> str:
        """The branch that deployments follow."""
        return self.repository.default_branch


@dataclass(frozen=True, slots=True)
class HookDelivery:
    """One webhook request and how it ended. ``status`` 0: no answer."""

    hook_id: int
    event: str
    idempotency_key: str
    body: bytes
    status: int


@dataclass(slots=True)
class GitLab:
    """One instance. ``clock`` gives unix seconds."""

    folder: Path
    url: str = "http://127.0.0.1"
    clock: Callable[[], float] = time.time
    users: dict[int, User] = field(default_factory=dict)
    projects: dict[int, Project] = field(default_factory=dict)
    #: Full path of a group to its members and their access levels.
    groups: dict[str, dict[User, int]] = field(default_factory=dict)
    deliveries: list[HookDelivery] = field(default_factory=list)
    #: Quick actions found in descriptions and comments: merge request, author, command.
    quick_actions: list[tuple[int, str, str]] = field(default_factory=list)
    #: Seconds after which a new merge request is known to merge; before that ``merge`` answers 405.
    mergeability_delay_s: float = 0.0
    #: Requests per minute and user.
    requests_per_minute: int = 2000
    #: Deliveries under way, so that they are not lost when nobody looks.
    sending: set[asyncio.Task[None]] = field(default_factory=set)
    used: dict[int, tuple[float, int]] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def next_id(self) -> int:
        """A fresh id for anything."""
        return next(self._ids)

    def add_user(self, username: str, name: str, token: str = "", *, bot: bool = False) -> User:
        """A user, known to no project yet."""
        user = User(self.next_id(), username, name, token, bot)
        self.users[user.id] = user
        return user

    def add_project(
        self,
        path: str,
        files: dict[str, str],
        members: dict[User, int],
        *,
        at: str = "",
        message: str = "Import",
    ) -> Project:
        """A project whose protected default branch holds ``files``."""
        number = self.next_id()
        repository = Repository(self.folder / f"{number}.git")
        project = Project(number, path, repository, {u.id: level for u, level in members.items()})
        actions = [Action("create", name, text.encode()) for name, text in sorted(files.items())]
        author = next(iter(members)).person
        repository.commit(repository.default_branch, message, actions, author, at=at)
        project.protected[repository.default_branch] = Protection()
        self.projects[number] = project
        return project

    def user_of(self, token: str) -> User | None:
        """Whose token this is."""
        return next((u for u in self.users.values() if token and u.token == token), None)

    def project_at(self, path: str) -> Project:
        """By full path. Raises LookupError."""
        found = next((p for p in self.projects.values() if p.path == path), None)
        if found is None:
            raise LookupError(path)
        return found


def instant(seconds: float | None) -> str | None:
    """ISO 8601 in milliseconds with Z, as the API writes it."""
    if seconds is None:
        return None
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
