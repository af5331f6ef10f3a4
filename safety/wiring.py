"""Settings to ports: where safety's composition is."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from kfix.incident.cluster_names import Fleet
from kfix.infra.clients import kubernetes
from kfix.infra.clients.oci import ImageRegistries, open_registries
from kfix.infra.clients.renderers import opened
from kfix.infra.clusters import KnownCluster, clusters
from kfix.infra.forges.opening import open_forge
from kfix.infra.settings import AppSettings, load
from manifests.repository.indexes import Indexes
from manifests.text.readings import Readings
from safety.adapters.lock import LockWatch
from safety.adapters.policy_file import protecting, read_policy
from safety.adapters.registries import PresentImages
from safety.adapters.repositories import DeploymentRepositories
from safety.adapters.schemas import PublishedSchemas
from safety.ports import ClusterChecks, ClusterDryRun, ImagePresence, SafetyPorts
from safety.settings import Safety


@asynccontextmanager
async def open_ports() -> AsyncIterator[SafetyPorts]:
    """Opens repository and cluster as far as they are configured; without them production accepts nothing."""
    settings, known = load(Safety), clusters()
    async with AsyncExitStack() as stack:
        readings = Readings()
        checks = await _checks(stack, settings, readings, known)
        alone = checks[known[0].own.name] if len(known) == 1 else ClusterChecks()
        yield SafetyPorts(
            repository=alone.repository,
            cluster=alone.cluster,
            lock=alone.lock,
            schemas=PublishedSchemas(settings.kubernetes_version),
            policy=protecting(
                read_policy(settings.policy_file), load(AppSettings).protected_environments
            ),
            deadline_s=settings.deadline_s,
            ask_again=settings.ask_again,
            fleet=Fleet.of(*(one.own for one in known)),
            several=checks if len(known) > 1 else {},
            readings=readings,
            images=await _images(stack),
        )


async def _images(stack: AsyncExitStack) -> ImagePresence | None:
    settings = load(ImageRegistries)
    if not settings.ask:
        return None
    return PresentImages(await stack.enter_async_context(open_registries(settings)))


async def _checks(
    stack: AsyncExitStack, settings: Safety, readings: Readings, known: Sequence[KnownCluster]
) -> dict[str, ClusterChecks]:
    """Each cluster by its name: its API server with turns and a lock of its own, and what deploys to it."""
    forge = await stack.enter_async_context(open_forge())
    renderer, indexes = opened(), Indexes(readings=readings)
    found = {}
    for one in known:
        repository = None
        if forge is not None and forge.projects:
            repository = DeploymentRepositories(
                forge,
                projects=one.projects(forge.projects),
                folders=settings.folders,
                renderer=renderer,
                indexes=indexes,
                words=load(AppSettings).environment_words,
            )
        found[one.own.name] = ClusterChecks(
            repository, *await _cluster(stack, settings, readings, one)
        )
    return found


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
        lambda: client.prove_lock(namespace, name),
        time.monotonic,
        settings.lock_check_s,
        cluster=known.own.name,
    )
    await watch.look()
    task = asyncio.create_task(watch.watch(), name=f"lock watch {known.own.name}".strip())
    stack.push_async_callback(_ended, task)
    limited = LimitedCluster(
        KubernetesChecks(client, readings), at_once=settings.kubernetes_at_once
    )
    return limited, watch


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
