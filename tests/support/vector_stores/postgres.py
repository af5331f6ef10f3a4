"""The relational store's vectors, on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kfix.infra.memory.index import VectorIndex
from kfix.infra.memory.sql import SqlIndex
from kfix.infra.store.engine import open_store

MARKS = pytest.mark.postgres


@asynccontextmanager
async def opened(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[VectorIndex]:
    engine = open_store(request.getfixturevalue("postgres_server").database())
    yield SqlIndex(engine)
    engine.dispose()
