"""Vector memory in the relational store: float32 blobs, exact cosine with numpy, no extension and no server.

Each process keeps a matrix per model and reads only rows newer than what it has. 10,000 vectors of 384 take 15 MB.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError

from kfix.infra.clients.boundary import guarded
from kfix.infra.memory.embedding import Vector
from kfix.infra.memory.index import Metadata, VectorHit
from kfix.infra.store.memory_tables import memory_vectors
from schemas import errors

T = TypeVar("T")
#: Nanoseconds by which a row may become visible after a newer one: transactions overlap.
_OVERLAP_NS = 30_000_000_000


@dataclass(slots=True)
class _Matrix:
    ids: list[str] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)
    metadata: list[Metadata] = field(default_factory=list)
    rows: list[Vector] = field(default_factory=list)
    stacked: Vector | None = None
    version: int = 0


@guarded("vector memory")
class SqlIndex:
    """``kfix.infra.memory.index.VectorIndex`` on SQLAlchemy."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._matrices: dict[str, _Matrix] = {}
        self._reading = asyncio.Lock()

    async def upsert(self, *, id: str, model: str, vector: Vector, metadata: Metadata) -> None:
        """One row for id and model, in a thread. Raises errors.Unavailable when the database does not answer."""
        values = {
            "id": id,
            "model": model,
            "dimension": len(vector),
            "vector": np.asarray(vector, dtype="<f4").tobytes(),
            "metadata": dict(metadata),
            "version": time.time_ns(),
        }
        changed = {key: values[key] for key in ("dimension", "vector", "metadata", "version")}

        def write(connection: Connection) -> None:
            insert = postgres_insert if connection.dialect.name == "postgresql" else sqlite_insert
            statement = insert(memory_vectors).values(**values)
            connection.execute(
                statement.on_conflict_do_update(index_elements=["id", "model"], set_=changed)
            )
            connection.commit()

        await self._in_thread(write)

    async def search(
        self, vector: Vector, *, model: str, limit: int, threshold: float, where: Metadata
    ) -> list[VectorHit]:
        """Reads rows that are newer than the process' matrix, then compares exactly. Raises as ``upsert``."""
        async with self._reading:
            matrix = self._matrices.setdefault(model, _Matrix())
            await self._in_thread(lambda connection: _refresh(connection, model, matrix))
            return _nearest(matrix, vector, limit, threshold, where)

    async def _in_thread(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._engine.connect() as connection:
                return work(connection)

        try:
            return await asyncio.to_thread(run)
        except DBAPIError as failure:
            raise errors.Unavailable(f"the vector memory: {failure.orig}") from failure

    async def close(self) -> None:
        """Nothing of its own to close: the engine belongs to who opened it."""


def _refresh(connection: Connection, model: str, matrix: _Matrix) -> None:
    columns = (
        memory_vectors.c.id,
        memory_vectors.c.vector,
        memory_vectors.c.metadata,
        memory_vectors.c.version,
    )
    newer = select(*columns).where(
        memory_vectors.c.model == model, memory_vectors.c.version > matrix.version - _OVERLAP_NS
    )
    for row in connection.execute(newer.order_by(memory_vectors.c.version)):
        vector = np.frombuffer(row.vector, dtype="<f4").astype(np.float32)
        at = matrix.place.get(row.id)
        if at is None:
            matrix.place[row.id] = len(matrix.ids)
            matrix.ids.append(row.id)
            matrix.rows.append(vector)
            matrix.metadata.append(row.metadata)
        else:
            matrix.rows[at], matrix.metadata[at] = vector, row.metadata
        matrix.stacked = None
        matrix.version = max(matrix.version, row.version)


def _nearest(
    matrix: _Matrix, vector: Vector, limit: int, threshold: float, where: Metadata
) -> list[VectorHit]:
    if not matrix.rows:
        return []
    if matrix.stacked is None:
        matrix.stacked = np.stack(matrix.rows)
    similarities = matrix.stacked @ vector
    hits: list[VectorHit] = []
    for at in np.argsort(-similarities):
        if similarities[at] < threshold or len(hits) == limit:
            break
        metadata = matrix.metadata[at]
        if all(metadata.get(key) == value for key, value in where.items()):
            hits.append(VectorHit(matrix.ids[at], float(similarities[at]), metadata))
    return hits
