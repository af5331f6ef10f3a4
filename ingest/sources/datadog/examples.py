"""Payloads as Datadog writes them, for the OpenAPI description."""

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
