"""pgvector in a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, make_url, text

from kfix.infra.memory.index import VectorIndex
from kfix.infra.memory.pgvector import PgvectorIndex
from kfix.infra.store.engine import open_engine
from tests.support.loopback import nobody

MARKS = pytest.mark.postgres
X = np.asarray([1, 0, 0], dtype=np.float32)


@asynccontextmanager
async def _on(url: str, timeout_s: float = 5) -> AsyncIterator[VectorIndex]:
    made = PgvectorIndex(open_engine(url), timeout_s=timeout_s, own=True)
    yield made
    await made.close()


def opened(request: pytest.FixtureRequest, folder: Path) -> object:
    return _on(request.getfixturevalue("postgres_server").database())


@asynccontextmanager
async def silent(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[VectorIndex]:
    """Somebody else holds the table."""
    url = request.getfixturevalue("postgres_server").database()
    async with _on(url, timeout_s=0.5) as index:
        await index.upsert(id="a", model="m", vector=X, metadata={})
        other = create_engine(url)
        with other.connect() as holding:
            await asyncio.to_thread(holding.execute, text("LOCK TABLE kfix_memory_spaces"))
            tables = (
                "SELECT relname FROM pg_class WHERE relname ~ '^kfix_memory_m_' AND relkind = 'r'"
            )
            for name in holding.scalars(text(tables)).all():
                holding.execute(text(f"LOCK TABLE {name}"))
            yield index
        other.dispose()


def away(request: pytest.FixtureRequest, folder: Path) -> object:
    port = int(nobody().rpartition(":")[2])
    url = make_url(request.getfixturevalue("postgres_server").database()).set(port=port)
    return _on(url.render_as_string(hide_password=False), timeout_s=0.5)
