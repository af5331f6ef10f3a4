"""Payloads as their senders write them, for the OpenAPI description."""

from __future__ import annotations

from typing import Any

DATADOG_NATIVE: dict[str, Any] = {
    "id": "7421936018833640513",
    "event_type": "query_alert_monitor",
    "title": "[Triggered on {kube_deployment:api,kube_namespace:shop}] CPU is throttled",
    "body": "%%%\nThe containers of api are throttled.\n%%%",
    "date": "1764000000000",
    "last_updated": "1764000000000",
    "org": {"id": "1", "name": "Shop"},
}
DATADOG_KFIX: dict[str, Any] = DATADOG_NATIVE | {
    "kfix_template": "1",
    "alert_id": "9001",
    "alert_transition": "Triggered",
    "alert_type": "error",
    "alert_scope": "kube_deployment:api,kube_namespace:shop",
    "alert_cycle_key": "7421936018833640513",
    "tags": "env:prod,kube_namespace:shop,kube_deployment:api",
}
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
