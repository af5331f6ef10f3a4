"""Datadog and Prometheus are configured at once: each alert is answered for by its own system, and its measures decide alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from decide.core import diagnose
from enrich.ports import EnrichPorts
from enrich.service.gathering import gather
from enrich.wiring import open_ports
from ingest.sources.alertmanager.reading import alert_of
from sandbox.faults import Fault
from sandbox.running import Sandbox, running
from sandbox.scenario import scenarios
from sandbox.world import Pace
from schemas.alerts import Alert, RawAlert
from schemas.context import ContextBundle


@asynccontextmanager
async def ports(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **more: str
) -> AsyncIterator[EnrichPorts]:
    url = f"sqlite:///{tmp_path / 'kfix.db'}"
    for name, value in {**sandbox.environment, "KFIX_DATABASE_URL": url, **more}.items():
        monkeypatch.setenv(name, value)
    async with open_ports() as opened:
        yield opened


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(pace=Pace(sync_s=0.1, recovery_s=0.05, tick_s=0.05, index_s=0)) as found:
        yield found


async def told(opened: EnrichPorts, alert: Alert) -> ContextBundle:
    raw = RawAlert(
        event_id=f"x-{alert.source}",
        occurred_at=datetime.now(UTC),
        body_sha256="0" * 64,
        body=b"{}",
        source=alert.source,
        alert=alert,
    )
    return await gather(raw, opened.sources_for(raw), opened.rules, opened.deadline_s)


def of_prometheus(sandbox: Sandbox, service: str) -> Alert:
    prometheus = sandbox.prometheus
    prometheus.evaluate()
    mine = [a for a in prometheus.alerts if a.labels.get("container") == service]
    payload = sandbox.alertmanager.payload(mine[:1], prometheus.clock())
    return alert_of(payload["alerts"][0], payload)  # type: ignore[index, call-overload, arg-type]


async def test_each_alert_is_answered_for_by_its_own_system_and_diagnosed_alike(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await sandbox.world.break_(scenarios()["cpu_throttling"], notify=False)
    of_datadog = Alert(source="datadog", notification_id=str(event.id), title="[Triggered] x")
    async with ports(sandbox, tmp_path, monkeypatch) as opened:
        bundles = [
            await told(opened, of_datadog),
            await told(opened, of_prometheus(sandbox, "checkout")),
        ]
    asked = [{s.name.partition(".")[0] for s in one.sources} for one in bundles]
    assert "datadog" in asked[0]
    assert "prometheus" not in asked[0]
    assert "prometheus" in asked[1]
    assert "datadog" not in asked[1]
    for bundle in bundles:
        assert {s.state for s in bundle.sources} == {"ok"}, bundle.sources
    answers = [diagnose(bundle) for bundle in bundles]
    causes = [a.analysis.failure_class for a in answers if a.analysis is not None]
    assert causes == ["cpu_throttling"] * 2
    subjects = [b.k8s_context.subject.key for b in bundles if b.k8s_context.subject is not None]
    assert subjects == ["Deployment/shop/checkout"] * 2
    plans = [[change for p in a.plans for change in p.kubernetes_changes] for a in answers]
    assert plans[0] == plans[1], "the same world, whoever measured it"


async def test_a_system_that_is_away_is_missing_for_its_own_alerts_alone(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await sandbox.world.break_(scenarios()["cpu_throttling"], notify=False)
    of_datadog = Alert(source="datadog", notification_id=str(event.id), title="[Triggered] x")
    alert = of_prometheus(sandbox, "checkout")
    sandbox.faults.switch_on(Fault("prometheus", "error", status=503))
    async with ports(sandbox, tmp_path, monkeypatch) as opened:
        whole, lacking = await told(opened, of_datadog), await told(opened, alert)
    assert {s.state for s in whole.sources} == {"ok"}
    missing = {s.name: s.why for s in lacking.sources if s.state == "missing"}
    assert missing == {"prometheus.monitor": "unanswered", "prometheus.metrics": "unanswered"}


async def test_an_alert_whose_own_system_is_not_configured_is_looked_at_all_the_same(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sandbox.world.trouble(scenarios()["cpu_throttling"])
    alert = of_prometheus(sandbox, "checkout")
    async with ports(sandbox, tmp_path, monkeypatch, KFIX_PROMETHEUS_URL="") as opened:
        bundle = await told(opened, alert)
    names = {s.name for s in bundle.sources}
    assert "datadog.metrics" in names
    assert not {"datadog.monitor", "datadog.event"} & names, "a rule that it does not have"
    assert bundle.monitor is None
    assert bundle.metrics
