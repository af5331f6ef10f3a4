"""The cluster, as K-Fix may use it: read named kinds, read logs, and *dry-run* writes. Nothing else.

    async with open_kubernetes(load(KubernetesConnection)) as cluster:
        pods = await cluster.list("pods", "shop", labels="app=api")
        answer = await cluster.dry_run_patch(ObjectRef(kind="Deployment", ...), {"spec": {...}})

Built on the official client's asynchronous transport (``kubernetes.aio``), with raw JSON instead of its models: a list
of 5,000 pods takes a third of the time, and fields newer than the client survive. There is no method that sends an
arbitrary request, and the transport itself refuses whatever is neither a GET nor marked ``dryRun=All``, but for the
lock's probe (``lock``), a patch that changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from kfix.infra.clients.kubernetes.client import Kubernetes
from kfix.infra.clients.kubernetes.lock import LockProof, LockState
from kfix.infra.clients.kubernetes.refusals import Conflict, DryRun, RefusalCause, RejectedByServer
from kfix.infra.clusters import clusters
from kfix.infra.settings import KubernetesConnection

__all__ = [
    "Conflict",
    "DryRun",
    "Kubernetes",
    "LockProof",
    "LockState",
    "RefusalCause",
    "RejectedByServer",
    "configured",
    "open_clusters",
    "open_kubernetes",
]


def configured(settings: KubernetesConnection) -> bool:
    """Whether there is a cluster to talk to: by URL, by kubeconfig, or because we run in one."""
    return bool(settings.url or settings.kubeconfig or os.environ.get("KUBERNETES_SERVICE_HOST"))


@asynccontextmanager
async def open_kubernetes(settings: KubernetesConnection) -> AsyncIterator[Kubernetes]:
    """Opens a connection pool to the cluster and closes it again.

    Raises ``errors.Unauthorized`` (reason ``bad_configuration``) when credentials cannot be read.
    """
    from kfix.infra.clients.kubernetes.configuration import read_configuration
    from kfix.infra.clients.kubernetes.wire import KubernetesHttp

    configuration = await read_configuration(settings)
    wire = KubernetesHttp(configuration, timeout_s=settings.timeout_s, at_once=settings.at_once)
    try:
        yield Kubernetes(wire)
    finally:
        await wire.close()


async def open_clusters(stack: AsyncExitStack) -> Mapping[str, Kubernetes]:
    """A connection to each cluster of the settings, by its name, closed with ``stack``; one that is not configured has none.

    Each has its own turns, time-outs and credentials. Raises ``BadSettings``, and as ``open_kubernetes``.
    """
    return {
        one.own.name: await stack.enter_async_context(open_kubernetes(one.connection))
        for one in clusters()
        if configured(one.connection)
    }
