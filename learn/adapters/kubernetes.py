"""The workload after a merge, from the API server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from kfix.incident import cluster_names
from kfix.incident.cluster_names import Fleet
from kfix.infra.clients.boundary import guarded
from kfix.infra.clients.kubernetes import Kubernetes
from learn.core.delivery import Deliverer, deliverers, is_meant, trouble
from learn.core.judgement import WorkloadState
from learn.core.workload import state_of
from manifests.objects.meta import namespace_of
from manifests.objects.selectors import written
from manifests.objects.shapes import at
from schemas import errors
from schemas.base import Json, ObjectRef
from schemas.merge_requests import Proposal

log = structlog.get_logger(__name__)
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
        state = state_of(proposal.plan, changed, workload, pods, since)
        if state.arrived is not False:
            return state
        live = [item for item in (*changed.values(), workload) if item is not None]
        return replace(state, held_up=await self._held_up(live))

    async def _held_up(self, live: list[Json]) -> str:
        """Why it has not arrived, by what delivers these objects. A sign beside the fact: one that cannot be read is none."""
        for deliverer in deliverers(live):
            try:
                found = await self._deliverer(deliverer)
            except errors.KFixError as failure:
                log.info("delivery.unread", plural=deliverer.plural, reason=failure.reason)
                continue
            said = next((said for one in found if (said := trouble(one))), "")
            if said:
                return said
        return ""

    async def _deliverer(self, deliverer: Deliverer) -> list[Json]:
        listed = await self._client.list(
            deliverer.plural, deliverer.namespace, fields=f"metadata.name={deliverer.name}"
        )
        return [one for one in listed if is_meant(one, deliverer)]

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


class ClusterStates:
    """``learn.ports.WorkloadReader`` of several clusters: each proposal is looked for in its own."""

    def __init__(self, states: Mapping[str, KubernetesState], fleet: Fleet) -> None:
        self._states = states
        self._fleet = fleet

    async def state(self, proposal: Proposal, since: datetime) -> WorkloadState:
        """As ``KubernetesState``. Raises errors.NotFound for a proposal for a cluster that is not connected, or not any more."""
        context = proposal.context
        claim = cluster_names.again(context.claim, context.cluster, self._fleet)
        own = self._fleet.chosen(claim)
        state = self._states.get(own.name)
        strange = self._fleet.is_several and not cluster_names.is_ours(claim)
        if state is None or strange:
            raise errors.NotFound(f"cluster {context.cluster or '?'} is not connected")
        return await state.state(proposal, since)
