"""Composes the memory from settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine

from kfix.infra.memory.embedding import Embedder, HashingEmbedder, MistralEmbedder
from kfix.infra.memory.index import Metadata, OpenIndex, VectorHit, VectorIndex
from kfix.infra.memory.indexes import module_of
from kfix.infra.memory.settings import MemorySettings
from kfix.infra.settings import load
from schemas import errors

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OpenedMemory:
    """An embedder and an index that belong together."""

    embedder: Embedder
    index: VectorIndex
    threshold: float
    limit: int
    #: Whether people were told of vectors of other models.
    _told: set[str] = field(default_factory=set, repr=False, compare=False)

    async def remember(self, id: str, text: str, metadata: Metadata) -> None:
        """Stores a text's vector under ``id``, in place of an earlier one; nothing for a text without words.

        Raises as embedder and index do.
        """
        vector = await self.embedder.embed(text)
        if not vector.any():
            log.info("memory.nothing_to_remember", id=id)
            return
        await self.index.upsert(
            id=id, model=self.embedder.model, vector=vector, metadata=metadata, text=text
        )

    async def recall(
        self, text: str, *, where: Metadata | None = None, limit: int | None = None
    ) -> list[VectorHit]:
        """What is near ``text``, best first; nothing for a text without words. Raises as embedder and index do."""
        vector = await self.embedder.embed(text)
        if not vector.any():
            return []
        hits = await self.index.search(
            vector,
            model=self.embedder.model,
            limit=limit or self.limit,
            threshold=self.threshold,
            where=where or {},
        )
        if not self._told:
            await self._tell_of_others()
        return hits

    async def _tell_of_others(self) -> None:
        """Once: what other models remembered is found by nobody."""
        self._told.add(self.embedder.model)
        try:
            spaces = await self.index.spaces()
        except errors.KFixError as failure:
            log.info("memory.spaces_unknown", reason=failure.reason)
            return
        others = {s.model: s.count for s in spaces if s.model != self.embedder.model}
        if others:
            log.warning(
                "memory.other_models",
                model=self.embedder.model,
                others=others,
                remedy="kfix memory reembed",
            )


@asynccontextmanager
async def open_memory(
    engine: Engine, settings: MemorySettings | None = None
) -> AsyncIterator[OpenedMemory]:
    """Opens the memory; ``engine`` is the relational store's and stays the caller's."""
    settings = settings or load(MemorySettings)
    embedder = _embedder(settings)
    open_index: OpenIndex = module_of(settings.index).opened
    index = open_index(engine, timeout_s=settings.timeout_s)
    threshold = embedder.threshold if settings.threshold is None else settings.threshold
    try:
        yield OpenedMemory(embedder, index, threshold, settings.limit)
    finally:
        await index.close()
        await embedder.close()


def _embedder(settings: MemorySettings) -> Embedder:
    if settings.embedder == "mistral":
        return MistralEmbedder(
            api_key=settings.mistral_api_key.get_secret_value(),
            url=settings.mistral_url,
            timeout_s=settings.timeout_s,
        )
    if settings.embedder == "minilm":
        from kfix.infra.memory.minilm import MiniLMEmbedder

        return MiniLMEmbedder(file=settings.minilm_file)
    if settings.embedder == "openai":
        from kfix.infra.memory.openai_embedding import OpenAIEmbedder

        return OpenAIEmbedder(
            api_key=settings.openai_api_key.get_secret_value(),
            url=settings.openai_url,
            model=settings.openai_model,
            dimension=settings.openai_dimension,
            timeout_s=settings.timeout_s,
        )
    return HashingEmbedder()
