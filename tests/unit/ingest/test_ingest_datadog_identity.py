"""What identifies a Datadog alert stays: deliveries, episodes and troubles of a running installation keep their ids."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from enrich.core.repeats import episode_of, trouble_of_alert
from ingest.sources.datadog.reading import raw_alert
from kfix.incident.cluster_names import Fleet
from schemas.alerts import RawAlert

PAYLOADS: dict[str, dict[str, Any]] = {
    "our template": {
        "kfix_template": "1",
        "id": "7421936018833640513",
        "event_type": "query_alert_monitor",
        "title": "[P2] [Re-Triggered on {kube_deployment:api,kube_namespace:shop}] CPU is throttled",
        "body": "throttled",
        "date": "1764000000000",
        "last_updated": "1764000000001",
        "org": {"id": "314", "name": "Shop"},
        "alert_id": "9001",
        "alert_transition": "Re-Triggered",
        "alert_type": "error",
        "alert_status": "95 > 80",
        "alert_priority": "P2",
        "alert_scope": "kube_deployment:api,kube_namespace:shop",
        "alert_cycle_key": "777",
        "aggreg_key": "agg-1",
        "alert_query": "avg(last_5m):avg:kubernetes.cpu.usage.total{*} by {kube_deployment} > 80",
        "alert_metric": "kubernetes.cpu.usage.total",
        "hostname": "node-1",
        "tags": "env:prod,service:a,service:b,pod_name:api-6d4cf56db6-x2x8k",
        "link": "https://app.datadoghq.eu/monitors/9001",
        "snapshot": "https://p.datadoghq.eu/s.png",
        "logs_sample": {"a": 1},
    },
    "without a cycle": {
        "id": "12",
        "title": "[Warn on {host:web-1}] Host is slow",
        "alert_id": "507",
        "alert_scope": "host:web-1",
        "alert_transition": "Warn",
        "org": {"id": "314"},
    },
    "without a monitor": {
        "id": "13",
        "title": "Watchdog: latency anomaly",
        "aggreg_key": "wd-7",
        "hostname": "web-2",
        "tags": "service:checkout,source:watchdog",
        "org": {"id": "314"},
    },
    "no data": {
        "id": "14",
        "title": "[No Data] p95",
        "alert_id": "7",
        "alert_transition": "No Data",
    },
    "a recovery": {
        "title": "[Recovered on {pod_name:db-0}] up",
        "alert_id": "8",
        "alert_cycle_key": "c8",
    },
    "an event alone": {"id": "99", "title": ""},
}
#: Delivery, episode, trouble.
IDS = {
    "our template": (
        "dd-cc1fa760728eaba19ccc333d8c4d2b26",
        "cy-ff0f5cc674749d3b",
        "tr-e39c3685146741cc",
    ),
    "without a cycle": (
        "dd-006bb35c896f23b970cbce54af7be06f",
        "cy-e3fcd90e5129fde6",
        "tr-9d171e2ef4048720",
    ),
    "without a monitor": (
        "dd-16794d25f21d13974e9467833b8d3f07",
        "cy-8e82d52ebc49cc16",
        "tr-97214732e2456623",
    ),
    "no data": (
        "dd-4731d2db89373a557934b4478f890e0e",
        "cy-4ca3c80ddfea1a18",
        "tr-1667bbea6ddd8add",
    ),
    "a recovery": (
        "dd-c6752b7d40f15203f7c6a5f70a53a865",
        "cy-1f78300c03c3c957",
        "tr-5a42fc6452863425",
    ),
    "an event alone": (
        "dd-633245c5f0768d2f6702295e0a803bb4",
        "cy-a37d248a75d3c81f",
        "tr-41c3a5582ac42114",
    ),
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_datadog_alert_keeps_its_identities(name: str) -> None:
    document = PAYLOADS[name]
    record = raw_alert(
        document,
        body=json.dumps(document).encode(),
        content_type="application/json",
        received_at=datetime(2026, 11, 24, tzinfo=UTC),
    )
    assert isinstance(record, RawAlert)
    found = (
        record.event_id,
        episode_of(record.alert, record.event_id, Fleet()),
        trouble_of_alert(record.alert),
    )
    assert found == IDS[name]
