"""Settings to ports: where learn's composition is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from kfix.incident.forge.port import Stands
from kfix.incident.prometheus.queries import SeriesOf
from kfix.infra.clients import datadog, kubernetes, prometheus
from kfix.infra.clusters import fleet
from kfix.infra.forges.opening import open_forge
from kfix.infra.memory.opening import open_memory
from kfix.infra.settings import AppSettings, DatadogConnection, Retention, load
from kfix.infra.store.engine import open_store
from learn.adapters.memory import VectorIncidentMemory
from learn.adapters.signals import NamedSignals, SignalsOfSource
from learn.adapters.sql import SqlLearnLedger
from learn.adapters.sweep import SqlSweep
from learn.adapters.unconfigured import NoForge, NoSignals, NoWorkloadReader
from learn.ports import LearnPorts, Signals, WorkloadReader
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
        yield LearnPorts(
            ledger=SqlLearnLedger(engine),
            signals=await _signals(stack),
            cluster=await _cluster(stack),
            forge=await _forge(stack),
            memory=VectorIncidentMemory(memory, app.console_url),
            settings=settings,
            language=app.language,
            now=lambda: datetime.now(UTC),
            sweep=SqlSweep(engine, retention),
            sweep_every_s=retention.sweep_every_s,
        )


async def _signals(stack: AsyncExitStack) -> Signals:
    asked = (await _datadog(stack), await _prometheus(stack))
    found = [one for one in asked if one is not None]
    return SignalsOfSource(found) if found else NoSignals()


async def _datadog(stack: AsyncExitStack) -> NamedSignals | None:
    connection = load(DatadogConnection)
    if not datadog.configured(connection):
        return None
    from learn.adapters.datadog import DatadogSignals

    return DatadogSignals(await stack.enter_async_context(datadog.open_datadog(connection)))


async def _prometheus(stack: AsyncExitStack) -> NamedSignals | None:
    connection = load(prometheus.PrometheusConnection)
    if not prometheus.configured(connection):
        return None
    from learn.adapters.prometheus import PrometheusSignals

    client = await stack.enter_async_context(prometheus.open_prometheus(connection))
    return PrometheusSignals(client, SeriesOf(connection.cluster, connection.cluster_label))


async def _forge(stack: AsyncExitStack) -> Stands:
    return await stack.enter_async_context(open_forge()) or NoForge()


async def _cluster(stack: AsyncExitStack) -> WorkloadReader:
    clients = await kubernetes.open_clusters(stack)
    if not clients:
        return NoWorkloadReader()
    from learn.adapters.kubernetes import ClusterStates, KubernetesState

    states = {name: KubernetesState(client) for name, client in clients.items()}
    return ClusterStates(states, fleet())
