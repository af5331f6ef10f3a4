"""Several systems that measure, side by side: who measured before the merge measures after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from schemas.merge_requests import Proposal


class NamedSignals(Protocol):
    """``learn.ports.Signals`` of one system."""

    @property
    def name(self) -> str:
        """As it is named in the sources of an incident, before the point."""
        ...

    async def measure(
        self, proposal: Proposal, since: datetime, until: datetime
    ) -> dict[str, float]:
        """As ``learn.ports.Signals``."""
        ...


class SignalsOfSource:
    """``learn.ports.Signals`` by the system whose metrics the incident's are. ``known``: at least one."""

    def __init__(self, known: Sequence[NamedSignals]) -> None:
        self._known = tuple(known)

    async def measure(
        self, proposal: Proposal, since: datetime, until: datetime
    ) -> dict[str, float]:
        """As that system does. Raises from ``schemas.errors``."""
        asked = {status.name for status in proposal.context.sources}
        mine = (one for one in self._known if f"{one.name}.metrics" in asked)
        return await next(mine, self._known[0]).measure(proposal, since, until)
