"""Comments on merge requests, and approvals."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from sandbox.gitlab import views
from sandbox.gitlab.hooks import announce, note_event, tell
from sandbox.gitlab.quick_actions import obey
from sandbox.gitlab.requests import Call, RequestRefused, Table, not_found
from sandbox.gitlab.state import GitLab, MergeRequest, Note, Project, User, instant
from sandbox.serving import reply
from schemas.base import Json

_ONE = "/projects/{project}/merge_requests/{iid}"


def table() -> Table:
    """All paths of this part."""
    return (
        ("GET", f"{_ONE}/notes", notes),
        ("POST", f"{_ONE}/notes", create_note),
        ("GET", f"{_ONE}/notes/{{note}}", get_note),
        ("PUT", f"{_ONE}/notes/{{note}}", update_note),
        ("GET", f"{_ONE}/approvals", approvals),
        ("POST", f"{_ONE}/approve", approve),
        ("POST", f"{_ONE}/unapprove", unapprove),
    )


async def notes(call: Call) -> Response:
    """Comments, newest first unless ``sort=asc``."""
    project = call.project()
    mr = call.merge_request(project)
    found = mr.notes if call.asked("sort") == "asc" else mr.notes[::-1]
    return call.paged(found, lambda n: views.note(call.gitlab, project, mr, n))


async def create_note(call: Call) -> Response:
    """A comment; hooks hear of it."""
    project = call.project()
    mr = call.merge_request(project)
    body = obey(call.gitlab, mr, call.user, call.required("body"))
    note = add_note(call.gitlab, mr, call.user, body)
    payload = await asyncio.to_thread(note_event, call.gitlab, project, mr, call.user, note)
    announce(call.gitlab, project, "note", payload)
    return reply(views.note(call.gitlab, project, mr, note), 201)


def add_note(
    gitlab: GitLab, mr: MergeRequest, author: User, body: str, *, system: bool = False
) -> Note:
    """Puts a comment on the merge request without telling hooks."""
    now = gitlab.clock()
    note = Note(gitlab.next_id(), author, body, now, now, system)
    mr.notes.append(note)
    mr.updated = now
    return note


def _note(call: Call, mr: MergeRequest) -> Note:
    wanted = call.part("note")
    found = next((n for n in mr.notes if str(n.id) == wanted), None)
    if found is None:
        raise not_found("Note")
    return found


async def get_note(call: Call) -> Response:
    """One comment."""
    project = call.project()
    mr = call.merge_request(project)
    return reply(views.note(call.gitlab, project, mr, _note(call, mr)))


async def update_note(call: Call) -> Response:
    """Rewrites one's own comment."""
    project = call.project()
    mr = call.merge_request(project)
    note = _note(call, mr)
    if note.author != call.user:
        raise RequestRefused(403, {"message": "403 Forbidden"})
    note.body, note.updated = call.required("body"), call.gitlab.clock()
    return reply(views.note(call.gitlab, project, mr, note))


def _approvals(call: Call, project: Project, mr: MergeRequest) -> dict[str, Json]:
    left = max(0, project.approvals_required - len(mr.approved_by))
    return {
        "id": mr.id,
        "iid": mr.iid,
        "project_id": project.id,
        "title": mr.title,
        "state": mr.state,
        "approved": left == 0,
        "approvals_required": project.approvals_required,
        "approvals_left": left,
        "approved_by": [
            {"user": views.user(call.gitlab, u), "approved_at": instant(at)}
            for u, at in mr.approved_by.items()
        ],
        "user_has_approved": call.user in mr.approved_by,
        "user_can_approve": call.user != mr.author and call.user not in mr.approved_by,
    }


async def approvals(call: Call) -> Response:
    """Who approved, and how many are missing."""
    project = call.project()
    return reply(_approvals(call, project, call.merge_request(project)))


async def approve(call: Call) -> Response:
    """One person's approval; the author's own is refused (401), as is one for another ``sha`` (409)."""
    project = call.project()
    mr = call.merge_request(project)
    if call.user == mr.author or call.user in mr.approved_by or mr.state != "opened":
        raise RequestRefused(401, {"message": "401 Unauthorized"})
    sha = call.given("sha")
    if sha and sha != mr.sha:
        raise RequestRefused(
            409, {"message": f"SHA does not match HEAD of source branch: {mr.sha}"}
        )
    mr.updated = mr.approved_by[call.user] = call.gitlab.clock()
    complete = len(mr.approved_by) >= project.approvals_required
    await tell(call.gitlab, project, mr, call.user, "approved" if complete else "approval")
    return reply(_approvals(call, project, mr), 201)


async def unapprove(call: Call) -> Response:
    """Takes one's approval back."""
    project = call.project()
    mr = call.merge_request(project)
    if call.user not in mr.approved_by:
        raise RequestRefused(404, {"message": "404 Not found"})
    del mr.approved_by[call.user]
    mr.updated = call.gitlab.clock()
    await tell(call.gitlab, project, mr, call.user, "unapproved")
    return reply(_approvals(call, project, mr), 201)
