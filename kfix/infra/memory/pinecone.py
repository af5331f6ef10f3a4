"""Vector memory on Pinecone through its official client. One namespace per embedding model, so models never mix.

The index must exist, with metric cosine and the embedder's dimension; its host is in the settings. Reads may be a few
seconds behind writes.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Any, TypeVar

from kfix.infra.clients.boundary import another, guarded, same
from kfix.infra.memory.embedding import Vector
from kfix.infra.memory.index import Metadata, VectorHit
from schemas import errors

T = TypeVar("T")
_NAME = "Pinecone"


@guarded("Pinecone")
class PineconeIndex:
    """``kfix.infra.memory.index.VectorIndex`` on Pinecone's data plane."""

    def __init__(self, *, api_key: str, host: str, timeout_s: float) -> None:
        self._api_key = api_key
        self._host = host
        self._timeout_s = timeout_s
        self._client: Any = None
        self._index: Any = None

    async def upsert(self, *, id: str, model: str, vector: Vector, metadata: Metadata) -> None:
        """One vector. Raises errors.Retryable or errors.Permanent, also for an answer to another question."""
        index = await self._connect()
        record = {"id": id, "values": [float(v) for v in vector], "metadata": dict(metadata)}
        answer = await _typed(index.upsert(vectors=[record], namespace=_namespace(model)))
        same(_NAME, {"upserted_count": 1}, answer)

    async def search(
        self, vector: Vector, *, model: str, limit: int, threshold: float, where: Metadata
    ) -> list[VectorHit]:
        """Asks the model's namespace; vectors below ``threshold`` are dropped here. Raises as ``upsert``."""
        index = await self._connect()
        answer = await _typed(
            index.query(
                vector=[float(v) for v in vector],
                top_k=limit,
                namespace=_namespace(model),
                filter={key: {"$eq": value} for key, value in where.items()} or None,
                include_metadata=True,
            )
        )
        if (answer.namespace or "") not in ("", _namespace(model)):
            raise another(_NAME, "namespace")
        hits = [
            VectorHit(str(match.id), float(match.score), dict(match.metadata or {}))
            for match in answer.matches
        ]
        for hit in hits:
            same(_NAME, where, hit.metadata)
        return [hit for hit in hits if hit.similarity >= threshold]

    async def _connect(self) -> Any:
        if self._index is None:
            from pinecone import AsyncPinecone

            self._client = AsyncPinecone(api_key=self._api_key, timeout=self._timeout_s)
            self._index = await _typed(self._client.index(host=self._host))
        return self._index

    async def close(self) -> None:
        """Closes index and client; the next call connects anew."""
        for opened in (self._index, self._client):
            if opened is not None:
                await opened.close()
        self._index = self._client = None


def _namespace(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", model)


async def _typed(call: Awaitable[T]) -> T:
    """Pinecone's exceptions as ours. The client has retried by itself what may be retried."""
    from pinecone.errors.exceptions import ApiError, PineconeError, PineconeTimeoutError

    try:
        return await call
    except ApiError as failure:
        raise _failure(failure.status_code, str(failure)[:200]) from failure
    except PineconeTimeoutError as failure:
        raise errors.TimedOut("Pinecone took too long") from failure
    except PineconeError as failure:
        raise errors.Unavailable(f"Pinecone: {str(failure)[:200]}") from failure


def _failure(status: int, message: str) -> errors.KFixError:
    if status in (401, 403):
        return errors.Unauthorized("Pinecone refuses the key")
    if status == 404:
        return errors.NotFound("Pinecone has no such index")
    if status == 429:
        return errors.RateLimited("Pinecone: too many requests")
    if status >= 500:
        return errors.Unavailable(f"Pinecone answered {status}")
    return errors.Rejected(f"Pinecone answered: {message}")
