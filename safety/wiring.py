"""Settings to ports: where safety's composition is."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from kfix.incident.cluster_names import Fleet
from kfix.infra.clients import kubernetes
from kfix.infra.clients.oci import ImageRegistries, open_registries
from kfix.infra.clusters import KnownCluster, one_cluster
from kfix.infra.forges.opening import open_forge
from kfix.infra.settings import AppSettings, load
from manifests.text.readings import Readings
from safety.adapters.lock import LockWatch
from safety.adapters.policy_file import protecting, read_policy
from safety.adapters.registries import PresentImages
from safety.adapters.schemas import PublishedSchemas
from safety.ports import ClusterDryRun, ImagePresence, RepositoryFiles, SafetyPorts
from safety.settings import Safety


@asynccontextmanager
async def open_ports() -> AsyncIterator[SafetyPorts]:
    """Opens repository and cluster as far as they are configured; without them production accepts nothing."""
    settings, known = load(Safety), one_cluster("safety")
    async with AsyncExitStack() as stack:
        readings = Readings()
        cluster, lock = await _cluster(stack, settings, readings, known)
        yield SafetyPorts(
            repository=await _repository(stack, settings, readings),
            cluster=cluster,
            lock=lock,
            schemas=PublishedSchemas(settings.kubernetes_version),
            policy=protecting(
                read_policy(settings.policy_file), load(AppSettings).protected_environments
            ),
            deadline_s=settings.deadline_s,
            ask_again=settings.ask_again,
            fleet=Fleet.of(known.own),
            readings=readings,
            images=await _images(stack),
        )


async def _images(stack: AsyncExitStack) -> ImagePresence | None:
    settings = load(ImageRegistries)
    if not settings.ask:
        return None
    return PresentImages(await stack.enter_async_context(open_registries(settings)))


async def _repository(
    stack: AsyncExitStack, settings: Safety, readings: Readings
) -> RepositoryFiles | None:
    forge = await stack.enter_async_context(open_forge())
    if forge is None or not forge.projects:
        return None
    from kfix.infra.clients.renderers import opened
    from safety.adapters.repositories import DeploymentRepositories

    renderer = opened()
    return DeploymentRepositories(
        forge,
        projects=forge.projects,
        folders=settings.folders,
        renderer=renderer,
        readings=readings,
        words=load(AppSettings).environment_words,
    )


async def _cluster(
    stack: AsyncExitStack, settings: Safety, readings: Readings, known: KnownCluster
) -> tuple[ClusterDryRun | None, LockWatch | None]:
    """The cluster and the watch of its lock, proven once before any plan is examined."""
    connection = known.connection
    if not kubernetes.configured(connection):
        return None, None
    from safety.adapters.kubernetes import KubernetesChecks
    from safety.adapters.limits import LimitedCluster

    client = await stack.enter_async_context(kubernetes.open_kubernetes(connection))
    namespace, _, name = connection.lock_probe.partition("/")
    watch = LockWatch(
        lambda: client.prove_lock(namespace, name), time.monotonic, settings.lock_check_s
    )
    await watch.look()
    task = asyncio.create_task(watch.watch(), name="lock watch")
    stack.push_async_callback(_ended, task)
    limited = LimitedCluster(
        KubernetesChecks(client, readings), at_once=settings.kubernetes_at_once
    )
    return limited, watch


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
