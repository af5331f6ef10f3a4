"""The forge on GitLab. Statuses are judged by code, never by text: GitLab's messages are localised."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from kfix.clients.gitlab import GitLab, check_project
from publish.adapters.people import People
from publish.ports import Draft, FileAction, Found, MarkedState
from schemas import errors
from schemas.merge_requests import MergeRequestRef

_STATES: dict[str, Literal["opened", "merged", "closed"]] = {
    "opened": "opened",
    "locked": "opened",
    "merged": "merged",
    "closed": "closed",
}
#: Notes looked through for one of ours.
_NOTES = 200


class GitLabForge:
    """Merge requests of one GitLab."""

    def __init__(self, gitlab: GitLab) -> None:
        self._gitlab = gitlab
        self._people = People(gitlab)

    async def find(self, project: str, branch: str) -> Found | None:
        """See ``ports.Forge``."""
        check_project(project)
        found = await self._gitlab.read(
            lambda gl: gl.projects.get(project, lazy=True).mergerequests.list(
                source_branch=branch, state="all", order_by="created_at", sort="desc", get_all=False
            )
        )
        ours = sorted(found, key=lambda mr: mr.state != "opened")
        return Found(_ref(project, ours[0]), _STATES.get(ours[0].state, "closed")) if ours else None

    async def head(self, project: str, branch: str) -> str | None:
        """See ``ports.Forge``. A project that is gone raises errors.NotFound."""
        try:
            return await self._gitlab.head(project, branch)
        except errors.NotFound:
            await self._gitlab.read(lambda gl: gl.projects.get(project))
            return None

    async def files(self, project: str, branch: str, commit: str) -> Mapping[str, bytes]:
        """See ``ports.Forge``."""
        return (await self._gitlab.snapshot_at(project, branch, commit)).files

    async def file(self, project: str, path: str, ref: str) -> bytes | None:
        """See ``ports.Forge``."""
        try:
            return await self._gitlab.file_at(project, path, ref)
        except errors.NotFound:
            return None

    async def last_commit_ids(
        self, project: str, ref: str, paths: tuple[str, ...]
    ) -> Mapping[str, str]:
        """See ``ports.Forge``."""
        return await self._gitlab.last_commit_ids(project, ref, paths)

    async def commit(
        self, project: str, branch: str, start: str, message: str, actions: Sequence[FileAction]
    ) -> str | None:
        """See ``ports.Forge``."""
        body = {
            "branch": branch,
            "start_branch": start,
            "commit_message": message,
            "actions": [_action(action) for action in actions],
        }
        try:
            made = await self._gitlab.write(
                lambda gl: gl.projects.get(check_project(project), lazy=True).commits.create(body)
            )
        except errors.Rejected:
            if await self.head(project, branch) is not None:
                return None
            await self._check_locks(project, start, actions)
            raise
        return str(made.id)

    async def replace(
        self, project: str, branch: str, start: str, message: str, actions: Sequence[FileAction]
    ) -> str:
        """See ``ports.Forge``. One call: ``force`` makes the branch anew from ``start``."""
        body = {
            "branch": branch,
            "start_branch": start,
            "force": True,
            "commit_message": message,
            "actions": [_action(action) for action in actions],
        }
        try:
            made = await self._gitlab.write(
                lambda gl: gl.projects.get(check_project(project), lazy=True).commits.create(body)
            )
        except errors.Rejected:
            await self._check_locks(project, start, actions)
            raise
        return str(made.id)

    async def rewrite(self, ref: MergeRequestRef, title: str, description: str) -> None:
        """See ``ports.Forge``."""
        body = {"title": title, "description": description}
        await self._change(ref, body)

    async def mark(self, ref: MergeRequestRef, state: MarkedState) -> None:
        """See ``ports.Forge``. Only GitLab's paid tiers know that scoped labels exclude each other."""
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
        """See ``ports.Forge``."""
        return (await self._people.me())[1]

    async def access(self, project: str, username: str) -> int:
        """See ``ports.Forge``."""
        return await self._people.access(project, username)

    async def _check_locks(self, project: str, start: str, actions: Sequence[FileAction]) -> None:
        """A refused commit whose locks are lost is one to plan again. Raises errors.Moved."""
        locked = {action.path: action.last_commit_id for action in actions if action.last_commit_id}
        try:
            now = await self._gitlab.last_commit_ids(project, start, tuple(locked))
        except errors.NotFound as error:
            raise errors.Moved(f"a file of {project} is gone") from error
        if now != locked:
            raise errors.Moved(f"files of {project} changed on {start}")

    async def open(self, draft: Draft) -> MergeRequestRef:
        """See ``ports.Forge``."""
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
        return _ref(draft.project, made)

    async def note(self, ref: MergeRequestRef, key: str, text: str) -> bool:
        """See ``ports.Forge``. The key stands in the comment as a hidden mark, so a retry finds it."""
        if await self.noted(ref, key):
            return False
        body = {"body": f"{text}\n\n{_mark(key)}"}
        await self._gitlab.write(lambda gl: _merge_request(gl, ref).notes.create(body))
        return True

    async def noted(self, ref: MergeRequestRef, key: str) -> bool:
        """See ``ports.Forge``. Looks through the newest ones, and believes only our own."""
        mark, me = _mark(key), await self.me()

        def look(gl: Any) -> bool:
            found = _merge_request(gl, ref).notes.list(
                order_by="created_at", sort="desc", per_page=100, iterator=True
            )
            newest = itertools.islice(found, _NOTES)
            return any(mark in str(n.body) and n.author["username"] == me for n in newest)

        return await self._gitlab.read(look)

    async def merge_when_ready(self, ref: MergeRequestRef) -> bool:
        """See ``ports.Forge``. 405 and 422: not mergeable yet or never; 409: the branch moved."""
        try:
            await self._gitlab.write(
                lambda gl: _merge_request(gl, ref).merge(auto_merge=True, sha=ref.sha)
            )
        except (errors.Rejected, errors.Moved):
            return False
        return True


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
