"""Payloads as GitLab writes them, for the OpenAPI description."""

from __future__ import annotations

from typing import Any

_PROJECT = {"id": 7, "path_with_namespace": "platform/deploy"}
_REQUEST = {
    "iid": 12,
    "source_branch": "kfix/incident-inc-4f1c",
    "target_branch": "main",
    "source_project_id": 7,
    "target_project_id": 7,
    "title": "Raise the CPU limit of api",
    "url": "https://gitlab.example.com/platform/deploy/-/merge_requests/12",
    "last_commit": {"id": "8c1de0f0e1d94c8f0f0e1d94c8f0f0e1d94c8f0f"},
}
GITLAB_MERGED: dict[str, Any] = {
    "object_kind": "merge_request",
    "user": {"id": 3, "username": "ada"},
    "project": _PROJECT,
    "object_attributes": _REQUEST
    | {"action": "merge", "state": "merged", "updated_at": "2026-11-24 09:00:00 UTC"},
}
GITLAB_NOTE: dict[str, Any] = {
    "object_kind": "note",
    "user": {"id": 3, "username": "ada"},
    "project": _PROJECT,
    "object_attributes": {
        "id": 1244,
        "noteable_type": "MergeRequest",
        "action": "create",
        "note": "/kfix feedback good held for a week",
        "created_at": "2026-11-24 09:00:00 UTC",
    },
    "merge_request": _REQUEST,
}
