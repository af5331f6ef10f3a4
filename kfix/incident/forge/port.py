"""What stages ask of a forge: repositories at a commit, branches, merge requests, their discussion, and people's roles.

One forge gives all of it (``Forge``); who needs less names the role alone. All raise from ``schemas.errors``, and statuses
are judged by code, never by text. A merge request is whatever the forge calls a proposal to merge a branch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Literal, Protocol

from kfix.incident.forge.dialect import Dialect
from schemas.merge_requests import MergeRequestRef

MergeRequestState = Literal["opened", "merged", "closed"]
#: Where a merge request stands, for people who filter by label.
MarkedState = Literal[
    "proposed",
    "snoozed",
    "recovered",
    "closed",
    "expired",
    "superseded",
    "merged",
    "watching",
    "held",
    "partial",
    "failed",
    "reverted",
]


class Role(IntEnum):
    """What a person may do in a repository, the least first: each may do all that those before it may."""

    NOBODY = 0
    READER = 10
    #: Pushes branches and comments; what asking K-Fix for something takes.
    DEVELOPER = 20
    MAINTAINER = 30
    OWNER = 40


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repository's manifests at one commit. ``skipped`` says of which paths nothing was read, and why."""

    project: str
    branch: str
    commit: str
    files: Mapping[str, bytes] = field(repr=False)
    skipped: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Targets of symlinks as they are written, by the symlink's path.
    links: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that touched a path. ``diff`` is that path's part of it, empty when not asked for."""

    sha: str
    title: str
    author: str
    at: datetime
    url: str
    diff: str = ""


@dataclass(frozen=True, slots=True)
class LostFile:
    """A file that a commit took away whole; the commit's ``diff`` is that file's part of it."""

    path: str
    commit: Commit


@dataclass(frozen=True, slots=True)
class FileAction:
    """One file of a commit. ``last_commit_id`` is the lock: empty for a file that must not be there yet."""

    path: str
    content: str
    last_commit_id: str = ""


@dataclass(frozen=True, slots=True)
class MergeRequestDraft:
    """A merge request to open."""

    project: str
    branch: str
    target: str
    title: str
    description: str
    labels: tuple[str, ...]
    assignee: str = ""
    #: Users, groups, roles or addresses as people and owners' files write them, in the order in which they are asked.
    reviewers: tuple[str, ...] = ()
    reviewers_at_most: int = 3
    #: People have to say that it is ready before it can be merged. Its title says so too, where the forge tells it by that.
    not_yet: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A merge request as the forge has it now. ``ended_at``: the forge's time of the merge or of the closing."""

    ref: MergeRequestRef
    state: MergeRequestState
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """A merge request's head as the forge has it now. ``pipeline_*``: of its head pipeline, empty without one."""

    state: MergeRequestState
    sha: str
    #: Commits of the branch that the target has not.
    commits: int
    pipeline_sha: str = ""
    #: ``success`` where all checks of that commit passed; anything else did not.
    pipeline_status: str = ""
    #: The branch that it would be merged into: people may set another one.
    target: str = ""


@dataclass(frozen=True, slots=True)
class ChangedMergeRequest:
    """A merge request in a list of those that changed, with the forge's times."""

    ref: MergeRequestRef
    state: MergeRequestState
    updated_at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """Merge requests that changed, and how far the list of changes was read: ``through`` is the last one's time.

    ``complete``: there were no more.
    """

    seen: tuple[ChangedMergeRequest, ...]
    through: datetime | None
    complete: bool


@dataclass(frozen=True, slots=True)
class Comment:
    """A person's comment."""

    number: int
    author: str
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline of a branch; ``finished_at`` is ``None`` while it runs."""

    number: int
    status: str
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Discussion:
    """What people and pipelines said on a merge request. ``approved_at`` is ``None`` where the forge does not tell."""

    comments: tuple[Comment, ...] = ()
    #: Who gave the last approval; empty: it is not approved.
    approved_by: str = ""
    approved_at: datetime | None = None
    pipeline: Pipeline | None = None


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a merge request stands now, and the forge's time of its last move."""

    state: Literal["open", "merged", "closed"]
    at: datetime


class Repositories(Protocol):
    """Reads the deployment repositories."""

    async def snapshot(self, project: str, branch: str = "") -> Snapshot:
        """The manifests at a branch's head (default: the branch that deployments follow)."""
        ...

    async def last_commit_ids(
        self, project: str, ref: str, paths: tuple[str, ...]
    ) -> Mapping[str, str]:
        """The last commit that touched each file at a branch or commit: the optimistic lock. Raises errors.NotFound."""
        ...

    async def commits_of(
        self, project: str, path: str, *, ref: str = "", limit: int = 10, diffs: bool = False
    ) -> list[Commit]:
        """The newest commits that touched a path, newest first; ``diffs`` costs one call for each."""
        ...

    async def lost_files(
        self, project: str, folder: str, *, ref: str, limit: int = 10
    ) -> list[LostFile]:
        """Files below a folder that its newest commits took away, newest first; one call for each commit."""
        ...


class Branches(Protocol):
    """Reads and writes branches."""

    async def head(self, project: str, branch: str) -> str | None:
        """The commit of a branch, ``None`` when there is no such branch."""
        ...

    async def files(self, project: str, branch: str, commit: str) -> Mapping[str, bytes]:
        """The manifests at a commit."""
        ...

    async def file(self, project: str, path: str, ref: str) -> bytes | None:
        """One file's bytes at a branch or commit; ``None`` when it is not there."""
        ...

    async def last_commit_ids(
        self, project: str, ref: str, paths: tuple[str, ...]
    ) -> Mapping[str, str]:
        """The last commit that touched each path."""
        ...

    async def changed_paths(self, project: str, commit: str) -> frozenset[str]:
        """The paths that a commit changed against its first parent; of a moved file both."""
        ...

    async def commit(
        self, project: str, branch: str, start: str, message: str, actions: Sequence[FileAction]
    ) -> str | None:
        """One commit on a new branch from branch ``start``; its id. ``None`` when the branch exists already.

        Raises errors.Moved when a file's lock is lost.
        """
        ...

    async def replace(
        self, project: str, branch: str, start: str, message: str, actions: Sequence[FileAction]
    ) -> str:
        """Makes a branch of ours anew: ``start`` and one commit; its id. Whatever was on it is gone.

        Raises errors.Moved when a file's lock is lost.
        """
        ...


class MergeRequests(Protocol):
    """Opens, finds, changes and merges merge requests."""

    async def find(self, project: str, branch: str) -> Found | None:
        """The newest merge request from a branch; an open one before others."""
        ...

    async def changed(self, project: str, since: datetime, at_most: int) -> Changes:
        """Merge requests from branches of ours that changed at or after then, the oldest change first."""
        ...

    async def open(self, draft: MergeRequestDraft) -> MergeRequestRef:
        """Opens a merge request, or finds the open one that the branch has."""
        ...

    async def rewrite(
        self,
        ref: MergeRequestRef,
        title: str,
        description: str,
        *,
        labels: Sequence[str] = (),
        instead_of: Sequence[str] = (),
    ) -> None:
        """Changes what a merge request says; ``labels`` take the place of those ``instead_of``, all others stay."""
        ...

    async def mark(self, ref: MergeRequestRef, state: MarkedState) -> None:
        """Sets the label that says where the merge request stands; it takes the place of the one before."""
        ...

    async def head_of(self, ref: MergeRequestRef) -> Head:
        """The merge request's head and its pipeline as they are now."""
        ...

    async def merge(self, ref: MergeRequestRef) -> bool:
        """Merges the commit ``ref.sha`` at once; ``False`` when the forge does not, or the head is another."""
        ...


class Stands(Protocol):
    """Tells where many merge requests stand."""

    async def stands(self, asked: Sequence[MergeRequestRef]) -> Mapping[tuple[str, int], Stand]:
        """By project and number; one that could not be read is left out."""
        ...


class Discussions(Protocol):
    """Reads and writes what is said on merge requests."""

    async def discussion(self, ref: MergeRequestRef, since: datetime) -> Discussion:
        """What was said on a merge request since then, by others than us."""
        ...

    async def note(self, ref: MergeRequestRef, key: str, text: str) -> bool:
        """Comments, once per ``key``; ``False`` when that comment is there already."""
        ...

    async def noted(self, ref: MergeRequestRef, key: str) -> bool:
        """Is the comment with that ``key`` there?"""
        ...


class People(Protocol):
    """Who is who, and who may what."""

    async def me(self) -> str:
        """The user name behind our token."""
        ...

    async def role(self, project: str, username: str) -> Role:
        """A user's role in a project, inherited or not."""
        ...

    async def owners(self, project: str, ref: str, paths: Iterable[str]) -> tuple[str, ...]:
        """Owners of files as the repository's own file at ``ref`` names them, each once; none without such a file."""
        ...


class Forge(Repositories, Branches, MergeRequests, Stands, Discussions, People, Protocol):
    """The place of repositories and merge requests."""

    @property
    def projects(self) -> Sequence[str]:
        """The deployment repositories, searched in this order."""
        ...

    @property
    def url(self) -> str:
        """Where people open it in a browser."""
        ...

    @property
    def dialect(self) -> Dialect:
        """Its Markdown, and what its pages can show."""
        ...
