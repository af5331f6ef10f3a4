"""Settings of the vector memory. ``KFIX_MEMORY_*``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from kfix.infra.memory.indexes import INDEXES
from kfix.infra.settings import Settings


class MemorySettings(Settings):
    """Where vectors are kept and what makes them."""

    model_config = SettingsConfigDict(env_prefix="KFIX_MEMORY_")

    #: A module of ``kfix/infra/memory/indexes``. ``embedded``: in the relational store, exact, needs nothing.
    index: str = "embedded"
    #: ``hashing`` needs nothing; ``minilm`` runs here and needs the extra ``embeddings``; ``mistral`` is ``mistral-embed``
    #: and needs a key; ``openai`` is OpenAI's embeddings or a server that speaks them, and needs the extra ``llm``.
    embedder: Literal["hashing", "minilm", "mistral", "openai"] = "hashing"
    #: File of MiniLM's weights (ONNX); empty: the package's.
    minilm_file: str = ""
    #: Mistral's API key, for its embeddings.
    mistral_api_key: SecretStr = SecretStr("")
    #: Address of Mistral's API; empty: its own.
    mistral_url: str = ""
    #: Key of OpenAI or of the server; servers of one's own may need none.
    openai_api_key: SecretStr = SecretStr("")
    #: Address up to ``/v1``; empty: OpenAI's own.
    openai_url: str = ""
    #: The model that makes vectors.
    openai_model: str = Field(default="text-embedding-3-small", min_length=1, max_length=64)
    #: Numbers in its vectors: an answer of another count is refused.
    openai_dimension: int = Field(default=1536, ge=1, le=16_000)
    #: Cosine from which incidents count as similar; empty: the embedder's own. Calibrate it on your incidents.
    threshold: float | None = Field(default=None, ge=-1, le=1)
    #: Similar incidents looked up for one alert.
    limit: int = Field(default=3, ge=1, le=50)
    #: Seconds for one call.
    timeout_s: float = Field(default=10.0, gt=0)

    @field_validator("index")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in INDEXES:
            raise ValueError(f"one of {', '.join(INDEXES)}")
        return name
