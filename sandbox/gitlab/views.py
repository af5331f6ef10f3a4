"""The shapes in which GitLab's API v4 shows things."""

from __future__ import annotations

import re
from typing import Literal

from sandbox.gitlab.repository import Commit
from sandbox.gitlab.state import GitLab, Hook, MergeRequest, Note, Project, User, instant
from schemas.base import Json

MergeStatus = Literal[
    "mergeable",
    "checking",
    "not_open",
    "draft_status",
    "conflict",
    "not_approved",
    "ci_still_running",
    "ci_must_pass",
]


def user(gitlab: GitLab, u: User) -> dict[str, Json]:
    """The short form, as it is embedded everywhere."""
    return {
        "id": u.id,
        "username": u.username,
        "name": u.name,
        "state": "active",
        "locked": False,
        "avatar_url": None,
        "web_url": f"{gitlab.url}/{u.username}",
    }


def project(gitlab: GitLab, p: Project, access: int) -> dict[str, Json]:
    """A project."""
    namespace, _, name = p.path.rpartition("/")
    return {
        "id": p.id,
        "name": name,
        "path": name,
        "path_with_namespace": p.path,
        "name_with_namespace": p.path.replace("/", " / "),
        "namespace": {"id": 1, "name": namespace, "path": namespace, "full_path": namespace},
        "default_branch": p.default_branch,
        "web_url": f"{gitlab.url}/{p.path}",
        "http_url_to_repo": f"{gitlab.url}/{p.path}.git",
        "visibility": "private",
        "archived": False,
        "empty_repo": False,
        "merge_method": "merge",
        "only_allow_merge_if_pipeline_succeeds": False,
        "permissions": {"project_access": {"access_level": access}, "group_access": None},
    }


def commit(gitlab: GitLab, p: Project, c: Commit) -> dict[str, Json]:
    """A commit."""
    return {
        "id": c.id,
        "short_id": c.id[:8],
        "title": c.message.split("\n", 1)[0],
        "message": c.message,
        "author_name": c.author.name,
        "author_email": c.author.email,
        "authored_date": c.authored_at,
        "committer_name": c.committer.name,
        "committer_email": c.committer.email,
        "committed_date": c.committed_at,
        "created_at": c.committed_at,
        "parent_ids": list(c.parents),
        "trailers": {},
        "web_url": f"{gitlab.url}/{p.path}/-/commit/{c.id}",
    }


def branch(gitlab: GitLab, p: Project, name: str, tip: Commit) -> dict[str, Json]:
    """A branch with its last commit."""
    return {
        "name": name,
        "commit": commit(gitlab, p, tip),
        "merged": False,
        "protected": name in p.protected,
        "default": name == p.default_branch,
        "developers_can_push": name not in p.protected,
        "developers_can_merge": name not in p.protected,
        "can_push": name not in p.protected,
        "web_url": f"{gitlab.url}/{p.path}/-/tree/{name}",
    }


def merge_request_url(gitlab: GitLab, p: Project, mr: MergeRequest) -> str:
    """The page for people."""
    return f"{gitlab.url}/{p.path}/-/merge_requests/{mr.iid}"


def merge_request(
    gitlab: GitLab, p: Project, mr: MergeRequest, status: MergeStatus
) -> dict[str, Json]:
    """A merge request, as lists and single reads show it."""
    sha = mr.pipeline_sha or mr.sha
    pipeline: Json = (
        {
            "id": mr.id * 10,
            "iid": 1,
            "status": mr.pipeline,
            "sha": sha,
            "ref": mr.source_branch,
            "finished_at": instant(mr.pipeline_finished),
        }
        if mr.pipeline
        else None
    )
    return {
        "id": mr.id,
        "iid": mr.iid,
        "project_id": p.id,
        "title": mr.title,
        "description": mr.description,
        "state": mr.state,
        "created_at": instant(mr.created),
        "updated_at": instant(mr.updated),
        "merged_at": instant(mr.merged),
        "closed_at": instant(mr.closed),
        "merged_by": None if mr.merged_by is None else user(gitlab, mr.merged_by),
        "merge_user": None if mr.merged_by is None else user(gitlab, mr.merged_by),
        "closed_by": None if mr.closed_by is None else user(gitlab, mr.closed_by),
        "source_branch": mr.source_branch,
        "target_branch": mr.target_branch,
        "source_project_id": p.id,
        "target_project_id": p.id,
        "author": user(gitlab, mr.author),
        "assignees": [user(gitlab, u) for u in mr.assignees],
        "assignee": user(gitlab, mr.assignees[0]) if mr.assignees else None,
        "reviewers": [user(gitlab, u) for u in mr.reviewers],
        "labels": list(mr.labels),
        "draft": mr.draft,
        "work_in_progress": mr.draft,
        "milestone": None,
        "merge_when_pipeline_succeeds": mr.auto_merge,
        "detailed_merge_status": status,
        "merge_status": "can_be_merged" if status != "conflict" else "cannot_be_merged",
        "has_conflicts": status == "conflict",
        "sha": mr.sha,
        "diff_refs": {"base_sha": mr.diff_base, "head_sha": mr.sha, "start_sha": mr.diff_base},
        "merge_commit_sha": mr.merge_commit_sha or None,
        "squash_commit_sha": None,
        "squash": mr.squash,
        "force_remove_source_branch": mr.remove_source_branch,
        "should_remove_source_branch": None,
        "user_notes_count": sum(not n.system for n in mr.notes),
        "changes_count": "1",
        "head_pipeline": pipeline,
        "pipeline": pipeline,
        "web_url": merge_request_url(gitlab, p, mr),
        "references": {
            "short": f"!{mr.iid}",
            "relative": f"!{mr.iid}",
            "full": f"{p.path}!{mr.iid}",
        },
        "blocking_discussions_resolved": True,
    }


def note(gitlab: GitLab, p: Project, mr: MergeRequest, n: Note) -> dict[str, Json]:
    """A comment."""
    return {
        "id": n.id,
        "type": None,
        "body": n.body,
        "author": user(gitlab, n.author),
        "created_at": instant(n.created),
        "updated_at": instant(n.updated),
        "system": n.system,
        "noteable_id": mr.id,
        "noteable_iid": mr.iid,
        "noteable_type": "MergeRequest",
        "project_id": p.id,
        "resolvable": False,
        "confidential": False,
        "internal": False,
    }


def label(number: int, name: str, color: str) -> dict[str, Json]:
    """A label."""
    return {
        "id": number,
        "name": name,
        "color": color,
        "text_color": "#FFFFFF",
        "description": None,
        "is_project_label": True,
    }


def hook(p: Project, h: Hook) -> dict[str, Json]:
    """A webhook; its secrets are never shown."""
    return {
        "id": h.id,
        "url": h.url,
        "project_id": p.id,
        "merge_requests_events": h.merge_requests_events,
        "note_events": h.note_events,
        "pipeline_events": h.pipeline_events,
        "push_events": False,
        "enable_ssl_verification": True,
        "alert_status": "executable" if not h.disabled_until else "disabled",
    }


_FILE = re.compile(r"^diff --git a/(?P<old>.+?) b/(?P<new>.+)$", re.MULTILINE)


def file_diffs(text: str) -> list[Json]:
    """A unified diff as the API's list of files; ``diff`` starts at the first hunk."""
    out: list[Json] = []
    heads = list(_FILE.finditer(text))
    for at, head in enumerate(heads):
        body = text[head.end() : heads[at + 1].start() if at + 1 < len(heads) else len(text)]
        hunks = body.find("\n@@")
        out.append(
            {
                "old_path": head["old"],
                "new_path": head["new"],
                "a_mode": "100644",
                "b_mode": "100644",
                "diff": body[hunks + 1 :] if hunks >= 0 else "",
                "new_file": "\nnew file mode" in body,
                "deleted_file": "\ndeleted file mode" in body,
                "renamed_file": "\nrename from" in body,
                "generated_file": False,
                "collapsed": False,
                "too_large": False,
            }
        )
    return out
