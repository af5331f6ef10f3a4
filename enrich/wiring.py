"""Settings to sources: where enrich's composition is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from enrich.adapters.alerts import SqlAlertBook
from enrich.adapters.archive import SqlAlertArchive
from enrich.adapters.memory import VectorEarlierIncidents
from enrich.adapters.registries import ImagesInRegistries
from enrich.adapters.resting import Health, RestingCluster
from enrich.adapters.sharing import LimitedRepository, SharedObservability
from enrich.adapters.unconfigured import NoClusterReader, NoObservability, NoRepository
from enrich.adapters.watchers import Watcher, Watchers
from enrich.core.bundle import Rules
from enrich.ports import (
    ClusterSources,
    DeclaredRepository,
    EnrichPorts,
    Sources,
)
from enrich.settings import Enrich
from kfix.incident.forge.port import Forge
from kfix.incident.prometheus.queries import SeriesOf
from kfix.infra.clients import datadog, kubernetes, prometheus
from kfix.infra.clients.oci import ImageRegistries, open_registries
from kfix.infra.clusters import KnownCluster, clusters, fleet, place_names
from kfix.infra.forges.opening import names, open_forge
from kfix.infra.memory.opening import open_memory
from kfix.infra.settings import AppSettings, DatadogConnection, load
from kfix.infra.store.engine import open_store
from schemas.alerts import Alert

if TYPE_CHECKING:
    from enrich.adapters.kubernetes import KubernetesEvidence
    from kfix.infra.clients.kubernetes import Kubernetes


#: Before everything that is shared.
_ANY_TIME = datetime.fromtimestamp(0, UTC)


@asynccontextmanager
async def open_ports() -> AsyncIterator[EnrichPorts]:
    """Opens the configured sources; what is not configured is named as missing in every bundle."""
    settings, app = load(Enrich), load(AppSettings)
    async with AsyncExitStack() as stack:
        engine = open_store(app.database_url.get_secret_value())
        stack.callback(engine.dispose)
        memory = await stack.enter_async_context(open_memory(engine))
        watchers = Watchers(await _watchers(stack, settings))
        forge = await stack.enter_async_context(open_forge())
        about = await _clusters(stack, settings, forge)
        asked = load(ImageRegistries)
        registries = await stack.enter_async_context(open_registries(asked))
        sources = Sources(
            watchers.about(Alert(), _ANY_TIME),
            {name: one.sources for name, one in about.items()},
            VectorEarlierIncidents(memory),
            ImagesInRegistries(registries, most=asked.images),
        )
        yield EnrichPorts(
            sources,
            Rules(
                fleet=fleet(),
                environments=settings.environments,
                teams=settings.teams,
                max_bytes=settings.max_bundle_bytes,
            ),
            settings.source_deadline_s,
            settings.ask_again,
            SqlAlertBook(engine, timedelta(seconds=settings.repeats_s)),
            lambda raw: replace(
                sources,
                observability=watchers.about(raw.alert, raw.occurred_at),
                clusters={name: one.since(raw.occurred_at) for name, one in about.items()},
            ),
            SqlAlertArchive(engine, timedelta(days=settings.keep_alerts_days)),
        )


async def _watchers(stack: AsyncExitStack, settings: Enrich) -> list[Watcher]:
    """The systems that watch, as far as they are configured; where none is, one that says so."""
    asked = (await _datadog(stack, settings), await _prometheus(stack, settings))
    found = [one for one in asked if one is not None]
    return found or [SharedObservability(NoObservability(), at_once=1, keep_s=0.0)]


async def _datadog(stack: AsyncExitStack, settings: Enrich) -> Watcher | None:
    connection = load(DatadogConnection)
    if not datadog.configured(connection):
        return None
    from enrich.adapters.datadog import DatadogEvidence

    evidence = DatadogEvidence(
        await stack.enter_async_context(datadog.open_datadog(connection)),
        app_url=datadog.app_url(connection),
        lookback=timedelta(minutes=settings.lookback_minutes),
        log_events=settings.log_events,
        monitor_events=settings.monitor_events,
        operations=connection.apm_operations,
    )
    return SharedObservability(
        evidence,
        at_once=settings.datadog_at_once,
        keep_s=settings.share_reads_s,
        index_wait_s=settings.index_wait_s,
    )


async def _prometheus(stack: AsyncExitStack, settings: Enrich) -> Watcher | None:
    connection = load(prometheus.PrometheusConnection)
    if not prometheus.configured(connection):
        return None
    from enrich.adapters.prometheus import PrometheusReads, PrometheusWatcher

    reads = PrometheusReads(
        await stack.enter_async_context(prometheus.open_prometheus(connection)),
        app_url=prometheus.app_url(connection),
        lookback=timedelta(minutes=settings.lookback_minutes),
        whose=SeriesOf(connection.cluster, connection.cluster_label),
    )
    return PrometheusWatcher(reads, keep_s=settings.share_reads_s)


@dataclass(frozen=True, slots=True)
class _About:
    """Who is asked about one cluster; what several alerts share is the reader's."""

    cluster: KubernetesEvidence | RestingCluster | NoClusterReader
    repository: DeclaredRepository

    @property
    def sources(self) -> ClusterSources:
        return ClusterSources(self.cluster, self.repository)

    def since(self, at: datetime) -> ClusterSources:
        return ClusterSources(self.cluster.since(at), self.repository)


async def _clusters(
    stack: AsyncExitStack, settings: Enrich, forge: Forge | None
) -> dict[str, _About]:
    """Each cluster by its name, with reads, turns and health of its own; GitLab's turns are everybody's."""
    known, clients = clusters(), await kubernetes.open_clusters(stack)
    gate = asyncio.Semaphore(settings.gitlab_at_once)
    found = {}
    for one in known:
        # Alone it has nobody to hold up, so it is asked however silent it is.
        health = Health(one.own.name, settings.silent_cluster_s) if len(known) > 1 else None
        reader = _reader(clients.get(one.own.name), settings, health)
        repository = LimitedRepository(_repository(forge, settings, one), gate)
        found[one.own.name] = _About(reader, repository)
    return found


def _reader(
    client: Kubernetes | None, settings: Enrich, health: Health | None
) -> KubernetesEvidence | RestingCluster | NoClusterReader:
    if client is None:
        return NoClusterReader()
    from enrich.adapters.kubernetes import KubernetesEvidence

    evidence = KubernetesEvidence(
        client,
        log_lines=settings.log_lines,
        log_containers=settings.log_containers,
        at_once=settings.kubernetes_at_once,
        keep_s=settings.share_reads_s,
    )
    return evidence if health is None else RestingCluster(evidence, health)


def _repository(forge: Forge | None, settings: Enrich, one: KnownCluster) -> DeclaredRepository:
    if forge is None or not forge.projects:
        return NoRepository(names())
    from enrich.adapters.repositories import DeclaredInRepositories

    return DeclaredInRepositories(
        forge,
        projects=one.projects(forge.projects),
        commits=settings.commits,
        names=place_names(one, clusters()),
    )
