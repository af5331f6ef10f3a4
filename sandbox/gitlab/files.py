"""Repository endpoints: tree, files, blobs, archive, commits, branches, compare."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from typing import Literal, get_args

from starlette.responses import Response

from sandbox.gitlab import views
from sandbox.gitlab.hooks import announce, merge_request_event
from sandbox.gitlab.repository import Action, CommitRefused, Entry, NoSuchFile, NoSuchRef, Person
from sandbox.gitlab.requests import Call, RequestRefused, Table, forbidden, not_found
from sandbox.gitlab.state import Project
from sandbox.serving import reply
from schemas.base import Json

ActionName = Literal["create", "update", "delete", "move", "chmod"]
ACTIONS: tuple[ActionName, ...] = get_args(ActionName)
_ROOT = "/projects/{project}/repository"


def table() -> Table:
    """All paths of this part."""
    return (
        ("GET", f"{_ROOT}/tree", tree),
        ("GET", f"{_ROOT}/files/{{path}}", file),
        ("GET", f"{_ROOT}/files/{{path}}/raw", raw_file),
        ("GET", f"{_ROOT}/blobs/{{sha}}", blob),
        ("GET", f"{_ROOT}/blobs/{{sha}}/raw", raw_blob),
        ("GET", f"{_ROOT}/archive", archive),
        ("GET", f"{_ROOT}/archive.tar.gz", archive),
        ("GET", f"{_ROOT}/archive.zip", archive),
        ("GET", f"{_ROOT}/compare", compare),
        ("GET", f"{_ROOT}/commits", commits),
        ("POST", f"{_ROOT}/commits", create_commit),
        ("GET", f"{_ROOT}/commits/{{sha}}", commit),
        ("GET", f"{_ROOT}/commits/{{sha}}/diff", commit_diff),
        ("GET", f"{_ROOT}/branches", branches),
        ("POST", f"{_ROOT}/branches", create_branch),
        ("GET", f"{_ROOT}/branches/{{branch}}", branch),
        ("DELETE", f"{_ROOT}/branches/{{branch}}", delete_branch),
    )


async def tree(call: Call) -> Response:
    """Entries of a folder; ``recursive`` for all below it."""
    project = call.project()
    recursive = call.asked("recursive").lower() in ("true", "1")
    try:
        entries = await asyncio.to_thread(
            project.repository.tree, call.asked("ref"), call.asked("path"), recursive=recursive
        )
    except NoSuchRef:
        raise not_found("Tree") from None
    except NoSuchFile:
        raise RequestRefused(404, {"message": "404 invalid revision or path Not Found"}) from None
    return call.paged(entries, _entry)


def _entry(entry: Entry) -> Json:
    name = entry.path.rpartition("/")[2]
    return {
        "id": entry.id,
        "name": name,
        "type": entry.type,
        "path": entry.path,
        "mode": entry.mode,
    }


async def file(call: Call) -> Response:
    """A file with its content in base64 and the ids that guard a change of it."""
    project, path, ref = call.project(), call.part("path"), call.asked("ref", "HEAD")
    repository = project.repository
    entry = await asyncio.to_thread(repository.entry, ref, path)
    content = await asyncio.to_thread(repository.blob, entry.id)
    return reply(
        {
            "file_name": path.rpartition("/")[2],
            "file_path": path,
            "size": len(content),
            "encoding": "base64",
            "content": base64.b64encode(content).decode(),
            "content_sha256": hashlib.sha256(content).hexdigest(),
            "ref": ref,
            "blob_id": entry.id,
            "commit_id": await asyncio.to_thread(repository.resolve, ref),
            "last_commit_id": await asyncio.to_thread(repository.last_commit_of, ref, path),
            "execute_filemode": entry.mode == "100755",
        }
    )


async def raw_file(call: Call) -> Response:
    """A file's bytes."""
    project, ref = call.project(), call.asked("ref", "HEAD")
    content = await asyncio.to_thread(project.repository.read, ref, call.part("path"))
    return Response(content, media_type="text/plain")


async def blob(call: Call) -> Response:
    """A blob by id."""
    sha = call.part("sha")
    content = await asyncio.to_thread(call.project().repository.blob, sha)
    encoded = base64.b64encode(content).decode()
    return reply({"size": len(content), "encoding": "base64", "content": encoded, "sha": sha})


async def raw_blob(call: Call) -> Response:
    """A blob's bytes by id."""
    content = await asyncio.to_thread(call.project().repository.blob, call.part("sha"))
    return Response(content, media_type="application/octet-stream")


async def archive(call: Call) -> Response:
    """The tree as tar.gz or zip below ``<project>-<ref>-<sha>/``."""
    project, ref = call.project(), call.asked("sha", "HEAD")
    repository = project.repository
    sha = await asyncio.to_thread(repository.resolve, ref)
    kind: Literal["zip", "tar.gz"] = "zip" if call.request.url.path.endswith(".zip") else "tar.gz"
    name = project.path.rpartition("/")[2]
    shown = project.default_branch if ref == "HEAD" else ref.replace("/", "-")
    prefix = f"{name}-{shown}-{sha}"
    content = await asyncio.to_thread(repository.archive, sha, kind, prefix, call.asked("path"))
    headers = {"Content-Disposition": f'attachment; filename="{prefix}.{kind}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


async def compare(call: Call) -> Response:
    """Commits and file diffs between two refs, from their merge base."""
    project = call.project()
    repository, start, end = project.repository, call.required("from"), call.required("to")
    base = await asyncio.to_thread(repository.merge_base, start, end)
    found = await asyncio.to_thread(repository.between, base, end)
    text = await asyncio.to_thread(
        repository.diff, base, await asyncio.to_thread(repository.resolve, end)
    )
    shown = [views.commit(call.gitlab, project, c) for c in reversed(found)]
    return reply(
        {
            "commit": shown[-1] if shown else None,
            "commits": shown,
            "diffs": views.file_diffs(text),
            "compare_timeout": False,
            "compare_same_ref": start == end,
        }
    )


async def commits(call: Call) -> Response:
    """History of a ref, or of one path on it, newest first."""
    project = call.project()
    found = await asyncio.to_thread(
        project.repository.log,
        call.asked("ref_name"),
        call.asked("path"),
        since=call.asked("since"),
        until=call.asked("until"),
    )
    return call.paged(found, lambda c: views.commit(call.gitlab, project, c))


async def commit(call: Call) -> Response:
    """One commit."""
    project = call.project()
    found = await asyncio.to_thread(project.repository.commit_of, call.part("sha"))
    return reply(views.commit(call.gitlab, project, found))


async def commit_diff(call: Call) -> Response:
    """What one commit changed, file by file."""
    repository = call.project().repository
    found = await asyncio.to_thread(repository.commit_of, call.part("sha"))
    before = found.parents[0] if found.parents else ""
    text = await asyncio.to_thread(repository.diff, before, found.id)
    return call.paged(views.file_diffs(text), lambda d: d)


async def create_commit(call: Call) -> Response:
    """Several files in one commit; with ``start_branch`` or ``start_sha`` it makes the branch too."""
    project, branch_name = call.project(), call.required("branch")
    message = call.required("commit_message")
    may_push(call, project, branch_name)
    start = str(call.given("start_branch") or call.given("start_sha") or "")
    if start:
        try:
            await asyncio.to_thread(project.repository.resolve, start)
        except NoSuchRef:
            raise RequestRefused(400, {"message": f"Cannot find start_branch '{start}'"}) from None
    author = Person(
        str(call.given("author_name") or call.user.name),
        str(call.given("author_email") or call.user.person.email),
    )
    made = await asyncio.to_thread(
        project.repository.commit,
        branch_name,
        message,
        _actions(call),
        author,
        start=start,
        force=call.given("force") in (True, "true"),
        committer=call.user.person,
    )
    await _pushed(call, project, branch_name, made)
    found = await asyncio.to_thread(project.repository.commit_of, made)
    return reply(views.commit(call.gitlab, project, found), 201)


def may_push(call: Call, project: Project, branch_name: str) -> None:
    """Raises RequestRefused (403) when the branch is protected from the caller."""
    protection = project.protected.get(branch_name)
    if protection is not None and call.access(project) < protection.push:
        raise forbidden("You are not allowed to push into this branch")


async def _pushed(call: Call, project: Project, branch_name: str, sha: str) -> None:
    """A push to the source branch of an open merge request shows on it, and takes its approvals back."""
    for mr in project.merge_requests:
        if mr.state == "opened" and mr.source_branch == branch_name and mr.sha != sha:
            before, mr.sha, mr.updated = mr.sha, sha, call.gitlab.clock()
            mr.approved_by.clear()
            payload = await asyncio.to_thread(
                merge_request_event, call.gitlab, project, mr, call.user, "update", oldrev=before
            )
            announce(call.gitlab, project, "merge_request", payload)


def _actions(call: Call) -> list[Action]:
    given = call.given("actions")
    if not isinstance(given, list) or not given:
        raise RequestRefused(400, {"error": "actions is missing"})
    return [_action(item) for item in given]


def _action(item: Json) -> Action:
    if not isinstance(item, dict):
        raise RequestRefused(400, {"error": "actions is invalid"})
    path = item.get("file_path")
    name = next((n for n in ACTIONS if n == item.get("action")), None)
    if name is None:
        raise RequestRefused(400, {"error": "actions[0][action] does not have a valid value"})
    if not isinstance(path, str) or not path:
        raise RequestRefused(400, {"error": "actions[0][file_path] is missing"})
    content = item.get("content")
    mode = item.get("execute_filemode")
    return Action(
        name,
        path,
        None if content is None else _content(str(content), str(item.get("encoding") or "text")),
        str(item.get("previous_path") or ""),
        str(item.get("last_commit_id") or ""),
        mode if isinstance(mode, bool) else None,
    )


def _content(text: str, encoding: str) -> bytes:
    if encoding != "base64":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise CommitRefused(f"invalid base64: {error}") from None


async def branches(call: Call) -> Response:
    """All branches, or those whose name contains ``search``."""
    project = call.project()
    names = [
        n for n in await asyncio.to_thread(project.repository.branches) if call.asked("search") in n
    ]
    return call.paged(names, lambda name: _branch(call, project, name))


def _branch(call: Call, project: Project, name: str) -> Json:
    return views.branch(
        call.gitlab, project, name, project.repository.commit_of(f"refs/heads/{name}")
    )


async def branch(call: Call) -> Response:
    """One branch."""
    project, name = call.project(), call.part("branch")
    if name not in await asyncio.to_thread(project.repository.branches):
        raise not_found("Branch")
    return reply(await asyncio.to_thread(_branch, call, project, name))


async def create_branch(call: Call) -> Response:
    """A branch from a ref."""
    project, name = call.project(), call.required("branch")
    try:
        await asyncio.to_thread(project.repository.create_branch, name, call.required("ref"))
    except NoSuchRef as error:
        raise RequestRefused(400, {"message": f"Invalid reference name: {error}"}) from None
    return reply(await asyncio.to_thread(_branch, call, project, name), 201)


async def delete_branch(call: Call) -> Response:
    """Removes a branch that is not protected."""
    project, name = call.project(), call.part("branch")
    if name not in await asyncio.to_thread(project.repository.branches):
        raise not_found("Branch")
    if name in project.protected:
        raise forbidden()
    await asyncio.to_thread(project.repository.delete_branch, name)
    return Response(status_code=204)
