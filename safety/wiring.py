"""Settings to ports: where safety's composition is."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import kfix
from kfix.engine.runtime.worlds import Past, Told
from kfix.incident.cluster_names import Fleet
from kfix.infra.clients import kubernetes
from kfix.infra.clients.oci import ImageRegistries, open_registries
from kfix.infra.clients.stage_renderers import opened
from kfix.infra.clusters import KnownCluster, clusters, place_names
from kfix.infra.forges.opening import open_forge
from kfix.infra.settings import AppSettings, load
from manifests.repository.indexes import Indexes
from manifests.text.readings import Readings
from safety.adapters.lock import LockWatch
from safety.adapters.policy_file import checked, protecting, read_policy
from safety.adapters.registries import PresentImages
from safety.adapters.repositories import DeploymentRepositories
from safety.adapters.schemas import PublishedSchemas
from safety.adapters.worlds import of_then
from safety.core.policy import Policy
from safety.ports import ClusterChecks, ClusterDryRun, ImagePresence, SafetyPorts
from safety.settings import Safety
from schemas.base import Json
from schemas.validated import ValidatedPlans


@asynccontextmanager
async def open_ports() -> AsyncIterator[SafetyPorts]:
    """Opens repository and cluster as far as they are configured; without them production accepts nothing."""
    settings, known = load(Safety), clusters()
    async with AsyncExitStack() as stack:
        rules = _rules(settings, known)
        checks = await _checks(stack, settings, rules.readings, known)
        alone = checks[known[0].own.name] if len(known) == 1 else ClusterChecks()
        yield replace(
            rules,
            repository=alone.repository,
            cluster=alone.cluster,
            lock=alone.lock,
            several=checks if len(known) > 1 else {},
            images=await _images(stack),
        )


def open_past(today: SafetyPorts | None) -> Callable[[ValidatedPlans], Past[SafetyPorts]]:
    """Ports in the world of a decision; ``today`` is all of them. What it returns raises as ``Told`` does."""
    rules = today or _rules(load(Safety), clusters())

    def of(decided: ValidatedPlans) -> Past[SafetyPorts]:
        told = Told(decided.world)
        ports = today or of_then(rules, told, decided)
        return Past(ports, told, rules.basis)

    return of


def _rules(settings: Safety, known: Sequence[KnownCluster]) -> SafetyPorts:
    """What the settings say of deciding, without anybody who is asked."""
    named = [one.own.name for one in known]
    policy = protecting(
        checked(read_policy(settings.policy_file), named),
        load(AppSettings).protected_environments,
    )
    return SafetyPorts(
        repository=None,
        cluster=None,
        schemas=PublishedSchemas(settings.kubernetes_version),
        policy=policy,
        deadline_s=settings.deadline_s,
        ask_again=settings.ask_again,
        fleet=Fleet.of(*(one.own for one in known)),
        basis=_basis(settings, policy, known),
    )


def _basis(settings: Safety, policy: Policy, known: Sequence[KnownCluster]) -> Mapping[str, Json]:
    return {
        "kfix": kfix.__version__,
        "policy": policy.model_dump(mode="json"),
        "schemas": settings.kubernetes_version,
        "deadline_s": settings.deadline_s,
        "clusters": [[one.own.name, *one.own.aliases] for one in known],
    }


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
                names=place_names(one, known),
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
