"""Webhooks as GitLab sends them: payloads, headers, plain token or signature, switch-off after four failures.

Sources: docs.gitlab.com/user/project/integrations/webhooks and webhook_events; signatures follow standardwebhooks.com.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import uuid

import httpx
import orjson

from sandbox.gitlab import views
from sandbox.gitlab.state import (
    GitLab,
    Hook,
    HookDelivery,
    MergeRequest,
    Note,
    Project,
    User,
    instant,
)
from schemas.base import Json

_TITLES = {
    "merge_request": "Merge Request Hook",
    "note": "Note Hook",
    "pipeline": "Pipeline Hook",
}
_TIMEOUT_S = 10.0
_FAILURES_ALLOWED = 3
_PAUSE_S = 60.0
_FOR_GOOD = float("inf")


def merge_request_event(
    gitlab: GitLab,
    project: Project,
    mr: MergeRequest,
    actor: User,
    action: str,
    *,
    oldrev: str = "",
    changes: dict[str, Json] | None = None,
) -> dict[str, Json]:
    """Payload of a merge request event; ``oldrev`` only when the code changed."""
    attributes = _attributes(gitlab, project, mr)
    attributes["action"] = action
    if oldrev:
        attributes["oldrev"] = oldrev
    return {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": _user(actor),
        "project": _project(gitlab, project),
        "repository": {"name": project.path.rpartition("/")[2]},
        "object_attributes": attributes,
        "labels": attributes["labels"],
        "changes": changes or {},
        "assignees": [_user(u) for u in mr.assignees],
        "reviewers": [_user(u) for u in mr.reviewers],
    }


def note_event(
    gitlab: GitLab, project: Project, mr: MergeRequest, actor: User, note: Note
) -> dict[str, Json]:
    """Payload of a comment on a merge request."""
    return {
        "object_kind": "note",
        "event_type": "note",
        "user": _user(actor),
        "project_id": project.id,
        "project": _project(gitlab, project),
        "object_attributes": {
            "id": note.id,
            "note": note.body,
            "noteable_type": "MergeRequest",
            "noteable_id": mr.id,
            "author_id": note.author.id,
            "created_at": _old_time(note.created),
            "updated_at": _old_time(note.updated),
            "project_id": project.id,
            "system": note.system,
            "action": "create",
            "url": f"{views.merge_request_url(gitlab, project, mr)}#note_{note.id}",
        },
        "merge_request": _attributes(gitlab, project, mr),
    }


def pipeline_event(gitlab: GitLab, project: Project, mr: MergeRequest) -> dict[str, Json]:
    """Payload of a pipeline of the merge request's branch."""
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": mr.id * 10,
            "iid": 1,
            "ref": mr.source_branch,
            "tag": False,
            "sha": mr.sha,
            "source": "merge_request_event",
            "status": mr.pipeline,
            "detailed_status": "passed" if mr.pipeline == "success" else mr.pipeline,
            "created_at": _old_time(mr.updated),
            "finished_at": _old_time(mr.pipeline_finished) if mr.pipeline_finished else None,
            "url": f"{gitlab.url}/{project.path}/-/pipelines/{mr.id * 10}",
        },
        "merge_request": {
            "id": mr.id,
            "iid": mr.iid,
            "title": mr.title,
            "source_branch": mr.source_branch,
            "target_branch": mr.target_branch,
            "state": mr.state,
            "url": views.merge_request_url(gitlab, project, mr),
        },
        "user": _user(mr.author),
        "project": _project(gitlab, project),
        "builds": [],
    }


def _attributes(gitlab: GitLab, project: Project, mr: MergeRequest) -> dict[str, Json]:
    tip = project.repository.commit_of(mr.sha)
    return {
        "id": mr.id,
        "iid": mr.iid,
        "title": mr.title,
        "description": mr.description,
        "state": mr.state,
        "draft": mr.draft,
        "author_id": mr.author.id,
        "assignee_ids": [u.id for u in mr.assignees],
        "reviewer_ids": [u.id for u in mr.reviewers],
        "source_branch": mr.source_branch,
        "target_branch": mr.target_branch,
        "source_project_id": project.id,
        "target_project_id": project.id,
        "created_at": _old_time(mr.created),
        "updated_at": _old_time(mr.updated),
        "merge_commit_sha": mr.merge_commit_sha or None,
        "detailed_merge_status": "mergeable" if mr.state == "opened" else "not_open",
        "last_commit": {
            "id": tip.id,
            "message": tip.message,
            "title": tip.message.split("\n", 1)[0],
            "timestamp": tip.committed_at,
            "url": f"{gitlab.url}/{project.path}/-/commit/{tip.id}",
            "author": {"name": tip.author.name, "email": tip.author.email},
        },
        "labels": [
            {"id": n, "title": name, "project_id": project.id, "type": "ProjectLabel"}
            for n, name in enumerate(mr.labels, 1)
        ],
        "url": views.merge_request_url(gitlab, project, mr),
        "source": _project(gitlab, project),
        "target": _project(gitlab, project),
        "system": False,
    }


def _old_time(seconds: float) -> str:
    """Webhooks write ``2013-12-03 17:23:34 UTC`` where the REST API writes ISO 8601."""
    text = instant(seconds) or ""
    return f"{text[:10]} {text[11:19]} UTC"


def _user(u: User) -> dict[str, Json]:
    return {
        "id": u.id,
        "name": u.name,
        "username": u.username,
        "avatar_url": None,
        "email": "[REDACTED]",
    }


def _project(gitlab: GitLab, p: Project) -> dict[str, Json]:
    namespace, _, name = p.path.rpartition("/")
    return {
        "id": p.id,
        "name": name,
        "namespace": namespace,
        "path_with_namespace": p.path,
        "default_branch": p.default_branch,
        "web_url": f"{gitlab.url}/{p.path}",
        "git_http_url": f"{gitlab.url}/{p.path}.git",
        "visibility_level": 0,
    }


def announce(gitlab: GitLab, project: Project, kind: str, payload: dict[str, Json]) -> None:
    """Sends the event to the project's hooks in the background, as GitLab's workers do."""
    body = orjson.dumps(payload)
    for hook in project.hooks:
        wanted = {
            "merge_request": hook.merge_requests_events,
            "note": hook.note_events,
            "pipeline": hook.pipeline_events,
        }[kind]
        if wanted and hook.disabled_until <= gitlab.clock():
            key = str(uuid.uuid4())
            task = asyncio.create_task(send(gitlab, hook, kind, body, key))
            gitlab.sending.add(task)
            task.add_done_callback(gitlab.sending.discard)


async def tell(
    gitlab: GitLab,
    project: Project,
    mr: MergeRequest,
    actor: User,
    action: str,
) -> None:
    """Announces that somebody did something to a merge request."""
    payload = await asyncio.to_thread(merge_request_event, gitlab, project, mr, actor, action)
    announce(gitlab, project, "merge_request", payload)


def headers_of(gitlab: GitLab, hook: Hook, kind: str, body: bytes, key: str) -> dict[str, str]:
    """All headers of one delivery, the secret or the signature included."""
    stamp = str(int(gitlab.clock()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitLab/19.2.1",
        "X-Gitlab-Instance": gitlab.url,
        "X-Gitlab-Webhook-UUID": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{gitlab.url}/{hook.id}")),
        "X-Gitlab-Event": _TITLES[kind],
        "X-Gitlab-Event-UUID": str(uuid.uuid4()),
        "Idempotency-Key": key,
    }
    if hook.token:
        headers["X-Gitlab-Token"] = hook.token
    if hook.signing_token:
        headers |= {
            "webhook-id": key,
            "webhook-timestamp": stamp,
            "webhook-signature": sign(hook.signing_token, key, stamp, body),
        }
    return headers


def sign(signing_token: str, key: str, stamp: str, body: bytes) -> str:
    """``v1,<base64>`` of HMAC-SHA256 over ``id.timestamp.body``."""
    secret = base64.b64decode(signing_token.removeprefix("whsec_"))
    signed = f"{key}.{stamp}.".encode() + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


async def send(gitlab: GitLab, hook: Hook, kind: str, body: bytes, key: str) -> None:
    """One delivery, kept in ``gitlab.deliveries``. The same ``key`` again is a resend."""
    headers = headers_of(gitlab, hook, kind, body, key)
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            status = (await client.post(hook.url, content=body, headers=headers)).status_code
    except httpx.TransportError:
        status = 0
    gitlab.deliveries.append(HookDelivery(hook.id, kind, key, body, status))
    if 200 <= status < 300:
        hook.failures = 0
        return
    hook.failures += 1
    if hook.failures > _FAILURES_ALLOWED:
        permanent = 400 <= status < 500
        hook.disabled_until = _FOR_GOOD if permanent else gitlab.clock() + _PAUSE_S


async def settle(gitlab: GitLab) -> None:
    """Waits until all deliveries under way have ended."""
    while gitlab.sending:
        await asyncio.gather(*gitlab.sending)
