"""The store under contract tests: SQLite always, a real PostgreSQL with the marker ``postgres``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from kfix.infra.store.engine import open_store
from tools.realparts import postgres, weaviate_server
from tools.realparts.programs import Unbuildable


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """A running PostgreSQL. Skips where it cannot be had, fails there when nothing may skip."""
    try:
        postgres.programs()
    except postgres.Unobtainable as why:
        if os.environ.get("KFIX_TEST_STRICT") == "1":
            raise
        pytest.skip(str(why))
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session", name="weaviate_server")
def a_weaviate_server() -> Iterator[weaviate_server.RealWeaviate]:
    """A running Weaviate. Skips where it cannot be had, fails there when nothing may skip."""
    try:
        weaviate_server.program()
    except Unbuildable as why:
        if os.environ.get("KFIX_TEST_STRICT") == "1":
            raise
        pytest.skip(str(why))
    with weaviate_server.running() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty store, on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server = request.getfixturevalue("postgres_server")
    assert isinstance(server, postgres.Postgres)
    return server.database()


@pytest.fixture
def store(store_url: str) -> Iterator[Engine]:
    """A migrated store."""
    engine = open_store(store_url)
    yield engine
    engine.dispose()
