"""Alertmanager's webhook: who may send, which records a delivery becomes, and whom each alert names."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from enrich.core.repeats import trouble_of_alert
from ingest.agent import build_app
from ingest.ports import IngestPorts
from ingest.settings import Ingest
from ingest.sources import NAMES, alert_in, alertmanager
from ingest.sources.alertmanager.examples import ALERTMANAGER_FIRING, ALERTMANAGER_RESOLVED
from ingest.sources.alertmanager.reading import alert_of
from ingest.sources.alertmanager.settings import AlertmanagerWebhook
from schemas.alerts import RawAlert
from tests.support.ingest import NOW, Kept

SETTINGS = AlertmanagerWebhook(
    tokens=(SecretStr("new-token"), SecretStr("old-token")), users=(SecretStr("am:s3cret"),)
)


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def payload(*alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A delivery of these alerts; each is the example's with what it says itself."""
    usual = ALERTMANAGER_FIRING["alerts"][0]
    return ALERTMANAGER_FIRING | {"alerts": [usual | alert for alert in alerts]} | more


async def sent(
    document: Any, authorization: str | None = "Bearer new-token", settings: Any = SETTINGS
) -> tuple[httpx.Response, Kept]:
    kept = Kept()
    ports = IngestPorts(
        Ingest(failures_per_minute=0), (alertmanager.source(settings),), lambda: NOW
    )
    transport = httpx.ASGITransport(build_app(ports, kept))
    headers = {"content-type": "application/json"}
    if authorization is not None:
        headers["authorization"] = authorization
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        body = json.dumps(document).encode()
        return await client.post("/alertmanager-webhook", content=body, headers=headers), kept


@pytest.mark.parametrize(
    "authorization",
    ["Bearer new-token", "Bearer old-token", "bearer new-token", basic("am:s3cret")],
)
async def test_a_bearer_token_and_basic_credentials_are_accepted(authorization: str) -> None:
    answer, kept = await sent(payload({}), authorization)
    assert (answer.status_code, answer.json()["result"]) == (202, "accepted")
    assert len(kept.records) == 1


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "token_missing"),
        ("", "token_missing"),
        ("Bearer wrong", "token_wrong"),
        ("new-token", "token_wrong"),
        ("Basic new-token", "token_wrong"),
        (basic("am:wrong"), "token_wrong"),
        (basic("am"), "token_wrong"),
        ("Bearer am:s3cret", "token_wrong"),
    ],
)
async def test_everything_else_is_refused(authorization: str | None, reason: str) -> None:
    answer, kept = await sent(payload({}), authorization)
    assert (answer.status_code, answer.json()["reason"]) == (401, reason)
    assert kept.nothing


@pytest.mark.parametrize("settings", [{}, {"tokens": ""}, {"users": "nobody"}])
async def test_without_credentials_nobody_is_heard(settings: dict[str, str]) -> None:
    answer, kept = await sent(payload({}), "Bearer ", AlertmanagerWebhook(**settings))
    assert (answer.status_code, answer.json()["reason"]) == (401, "no_token_configured")
    assert kept.nothing


async def test_each_alert_of_a_group_is_a_record_and_what_cannot_be_read_is_kept_once() -> None:
    document = payload(
        {"fingerprint": "1"},
        {"fingerprint": "2", "status": "resolved", "endsAt": "2026-11-24T09:30:00Z"},
        {"labels": {}, "fingerprint": "3"},
    )
    document = document | {"commonLabels": {}}
    document["alerts"].append("garbage")
    answer, kept = await sent(document)
    assert answer.status_code == 202
    assert [r.alert.state for r in kept.records if isinstance(r, RawAlert)] == [
        "firing",
        "resolved",
    ]
    assert len({r.event_id for r in kept.records}) == 2
    assert len(kept.letters) == 1, "the delivery is kept whole, and once"


async def test_alerts_that_were_left_out_are_told() -> None:
    _, kept = await sent(payload({}, truncatedAlerts=3))
    assert len(kept.records) == 1
    ((_, _, reason, _),) = kept.letters
    assert reason == "truncated"
    assert "left out: 3;" in kept.told[0]["message"]


@pytest.mark.parametrize("name", ["Watchdog", "InfoInhibitor"])
async def test_an_alert_that_always_fires_is_none(name: str) -> None:
    answer, kept = await sent(payload({"labels": {"alertname": name, "severity": "none"}}))
    assert (answer.status_code, answer.json()["reason"]) == (200, "no_trouble")
    assert kept.nothing
    _, kept = await sent(payload({"labels": {"alertname": name}}, {}))
    assert len(kept.records) == 1


async def test_a_delivery_without_alerts_is_a_dead_letter() -> None:
    for document in (payload(), ALERTMANAGER_FIRING | {"alerts": None}):
        answer, kept = await sent(document)
        assert (answer.status_code, answer.json()["result"]) == (202, "dead_lettered")
        assert [reason for _, _, reason, _ in kept.letters] == ["nothing_to_go_on"]


async def test_a_resend_has_the_first_ones_id_and_a_recovery_its_episode() -> None:
    (first,), (again,), (other,), (over,), (newer,) = [
        [r for r in (await sent(document))[1].records if isinstance(r, RawAlert)]
        for document in (
            payload({}),
            payload({}, groupKey="another group", receiver="kfix-2"),
            payload({"labels": {"alertname": "Other"}, "fingerprint": "9"}),
            ALERTMANAGER_RESOLVED,
            payload({"startsAt": "2026-11-24T12:00:00Z"}),
        )
    ]
    assert first.event_id == again.event_id
    assert over.alert.fingerprint == first.alert.fingerprint
    assert len({one.event_id for one in (first, other, over, newer)}) == 4
    assert newer.alert.fingerprint != first.alert.fingerprint, "a new episode"


@pytest.mark.parametrize(
    ("starts", "state", "now"),
    [
        ("2026-11-24T08:45:00Z", "firing", False),
        ("2026-11-24T09:05:00Z", "firing", False),
        ("2026-11-21T09:00:00Z", "renotified", True),
    ],
)
async def test_what_fires_since_long_is_there_now_and_the_same_delivery(
    starts: str, state: str, now: bool
) -> None:
    _, kept = await sent(payload({"startsAt": starts}))
    (record,) = kept.records
    assert isinstance(record, RawAlert)
    assert record.alert.state == state
    assert record.alert.happened_at == (NOW if now else record.alert.starts_at)
    assert record.alert.starts_at == datetime.fromisoformat(starts)


async def test_what_an_alert_says_is_read() -> None:
    _, kept = await sent(ALERTMANAGER_RESOLVED)
    (record,) = kept.records
    assert isinstance(record, RawAlert)
    alert = record.alert
    assert (record.source, record.template) == ("alertmanager", "native")
    assert (alert.source, alert.source_name, alert.state) == (
        "alertmanager",
        "Alertmanager",
        "resolved",
    )
    assert alert.account == "https://alertmanager.example.com"
    assert alert.rule.id == "KubeDeploymentReplicasMismatch"
    assert alert.rule.group == "kube_namespace:shop,kube_deployment:api"
    assert alert.title == "Deployment has not matched the expected number of replicas."
    assert alert.severity == "warning"
    assert alert.happened_at == alert.ends_at == datetime(2026, 11, 24, 9, 25, tzinfo=UTC)
    assert alert.starts_at == datetime(2026, 11, 24, 9, 0, 0, 123000, tzinfo=UTC)
    assert set(alert.links) == {"rule", "alert", "runbook"}
    assert alert.details == {"receiver": "kfix", "group_labels": "namespace:shop"}
    assert "alertname" not in alert.labels


#: Labels of one alert, as rules of kube-prometheus leave them, to whom it names; ``-``: nobody.
KSM = {"job": "kube-state-metrics", "instance": "10.0.0.9:8080", "service": "ksm"}
NODE = {"job": "node-exporter", "namespace": "monitoring", "pod": "node-exporter-x2k4z"}
KUBELET = {"job": "kubelet", "service": "kubelet", "metrics_path": "/metrics/cadvisor"}
SUBJECTS: list[tuple[dict[str, str], str]] = [
    ({"namespace": "shop", "deployment": "api", **KSM}, "kube_namespace:shop,kube_deployment:api"),
    (
        {"namespace": "shop", "deployment": "api", "pod": "ksm-kube-state-metrics-0", **KSM},
        "kube_namespace:shop,kube_deployment:api",
    ),
    (
        {"namespace": "shop", "statefulset": "db", "container": "kube-state-metrics", **KSM},
        "kube_namespace:shop,kube_stateful_set:db",
    ),
    ({"namespace": "shop", "daemonset": "log", **KSM}, "kube_namespace:shop,kube_daemon_set:log"),
    (
        {"namespace": "shop", "pod": "api-0", "container": "app", **KSM},
        "kube_namespace:shop,pod_name:api-0,kube_container_name:app",
    ),
    ({"namespace": "shop", "job_name": "sync-1", **KSM}, "kube_namespace:shop,kube_job:sync-1"),
    ({"namespace": "shop", "cronjob": "sync", **KSM}, "kube_namespace:shop,kube_cronjob:sync"),
    (
        {"namespace": "shop", "horizontalpodautoscaler": "api", **KSM},
        "kube_namespace:shop,horizontalpodautoscaler:api",
    ),
    (
        {"namespace": "shop", "persistentvolumeclaim": "data-db-0", **KUBELET},
        "kube_namespace:shop,persistentvolumeclaim:data-db-0",
    ),
    ({"node": "n1", **KSM}, "kube_node:n1"),
    (
        {"node": "n1", "namespace": "monitoring", "pod": "kube-state-metrics-7d-x2", **KSM},
        "kube_node:n1",
    ),
    (
        {"persistentvolume": "pv-1", "namespace": "monitoring", "pod": "kube-state-metrics-7d-x2"}
        | KSM,
        "persistentvolume:pv-1",
    ),
    (
        {"namespace": "shop", "queue": "mails", "uid": "1", "value": "7"},
        "kube_namespace:shop,queue:mails",
    ),
    ({"namespace": "shop", "job": "checkout"}, "kube_namespace:shop,app:checkout"),
    (
        {"namespace": "shop", "deployment": "api", "queue": "mails"},
        "kube_namespace:shop,kube_deployment:api",
    ),
    (
        {"node": "n1", "namespace": "shop", "pod": "api-0", **KSM},
        "kube_namespace:shop,pod_name:api-0,kube_node:n1",
    ),
    ({"instance": "n1:9100", "container": "node-exporter", **NODE}, "kube_node:n1"),
    ({"instance": "10.0.0.7:9100", "node": "n1", **NODE}, "kube_node:n1"),
    ({"instance": "[fd00::7]:9100", **NODE}, ""),
    ({"instance": "10.0.0.7:10250", "node": "n1", **KUBELET}, "kube_node:n1"),
    (
        {"namespace": "shop", "pod": "api-0", "container": "app", "node": "n1", **KUBELET},
        "kube_namespace:shop,pod_name:api-0,kube_container_name:app,kube_node:n1",
    ),
    (
        {"job": "api", "instance": "10.1.2.3:80", "service": "api", "namespace": "shop"},
        "kube_namespace:shop,kube_service:api",
    ),
    (
        {"cluster": "eu-1", "namespace": "shop", "service": "api", "severity": "page"},
        "kube_cluster_name:eu-1,kube_namespace:shop,kube_service:api",
    ),
    ({"severity": "critical", "team": "shop"}, ""),
    (
        {
            "job": "kubernetes-service-endpoints",
            "namespace": "monitoring",
            "pod": "state-0",
            "exported_namespace": "shop",
            "exported_pod": "api-0",
        },
        "kube_namespace:shop,pod_name:api-0",
    ),
    ({"job": "x", "namespace": "shop", "exported_job": "y"}, "kube_namespace:shop"),
    (
        {"job": "blackbox", "instance": "https://shop.test/pay", "namespace": "monitoring"},
        "url:https://shop.test/pay",
    ),
    (
        {"job": "probe/shop", "instance": "https://shop.test/pay", "namespace": "shop"},
        "kube_namespace:shop,url:https://shop.test/pay",
    ),
]


@pytest.mark.parametrize(
    ("labels", "app"),
    [
        ({"job": "checkout", "namespace": "shop"}, "checkout"),
        ({"job": "shop/payments", "namespace": "shop"}, "payments"),
        ({"job": "checkout", "instance": "10.0.0.7:8080"}, "checkout"),
        ({"job": "checkout", "app": "payments", "namespace": "shop"}, "payments"),
        ({"job": "checkout", "pod": "payments-0", "namespace": "shop"}, None),
        ({"job": "checkout", "service": "payments", "namespace": "shop"}, None),
        ({"job": "kubernetes-pods", "namespace": "shop"}, None),
        ({"job": "integrations/kubernetes/cadvisor", "namespace": "shop"}, None),
        ({"job": "kube-state-metrics", "namespace": "shop"}, None),
        ({"job": "node-exporter", "instance": "n1"}, None),
        ({"job": "kubelet", "namespace": "kube-system"}, None),
    ],
)
def test_a_job_names_its_service_where_nothing_surer_is_said(
    labels: dict[str, str], app: str | None
) -> None:
    alert = alert_of({"labels": {"alertname": "X", **labels}, "status": "firing"}, {})
    assert alert.labels.get("app") == app


@pytest.mark.parametrize(("labels", "group"), SUBJECTS)
def test_an_alert_names_what_it_is_about_and_not_what_was_scraped(
    labels: dict[str, str], group: str
) -> None:
    alert = alert_of({"labels": {"alertname": "X", **labels}, "status": "firing"}, {})
    assert alert.rule.group == group
    assert "job" not in alert.labels, "in Prometheus the job of a scrape, which is no Job"
    kept = {name.removeprefix("scrape_") for name in alert.labels if name.startswith("scrape_")}
    assert kept <= labels.keys(), "what is set aside is still told"


def test_a_probe_names_the_address_that_it_calls() -> None:
    said = {"alertname": "X", "job": "blackbox", "instance": "https://shop.test/pay"}
    assert alert_of({"labels": said}, {}).labels["url"] == "https://shop.test/pay"
    said["instance"] = "10.0.0.1:9115"
    assert "url" not in alert_of({"labels": said}, {}).labels


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("labels", None),
        ("labels", {"alertname": 7}),
        ("labels", ["alertname"]),
        ("annotations", "text"),
        ("startsAt", 5),
        ("startsAt", "yesterday"),
        ("endsAt", {}),
        ("fingerprint", None),
        ("status", []),
        ("generatorURL", {"a": 1}),
    ],
)
async def test_values_of_another_kind_lose_nothing(field: str, value: Any) -> None:
    answer, kept = await sent(payload({field: value}))
    assert answer.status_code == 202
    assert not kept.nothing


async def test_alerts_without_a_fingerprint_are_told_apart_by_their_labels() -> None:
    _, kept = await sent(
        payload(
            *({"labels": {"alertname": "X", "pod": pod}, "fingerprint": None} for pod in ("a", "b"))
        )
    )
    assert len({r.event_id for r in kept.records}) == 2


def test_a_captured_payload_is_recognised() -> None:
    assert NAMES[-1] == "datadog"
    assert alert_in(ALERTMANAGER_FIRING, b"x").alert.source == "alertmanager"
    assert alert_in(ALERTMANAGER_RESOLVED, b"x").alert.state == "resolved"
    assert alert_in({"title": "[Triggered] x", "version": "4"}, b"x").alert.source == "datadog"


def test_series_of_one_rule_are_troubles_of_their_own_whatever_tells_them_apart() -> None:
    def trouble(**labels: str) -> str:
        said = {"labels": {"alertname": "Slow", "namespace": "shop", **labels}, "status": "firing"}
        return trouble_of_alert(alert_of(said, {}))

    assert trouble(app="checkout") != trouble(app="payments")
    assert trouble(job="checkout") != trouble(job="payments")
    assert trouble(queue="mails") != trouble(queue="bills")
    assert trouble(queue="mails", severity="page", uid="1") == trouble(queue="mails", uid="2")
    assert trouble(deployment="api", code="500") == trouble(deployment="api", code="503")
