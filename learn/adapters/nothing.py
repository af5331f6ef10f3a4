"""Stands where a source is not configured: nothing is measured, and the outcome says so."""

from __future__ import annotations

from datetime import datetime

from learn.core.judgement import WorkloadState
from schemas.merge_requests import Proposal


class NoSignals:
    """``learn.ports.Signals`` without Datadog."""

    async def measure(
        self, proposal: Proposal, since: datetime, until: datetime
    ) -> dict[str, float]:
        return {}


class NoCluster:
    """``learn.ports.Cluster`` without Kubernetes."""

    async def state(self, proposal: Proposal, since: datetime) -> WorkloadState:
        return WorkloadState()
