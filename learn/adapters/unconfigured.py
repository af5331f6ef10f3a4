"""Stands where a source is not configured: nothing is measured, nothing expires, and the outcome says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from kfix.incident.forge.port import Stand
from learn.core.judgement import AlertReading, WorkloadState
from schemas.merge_requests import MergeRequestRef, Proposal


class NoSignals:
    """``learn.ports.Signals`` of nobody."""

    async def measure(
        self, proposal: Proposal, since: datetime, until: datetime
    ) -> dict[str, float]:
        """No signal has data."""
        return {}


class NoAlertStates:
    """``learn.ports.AlertStates`` of nobody: what K-Fix itself hears of the alert has to do."""

    async def reading(self, proposal: Proposal, since: datetime, until: datetime) -> AlertReading:
        """Nobody can be asked."""
        return AlertReading()

    async def measure(self, proposal: Proposal, since: datetime, until: datetime) -> float | None:
        """Nothing is measured."""
        return None


class NoWorkloadReader:
    """``learn.ports.Cluster`` without Kubernetes."""

    async def state(self, proposal: Proposal, since: datetime) -> WorkloadState:
        """Nothing is known of the workload."""
        return WorkloadState()


class NoForge:
    """``forge.port.Stands`` without a forge."""

    async def stands(self, asked: Sequence[MergeRequestRef]) -> Mapping[tuple[str, int], Stand]:
        """Nothing is known of any merge request."""
        return {}
