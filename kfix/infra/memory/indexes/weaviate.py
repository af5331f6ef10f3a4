"""Vectors in Weaviate. A server's two addresses and, where it wants one, a key are set; collections are made as needed."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict
from sqlalchemy import Engine

from kfix.infra.memory.index import VectorIndex
from kfix.infra.settings import BadSettings, Settings, load


class WeaviateConnection(Settings):
    """Weaviate as vector store, with `KFIX_MEMORY_INDEX=weaviate`. Needs the extra `weaviate`."""

    model_config = SettingsConfigDict(env_prefix="KFIX_MEMORY_WEAVIATE_")

    #: Address of its REST interface.
    url: str = "http://127.0.0.1:8080"
    #: Address of its gRPC interface.
    grpc_url: str = "http://127.0.0.1:50051"
    #: Its key; empty: none is sent.
    api_key: SecretStr = SecretStr("")
    #: What the names of its collections begin with; one collection per embedder.
    prefix: str = Field(default="Kfix", pattern=r"^[A-Za-z][A-Za-z0-9]{0,40}$")


SETTINGS = WeaviateConnection


def opened(engine: Engine, *, timeout_s: float) -> VectorIndex:
    """The index that the settings name; ``timeout_s``: seconds for one call. ``engine`` is not used.

    Raises BadSettings where both addresses are one.
    """
    from kfix.infra.memory.weaviate import WeaviateIndex

    connection = load(WeaviateConnection)
    if connection.url.rstrip("/") == connection.grpc_url.rstrip("/"):
        raise BadSettings(["KFIX_MEMORY_WEAVIATE_GRPC_URL: REST and gRPC have ports of their own"])
    return WeaviateIndex(
        url=connection.url,
        grpc_url=connection.grpc_url,
        api_key=connection.api_key.get_secret_value(),
        prefix=connection.prefix,
        timeout_s=timeout_s,
    )
