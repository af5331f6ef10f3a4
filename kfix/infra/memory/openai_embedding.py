"""Vectors by OpenAI's embeddings, or by a server of one's own that speaks them. Needs the extra ``llm``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kfix.infra.clients import openai
from kfix.infra.clients.boundary import guarded
from kfix.infra.memory.embedding import Vector, unit_vectors


@guarded("The model server")
class OpenAIEmbedder:
    """One model of a server; ``dimension``: the numbers that its vectors must have."""

    #: Of no model in particular: measure yours (docs/learning.md, "Quality") and set it.
    threshold = 0.8

    def __init__(
        self, *, api_key: str, url: str, model: str, dimension: int, timeout_s: float
    ) -> None:
        self.model = model
        self.dimension = dimension
        self._api_key = api_key
        self._url = url
        self._timeout_s = timeout_s
        self._client: Any = None

    async def embed(self, text: str) -> Vector:
        """A unit vector. Raises errors.Rejected for an answer of another shape, else from ``schemas.errors``."""
        return (await self.embed_all([text]))[0]

    async def embed_all(self, texts: Sequence[str]) -> list[Vector]:
        """A unit vector for each text, in one call. Raises as ``embed``."""
        if self._client is None:
            self._client = openai.connect(
                api_key=self._api_key, url=self._url, timeout_s=self._timeout_s
            )
        answer = await openai.typed(
            self._client.embeddings.create(
                model=self.model, input=list(texts), encoding_format="float"
            ),
            self._timeout_s,
        )
        return unit_vectors(answer.data, len(texts), self.dimension, self.model)

    async def close(self) -> None:
        """Closes the client; the next call connects anew."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()
