"""Vectors in PostgreSQL with the extension ``vector``: the relational store's database, or another one."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict
from sqlalchemy import Engine

from kfix.infra.memory.index import VectorIndex
from kfix.infra.settings import BadSettings, Settings, load


class PgvectorConnection(Settings):
    """PostgreSQL with pgvector as vector store, with `KFIX_MEMORY_INDEX=pgvector`. Needs the extra `pgvector`."""

    model_config = SettingsConfigDict(env_prefix="KFIX_MEMORY_PGVECTOR_")

    #: SQLAlchemy's URL of the database; empty: the relational store's, which must be PostgreSQL then.
    url: SecretStr = SecretStr("")
    #: Vectors that a search keeps on its way through the index (``hnsw.ef_search``): more find more and take longer. 200
    #: find 98 of 100 nearest among a million (docs/performance.md); pgvector's own 40 find 92.
    candidates: int = Field(default=200, ge=10, le=1000)


SETTINGS = PgvectorConnection


def opened(engine: Engine, *, timeout_s: float) -> VectorIndex:
    """The index on the database that the settings name, else on ``engine``; ``timeout_s``: seconds for one call.

    Raises BadSettings where that is no PostgreSQL.
    """
    from kfix.infra.memory.pgvector import PgvectorIndex
    from kfix.infra.store.engine import open_engine

    settings = load(PgvectorConnection)
    url = settings.url.get_secret_value()
    used = open_engine(url) if url else engine
    if used.dialect.name != "postgresql":
        raise BadSettings(
            ["KFIX_MEMORY_PGVECTOR_URL: vectors need PostgreSQL, this is another one"]
        )
    return PgvectorIndex(used, timeout_s=timeout_s, own=bool(url), candidates=settings.candidates)
