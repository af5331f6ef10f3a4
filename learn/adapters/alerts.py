"""Several systems whose rules fire alerts, side by side: who sent the alert is asked after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from learn.core.judgement import AlertReading
from schemas.merge_requests import Proposal


class NamedAlerts(Protocol):
    """``learn.ports.AlertStates`` of one system."""

    @property
    def sources(self) -> tuple[str, ...]:
        """As ``Alert.source`` names the system."""
        ...

    async def reading(self, proposal: Proposal, since: datetime, until: datetime) -> AlertReading:
        """As ``learn.ports.AlertStates``."""
        ...

    async def measure(self, proposal: Proposal, since: datetime, until: datetime) -> float | None:
        """As ``learn.ports.AlertStates``."""
        ...


class AlertsOfSource:
    """``learn.ports.AlertStates`` by the system that sent the alert."""

    def __init__(self, known: Sequence[NamedAlerts]) -> None:
        self._known = {name: one for one in known for name in one.sources}

    async def reading(self, proposal: Proposal, since: datetime, until: datetime) -> AlertReading:
        """As that system does; ``unheard`` of a system that is not configured. Raises from ``schemas.errors``."""
        asked = self._known.get(proposal.context.watched.source)
        return AlertReading() if asked is None else await asked.reading(proposal, since, until)

    async def measure(self, proposal: Proposal, since: datetime, until: datetime) -> float | None:
        """As that system does; ``None`` of one that is not configured. Raises from ``schemas.errors``."""
        asked = self._known.get(proposal.context.watched.source)
        return None if asked is None else await asked.measure(proposal, since, until)
