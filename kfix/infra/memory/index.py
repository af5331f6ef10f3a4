"""The port of the vector memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine

from kfix.infra.memory.embedding import Vector

#: What a vector database can hold and filter by: flat, no nulls.
Metadata = Mapping[str, str | float | bool]


@dataclass(frozen=True, slots=True)
class VectorHit:
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
    ) -> list[VectorHit]:
        """The nearest, best first, at least ``threshold`` near, whose metadata equal ``where``."""
        ...

    async def close(self) -> None:
        """Closes what it opened itself; a second time is allowed."""
        ...


class OpenIndex(Protocol):
    """``opened`` of a module of ``kfix.infra.memory.indexes``. It asks nobody: an index connects with its first call."""

    def __call__(self, engine: Engine, *, timeout_s: float) -> VectorIndex:
        """The index as its settings say. ``engine``: the relational store's, the caller's to close; ``timeout_s``: seconds for one call."""
        ...
