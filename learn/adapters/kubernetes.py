"""The workload after a merge, from the API server."""

from __future__ import annotations

from datetime import datetime

from kfix.infra.clients.boundary import guarded
from kfix.infra.clients.kubernetes import Kubernetes
from learn.core.judgement import WorkloadState
from learn.core.workload import state_of
from manifests.objects.meta import namespace_of
from manifests.objects.selectors import written
from manifests.objects.shapes import at
from schemas import errors
from schemas.base import Json, ObjectRef
from schemas.merge_requests import Proposal

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


@guarded("Kubernetes")
class KubernetesState:
    """``learn.ports.Cluster`` on the API server."""

    def __init__(self, client: Kubernetes) -> None:
        self._client = client

    async def state(self, proposal: Proposal, since: datetime) -> WorkloadState:
        """Reads each changed object and its pods. Raises from ``schemas.errors``."""
        changed = {
            change.object.key: await self._find(change.object)
            for change in proposal.plan.kubernetes_changes
        }
        workload = await self._workload(proposal)
        pods = await self._pods(workload) if workload is not None else None
        return state_of(proposal.plan, changed, workload, pods, since)

    async def _find(self, ref: ObjectRef) -> Json | None:
        try:
            return await self._client.find(ref)
        except errors.NotFound:
            return None

    async def _workload(self, proposal: Proposal) -> Json | None:
        """The workload the incident is about, else the one that the plan changes."""
        changed = [change.object for change in proposal.plan.kubernetes_changes]
        for ref in (proposal.analysis.object, *changed):
            if ref.kind in _WORKLOADS:
                return await self._find(ref)
        return None

    async def _pods(self, workload: Json) -> list[Json] | None:
        labels = written(at(workload, "spec", "selector"))
        if not labels:
            return None
        return await self._client.list("pods", namespace_of(workload), labels=labels)
