"""The schema registry as a codec needs it. The HTTP client is in ``kfix.infra.clients.registry``."""

from __future__ import annotations

from typing import Any, Protocol


class Registry(Protocol):
    """A Confluent-compatible registry. Calls block and are cached by the implementation for good."""

    def register(self, subject: str, schema: Any) -> int:
        """The id of ``schema`` under ``subject``, registering it when new.

        Raises ``errors.Rejected`` when the registry finds it incompatible, ``errors.Retryable`` when it is away.
        """
        ...

    def schema(self, schema_id: int) -> Any:
        """The schema with this id. Raises ``errors.NotFound``, or ``errors.Retryable`` when it is away."""
        ...
