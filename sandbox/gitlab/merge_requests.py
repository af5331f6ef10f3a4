"""Merge request endpoints: create, list, change, merge. Comments and approvals are in ``discussion``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from starlette.responses import Response

from sandbox.gitlab import views
from sandbox.gitlab.hooks import announce, merge_request_event, pipeline_event, tell
from sandbox.gitlab.quick_actions import obey
from sandbox.gitlab.repository import MergeConflict
from sandbox.gitlab.requests import Call, RequestRefused, Table
from sandbox.gitlab.state import (
    GitLab,
    MergeRequest,
    PipelineStatus,
    Project,
    Protection,
    User,
)
from sandbox.serving import reply
from schemas.base import Json

_ROOT = "/projects/{project}/merge_requests"
_ONE = _ROOT + "/{iid}"


def table() -> Table:
    """All paths of this part."""
    return (
        ("GET", "/merge_requests", list_all),
        ("GET", _ROOT, list_project),
        ("POST", _ROOT, create),
        ("GET", _ONE, get),
        ("PUT", _ONE, update),
        ("GET", f"{_ONE}/changes", changes),
        ("GET", f"{_ONE}/diffs", diffs),
        ("GET", f"{_ONE}/commits", commits),
        ("GET", f"{_ONE}/pipelines", pipelines),
        ("PUT", f"{_ONE}/merge", merge),
    )


def status_of(gitlab: GitLab, project: Project, mr: MergeRequest) -> views.MergeStatus:
    """``detailed_merge_status``: why it does not merge, or ``mergeable``. Runs git."""
    obstacles: tuple[tuple[bool, views.MergeStatus], ...] = (
        (mr.state != "opened", "not_open"),
        (gitlab.clock() < mr.checked_at, "checking"),
        (mr.draft, "draft_status"),
        (len(mr.approved_by) < project.approvals_required, "not_approved"),
        (mr.pipeline == "failed", "ci_must_pass"),
        (mr.pipeline == "running", "ci_still_running"),
    )
    for holds, status in obstacles:
        if holds:
            return status
    clean = project.repository.merges_cleanly(mr.source_branch, mr.target_branch)
    return "mergeable" if clean else "conflict"


def _show(call: Call, project: Project) -> Callable[[MergeRequest], Json]:
    return lambda mr: views.merge_request(
        call.gitlab, project, mr, status_of(call.gitlab, project, mr)
    )


async def _shown(call: Call, project: Project, mr: MergeRequest, status: int = 200) -> Response:
    return reply(await asyncio.to_thread(_show(call, project), mr), status)


def _words(value: Json) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return list(dict.fromkeys(str(p).strip() for p in parts if str(p).strip()))


def _people(call: Call, value: Json) -> list[User]:
    ids = value if isinstance(value, list) else [value]
    return [call.gitlab.users[int(str(i))] for i in ids if i and int(str(i)) in call.gitlab.users]


def _seconds(text: str) -> float:
    """An ISO 8601 time as unix seconds; no time is the beginning. Raises RequestRefused (400) as GitLab does."""
    try:
        return datetime.fromisoformat(text).timestamp() if text else 0.0
    except ValueError:
        raise RequestRefused(400, {"error": "updated_after is invalid"}) from None


def _filtered(call: Call, found: list[MergeRequest]) -> list[MergeRequest]:
    asked, labels = call.asked, set(_words(call.asked("labels")))
    iids = call.request.query_params.getlist("iids[]")
    search, after = asked("search").lower(), _seconds(asked("updated_after"))
    kept = [
        mr
        for mr in found
        if asked("state", "all") in ("all", mr.state)
        and asked("source_branch", mr.source_branch) == mr.source_branch
        and asked("target_branch", mr.target_branch) == mr.target_branch
        and asked("author_id", str(mr.author.id)) == str(mr.author.id)
        and asked("author_username", mr.author.username) == mr.author.username
        and labels <= set(mr.labels)
        and mr.updated >= after
        and (not iids or str(mr.iid) in iids)
        and search in f"{mr.title}\n{mr.description}".lower()
    ]
    updated = asked("order_by") == "updated_at"
    kept.sort(key=lambda mr: mr.updated if updated else mr.created, reverse=asked("sort") != "asc")
    return kept


async def list_project(call: Call) -> Response:
    """Merge requests of one project, newest first."""
    project = call.project()
    return call.paged(_filtered(call, list(project.merge_requests)), _show(call, project))


async def list_all(call: Call) -> Response:
    """Merge requests of all projects the caller is a member of."""
    seen = [p for p in call.gitlab.projects.values() if call.user.id in p.members]
    of = {mr.id: p for p in seen for mr in p.merge_requests}
    mine = [
        mr
        for p in seen
        for mr in p.merge_requests
        if call.asked("scope", "created_by_me") == "all" or mr.author == call.user
    ]
    return call.paged(_filtered(call, mine), lambda mr: _show(call, of[mr.id])(mr))


async def create(call: Call) -> Response:
    """A merge request; a second open one from the same branch is a conflict (409)."""
    project = call.project()
    title, source = call.required("title"), call.required("source_branch")
    target, repository = call.required("target_branch"), project.repository
    branches = await asyncio.to_thread(repository.branches)
    if source == target:
        raise RequestRefused(
            422, {"message": ["You can't use same project/branch for source and target"]}
        )
    for name in (source, target):
        if name not in branches:
            kind = "Source" if name == source else "Target"
            raise RequestRefused(400, {"message": [f'{kind} branch "{name}" does not exist']})
    for other in project.merge_requests:
        same = (other.state, other.source_branch, other.target_branch)
        if same == ("opened", source, target):
            text = f"Another open merge request already exists for this source branch: !{other.iid}"
            raise RequestRefused(409, {"message": [text]})
    now = call.gitlab.clock()
    mr = MergeRequest(
        id=call.gitlab.next_id(),
        iid=len(project.merge_requests) + 1,
        author=call.user,
        title=title,
        description=str(call.given("description") or ""),
        source_branch=source,
        target_branch=target,
        sha=branches[source],
        created=now,
        updated=now,
        labels=_words(call.given("labels")),
        assignees=_people(call, call.given("assignee_ids") or call.given("assignee_id")),
        reviewers=_people(call, call.given("reviewer_ids")),
        remove_source_branch=call.given("remove_source_branch") in (True, "true"),
        squash=call.given("squash") in (True, "true"),
        pipeline=project.new_pipeline,
        pipeline_sha=project.new_pipeline_sha,
        checked_at=now + call.gitlab.mergeability_delay_s,
    )
    # No await between the look for a double and this line: two requests at once make one.
    project.merge_requests.append(mr)
    mr.description = obey(call.gitlab, mr, call.user, mr.description)
    _remember_labels(project, mr)
    mr.diff_base = await asyncio.to_thread(repository.merge_base, source, target)
    await tell(call.gitlab, project, mr, call.user, "open")
    return await _shown(call, project, mr, 201)


def _remember_labels(project: Project, mr: MergeRequest) -> None:
    for name in mr.labels:
        project.labels.setdefault(name, "#428BCA")


async def get(call: Call) -> Response:
    """One merge request."""
    project = call.project()
    return await _shown(call, project, call.merge_request(project))


async def update(call: Call) -> Response:
    """Changes the given fields; ``state_event`` closes and reopens."""
    project = call.project()
    mr = call.merge_request(project)
    before = (mr.title, mr.description, list(mr.labels))
    if call.given("title") is not None:
        mr.title = call.required("title")
    if call.given("description") is not None:
        mr.description = obey(call.gitlab, mr, call.user, str(call.given("description")))
    _relabel(call, mr)
    if call.given("assignee_ids") is not None:
        mr.assignees = _people(call, call.given("assignee_ids"))
    if call.given("reviewer_ids") is not None:
        mr.reviewers = _people(call, call.given("reviewer_ids"))
    _remember_labels(project, mr)
    mr.updated = call.gitlab.clock()
    event = call.given("state_event")
    if event == "close" and mr.state == "opened":
        mr.state, mr.closed, mr.closed_by = "closed", mr.updated, call.user
        await tell(call.gitlab, project, mr, call.user, "close")
    elif event == "reopen" and mr.state == "closed":
        mr.state, mr.closed, mr.closed_by = "opened", None, None
        await tell(call.gitlab, project, mr, call.user, "reopen")
    elif before != (mr.title, mr.description, mr.labels):
        await tell(call.gitlab, project, mr, call.user, "update")
    return await _shown(call, project, mr)


def _relabel(call: Call, mr: MergeRequest) -> None:
    if call.given("labels") is not None:
        mr.labels = _words(call.given("labels"))
    for name in _words(call.given("add_labels")):
        scope = name.rpartition("::")[0]
        # Labels of one scope exclude each other: the new one takes the place of the old one.
        kept = [n for n in mr.labels if not scope or n.rpartition("::")[0] != scope]
        mr.labels = [*(n for n in kept if n != name), name]
    gone = set(_words(call.given("remove_labels")))
    mr.labels = [name for name in mr.labels if name not in gone]


def _diff(project: Project, mr: MergeRequest) -> str:
    return project.repository.diff(mr.diff_base, mr.sha)


async def changes(call: Call) -> Response:
    """The merge request with its file diffs."""
    project = call.project()
    mr = call.merge_request(project)
    text = await asyncio.to_thread(_diff, project, mr)
    shown = views.merge_request(call.gitlab, project, mr, status_of(call.gitlab, project, mr))
    return reply({**shown, "changes": views.file_diffs(text), "overflow": False})


async def diffs(call: Call) -> Response:
    """File diffs alone, in pages."""
    project = call.project()
    text = await asyncio.to_thread(_diff, project, call.merge_request(project))
    return call.paged(views.file_diffs(text), lambda d: d)


async def commits(call: Call) -> Response:
    """The branch's own commits, newest first."""
    project = call.project()
    mr = call.merge_request(project)
    found = await asyncio.to_thread(project.repository.between, mr.diff_base, mr.sha)
    return call.paged(found, lambda c: views.commit(call.gitlab, project, c))


async def pipelines(call: Call) -> Response:
    """The branch's pipelines; at most one here."""
    project = call.project()
    mr = call.merge_request(project)
    sha = mr.pipeline_sha or mr.sha
    one: Json = {"id": mr.id * 10, "sha": sha, "ref": mr.source_branch, "status": mr.pipeline}
    return reply([one] if mr.pipeline else [])


async def merge(call: Call) -> Response:
    """Merges now, or with ``auto_merge`` once the pipeline has passed."""
    project = call.project()
    mr = call.merge_request(project)
    level = project.protected.get(mr.target_branch, Protection(30, 30)).merge
    if call.access(project) < level:
        raise RequestRefused(401, {"message": "401 Unauthorized"})
    sha = call.given("sha")
    if sha and sha != mr.sha:
        raise RequestRefused(
            409, {"message": f"SHA does not match HEAD of source branch: {mr.sha}"}
        )
    status = await asyncio.to_thread(status_of, call.gitlab, project, mr)
    waits = call.given("auto_merge") or call.given("merge_when_pipeline_succeeds")
    if status == "ci_still_running" and str(waits).lower() == "true":
        mr.auto_merge, mr.merged_by = True, call.user
        return await _shown(call, project, mr)
    if status == "conflict":
        raise RequestRefused(422, {"message": "Branch cannot be merged"})
    if status != "mergeable":
        raise RequestRefused(405, {"message": "405 Method Not Allowed"})
    remove = call.given("should_remove_source_branch") in (True, "true", "True")
    await merge_now(call.gitlab, project, mr, call.user, remove_source_branch=remove)
    return await _shown(call, project, mr)


async def merge_now(
    gitlab: GitLab,
    project: Project,
    mr: MergeRequest,
    by: User,
    *,
    remove_source_branch: bool = False,
) -> None:
    """The merge itself. Raises RequestRefused (422) when the branches conflict after all."""
    message = (
        f"Merge branch '{mr.source_branch}' into '{mr.target_branch}'\n\n"
        f"{mr.title}\n\nSee merge request {project.path}!{mr.iid}"
    )
    try:
        made = await asyncio.to_thread(
            project.repository.merge,
            mr.source_branch,
            mr.target_branch,
            message,
            by.person,
            squash=mr.squash,
        )
    except MergeConflict:
        raise RequestRefused(422, {"message": "Branch cannot be merged"}) from None
    now = gitlab.clock()
    mr.state, mr.merged, mr.merged_by, mr.updated = "merged", now, by, now
    mr.merge_commit_sha, mr.auto_merge = made, False
    if remove_source_branch or mr.remove_source_branch:
        await asyncio.to_thread(project.repository.delete_branch, mr.source_branch)
    payload = await asyncio.to_thread(merge_request_event, gitlab, project, mr, by, "merge")
    announce(gitlab, project, "merge_request", payload)


async def set_pipeline(
    gitlab: GitLab, project: Project, mr: MergeRequest, status: PipelineStatus
) -> None:
    """The branch's pipeline changes its state; hooks hear of it, and a waiting auto-merge goes through."""
    mr.pipeline = status
    mr.pipeline_finished = None if status == "running" else gitlab.clock()
    announce(gitlab, project, "pipeline", pipeline_event(gitlab, project, mr))
    if status == "success" and mr.auto_merge and mr.merged_by is not None:
        await merge_now(gitlab, project, mr, mr.merged_by)
