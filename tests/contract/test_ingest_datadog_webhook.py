"""The webhook that K-Fix installs in Datadog brings Datadog's alerts through the door."""

from __future__ import annotations

import asyncio
import json

import pytest
from pydantic import SecretStr

from ingest.sources.datadog.install import Installation, install, template
from kfix.infra.settings import DatadogConnection
from sandbox import datadog as sandbox_datadog
from sandbox.datadog.notify import notify
from sandbox.datadog.state import Datadog, Monitor, Webhook
from sandbox.serving import serve
from schemas import errors
from schemas.alerts import RawAlert
from tests.support.ingest import NEXT_TOKEN, TOKEN, Open, opened

GROUP = "kube_namespace:shop,kube_deployment:api"


def connection(url: str, dd: Datadog) -> DatadogConnection:
    return DatadogConnection(
        url=url, api_key=SecretStr(dd.api_key), app_key=SecretStr(dd.app_key), timeout_s=5
    )


def wanted(url: str, token: str = TOKEN) -> Installation:
    return Installation("kfix", f"{url}/datadog-webhook", "X-KFix-Token", token)


async def told(door: Open, dd: Datadog, transition: str) -> RawAlert:
    await notify(dd, 9001, GROUP, transition, backoff_s=0.01)  # type: ignore[arg-type]
    record = door.kept.records[-1]
    assert isinstance(record, RawAlert)
    return record


async def test_an_installed_webhook_delivers_alert_and_recovery_of_one_cycle() -> None:
    dd = Datadog()
    dd.monitors[9001] = Monitor(9001, "CPU is throttled", "avg:x{*} > 1", message="@webhook-kfix")
    async with serve(sandbox_datadog.create_app(dd)) as url, opened() as door:
        assert await asyncio.to_thread(install, connection(url, dd), wanted(door.url)) == "created"
        alert = await told(door, dd, "Triggered")
        recovery = await told(door, dd, "Recovered")
        assert not door.kept.letters
        assert (alert.template, alert.alert.rule.id) == ("kfix", "9001")
        assert (alert.alert.state, recovery.alert.state) == ("firing", "resolved")
        assert alert.alert.labels["kube_deployment"] == "api"
        assert alert.alert.fingerprint == recovery.alert.fingerprint != ""
        assert alert.event_id != recovery.event_id


async def test_installing_again_updates_the_token_and_nothing_else_is_made() -> None:
    dd = Datadog()
    async with serve(sandbox_datadog.create_app(dd)) as url:
        first = await asyncio.to_thread(install, connection(url, dd), wanted("http://127.0.0.1:1"))
        again = await asyncio.to_thread(
            install, connection(url, dd), wanted("http://127.0.0.1:1", NEXT_TOKEN)
        )
    assert (first, again) == ("created", "updated")
    assert list(dd.webhooks) == ["kfix"]
    assert json.loads(dd.webhooks["kfix"].custom_headers or "") == {"X-KFix-Token": NEXT_TOKEN}
    assert dd.webhooks["kfix"].payload == template()


async def test_wrong_keys_are_unauthorized() -> None:
    dd = Datadog()
    async with serve(sandbox_datadog.create_app(dd)) as url:
        wrong = DatadogConnection(url=url, api_key=SecretStr("x"), app_key=SecretStr("y"))
        with pytest.raises(errors.Unauthorized):
            await asyncio.to_thread(install, wrong, wanted("http://127.0.0.1:1"))


async def test_a_native_payload_is_understood_too() -> None:
    dd = Datadog()
    dd.monitors[9001] = Monitor(9001, "CPU is throttled", "avg:x{*} > 1", message="@webhook-plain")
    async with serve(sandbox_datadog.create_app(dd)), opened() as door:
        headers = json.dumps({"X-KFix-Token": TOKEN})
        dd.webhooks["plain"] = Webhook(
            "plain", f"{door.url}/datadog-webhook", custom_headers=headers
        )
        alert = await told(door, dd, "Triggered")
    assert (alert.template, alert.alert.state) == ("native", "firing")
    assert alert.alert.notification_id
