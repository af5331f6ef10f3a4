"""Incidents, security signals and Synthetics tests of Datadog, and notifications that somebody tries."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ingest.sources.datadog.install import template
from ingest.sources.datadog.reading import alert_of
from schemas.alerts import Alert

#: https://docs.datadoghq.com/integrations/webhooks/. Those of persons are not asked for, nor is what only links.
DOCUMENTED = [
    "AGGREG_KEY",
    "ALERT_CYCLE_KEY",
    "ALERT_ID",
    "ALERT_METRIC",
    "ALERT_PRIORITY",
    "ALERT_QUERY",
    "ALERT_SCOPE",
    "ALERT_STATUS",
    "ALERT_TITLE",
    "ALERT_TRANSITION",
    "ALERT_TYPE",
    "DATE",
    "EVENT_TITLE",
    "EVENT_TYPE",
    "HOSTNAME",
    "ID",
    "INCIDENT_CUSTOMER_IMPACT",
    "INCIDENT_FIELDS",
    "INCIDENT_MSG",
    "INCIDENT_PUBLIC_ID",
    "INCIDENT_SEVERITY",
    "INCIDENT_STATUS",
    "INCIDENT_TITLE",
    "INCIDENT_URL",
    "INCIDENT_UUID",
    "LAST_UPDATED",
    "LINK",
    "LOGS_SAMPLE",
    "METRIC_NAMESPACE",
    "ORG_ID",
    "ORG_NAME",
    "SECURITY_RULE_NAME",
    "SECURITY_SIGNAL_ID",
    "SECURITY_SIGNAL_SEVERITY",
    "SECURITY_SIGNAL_TITLE",
    "SECURITY_SIGNAL_MSG",
    "SECURITY_SIGNAL_ATTRIBUTES",
    "SECURITY_RULE_ID",
    "SECURITY_RULE_MATCHED_QUERIES",
    "SECURITY_RULE_GROUP_BY_FIELDS",
    "SECURITY_RULE_TYPE",
    "SNAPSHOT",
    "SYNTHETICS_TEST_NAME",
    "SYNTHETICS_FIRST_FAILING_STEP_NAME",
    "SYNTHETICS_SUMMARY",
    "TAGS",
    "TEXT_ONLY_MSG",
]
INCIDENT = {
    "incident_uuid": "01c03111-172a-50c7-8df3-d61e64b0e74b",
    "incident_public_id": "123",
    "incident_title": "Carts are lost",
    "incident_msg": "Customers say so",
    "incident_severity": "SEV-2",
    "incident_status": "active",
    "incident_url": "https://app.datadoghq.com/incidents/123",
    "incident_fields": {"state": "active", "services": ["cart", "web"], "env": ["prod"]},
}
SIGNAL = {
    "security_signal_id": "AAAAA-1",
    "security_signal_title": "Many logins",
    "security_signal_severity": "high",
    "security_signal_attributes": {"network": {"client": {"ip": "1.2.3.4"}}, "service": ["pay"]},
    "security_rule_id": "aaa",
    "security_rule_group_by_fields": {"@usr.name": "a@shop.test", "kube_namespace": "shop"},
}
SUMMARY = {
    "test_type": "browser",
    "test_url": "https://app.datadoghq.com/synthetics/edit/apc-ki3-jwx",
    "failing_steps": [{"error_message": "no", "number": "3.1"}],
}


def test_the_template_asks_for_every_documented_variable() -> None:
    asked = set(re.findall(r"\$([A-Z_]+)", template()))
    assert asked == set(DOCUMENTED)


def test_a_template_whose_variables_were_all_left_empty_says_nothing_of_products() -> None:
    document = {key: "" for key in json.loads(template()) if key != "org"} | {"title": "CPU"}
    alert = alert_of(document)
    assert (alert.title, alert.labels, alert.details, alert.is_test) == ("CPU", {}, {}, False)
    assert alert.state == "unknown"


@pytest.mark.parametrize("as_text", [False, True])
def test_an_incident_is_an_alert_of_its_services(as_text: bool) -> None:
    fields = INCIDENT["incident_fields"]
    alert = alert_of({**INCIDENT, "incident_fields": json.dumps(fields) if as_text else fields})
    assert (alert.title, alert.body, alert.severity) == (
        "Carts are lost",
        "Customers say so",
        "SEV-2",
    )
    assert alert.labels == {"service": "cart,web", "env": "prod"}
    assert alert.fingerprint == INCIDENT["incident_uuid"]
    assert (alert.state, alert.links["alert"]) == ("firing", INCIDENT["incident_url"])


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("active", "firing"),
        ("stable", "firing"),
        ("resolved", "resolved"),
        ("completed", "resolved"),
    ],
)
def test_an_incidents_status_is_its_state(status: str, state: str) -> None:
    assert alert_of({**INCIDENT, "incident_status": status}).state == state


def test_a_signal_is_an_alert_of_what_its_attributes_name() -> None:
    alert = alert_of(SIGNAL)
    assert (alert.title, alert.severity, alert.state) == ("Many logins", "high", "firing")
    assert alert.labels == {"service": "pay", "kube_namespace": "shop"}
    assert (alert.fingerprint, alert.details["security_rule_id"]) == ("AAAAA-1", "aaa")


@pytest.mark.parametrize("summary", [SUMMARY, json.dumps(SUMMARY)])
def test_a_test_is_known_by_the_link_to_it(summary: Any) -> None:
    alert = alert_of({"synthetics_test_name": "Pay", "synthetics_summary": summary})
    assert (alert.title, alert.details["test_id"]) == ("Pay", "apc-ki3-jwx")


@pytest.mark.parametrize(
    "summary", ["{", "[]", "{}", '{"test_url": "x/synthetics/edit/../../a"}', None]
)
def test_a_summary_without_a_link_names_no_test(summary: Any) -> None:
    assert "test_id" not in alert_of({"title": "t", "synthetics_summary": summary}).details


@pytest.mark.parametrize(
    ("title", "is_test", "state", "scope"),
    [
        ("[TEST] [Triggered on {service:a}] CPU", True, "firing", "service:a"),
        ("[P2] [TEST] [Recovered on {service:a}] CPU", True, "resolved", "service:a"),
        ("[TEST] [P2] [Warn] CPU", True, "warning", ""),
        ("[Triggered on {service:a}] [TEST] CPU", False, "firing", "service:a"),
        ("Load test of CPU", False, "unknown", ""),
    ],
)
def test_a_tried_notification_is_known_by_its_title(
    title: str, is_test: bool, state: str, scope: str
) -> None:
    alert: Alert = alert_of({"title": title})
    assert (alert.is_test, alert.state, alert.rule.group) == (is_test, state, scope)


def test_fields_that_are_called_as_tags_are_tags_behind_the_alerts_own() -> None:
    document = {"title": "t", "service": "$TAGS[service]", "kube_namespace": "shop", "env": ""}
    assert alert_of(document).labels == {"kube_namespace": "shop"}
    own = {"title": "t", "tags": "service:a", "service": "b", "pod_name": "p"}
    assert alert_of(own).labels == {"service": "a", "pod_name": "p"}
