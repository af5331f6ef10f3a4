"""What Datadog's payloads mean, whoever wrote the template."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.core.reading import document_of
from ingest.sources.datadog.examples import DATADOG_KFIX, DATADOG_NATIVE
from ingest.sources.datadog.reading import alert_of, raw_alert
from kfix.incident.merge_request_words import clean
from schemas.alerts import RawAlert
from tests.support.ingest import NEXT_TOKEN, TOKEN, Open, opened

AT = datetime(2026, 11, 24, tzinfo=UTC)


def record(document: dict[str, Any], body: bytes = b"{}") -> RawAlert:
    made = raw_alert(document, body=body, content_type="application/json", received_at=AT)
    assert isinstance(made, RawAlert)
    return made


def test_the_missions_payload_is_understood() -> None:
    made = record(
        {
            "alert_id": "12345",
            "monitor_id": "67890",
            "event_type": "triggered",
            "title": "High CPU usage on pod xyz",
            "message": "CPU > 80% for 5 minutes",
            "tags": ["env:prod", "service:api", "namespace:backend"],
        }
    )
    assert made.template == "custom"
    assert made.alert.rule.id == "67890"
    assert made.alert.state == "firing"
    assert made.alert.body == "CPU > 80% for 5 minutes"
    assert made.alert.labels == {"env": "prod", "service": "api", "namespace": "backend"}


def test_the_native_payload_says_transition_and_scope_in_its_title() -> None:
    made = record(DATADOG_NATIVE)
    assert made.template == "native"
    assert made.alert.state == "firing"
    assert made.alert.rule.group == "kube_deployment:api,kube_namespace:shop"
    assert made.alert.labels == {"kube_deployment": "api", "kube_namespace": "shop"}
    assert made.alert.rule.id == ""
    assert made.alert.notification_id == DATADOG_NATIVE["id"]
    assert made.alert.happened_at == datetime(2025, 11, 24, 16, 0, tzinfo=UTC)


def test_our_template_says_everything() -> None:
    made = record(DATADOG_KFIX)
    assert made.template == "kfix"
    assert made.alert.rule.id == "9001"
    assert made.alert.fingerprint == "7421936018833640513"
    assert made.alert.labels["env"] == "prod"


def test_a_captured_alert_id_is_the_monitor() -> None:
    assert alert_of({"alert_id": "850881897", "id": "3"}).rule.id == "850881897"


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("Triggered", "firing"),
        ("Re-Triggered", "renotified"),
        ("Renotify", "renotified"),
        ("Recovered", "resolved"),
        ("Warn", "warning"),
        ("Re-Warn", "warning"),
        ("No Data", "no_data"),
        ("Re-No Data", "no_data"),
        ("Null", "unknown"),
        ("$ALERT_TRANSITION", "unknown"),
    ],
)
def test_transitions_of_the_template(said: str, state: str) -> None:
    assert alert_of({"alert_transition": said, "title": "x"}).state == state


@pytest.mark.parametrize(
    ("title", "state"),
    [
        ("[Triggered on {host:a}] Down", "firing"),
        ("[P1] [Triggered] Down", "firing"),
        ("[Re-Triggered on {host:a}] Down", "renotified"),
        ("[Recovered] Down", "resolved"),
        ("[Warn on {host:a}] Down", "warning"),
        ("[No data] Down", "no_data"),
        ("[shop] Down", "unknown"),
        ("Recovered, at last", "unknown"),
    ],
)
def test_transitions_of_the_native_title(title: str, state: str) -> None:
    assert alert_of({"id": "1", "event_type": "query_alert_monitor", "title": title}).state == state


@pytest.mark.parametrize("nothing", ["", "null", "NULL", "$HOSTNAME", "$TAGS[env]", None, "  "])
def test_an_unset_variable_is_missing(nothing: str | None) -> None:
    alert = alert_of({"title": "x", "hostname": nothing, "tags": nothing, "alert_scope": nothing})
    assert (alert.host, alert.rule.group, alert.labels) == ("", "", {})


@pytest.mark.parametrize(
    "tags",
    [
        ["env:prod", "team:a"],
        "env:prod,team:a",
        "env:prod, team:a ,",
        '["env:prod","team:a"]',
        {"env": "prod", "team": "a"},
        ["env:prod", "team:a", "env:prod", 7, None, "null"],
    ],
)
def test_tags_come_in_many_shapes(tags: Any) -> None:
    assert alert_of({"title": "x", "tags": tags}).labels == {"env": "prod", "team": "a"}


def test_a_tag_with_several_values_keeps_them_all() -> None:
    tags = ["service:a", "service:b", "service:a", "env:prod"]
    assert alert_of({"title": "x", "tags": tags}).labels == {"service": "a,b", "env": "prod"}


def test_an_exact_retry_has_the_same_id_and_the_next_notification_another() -> None:
    first = record(DATADOG_KFIX, b"1")
    assert first.event_id == record(DATADOG_KFIX, b"2").event_id
    assert first.event_id != record(DATADOG_KFIX | {"alert_transition": "Recovered"}).event_id
    assert first.event_id != record(DATADOG_KFIX | {"last_updated": "1764000000001"}).event_id
    assert record({"title": "x"}, b"1").event_id != record({"title": "x"}, b"2").event_id


def test_logs_may_be_an_object_or_a_text() -> None:
    assert alert_of({"title": "x", "logs_sample": {"a": 1}}).logs_sample == '{"a": 1}'
    assert alert_of({"title": "x", "logs_sample": "line"}).logs_sample == "line"


@given(st.text())
@example("0" * 19 + " 0")
def test_clean_text_is_short_and_without_active_characters(text: str) -> None:
    made = clean(text, 20)
    assert len(made) <= 20
    assert not set(made) & set("\x00\x1b\u202e\u200b\ufeff")
    assert clean(made, 20) == made
    made.encode()


def test_raw_line_breaks_in_strings_are_read() -> None:
    document = document_of(b'{"title":"a\nb"}', "application/json", 32)
    assert document == {"title": "a\nb"}


async def test_both_tokens_open_the_door_during_a_rotation(door: Open) -> None:
    body = json.dumps(DATADOG_KFIX).encode()
    for token in (TOKEN, NEXT_TOKEN):
        assert (await door.datadog(body, token=token)).status_code == 202


async def test_a_form_is_accepted(door: Open) -> None:
    fields = urlencode({k: v for k, v in DATADOG_KFIX.items() if isinstance(v, str)}).encode()
    whole = urlencode({"payload": json.dumps(DATADOG_KFIX)}).encode()
    for body in (fields, whole):
        answer = await door.datadog(body, content_type="application/x-www-form-urlencoded")
        assert answer.json()["result"] == "accepted"
    assert len({record.event_id for record in door.kept.records}) == 1


MALFORMED = {
    "not_json": b'{"title": "a "quoted" word"}',
    "empty": b" ",
    "not_an_object": b"[1]",
    "duplicate_keys": b'{"title":"a","title":"b"}',
    "too_deep": b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "not_utf8": '{"title":"x"}'.encode("utf-16"),
    "nul_byte": b'{"title":"x\x00"}',
    "nothing_to_go_on": b'{"foo":"bar"}',
    "too_large": b'{"title":"' + b"x" * 70_000 + b'"}',
}


@pytest.mark.parametrize("reason", MALFORMED)
async def test_what_is_authentic_and_malformed_is_kept(door: Open, reason: str) -> None:
    answer = await door.datadog(MALFORMED[reason])
    assert (answer.status_code, answer.json()["reason"]) == (202, reason)
    assert not door.kept.records
    topic, raw, why, headers = door.kept.letters[0]
    assert (topic, why) == ("alerts.raw", reason)
    assert (MALFORMED[reason].startswith(raw) and len(raw) > 0) or reason == "empty"
    assert TOKEN not in str(headers)


async def test_a_gzip_bomb_inflates_to_the_cap_and_no_further(door: Open) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    answer = await door.datadog(bomb, content_encoding="gzip")
    assert (answer.status_code, answer.json()["reason"]) == (202, "too_large")
    small = gzip.compress(json.dumps(DATADOG_KFIX).encode())
    assert (await door.datadog(small, content_encoding="gzip")).json()["result"] == "accepted"


@pytest.mark.parametrize("body", [json.dumps(DATADOG_KFIX).encode(), b"not json"])
async def test_a_broker_that_is_away_means_try_again(door: Open, body: bytes) -> None:
    assert (await door.client.get("/readyz")).status_code == 200
    door.kept.away = True
    answer = await door.datadog(body)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert (await door.client.get("/readyz")).status_code == 503
    door.kept.away = False
    assert (await door.datadog(body)).status_code == 202


async def test_a_full_door_asks_to_come_again() -> None:
    async with opened(max_in_flight=1) as door:
        door.kept.away = False
        import asyncio

        where = door.url.removeprefix("http://").split(":")
        _, slow = await asyncio.open_connection(where[0], int(where[1]))
        slow.write(
            f"POST /datadog-webhook HTTP/1.1\r\nHost: x\r\nX-KFix-Token: {TOKEN}\r\nContent-Length: 9\r\n\r\n{{".encode()
        )
        await asyncio.sleep(0.1)
        answer = await door.datadog(b"{}")
        slow.close()
        assert (answer.status_code, answer.json()["reason"]) == (503, "busy")


async def test_openapi_shows_both_webhooks_with_examples_and_answers(door: Open) -> None:
    spec = (await door.client.get("/openapi.json")).json()
    for path in ("/datadog-webhook", "/gitlab-webhook"):
        post = spec["paths"][path]["post"]
        assert len(post["requestBody"]["content"]["application/json"]["examples"]) == 2
        assert {"200", "202", "400", "401", "408", "413", "503"} <= set(post["responses"])
    assert {"/healthz", "/readyz", "/metrics"} <= set(spec["paths"])
    assert "kfix_webhooks_total" in (await door.client.get("/metrics")).text


#: Templates that other products' documentation has, as people copy them.
TEMPLATES: dict[str, dict[str, Any]] = {
    "all but the title in metadata": {
        "title": "[Triggered on {env:prod}] Errors",
        "metadata": {
            "id": "820",
            "date": "1764000000000",
            "alert_scope": "env:prod",
            "tags": "env:prod,kube_namespace:shop,service:cart",
            "org": {"id": "1"},
        },
    },
    "capitals in metadata": {
        "title": "Errors",
        "id": "820",
        "date": "1764000000000",
        "metadata": {
            "ID": "820",
            "ALERT_TRANSITION": "Triggered",
            "TAGS": "env:prod,kube_namespace:shop,service:cart",
        },
    },
    "labels and annotations": {
        "alert_instance_id": "820",
        "alert_time": "1764000000000",
        "status": "Triggered",
        "labels": {"tags": "env:prod,kube_namespace:shop,service:cart"},
        "annotations": {"title": "Errors"},
    },
    "an event of a pager": {
        "event_action": "trigger",
        "payload": {
            "summary": "[Triggered] Errors",
            "timestamp": "1764000000000",
            "custom_details": {"tags": ["env:prod", "kube_namespace:shop", "service:cart"]},
        },
    },
    "status for the transition": {
        "monitor_id": "7",
        "monitor_name": "Errors",
        "status": "Triggered",
        "timestamp": "1764000000000",
        "tags": "env:prod,kube_namespace:shop,service:cart",
    },
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_for_other_products_are_understood(name: str) -> None:
    alert = record(TEMPLATES[name]).alert
    assert alert.state == "firing"
    assert "Errors" in alert.title
    assert alert.happened_at == datetime(2025, 11, 24, 16, 0, tzinfo=UTC)
    assert alert.labels == {"env": "prod", "kube_namespace": "shop", "service": "cart"}


@pytest.mark.parametrize("name", ["labels and annotations", "status for the transition"])
def test_a_recovery_is_one_whatever_its_field_is_called(name: str) -> None:
    assert record(TEMPLATES[name] | {"status": "Recovered"}).alert.state == "resolved"


def test_what_stands_outside_counts_before_what_stands_inside() -> None:
    document = {"title": "mine", "tags": "env:a", "metadata": {"title": "other", "tags": "env:b"}}
    alert = record(document).alert
    assert (alert.title, alert.labels) == ("mine", {"env": "a"})


@pytest.mark.parametrize(
    ("link", "monitor"),
    [
        ("https://app.datadoghq.com/monitors/90025?from_ts=1&group=a%3Ab", "90025"),
        ("https://app.datadoghq.eu/monitors#90025?group=x", "90025"),
        ("https://app.datadoghq.com/monitors/manage?q=90025", ""),
        ("https://app.datadoghq.com/event/event?id=820", ""),
        ("https://wiki.example.com/?u=https://app.datadoghq.com/monitors/1", ""),
        ("https://app.datadoghq.com/monitors/" + "9" * 25, ""),
    ],
)
def test_the_link_of_a_notification_names_its_monitor(link: str, monitor: str) -> None:
    assert record({"title": "x", "link": link}).alert.rule.id == monitor
    assert record({"title": "x", "link": link, "alert_id": "7"}).alert.rule.id == "7"


def test_an_id_inside_says_whose_it_is_or_counts_for_nothing() -> None:
    monitor = record({"monitor": {"id": 7, "name": "Errors"}}).alert
    assert (monitor.rule.id, monitor.title, monitor.notification_id) == ("7", "Errors", "")
    alert = record({"title": "x", "alert": {"id": "7"}}).alert
    assert (alert.rule.id, alert.notification_id) == ("", "")


async def test_a_list_of_one_event_is_that_event(door: Open) -> None:
    answer = await door.datadog(json.dumps([DATADOG_KFIX]).encode())
    assert answer.json()["result"] == "accepted"
    answer = await door.datadog(json.dumps([DATADOG_KFIX, DATADOG_KFIX]).encode())
    assert answer.json()["reason"] == "not_an_object"
