"""The cluster as enrich sees it: one list a kind, however many objects, and the logs of the pods in trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from enrich.core.objects import meta
from kfix.clients.kubernetes import Kubernetes
from schemas import errors
from schemas.base import Json
from schemas.context import LogExcerpt

#: Listed in the alert's namespace.
NAMESPACED = (
    "pods",
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "jobs",
    "cronjobs",
    "services",
    "endpoints",
    "events",
    "horizontalpodautoscalers",
    "poddisruptionbudgets",
    "resourcequotas",
    "limitranges",
    "persistentvolumeclaims",
    "configmaps",
    "serviceaccounts",
    "ingresses",
    "networkpolicies",
    "rolebindings",
)
#: Listed for the cluster.
CLUSTER = ("nodes", "namespaces", "persistentvolumes", "storageclasses", "priorityclasses")
#: Lists under way at once: kind to the API server's priority and fairness.
_AT_ONCE = 8


class KubernetesEvidence:
    """``enrich.ports.Cluster`` on the API server."""

    def __init__(self, client: Kubernetes, *, log_lines: int, log_containers: int) -> None:
        self._client = client
        self._log_lines = log_lines
        self._log_containers = log_containers

    async def objects(self, namespace: str) -> dict[str, list[Json]]:
        """A kind that may not be read or does not exist is left out; when nothing can be read, the first failure is raised."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def listed(plural: str, where: str) -> list[Json]:
            async with gate:
                return await self._client.list(plural, where)

        wanted = [(kind, namespace) for kind in NAMESPACED if namespace] + [
            (kind, "") for kind in CLUSTER
        ]
        answers = await asyncio.gather(*(listed(*item) for item in wanted), return_exceptions=True)
        found: dict[str, list[Json]] = {}
        failures: list[BaseException] = []
        for (kind, _), answer in zip(wanted, answers, strict=True):
            if isinstance(answer, BaseException):
                failures.append(answer)
            else:
                found[kind] = answer
        if failures and not found:
            raise failures[0]
        for failure in failures:
            if not isinstance(failure, errors.Permanent):
                raise failure
        return found

    async def logs(self, pods: Sequence[Json]) -> list[LogExcerpt]:
        wanted = list(containers_in_trouble(pods))[: self._log_containers]
        answers = await asyncio.gather(*(self._log(item) for item in wanted))
        return [excerpt for excerpt in answers if excerpt.lines]

    async def _log(self, item: Wanted) -> LogExcerpt:
        try:
            text = await self._client.pod_log(
                item.namespace,
                item.pod,
                container=item.container,
                previous=item.previous,
                tail_lines=self._log_lines,
            )
        except errors.Permanent:
            text = ""  # the container has not started yet, or its previous run is gone
        return LogExcerpt(
            namespace=item.namespace,
            pod=item.pod,
            container=item.container,
            previous=item.previous,
            lines=tuple(text.splitlines()),
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A container's log."""

    namespace: str
    pod: str
    container: str
    previous: bool


def containers_in_trouble(pods: Sequence[Json]) -> Iterator[Wanted]:
    """Containers by need: those that restarted (their previous run first), those not ready, then the rest."""

    def trouble(pod: Json, status: Json) -> tuple[int, int, str]:
        restarts = int(status.get("restartCount") or 0)
        return (-restarts, int(bool(status.get("ready"))), str(meta(pod).get("name")))

    statuses = [
        (pod, status)
        for pod in pods
        for field in ("initContainerStatuses", "containerStatuses")
        for status in (pod.get("status") or {}).get(field) or ()
        if field == "containerStatuses" or not status.get("ready")
    ]
    for pod, status in sorted(statuses, key=lambda item: trouble(*item)):
        namespace, name = str(meta(pod).get("namespace", "")), str(meta(pod).get("name", ""))
        if int(status.get("restartCount") or 0) > 0:
            yield Wanted(namespace, name, str(status.get("name", "")), previous=True)
        yield Wanted(namespace, name, str(status.get("name", "")), previous=False)
