"""Vector memory in the relational store: float32 blobs, exact cosine with numpy, no extension and no server.

Each process keeps a matrix per model and reads only rows newer than what it has; when rows have gone, it reads all
again. 10,000 vectors of 384 take 15 MB.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from sqlalchemy import Connection, Engine, delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError

from kfix.infra.clients.boundary import guarded
from kfix.infra.memory.embedding import Vector
from kfix.infra.memory.index import (
    MemoryPage,
    Metadata,
    Remembered,
    Space,
    VectorHit,
    same_dimension,
    unit,
)
from kfix.infra.store.memory_tables import memory_vectors
from schemas import errors

T = TypeVar("T")
#: Nanoseconds by which a row may become visible after a newer one: transactions overlap.
_OVERLAP_NS = 30_000_000_000
_OF = memory_vectors.c


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

    async def upsert(
        self, *, id: str, model: str, vector: Vector, metadata: Metadata, text: str = ""
    ) -> None:
        """One row for id and model, in a thread. Raises errors.Unavailable when the database does not answer."""
        made = unit(vector)
        values = {
            "id": id,
            "model": model,
            "dimension": len(made),
            "vector": made.astype("<f4").tobytes(),
            "metadata": dict(metadata),
            "version": time.time_ns(),
            "text": text,
        }
        changed = {key: value for key, value in values.items() if key not in ("id", "model")}

        def write(connection: Connection) -> None:
            one = select(_OF.dimension).where(_OF.model == model).limit(1)
            same_dimension(made, connection.scalar(one) or len(made), model)
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
        asked = unit(vector)
        async with self._reading:
            held = self._matrices.get(model, _Matrix())
            matrix = await self._in_thread(lambda connection: _read(connection, model, held))
            self._matrices[model] = matrix
            if matrix.rows:
                same_dimension(asked, len(matrix.rows[0]), model)
            return _nearest(matrix, asked, limit, threshold, where)

    async def page(self, *, model: str, limit: int, after: str = "") -> MemoryPage:
        """In the order of the ids. Raises as ``upsert``."""
        chosen = select(_OF.id, _OF.text, _OF.metadata).where(_OF.model == model, _OF.id > after)

        def read(connection: Connection) -> MemoryPage:
            rows = connection.execute(chosen.order_by(_OF.id).limit(limit + 1)).all()
            items = tuple(Remembered(row.id, row.text, row.metadata) for row in rows[:limit])
            return MemoryPage(items, items[-1].id if len(rows) > limit else "")

        return await self._in_thread(read)

    async def known(self, ids: Sequence[str], *, model: str) -> set[str]:
        """Which of the ids have a row. Raises as ``upsert``."""
        chosen = select(_OF.id).where(_OF.model == model, _OF.id.in_(ids))
        return await self._in_thread(lambda connection: set(connection.scalars(chosen)))

    async def forget(self, ids: Sequence[str], *, model: str) -> None:
        """Deletes the rows; every process' next search is without them. Raises as ``upsert``."""
        gone = delete(memory_vectors).where(_OF.model == model, _OF.id.in_(ids))

        def write(connection: Connection) -> None:
            connection.execute(gone)
            connection.commit()

        await self._in_thread(write)

    async def spaces(self) -> tuple[Space, ...]:
        """The models that have rows. Raises as ``upsert``."""
        counted = select(_OF.model, func.max(_OF.dimension), func.count()).group_by(_OF.model)

        def read(connection: Connection) -> tuple[Space, ...]:
            return tuple(Space(*row) for row in connection.execute(counted.order_by(_OF.model)))

        return await self._in_thread(read)

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


def _read(connection: Connection, model: str, held: _Matrix) -> _Matrix:
    """What the store has now: what is newer in the held matrix, or a new one when rows have gone."""
    counted = select(func.count()).select_from(memory_vectors).where(_OF.model == model)
    # Counted first: what is written meanwhile makes it read all once too often, never once too seldom.
    count = connection.scalar(counted) or 0
    _refresh(connection, model, held)
    if len(held.ids) <= count:
        return held
    fresh = _Matrix()
    _refresh(connection, model, fresh)
    return fresh


def _refresh(connection: Connection, model: str, matrix: _Matrix) -> None:
    newer = select(_OF.id, _OF.vector, _OF.metadata, _OF.version).where(
        _OF.model == model, _OF.version > matrix.version - _OVERLAP_NS
    )
    for row in connection.execute(newer.order_by(_OF.version)):
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
