"""The port of the vector memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kfix.infra.memory.embedding import Vector

#: What a vector database can hold and filter by: flat, no nulls.
Metadata = Mapping[str, str | float | bool]


@dataclass(frozen=True, slots=True)
class Hit:
    """A remembered thing and its cosine similarity to what was asked."""

    id: str
    similarity: float
    metadata: Metadata


class VectorIndex(Protocol):
    """Vectors by id. Vectors of one ``model`` are only ever compared with each other.

    All raise errors.Retryable when the service may recover and errors.Permanent when it never will.
    """

    async def upsert(self, *, id: str, model: str, vector: Vector, metadata: Metadata) -> None:
        """Stores a vector under its id, in place of an earlier one."""
        ...

    async def search(
        self, vector: Vector, *, model: str, limit: int, threshold: float, where: Metadata
    ) -> list[Hit]:
        """The nearest, best first, at least ``threshold`` near, whose metadata equal ``where``."""
        ...

    async def close(self) -> None: ...
