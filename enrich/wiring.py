"""Settings to sources: where enrich's composition is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from enrich.adapters.alerts import SqlAlertBook
from enrich.adapters.memory import VectorEarlierIncidents
from enrich.adapters.registries import ImagesInRegistries
from enrich.adapters.sharing import LimitedRepository, SharedObservability
from enrich.adapters.unconfigured import NoClusterReader, NoObservability, NoRepository
from enrich.core.bundle import Rules
from enrich.ports import DeclaredRepository, EnrichPorts, Observability, Sources
from enrich.settings import Enrich
from kfix.infra.clients import datadog, kubernetes
from kfix.infra.clients.oci import ImageRegistries, open_registries
from kfix.infra.forges.opening import names, open_forge
from kfix.infra.memory.opening import open_memory
from kfix.infra.settings import (
    AppSettings,
    DatadogConnection,
    KubernetesConnection,
    load,
    own_cluster,
)
from kfix.infra.store.engine import open_store

if TYPE_CHECKING:
    from enrich.adapters.kubernetes import KubernetesEvidence


@asynccontextmanager
async def open_ports() -> AsyncIterator[EnrichPorts]:
    """Opens the configured sources; what is not configured is named as missing in every bundle."""
    settings, app = load(Enrich), load(AppSettings)
    cluster = load(KubernetesConnection)
    async with AsyncExitStack() as stack:
        engine = open_store(app.database_url.get_secret_value())
        stack.callback(engine.dispose)
        memory = await stack.enter_async_context(open_memory(engine))
        observability = SharedObservability(
            await _observability(stack, settings),
            at_once=settings.datadog_at_once,
            keep_s=settings.share_reads_s,
        )
        objects = await _cluster(stack, settings, cluster)
        repository = LimitedRepository(
            await _repository(stack, settings), at_once=settings.gitlab_at_once
        )
        asked = load(ImageRegistries)
        registries = await stack.enter_async_context(open_registries(asked))
        sources = Sources(
            observability,
            objects,
            repository,
            VectorEarlierIncidents(memory),
            ImagesInRegistries(registries, most=asked.images),
        )
        yield EnrichPorts(
            sources,
            Rules(
                own=own_cluster(),
                environments=settings.environments,
                teams=settings.teams,
                max_bytes=settings.max_bundle_bytes,
            ),
            settings.source_deadline_s,
            settings.ask_again,
            SqlAlertBook(engine, timedelta(seconds=settings.repeats_s)),
            lambda at: replace(
                sources, observability=observability.since(at), cluster=objects.since(at)
            ),
        )


async def _observability(stack: AsyncExitStack, settings: Enrich) -> Observability:
    connection = load(DatadogConnection)
    if not datadog.configured(connection):
        return NoObservability()
    from enrich.adapters.datadog import DatadogEvidence

    return DatadogEvidence(
        await stack.enter_async_context(datadog.open_datadog(connection)),
        app_url=datadog.app_url(connection),
        lookback=timedelta(minutes=settings.lookback_minutes),
        log_events=settings.log_events,
        monitor_events=settings.monitor_events,
    )


async def _cluster(
    stack: AsyncExitStack, settings: Enrich, connection: KubernetesConnection
) -> KubernetesEvidence | NoClusterReader:
    if not kubernetes.configured(connection):
        return NoClusterReader()
    from enrich.adapters.kubernetes import KubernetesEvidence

    return KubernetesEvidence(
        await stack.enter_async_context(kubernetes.open_kubernetes(connection)),
        log_lines=settings.log_lines,
        log_containers=settings.log_containers,
        at_once=settings.kubernetes_at_once,
        keep_s=settings.share_reads_s,
    )


async def _repository(stack: AsyncExitStack, settings: Enrich) -> DeclaredRepository:
    forge = await stack.enter_async_context(open_forge())
    if forge is None or not forge.projects:
        return NoRepository(names())
    from enrich.adapters.repositories import DeclaredInRepositories

    words = load(AppSettings).environment_words
    return DeclaredInRepositories(
        forge, projects=forge.projects, commits=settings.commits, words=words
    )
