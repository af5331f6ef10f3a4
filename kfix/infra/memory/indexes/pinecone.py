"""Vectors in Pinecone. The index must exist; its host and a key are set."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict
from sqlalchemy import Engine

from kfix.infra.memory.index import VectorIndex
from kfix.infra.settings import Settings, load


class PineconeConnection(Settings):
    """Pinecone as vector store, with `KFIX_MEMORY_INDEX=pinecone`."""

    model_config = SettingsConfigDict(env_prefix="KFIX_MEMORY_PINECONE_")

    #: Pinecone's API key.
    api_key: SecretStr = SecretStr("")
    #: The index's own host, as Pinecone's console shows it.
    host: str = ""


SETTINGS = PineconeConnection


def opened(engine: Engine, *, timeout_s: float) -> VectorIndex:
    """The index that the settings name; ``timeout_s``: seconds for one call. ``engine`` is not used."""
    from kfix.infra.memory.pinecone import PineconeIndex

    connection = load(PineconeConnection)
    return PineconeIndex(
        api_key=connection.api_key.get_secret_value(), host=connection.host, timeout_s=timeout_s
    )
