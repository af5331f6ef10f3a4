"""Earlier incidents for enrich to find: the masked signature's vector, and what became of the fix."""

from __future__ import annotations

from kfix.infra.memory import opening
from learn.core.lessons import memory_metadata
from schemas.merge_requests import Proposal
from schemas.outcomes import Outcome


class VectorIncidentMemory:
    """``learn.ports.Memory`` on ``kfix.infra.memory``."""

    def __init__(self, memory: opening.OpenedMemory, console_url: str) -> None:
        self._memory = memory
        self._console_url = console_url.rstrip("/")

    async def remember(self, outcome: Outcome, proposal: Proposal) -> None:
        """The signature's vector with result, fix and page of the incident as metadata. Raises from ``schemas.errors``."""
        url = f"{self._console_url}/incidents/{outcome.incident_id}"
        await self._memory.remember(
            outcome.incident_id, proposal.context.signature, memory_metadata(outcome, proposal, url)
        )
