"""Vectors in Qdrant. A server's address and, where it wants one, a key are set; collections are made as needed."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict
from sqlalchemy import Engine

from kfix.infra.memory.index import VectorIndex
from kfix.infra.settings import Settings, load


class QdrantConnection(Settings):
    """Qdrant as vector store, with `KFIX_MEMORY_INDEX=qdrant`. Needs the extra `qdrant`."""

    model_config = SettingsConfigDict(env_prefix="KFIX_MEMORY_QDRANT_")

    #: Address of its REST interface, with the port.
    url: str = "http://127.0.0.1:6333"
    #: Its key; empty: none is sent.
    api_key: SecretStr = SecretStr("")
    #: What the names of its collections begin with; one collection per embedder.
    prefix: str = "kfix"


SETTINGS = QdrantConnection


def opened(engine: Engine, *, timeout_s: float) -> VectorIndex:
    """The index that the settings name; ``timeout_s``: seconds for one call. ``engine`` is not used."""
    from kfix.infra.memory.qdrant import QdrantIndex

    connection = load(QdrantConnection)
    return QdrantIndex(
        url=connection.url,
        api_key=connection.api_key.get_secret_value(),
        prefix=connection.prefix,
        timeout_s=timeout_s,
    )
