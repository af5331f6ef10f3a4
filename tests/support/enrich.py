"""What enrich asks, in tests."""

from __future__ import annotations

from enrich.ports import Recalled


class NoMemory:
    """``enrich.ports.Memory`` that remembers nothing."""

    async def recall(self, signature: str) -> Recalled:
        return Recalled()
