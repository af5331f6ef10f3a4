"""Vector memory in PostgreSQL with the extension ``vector`` (0.8 or newer), by the package ``pgvector``.

One table per embedding model, made with its first vector, and one that lists them. Cosine by an HNSW index, which is
near and not exact; a model of more numbers than such an index takes is compared exactly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
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
    space_name,
    unit,
)
from schemas import errors

T = TypeVar("T")
#: Numbers that an HNSW index of the type ``vector`` takes (pgvector's README, "HNSW").
_INDEXED = 2000
#: Key of the advisory lock under which tables are made; any number that nobody else uses.
_LOCK = 0x6B666D65
_SPACES = Table(
    "kfix_memory_spaces",
    MetaData(),
    Column("model", String(200), primary_key=True),
    Column("dimension", Integer, nullable=False),
)


@guarded("vector memory")
class PgvectorIndex:
    """``kfix.infra.memory.index.VectorIndex`` on pgvector. ``own``: the engine is closed with the index.

    ``candidates``: vectors that a search keeps on its way (``hnsw.ef_search``).
    """

    def __init__(
        self, engine: Engine, *, timeout_s: float, own: bool = False, candidates: int = 200
    ) -> None:
        self._engine = engine
        self._timeout_s = timeout_s
        self._candidates = candidates
        self._own = own
        self._tables: dict[str, tuple[Table, int]] = {}

    async def upsert(
        self, *, id: str, model: str, vector: Vector, metadata: Metadata, text: str = ""
    ) -> None:
        """One row; makes the model's table. Raises as the port says."""
        values = unit(vector)
        row = {"embedding": values, "metadata": dict(metadata), "text": text}

        def write(connection: Connection) -> None:
            table, dimension = self._space(connection, model) or self._make(
                connection, model, len(values)
            )
            same_dimension(values, dimension, model)
            new = insert(table).values(id=id, **row)
            connection.execute(new.on_conflict_do_update(index_elements=["id"], set_=row))

        await self._asked(write)

    async def search(
        self, vector: Vector, *, model: str, limit: int, threshold: float, where: Metadata
    ) -> list[VectorHit]:
        """Nothing where the model has no table. Raises as the port says."""
        values = unit(vector)

        def read(connection: Connection) -> list[VectorHit]:
            space = self._space(connection, model)
            if space is None:
                return []
            table, dimension = space
            same_dimension(values, dimension, model)
            kept = max(self._candidates, limit)
            # In one go: each statement of its own is a way to the server and back.
            connection.execute(
                text(
                    f"SET LOCAL hnsw.ef_search = {kept}; SET LOCAL hnsw.iterative_scan = strict_order"
                )
            )
            far = table.c.embedding.cosine_distance(values).label("far")
            nearest = select(table.c.id, far, table.c.metadata).order_by(far).limit(limit)
            if where:
                nearest = nearest.where(table.c.metadata.contains(dict(where)))
            rows = connection.execute(nearest).all()
            hits = [VectorHit(row.id, 1.0 - float(row.far), row.metadata) for row in rows]
            return [hit for hit in hits if hit.similarity >= threshold]

        return await self._asked(read)

    async def page(self, *, model: str, limit: int, after: str = "") -> MemoryPage:
        """In the order of the ids. Raises as the port says."""

        def read(connection: Connection) -> MemoryPage:
            space = self._space(connection, model)
            if space is None:
                return MemoryPage(())
            table = space[0]
            chosen = select(table.c.id, table.c.text, table.c.metadata).where(table.c.id > after)
            rows = connection.execute(chosen.order_by(table.c.id).limit(limit + 1)).all()
            items = tuple(Remembered(row.id, row.text, row.metadata) for row in rows[:limit])
            return MemoryPage(items, items[-1].id if len(rows) > limit else "")

        return await self._asked(read)

    async def known(self, ids: Sequence[str], *, model: str) -> set[str]:
        """Which of the ids have a row. Raises as the port says."""

        def read(connection: Connection) -> set[str]:
            space = self._space(connection, model)
            if space is None:
                return set()
            column = space[0].c.id
            return set(connection.scalars(select(column).where(column.in_(ids))))

        return await self._asked(read)

    async def forget(self, ids: Sequence[str], *, model: str) -> None:
        """Deletes the rows. Raises as the port says."""

        def write(connection: Connection) -> None:
            space = self._space(connection, model)
            if space is not None:
                connection.execute(delete(space[0]).where(space[0].c.id.in_(ids)))

        await self._asked(write)

    async def spaces(self) -> tuple[Space, ...]:
        """The tables that have rows. Raises as the port says."""

        def read(connection: Connection) -> tuple[Space, ...]:
            if not _exists(connection, _SPACES.name):
                return ()
            models = connection.execute(select(_SPACES).order_by(_SPACES.c.model)).all()
            counted = [(m, connection.scalar(_count(m.model, m.dimension)) or 0) for m in models]
            return tuple(Space(m.model, m.dimension, count) for m, count in counted if count)

        return await self._asked(read)

    def _space(self, connection: Connection, model: str) -> tuple[Table, int] | None:
        """The model's table and dimension; ``None`` where it has none yet."""
        if model not in self._tables:
            if not _exists(connection, _SPACES.name):
                return None
            chosen = select(_SPACES.c.dimension).where(_SPACES.c.model == model)
            dimension = connection.scalar(chosen)
            if dimension is None:
                return None
            self._tables[model] = table_of(model, dimension), dimension
        return self._tables[model]

    def _make(self, connection: Connection, model: str, dimension: int) -> tuple[Table, int]:
        """Makes the model's table, in the transaction of its first row. Another process may have been faster."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if (made := self._space(connection, model)) is not None:
            return made
        there = text("SELECT 1 FROM pg_extension WHERE extname = 'vector'")
        if connection.scalar(there) is None:
            connection.execute(text("CREATE EXTENSION vector"))
        _SPACES.create(connection, checkfirst=True)
        table = table_of(model, dimension)
        table.create(connection, checkfirst=True)
        connection.execute(insert(_SPACES).values(model=model, dimension=dimension))
        return table, dimension

    async def _asked(self, work: Callable[[Connection], T]) -> T:
        """In a thread, in one transaction, within the time-out. The database's exceptions as ours."""

        def run() -> T:
            with self._engine.begin() as connection:
                wait = max(1, int(self._timeout_s * 1000))
                connection.execute(text(f"SET LOCAL statement_timeout = {wait}"))
                return work(connection)

        try:
            async with asyncio.timeout(self._timeout_s + 1.0):
                return await asyncio.to_thread(run)
        except DBAPIError as failure:
            self._tables.clear()
            raise _failure(failure) from failure

    async def close(self) -> None:
        """Closes the engine if it is the index' own."""
        if self._own:
            self._engine.dispose()


def _exists(connection: Connection, name: str) -> bool:
    """As this statement sees it; ``to_regclass`` may still say what it said before a lock was waited for."""
    there = text(
        "SELECT 1 FROM pg_catalog.pg_tables"
        " WHERE tablename = :name AND schemaname = ANY (current_schemas(false))"
    )
    return connection.scalar(there, {"name": name}) is not None


def table_of(model: str, dimension: int) -> Table:
    """The table of a model's vectors, with its index."""
    from pgvector.sqlalchemy import Vector as VectorType

    name = f"kfix_memory_{space_name(model)}"
    table = Table(
        name,
        MetaData(),
        Column("id", String(128), primary_key=True),
        Column("embedding", VectorType(dimension), nullable=False),
        Column("metadata", JSONB, nullable=False),
        Column("text", Text, nullable=False),
    )
    if dimension <= _INDEXED:
        Index(
            f"hnsw_{space_name(model)}",
            table.c.embedding,
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "vector_cosine_ops"},
        )
    return table


def _count(model: str, dimension: int) -> Any:
    return select(func.count()).select_from(table_of(model, dimension))


def _failure(failure: DBAPIError) -> errors.KFixError:
    code = str(getattr(failure.orig, "pgcode", None) or "")
    said = str(failure.orig).strip().splitlines()[0][:200] if str(failure.orig).strip() else ""
    if code in ("57014", "55P03"):
        return errors.TimedOut("the vector memory took too long")
    if code.startswith("28") or code == "42501" or "authentication failed" in said:
        return errors.Unauthorized(f"the vector memory refuses: {said}")
    if failure.connection_invalidated or code[:2] in ("", "08", "40", "53", "57"):
        return errors.Unavailable(f"the vector memory: {said}")
    return errors.Rejected(f"the vector memory refuses: {said}")
