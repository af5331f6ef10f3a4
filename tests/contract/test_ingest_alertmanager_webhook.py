"""Alertmanager's webhook end to end on loopback: the sandbox's server sends, the door takes, and a recovery follows."""

from __future__ import annotations

import asyncio
import time

import httpx
from pydantic import SecretStr
from starlette.types import ASGIApp

from ingest.agent import build_app
from ingest.ports import IngestPorts
from ingest.settings import Ingest
from ingest.sources import alertmanager
from ingest.sources.alertmanager.settings import AlertmanagerWebhook
from sandbox.running import running
from sandbox.scenario import scenarios
from sandbox.serving import serve
from sandbox.world import Pace
from schemas.alerts import RawAlert
from tests.support.ingest import NOW, Kept

TOKEN = "token-of-alertmanager"


def door(kept: Kept) -> ASGIApp:
    settings = AlertmanagerWebhook(tokens=(SecretStr(TOKEN),))
    return build_app(IngestPorts(Ingest(), (alertmanager.source(settings),), lambda: NOW), kept)


async def heard(kept: Kept, state: str) -> RawAlert:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for record in kept.records:
            if isinstance(record, RawAlert) and record.alert.state == state:
                return record
        await asyncio.sleep(0.05)
    raise AssertionError(f"no alert is {state}")


async def test_an_alert_comes_once_and_then_its_recovery() -> None:
    kept = Kept()
    async with serve(door(kept)) as url, running(pace=Pace(sync_s=0.1, tick_s=0.05)) as sandbox:
        sandbox.connect(alertmanager_url=f"{url}/alertmanager-webhook", alertmanager_token=TOKEN)
        async with httpx.AsyncClient(base_url=sandbox.urls["control"]) as control:
            asked = {"scenario": "oom", "source": "prometheus"}
            answer = await control.post("/_sandbox/break", json=asked)
            assert answer.status_code == 200, answer.text
            firing = await heard(kept, "firing")
            assert firing.alert.labels["kube_cluster_name"] == sandbox.cluster.name
            assert firing.alert.labels["kube_namespace"] == "shop"
            await asyncio.sleep(2.2)
            told = [r.event_id for r in kept.records]
            assert len(set(told)) == len(told), "what did not change is not told again"
            assert not sandbox.datadog.monitors[4102].groups, "the service is Prometheus' to watch"
            await control.post("/_sandbox/ease", json={"service": "cart"})
        over = await heard(kept, "resolved")
        told = (
            await asyncio.to_thread(lambda: list(kept.records)),
            sandbox.alertmanager.deliveries,
        )
    mine = [
        r
        for r in told[0]
        if isinstance(r, RawAlert) and r.alert.fingerprint == over.alert.fingerprint
    ]
    assert [r.alert.state for r in mine] == ["firing", "resolved"]
    assert {d.status for d in sandbox.alertmanager.deliveries} == {202}
    assert not kept.letters


async def test_with_another_token_nothing_is_heard() -> None:
    kept = Kept()
    async with serve(door(kept)) as url, running(pace=Pace(sync_s=0.1, tick_s=0.05)) as sandbox:
        await sandbox.world.trouble(scenarios()["oom"])
        sandbox.alertmanager.routed.add("cart")
        sandbox.alertmanager.webhook_url = f"{url}/alertmanager-webhook"
        sandbox.alertmanager.token = "wrong"
        sandbox.prometheus.evaluate()
        await sandbox.alertmanager.notify()
        assert {d.status for d in sandbox.alertmanager.deliveries} == {401}
    assert kept.nothing
