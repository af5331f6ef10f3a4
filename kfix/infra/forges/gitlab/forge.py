"""The forge on GitLab. Statuses are judged by code, never by text: GitLab's messages are localised."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

from kfix.incident.forge.port import (
    ChangedMergeRequest,
    Changes,
    Comment,
    Commit,
    Discussion,
    FileAction,
    Found,
    Head,
    LostFile,
    MarkedState,
    MergeRequestDraft,
    MergeRequestState,
    Pipeline,
    Role,
    Snapshot,
    Stand,
)
from kfix.infra.clients.boundary import guarded, same
from kfix.infra.forges.gitlab import codeowners
from kfix.infra.forges.gitlab.client import GitLab, check_project, commit_id
from kfix.infra.forges.gitlab.dialect import DIALECT
from kfix.infra.forges.gitlab.people import GitLabPeople
from kfix.infra.forges.gitlab.stands import GitLabStands
from schemas import errors
from schemas.identity import incident_of_branch
from schemas.merge_requests import MergeRequestRef

_STATES: dict[str, MergeRequestState] = {
    "opened": "opened",
    "locked": "opened",
    "merged": "merged",
    "closed": "closed",
}
#: Notes looked through for one of ours.
_NOTES = 200
_PAGE = 100


@guarded("GitLab")
class GitLabForge:
    """``forge.port.Forge`` on one GitLab."""

    dialect = DIALECT

    def __init__(self, gitlab: GitLab, *, projects: Sequence[str] = (), url: str = "") -> None:
        self._gitlab = gitlab
        self._people = GitLabPeople(gitlab)
        self._stands = GitLabStands(gitlab)
        self.projects = projects
        self.url = url

    async def snapshot(self, project: str, branch: str = "") -> Snapshot:
        """See ``port.Repositories``. From cache while the head stands still."""
        return await self._gitlab.snapshot(project, branch)

    async def commits_of(
        self, project: str, path: str, *, ref: str = "", limit: int = 10, diffs: bool = False
    ) -> list[Commit]:
        """See ``port.Repositories``."""
        return await self._gitlab.commits_of(project, path, ref=ref, limit=limit, diffs=diffs)

    async def lost_files(
        self, project: str, folder: str, *, ref: str, limit: int = 10
    ) -> list[LostFile]:
        """See ``port.Repositories``."""
        return await self._gitlab.lost_files(project, folder, ref=ref, limit=limit)

    async def stands(self, asked: Sequence[MergeRequestRef]) -> Mapping[tuple[str, int], Stand]:
        """See ``port.Stands``."""
        return await self._stands.stands(asked)

    async def find(self, project: str, branch: str) -> Found | None:
        """See ``port.Forge``."""
        check_project(project)
        found = await self._gitlab.read(
            lambda gl: gl.projects.get(project, lazy=True).mergerequests.list(
                source_branch=branch, state="all", order_by="created_at", sort="desc", get_all=False
            )
        )
        for one in found:
            same("GitLab", {"source_branch": branch}, one)
        ours = sorted(found, key=lambda mr: mr.state != "opened")
        if not ours:
            return None
        seen = _seen(project, ours[0])
        return Found(seen.ref, seen.state, seen.ended_at)

    async def changed(self, project: str, since: datetime, at_most: int) -> Changes:
        """See ``port.Forge``. Whoever opened them and however they are labelled: the branch tells, and people may not.

        Each request goes on from the last change seen, as pages shift while merge requests change.
        """
        check_project(project)

        def look(gl: Any) -> Changes:
            handle = gl.projects.get(project, lazy=True)
            seen: dict[int, ChangedMergeRequest] = {}
            start, page, through = since, 1, None
            for _ in range(math.ceil(at_most / _PAGE)):
                listed = handle.mergerequests.list(**_changes(start), page=page, get_all=False)
                seen |= {int(mr.iid): _seen(project, mr) for mr in listed if _ours(mr)}
                through = _time(listed[-1].updated_at) if listed else through
                if len(listed) < _PAGE:
                    return Changes(tuple(seen.values()), through, complete=True)
                again = through is None or through <= start
                start, page = (start, page + 1) if again else (through or start, 1)
            return Changes(tuple(seen.values()), through, complete=False)

        return await self._gitlab.read(look)

    async def discussion(self, ref: MergeRequestRef, since: datetime) -> Discussion:
        """See ``port.Forge``. The newest comments, as many as ``noted`` looks through."""
        me = await self.me()

        def look(gl: Any) -> Discussion:
            mr = gl.projects.get(check_project(ref.project), lazy=True).mergerequests.get(ref.iid)
            same("GitLab", {"iid": ref.iid}, mr)
            notes = mr.notes.list(order_by="created_at", sort="desc", per_page=_PAGE, iterator=True)
            newest = itertools.islice(notes, _NOTES)
            recent = itertools.takewhile(lambda note: _time(note.created_at) >= since, newest)
            said = tuple(_comment(n) for n in recent if not n.system and n.author["username"] != me)
            given = mr.approvals.get()
            by, at = _last_approval(given.approved_by) if given.approved else ("", None)
            return Discussion(said, by, at, _pipeline(getattr(mr, "head_pipeline", None)))

        return await self._gitlab.read(look)

    async def head(self, project: str, branch: str) -> str | None:
        """See ``port.Forge``. A project that is gone raises errors.NotFound."""
        try:
            return await self._gitlab.head(project, branch)
        except errors.NotFound:
            await self._gitlab.read(lambda gl: gl.projects.get(project))
            return None

    async def files(self, project: str, branch: str, commit: str) -> Mapping[str, bytes]:
        """See ``port.Forge``."""
        return (await self._gitlab.snapshot_at(project, branch, commit)).files

    async def file(self, project: str, path: str, ref: str) -> bytes | None:
        """See ``port.Forge``."""
        try:
            return await self._gitlab.file_at(project, path, ref)
        except errors.NotFound:
            return None

    async def last_commit_ids(
        self, project: str, ref: str, paths: tuple[str, ...]
    ) -> Mapping[str, str]:
        """See ``port.Forge``."""
        return await self._gitlab.last_commit_ids(project, ref, paths)

    async def changed_paths(self, project: str, commit: str) -> frozenset[str]:
        """See ``port.Forge``."""
        parts = await self._gitlab.read(
            lambda gl: (
                gl.projects.get(check_project(project), lazy=True)
                .commits.get(commit_id(commit), lazy=True)
                .diff(get_all=True)
            )
        )
        return frozenset(str(part[side]) for part in parts for side in ("old_path", "new_path"))

    async def commit(
        self, project: str, branch: str, start: str, message: str, actions: Sequence[FileAction]
    ) -> str | None:
        """See ``port.Forge``."""
        try:
            made = await self._create(project, branch, start, message, actions)
        except errors.Rejected:
            if await self.head(project, branch) is not None:
                return None
            await self._check_locks(project, start, actions)
            raise
        return commit_id(made.id)

    async def replace(
        self, project: str, branch: str, start: str, message: str, actions: Sequence[FileAction]
    ) -> str:
        """See ``port.Forge``. One call: ``force`` makes the branch anew from ``start``."""
        try:
            made = await self._create(project, branch, start, message, actions, force=True)
        except errors.Rejected:
            await self._check_locks(project, start, actions)
            raise
        return commit_id(made.id)

    async def _create(
        self,
        project: str,
        branch: str,
        start: str,
        message: str,
        actions: Sequence[FileAction],
        *,
        force: bool = False,
    ) -> Any:
        """One commit on ``branch``, begun at ``start``; with ``force`` whatever was on it is gone."""
        body: dict[str, Any] = {
            "branch": branch,
            "start_branch": start,
            "commit_message": message,
            "actions": [_action(action) for action in actions],
            **({"force": True} if force else {}),
        }
        return await self._gitlab.write(
            lambda gl: gl.projects.get(check_project(project), lazy=True).commits.create(body)
        )

    async def rewrite(
        self,
        ref: MergeRequestRef,
        title: str,
        description: str,
        *,
        labels: Sequence[str] = (),
        instead_of: Sequence[str] = (),
    ) -> None:
        """See ``port.Forge``."""
        body = {"title": title, "description": description}
        if labels:
            body["add_labels"] = ",".join(labels)
        if instead_of:
            body["remove_labels"] = ",".join(instead_of)
        await self._change(ref, body)

    async def mark(self, ref: MergeRequestRef, state: MarkedState) -> None:
        """See ``port.Forge``. Only GitLab's paid tiers know that scoped labels exclude each other."""
        others = [f"kfix::{name}" for name in get_args(MarkedState) if name != state]
        body = {"add_labels": f"kfix::{state}", "remove_labels": ",".join(others)}
        await self._change(ref, body)

    async def _change(self, ref: MergeRequestRef, body: dict[str, str]) -> None:
        await self._gitlab.write(
            lambda gl: gl.projects.get(check_project(ref.project), lazy=True).mergerequests.update(
                ref.iid, body
            )
        )

    async def me(self) -> str:
        """See ``port.Forge``."""
        return (await self._people.me())[1]

    async def role(self, project: str, username: str) -> Role:
        """See ``port.People``."""
        return await self._people.role(project, username)

    async def owners(self, project: str, ref: str, paths: Iterable[str]) -> tuple[str, ...]:
        """See ``port.People``. The first of the files where GitLab looks counts, also when it names nobody."""
        for place in codeowners.PLACES:
            content = await self.file(project, place, ref)
            if content is not None:
                return codeowners.read(content).of(paths)
        return ()

    async def _check_locks(self, project: str, start: str, actions: Sequence[FileAction]) -> None:
        """A refused commit whose locks are lost is one to plan again. Raises errors.Moved."""
        locked = {action.path: action.last_commit_id for action in actions if action.last_commit_id}
        try:
            now = await self._gitlab.last_commit_ids(project, start, tuple(locked))
        except errors.NotFound as error:
            raise errors.Moved(f"a file of {project} is gone") from error
        if now != locked:
            raise errors.Moved(f"files of {project} changed on {start}")

    async def open(self, draft: MergeRequestDraft) -> MergeRequestRef:
        """See ``port.Forge``."""
        body: dict[str, Any] = {
            "source_branch": draft.branch,
            "target_branch": draft.target,
            "title": draft.title,
            "description": draft.description,
            "labels": list(draft.labels),
            "remove_source_branch": True,
        }
        people = self._people
        assignee = await people.user_id(draft.assignee) if draft.assignee else None
        reviewers = await people.ids(
            draft.project, draft.reviewers, at_most=draft.reviewers_at_most, turn=draft.branch
        )
        body |= {"assignee_ids": [assignee]} if assignee else {}
        body |= {"reviewer_ids": reviewers} if reviewers else {}
        try:
            made = await self._gitlab.write(
                lambda gl: gl.projects.get(
                    check_project(draft.project), lazy=True
                ).mergerequests.create(body)
            )
        except errors.Moved:
            found = await self.find(draft.project, draft.branch)
            if found is None or found.state != "opened":
                raise
            return found.ref
        same("GitLab", {"source_branch": draft.branch, "target_branch": draft.target}, made)
        return _ref(draft.project, made)

    async def note(self, ref: MergeRequestRef, key: str, text: str) -> bool:
        """See ``port.Forge``. The key stands in the comment as a hidden mark, so a retry finds it."""
        if await self.noted(ref, key):
            return False
        body = {"body": f"{text}\n\n{_mark(key)}"}
        await self._gitlab.write(lambda gl: _merge_request(gl, ref).notes.create(body))
        return True

    async def noted(self, ref: MergeRequestRef, key: str) -> bool:
        """See ``port.Forge``. Looks through the newest ones, and believes only our own."""
        mark, me = _mark(key), await self.me()

        def look(gl: Any) -> bool:
            found = _merge_request(gl, ref).notes.list(
                order_by="created_at", sort="desc", per_page=100, iterator=True
            )
            newest = itertools.islice(found, _NOTES)
            return any(mark in str(n.body) and n.author["username"] == me for n in newest)

        return await self._gitlab.read(look)

    async def head_of(self, ref: MergeRequestRef) -> Head:
        """See ``port.Forge``. ``head_pipeline`` is there in a single read only."""

        def look(gl: Any) -> Head:
            project = gl.projects.get(check_project(ref.project), lazy=True)
            found = project.mergerequests.get(ref.iid)
            pipeline = found.attributes.get("head_pipeline") or {}
            newest = itertools.islice(found.commits(per_page=2), 2)
            return Head(
                state=_STATES.get(found.state, "closed"),
                sha=str(found.sha or ""),
                commits=len(list(newest)),
                pipeline_sha=str(pipeline.get("sha") or ""),
                pipeline_status=str(pipeline.get("status") or ""),
                target=str(found.attributes.get("target_branch") or ""),
            )

        return await self._gitlab.read(look)

    async def merge(self, ref: MergeRequestRef) -> bool:
        """See ``port.Forge``. 405 and 422: not mergeable yet or never; 409: the branch moved."""
        try:
            await self._gitlab.write(lambda gl: _merge_request(gl, ref).merge(sha=ref.sha))
        except (errors.Rejected, errors.Moved):
            return False
        return True


def _changes(since: datetime) -> dict[str, str | int]:
    return {
        "state": "all",
        "scope": "all",
        "order_by": "updated_at",
        "sort": "asc",
        "updated_after": since.isoformat(),
        "per_page": _PAGE,
    }


def _ours(mr: Any) -> bool:
    """From an incident's branch of the project itself: anybody may name a branch of their own fork so."""
    own = mr.source_project_id == mr.target_project_id
    return own and incident_of_branch(str(mr.source_branch)) is not None


def _seen(project: str, mr: Any) -> ChangedMergeRequest:
    state = _STATES.get(mr.state, "closed")
    who, when = {"merged": ("merge_user", "merged_at"), "closed": ("closed_by", "closed_at")}.get(
        state, ("", "")
    )
    by, at = getattr(mr, who, None) if who else None, getattr(mr, when, None) if when else None
    return ChangedMergeRequest(
        ref=_ref(project, mr),
        state=state,
        updated_at=_time(mr.updated_at),
        ended_at=_time(at) if at else None,
        ended_by=str(by["username"]) if by else "",
    )


def _comment(note: Any) -> Comment:
    return Comment(
        int(note.id), str(note.author["username"]), str(note.body), _time(note.created_at)
    )


def _last_approval(given: Sequence[Mapping[str, Any]]) -> tuple[str, datetime | None]:
    """Who approved last, and when where GitLab tells (``approved_at``, newer versions)."""
    if not given:
        return "", None
    last = max(given, key=lambda one: str(one.get("approved_at") or ""))
    at = last.get("approved_at")
    return str(last["user"]["username"]), _time(at) if at else None


def _pipeline(pipeline: Mapping[str, Any] | None) -> Pipeline | None:
    if not pipeline:
        return None
    at = pipeline.get("finished_at")
    return Pipeline(int(pipeline["id"]), str(pipeline["status"]), _time(at) if at else None)


def _time(text: str) -> datetime:
    """An ISO 8601 time. Raises errors.Unavailable for what is none."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise errors.Unavailable(f"GitLab: no time: {str(text)[:40]!r}") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _mark(key: str) -> str:
    return f"<!-- k-fix {key} -->"


def _merge_request(gl: Any, ref: MergeRequestRef) -> Any:
    return gl.projects.get(check_project(ref.project), lazy=True).mergerequests.get(
        ref.iid, lazy=True
    )


def _action(action: FileAction) -> dict[str, str]:
    out = {"action": "update" if action.last_commit_id else "create", "file_path": action.path}
    if action.last_commit_id:
        out["last_commit_id"] = action.last_commit_id
    return out | {"content": action.content}


def _ref(project: str, mr: Any) -> MergeRequestRef:
    return MergeRequestRef(
        project=project,
        iid=int(mr.iid),
        url=str(mr.web_url),
        branch=str(mr.source_branch),
        target_branch=str(mr.target_branch),
        title=str(mr.title),
        sha=str(mr.sha or ""),
    )
