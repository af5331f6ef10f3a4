"""The recipe of an alert source works as it is written: Grafana's alerts go the whole way, by one line outside their folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.recipes import changed, copied, follow, run

NAME = "grafana"
#: As Grafana documents it: one alert fires, one is over, one is nobody's.
PAYLOAD: dict[str, Any] = {
    "receiver": "kfix",
    "status": "firing",
    "orgId": 1,
    "version": "1",
    "groupKey": '{}:{namespace="shop"}',
    "truncatedAlerts": 0,
    "groupLabels": {"namespace": "shop"},
    "commonLabels": {"namespace": "shop", "cluster": "eu-1"},
    "commonAnnotations": {},
    "externalURL": "https://grafana.example.com",
    "title": "[FIRING:1] shop",
    "state": "alerting",
    "message": "",
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "Pods restart",
                "cluster": "eu-1",
                "namespace": "shop",
                "deployment": "api",
                "severity": "warning",
            },
            "annotations": {"summary": "Pods of api restart."},
            "startsAt": "2026-11-24T09:00:00.123Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "values": {"A": 3},
            "generatorURL": "https://grafana.example.com/alerting/grafana/x/view",
            "fingerprint": "1a30ba71cca2921f",
            "silenceURL": "https://grafana.example.com/alerting/silence/new",
            "dashboardURL": "",
            "panelURL": "",
        },
        {
            "status": "resolved",
            "labels": {"alertname": "Pods wait", "cluster": "eu-1", "namespace": "shop"},
            "annotations": {},
            "startsAt": "2026-11-24T08:00:00Z",
            "endsAt": "2026-11-24T09:00:00Z",
            "generatorURL": "",
            "fingerprint": "2b30ba71cca2921f",
        },
        {"status": "firing", "labels": {}, "annotations": {}, "fingerprint": "3"},
    ],
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the recipe was followed."""
    root = tmp_path_factory.mktemp("source")
    copied(root, "ingest", "docs")
    follow(root, "An alert source")
    page = told(root, "-c", "from kfix.cli.settings import page; print(page(), end='')")
    (root / "docs/settings.md").write_text(page)
    return root


def told(copy: Path, *words: str, payloads: tuple[dict[str, Any], ...] = ()) -> str:
    token = "right-token-of-grafana"
    return run(
        copy,
        *words,
        KFIX_INGEST_GRAFANA_TOKENS=token,
        TOKEN=token,
        PAYLOADS=json.dumps(payloads),
    )


def ways(copy: Path, *payloads: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """What the door answered, and what became of each record, for each payload."""
    command = ("-m", "tests.support.second_source", f"/{NAME}-webhook")
    printed = told(copy, *command, payloads=payloads)
    found: list[list[dict[str, Any]]] = json.loads(printed.splitlines()[-1])
    return found


def test_a_second_source_touches_fewer_than_eight_files_outside_its_folder(copy: Path) -> None:
    outside = {f for f in changed(copy) if not f.startswith(f"ingest/sources/{NAME}/")}
    assert outside == {"ingest/sources/__init__.py", "docs/settings.md"}


def test_its_alerts_are_authenticated_read_enriched_and_diagnosed(copy: Path) -> None:
    ((wrong, right, letters, firing, resolved),) = ways(copy, PAYLOAD)
    assert (wrong["status"], wrong["reason"]) == (401, "token_wrong")
    assert (right["status"], right["result"]) == (202, "accepted")
    assert letters == {"letters": ["nothing_to_go_on"]}, "what cannot be read is kept, once"
    assert (firing["source"], firing["state"]) == ("Grafana", "firing")
    assert firing["subject"] == "Deployment/shop/api"
    assert firing["class"] == "oom_killed"
    assert resolved["state"] == "resolved"
    assert len({firing["event"], resolved["event"]}) == 2


def test_a_retry_is_the_same_delivery_and_a_recovery_the_same_episode(copy: Path) -> None:
    alert = PAYLOAD["alerts"][0]
    over = {**alert, "status": "resolved", "endsAt": "2026-11-24T10:00:00Z"}
    later = {**PAYLOAD, "status": "resolved", "alerts": [over]}
    first, again, ended = (found[3] for found in ways(copy, PAYLOAD, PAYLOAD, later))
    assert first == again
    assert (ended["cycle"], ended["trouble"]) == (first["cycle"], first["trouble"])
    assert ended["event"] != first["event"]


def test_a_captured_payload_is_recognised_and_other_sources_are_read_as_before(copy: Path) -> None:
    script = (
        "import json,os;from ingest.sources import alert_in;(p,)=json.loads(os.environ['PAYLOADS']);"
        "print([alert_in(d, b'x').alert.source for d in (p, {'title': '[Triggered] x'})])"
    )
    assert told(copy, "-c", script, payloads=(PAYLOAD,)) == "['grafana', 'datadog']\n"


def test_its_settings_are_on_the_page_of_settings(copy: Path) -> None:
    assert "`KFIX_INGEST_GRAFANA_TOKENS`" in (copy / "docs/settings.md").read_text()
