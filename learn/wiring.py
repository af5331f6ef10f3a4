"""Settings to ports: where learn's composition is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from kfix.incident.forge.port import Stands
from kfix.infra.clients import datadog, kubernetes
from kfix.infra.forges.opening import open_forge
from kfix.infra.memory.opening import open_memory
from kfix.infra.settings import DatadogConnection, House, KubernetesConnection, load
from kfix.infra.store.engine import open_store
from learn.adapters.memory import VectorMemory
from learn.adapters.nothing import NoCluster, NoForge, NoSignals
from learn.adapters.sql import SqlLedger
from learn.ports import Cluster, Ports, Signals
from learn.settings import Learn


@asynccontextmanager
async def open_ports() -> AsyncIterator[Ports]:
    """Opens the store and what measures; what is not configured leaves outcomes that say so."""
    house = load(House)
    async with AsyncExitStack() as stack:
        engine = open_store(house.database_url.get_secret_value())
        stack.callback(engine.dispose)
        memory = await stack.enter_async_context(open_memory(engine))
        yield Ports(
            ledger=SqlLedger(engine),
            signals=await _signals(stack),
            cluster=await _cluster(stack),
            forge=await _forge(stack),
            memory=VectorMemory(memory, house.console_url),
            settings=load(Learn),
            language=house.language,
            now=lambda: datetime.now(UTC),
        )


async def _signals(stack: AsyncExitStack) -> Signals:
    connection = load(DatadogConnection)
    if not datadog.configured(connection):
        return NoSignals()
    from learn.adapters.datadog import DatadogSignals

    return DatadogSignals(await stack.enter_async_context(datadog.open_datadog(connection)))


async def _forge(stack: AsyncExitStack) -> Stands:
    return await stack.enter_async_context(open_forge()) or NoForge()


async def _cluster(stack: AsyncExitStack) -> Cluster:
    connection = load(KubernetesConnection)
    if not kubernetes.configured(connection):
        return NoCluster()
    from learn.adapters.kubernetes import KubernetesState

    return KubernetesState(await stack.enter_async_context(kubernetes.open_kubernetes(connection)))
