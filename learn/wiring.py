"""Settings to ports: where learn's composition is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from kfix.incident.forge.port import Stands
from kfix.incident.prometheus.queries import SeriesOf
from kfix.infra.clients import datadog, kubernetes, prometheus
from kfix.infra.clients.datadog import Datadog
from kfix.infra.clients.prometheus import Prometheus
from kfix.infra.clusters import fleet
from kfix.infra.forges.opening import open_forge
from kfix.infra.memory.opening import open_memory
from kfix.infra.settings import AppSettings, DatadogConnection, Retention, load
from kfix.infra.store.engine import open_store
from learn.adapters.alerts import AlertsOfSource, NamedAlerts
from learn.adapters.memory import VectorIncidentMemory
from learn.adapters.signals import NamedSignals, SignalsOfSource
from learn.adapters.sql import SqlLearnLedger
from learn.adapters.sweep import SqlSweep
from learn.adapters.unconfigured import NoAlertStates, NoForge, NoSignals, NoWorkloadReader
from learn.ports import AlertStates, LearnPorts, Signals, WorkloadReader
from learn.settings import Learn


@asynccontextmanager
async def open_ports() -> AsyncIterator[LearnPorts]:
    """Opens the store and what measures; what is not configured leaves outcomes that say so."""
    app, settings, retention = load(AppSettings), load(Learn), load(Retention)
    retention.outlasts(settings.expiry_days, "KFIX_LEARN_EXPIRY_DAYS")
    async with AsyncExitStack() as stack:
        engine = open_store(app.database_url.get_secret_value())
        stack.callback(engine.dispose)
        memory = await stack.enter_async_context(open_memory(engine))
        signals, alerts = await _measuring(stack)
        yield LearnPorts(
            ledger=SqlLearnLedger(engine),
            signals=signals,
            alerts=alerts,
            cluster=await _cluster(stack),
            forge=await _forge(stack),
            memory=VectorIncidentMemory(memory, app.console_url),
            settings=settings,
            language=app.language,
            now=lambda: datetime.now(UTC),
            sweep=SqlSweep(engine, retention),
            sweep_every_s=retention.sweep_every_s,
        )


async def _measuring(stack: AsyncExitStack) -> tuple[Signals, AlertStates]:
    """Who measures, and who keeps the alerts' rules: the same systems, by the same clients."""
    signals: list[NamedSignals] = []
    alerts: list[NamedAlerts] = []
    if (found := await _datadog(stack)) is not None:
        from learn.adapters.datadog import DatadogAlerts, DatadogSignals

        signals.append(DatadogSignals(found))
        alerts.append(DatadogAlerts(found))
    if (asked := await _prometheus(stack)) is not None:
        from learn.adapters.prometheus import PrometheusAlerts, PrometheusSignals

        client, whose = asked
        signals.append(PrometheusSignals(client, whose))
        alerts.append(PrometheusAlerts(client, whose))
    return (
        SignalsOfSource(signals) if signals else NoSignals(),
        AlertsOfSource(alerts) if alerts else NoAlertStates(),
    )


async def _datadog(stack: AsyncExitStack) -> Datadog | None:
    connection = load(DatadogConnection)
    if not datadog.configured(connection):
        return None
    return await stack.enter_async_context(datadog.open_datadog(connection))


async def _prometheus(stack: AsyncExitStack) -> tuple[Prometheus, SeriesOf] | None:
    connection = load(prometheus.PrometheusConnection)
    if not prometheus.configured(connection):
        return None
    client = await stack.enter_async_context(prometheus.open_prometheus(connection))
    return client, SeriesOf(connection.cluster, connection.cluster_label)


async def _forge(stack: AsyncExitStack) -> Stands:
    return await stack.enter_async_context(open_forge()) or NoForge()


async def _cluster(stack: AsyncExitStack) -> WorkloadReader:
    clients = await kubernetes.open_clusters(stack)
    if not clients:
        return NoWorkloadReader()
    from learn.adapters.kubernetes import ClusterStates, KubernetesState

    states = {name: KubernetesState(client) for name, client in clients.items()}
    return ClusterStates(states, fleet())
