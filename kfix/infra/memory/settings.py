"""Settings of the vector memory. ``KFIX_MEMORY_*``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings


class MemorySettings(Settings):
    """Where vectors are kept and what makes them."""

    model_config = SettingsConfigDict(env_prefix="KFIX_MEMORY_")

    #: ``embedded``: in the relational store, exact. ``pinecone``: needs key and host.
    index: Literal["embedded", "pinecone"] = "embedded"
    #: Pinecone's API key.
    pinecone_api_key: SecretStr = SecretStr("")
    #: The index's own host, as Pinecone's console shows it.
    pinecone_host: str = ""
    #: ``hashing`` needs nothing; ``mistral`` is ``mistral-embed`` and needs a key.
    embedder: Literal["hashing", "mistral"] = "hashing"
    #: Mistral's API key, for its embeddings.
    mistral_api_key: SecretStr = SecretStr("")
    #: Address of Mistral's API; empty: its own.
    mistral_url: str = ""
    #: Cosine from which incidents count as similar; empty: the embedder's own. Calibrate it on your incidents.
    threshold: float | None = Field(default=None, ge=-1, le=1)
    #: Similar incidents looked up for one alert.
    limit: int = Field(default=3, ge=1, le=50)
    #: Seconds for one call.
    timeout_s: float = Field(default=10.0, gt=0)
