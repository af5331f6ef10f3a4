"""Records of the first version, whose alerts were Datadog's payload, are read as neutral alerts: nothing they said is lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import fastavro
import pytest

from enrich.core.repeats import episode_of, trouble_of_alert
from kfix.engine import topics
from kfix.engine.wire import codec_for
from kfix.engine.wire.files import published
from kfix.incident.cluster_names import Fleet
from kfix.infra.settings import Kafka
from schemas.alerts import Alert, RawAlert
from schemas.context import ContextBundle, Monitor

OLD: dict[str, Any] = {
    "event_id": "7421936018833640513",
    "monitor_id": 9001,
    "transition": "renotify",
    "title": "[P2] [Re-Triggered on {kube_deployment:api,kube_namespace:shop}] CPU is throttled",
    "body": "throttled",
    "alert_type": "error",
    "priority": "P2",
    "status": "95 > 80",
    "query": "avg(last_5m):avg:kubernetes.cpu.usage.total{*} by {kube_deployment} > 80",
    "metric": "kubernetes.cpu.usage.total",
    "scope": "kube_deployment:api,kube_namespace:shop",
    "cycle_key": "777",
    "aggregation_key": "agg-1",
    "hostname": "node-1",
    "link": "https://app.datadoghq.eu/monitors/9001",
    "snapshot": "https://p.datadoghq.eu/s.png",
    "logs_sample": '{"a": 1}',
    "org_id": "314",
    "tags": {
        "env": "prod",
        "service": "a,b",
        "pod_name": "api-6d4cf56db6-x2x8k",
        "kube_deployment": "api",
        "kube_namespace": "shop",
    },
    "happened_at": "2025-11-24T16:00:00Z",
    "anomalies": [],
}
AT = datetime(2026, 11, 24, tzinfo=UTC)
CYCLE, TROUBLE = "cy-ff0f5cc674749d3b", "tr-e39c3685146741cc"


def written(schema: Any, values: dict[str, Any]) -> Any:
    """A datum of an Avro schema: the given values, the schema's defaults for the rest."""
    return {
        field["name"]: values[field["name"]] if field["name"] in values else field["default"]
        for field in schema["fields"]
    }


def old_alert(schema: Any) -> dict[str, Any]:
    inner = next(f for f in schema["fields"] if f["name"] == "alert")["type"]
    return dict(written(inner, {**OLD, "happened_at": datetime.fromisoformat(OLD["happened_at"])}))


def in_avro(topic: str, **values: Any) -> bytes:
    """A record as the released writer wrote it, single-object encoded."""
    ((print_of, schema),) = published(topic)
    known = {"event_id": "dd-1", "trace_id": "t-1", "occurred_at": AT, "alert": old_alert(schema)}
    out = BytesIO()
    fastavro.schemaless_writer(out, schema, written(schema, known | values))
    return b"\xc3\x01" + print_of + out.getvalue()


def in_json(**values: Any) -> bytes:
    known = {"event_id": "dd-1", "trace_id": "t-1", "occurred_at": "2026-11-24T00:00:00Z"}
    return json.dumps({**known, "alert": OLD, **values}).encode()


def said(alert: Alert) -> None:
    assert (alert.source, alert.source_name) == ("datadog", "Datadog")
    assert (alert.state, alert.severity, alert.priority) == ("renotified", "error", "P2")
    assert (alert.notification_id, alert.account) == (OLD["event_id"], OLD["org_id"])
    assert (alert.fingerprint, alert.group_key) == (OLD["cycle_key"], OLD["aggregation_key"])
    assert alert.rule.id == str(OLD["monitor_id"])
    assert (alert.rule.query, alert.rule.metric) == (OLD["query"], OLD["metric"])
    assert (alert.rule.group, alert.labels) == (OLD["scope"], OLD["tags"])
    assert (alert.title, alert.body, alert.host) == (OLD["title"], OLD["body"], OLD["hostname"])
    assert alert.links == {"alert": OLD["link"], "snapshot": OLD["snapshot"]}
    assert alert.details == {"status": OLD["status"]}
    assert alert.logs_sample == OLD["logs_sample"]
    assert alert.happened_at == datetime.fromisoformat(OLD["happened_at"])
    assert (episode_of(alert, "dd-1", Fleet()), trouble_of_alert(alert)) == (CYCLE, TROUBLE)


@pytest.mark.parametrize(
    "raw",
    [
        in_avro("alerts.raw", body=b"{}", body_sha256="0"),
        in_json(body="e30=", body_sha256="0", source="datadog"),
    ],
    ids=["avro", "json"],
)
def test_a_delivery_of_the_first_version_says_all_it_said(raw: bytes) -> None:
    record = codec_for(Kafka(format="avro")).decode(topics.ALERTS_RAW, raw)
    assert isinstance(record, RawAlert)
    assert (record.source, record.body, record.trace_id) == ("datadog", b"{}", "t-1")
    said(record.alert)


MONITOR = {"monitor_id": 9001, "query": "q", "overall_state": "Alert"}


@pytest.mark.parametrize(
    "raw",
    [
        in_avro("context.bundle", alerted_at=AT, cycle="cy-1"),
        in_json(alerted_at="2026-11-24T00:00:00Z", cycle="cy-1", monitor=MONITOR),
    ],
    ids=["avro", "json"],
)
def test_a_bundle_of_the_first_version_says_all_it_said(raw: bytes) -> None:
    record = codec_for(Kafka(format="avro")).decode(topics.CONTEXT_BUNDLE, raw)
    assert isinstance(record, ContextBundle)
    assert (record.cycle, record.k8s_context.objects) == ("cy-1", {})
    said(record.alert)


def test_a_monitor_of_the_first_version_keeps_its_id() -> None:
    assert Monitor.model_validate(MONITOR) == Monitor(
        rule_id="9001", query="q", overall_state="Alert"
    )


def test_what_was_read_is_written_and_read_again_in_todays_words() -> None:
    codec = codec_for(Kafka(format="avro"))
    record = codec.decode(topics.ALERTS_RAW, in_json(body="e30=", body_sha256="0"))
    assert codec.decode(topics.ALERTS_RAW, codec.encode(record)) == record


def test_an_empty_alert_of_the_first_version_is_an_empty_alert() -> None:
    assert Alert.model_validate({"tags": {}, "monitor_id": None, "transition": "unknown"}) == Alert(
        source="datadog", source_name="Datadog"
    )
