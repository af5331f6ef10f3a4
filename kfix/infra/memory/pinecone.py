"""Vector memory on Pinecone through its official client. One namespace per embedding model, so models never mix.

The index must exist, with metric cosine and the embedder's dimension; its host is in the settings. Reads may be a few
seconds behind writes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from kfix.infra.clients.boundary import another, guarded, same
from kfix.infra.memory.embedding import Vector
from kfix.infra.memory.index import (
    MemoryPage,
    Metadata,
    Remembered,
    Space,
    VectorHit,
    same_dimension,
    space_name,
    unit,
)
from schemas import errors

T = TypeVar("T")
_NAME = "Pinecone"
#: Metadata of our own, beside the caller's: Pinecone's are flat.
_MODEL, _DIMENSION, _TEXT = "kfix_model", "kfix_dimension", "kfix_text"
_OWN = (_MODEL, _DIMENSION, _TEXT)


@guarded("Pinecone")
class PineconeIndex:
    """``kfix.infra.memory.index.VectorIndex`` on Pinecone's data plane."""

    def __init__(self, *, api_key: str, host: str, timeout_s: float) -> None:
        self._api_key = api_key
        self._host = host
        self._timeout_s = timeout_s
        self._client: Any = None
        self._index: Any = None
        self._connecting = asyncio.Lock()
        self._dimension = 0

    async def upsert(
        self, *, id: str, model: str, vector: Vector, metadata: Metadata, text: str = ""
    ) -> None:
        """One vector. Raises as the port says, also for an answer to another question."""
        values = unit(vector)
        index = await self._connect()
        same_dimension(values, self._dimension, model)
        own = {_MODEL: model, _DIMENSION: len(values), _TEXT: text}
        record = {"id": id, "values": values.tolist(), "metadata": {**metadata, **own}}
        answer = await self._asked(index.upsert(vectors=[record], namespace=_namespace(model)))
        same(_NAME, {"upserted_count": 1}, answer)

    async def search(
        self, vector: Vector, *, model: str, limit: int, threshold: float, where: Metadata
    ) -> list[VectorHit]:
        """Asks the model's namespace; vectors below ``threshold`` are dropped here. Raises as ``upsert``."""
        values = unit(vector)
        index = await self._connect()
        same_dimension(values, self._dimension, model)
        answer = await self._asked(
            index.query(
                vector=values.tolist(),
                top_k=limit,
                namespace=_namespace(model),
                filter={key: {"$eq": value} for key, value in where.items()} or None,
                include_metadata=True,
            )
        )
        _of(model, answer)
        hits = []
        for match in answer.matches:
            kept = _remembered(match, model)
            same(_NAME, where, kept.metadata)
            hits.append(VectorHit(kept.id, float(match.score), kept.metadata))
        return [hit for hit in hits if hit.similarity >= threshold]

    async def page(self, *, model: str, limit: int, after: str = "") -> MemoryPage:
        """In Pinecone's order of ids. Raises as ``upsert``."""
        index = await self._connect()
        listed = await self._asked(
            index.list_paginated(
                namespace=_namespace(model), limit=limit, pagination_token=after or None
            )
        )
        found = await self._fetched([str(item.id) for item in listed.vectors], model)
        further = listed.pagination.next if listed.pagination else ""
        return MemoryPage(tuple(found.values()), str(further or ""))

    async def known(self, ids: Sequence[str], *, model: str) -> set[str]:
        """Which of the ids Pinecone has. Raises as ``upsert``."""
        await self._connect()
        return set(await self._fetched(list(ids), model))

    async def forget(self, ids: Sequence[str], *, model: str) -> None:
        """Deletes by id. Raises as ``upsert``."""
        index = await self._connect()
        if ids:
            await self._asked(index.delete(ids=list(ids), namespace=_namespace(model)))

    async def spaces(self) -> tuple[Space, ...]:
        """The namespaces whose vectors say their model; others belong to somebody else. Raises as ``upsert``."""
        index = await self._connect()
        told = await self._asked(index.describe_index_stats())
        found = []
        for name, stats in sorted(told.namespaces.items()):
            model = await self._model_of(name) if stats.vector_count else ""
            if model:
                found.append(Space(model, self._dimension, int(stats.vector_count)))
        return tuple(sorted(found, key=lambda space: space.model))

    async def _model_of(self, namespace: str) -> str:
        listed = await self._asked(self._index.list_paginated(namespace=namespace, limit=1))
        ids = [str(item.id) for item in listed.vectors]
        if not ids:
            return ""
        answer = await self._asked(self._index.fetch(ids=ids, namespace=namespace))
        told = [dict(vector.metadata or {}) for vector in answer.vectors.values()]
        return next((str(each[_MODEL]) for each in told if each.get(_MODEL)), "")

    async def _fetched(self, ids: list[str], model: str) -> dict[str, Remembered]:
        if not ids:
            return {}
        answer = await self._asked(self._index.fetch(ids=ids, namespace=_namespace(model)))
        _of(model, answer)
        return {id: _remembered(answer.vectors[id], model) for id in ids if id in answer.vectors}

    async def _connect(self) -> Any:
        async with self._connecting:
            if self._index is None:
                from pinecone import AsyncPinecone

                self._client = self._client or AsyncPinecone(
                    api_key=self._api_key, timeout=self._timeout_s
                )
                self._index = await self._asked(self._client.index(host=self._host))
            if not self._dimension:
                told = await self._asked(self._index.describe_index_stats())
                if str(told.metric or "cosine").lower() != "cosine":
                    raise errors.Rejected(
                        f"the index compares by {told.metric}, not by cosine", reason="metric"
                    )
                self._dimension = int(told.dimension or 0)
            return self._index

    async def close(self) -> None:
        """Closes index and client; the next call connects anew."""
        for opened in (self._index, self._client):
            if opened is not None:
                await opened.close()
        self._index = self._client = None
        self._dimension = 0

    async def _asked(self, call: Awaitable[T]) -> T:
        """The call's answer within the time-out, in which the client repeats by itself what may be repeated.

        Its waits between repeats cannot be set and take up to ten seconds: a server that fails may end as TimedOut.
        Pinecone's exceptions as ours.
        """
        from pinecone.errors.exceptions import (
            ApiError,
            PineconeError,
            PineconeTimeoutError,
            PineconeTypeError,
            PineconeValueError,
        )

        try:
            async with asyncio.timeout(self._timeout_s):
                return await call
        except ApiError as failure:
            raise _failure(failure.status_code, str(failure)[:200]) from failure
        except PineconeTimeoutError as failure:
            raise errors.TimedOut("Pinecone took too long") from failure
        except (PineconeValueError, PineconeTypeError) as failure:
            raise errors.Rejected(f"Pinecone: {str(failure)[:200]}") from failure
        except PineconeError as failure:
            raise errors.Unavailable(f"Pinecone: {str(failure)[:200]}") from failure


def _namespace(model: str) -> str:
    return model if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", model) else space_name(model)


def _of(model: str, answer: Any) -> None:
    """Raises errors.Unavailable for an answer of another namespace."""
    if (answer.namespace or "") not in ("", _namespace(model)):
        raise another(_NAME, "namespace")


def _remembered(found: Any, model: str) -> Remembered:
    told = dict(found.metadata or {})
    same(_NAME, {_MODEL: model}, {_MODEL: model, **told})
    rest = {key: value for key, value in told.items() if key not in _OWN}
    return Remembered(str(found.id), str(told.get(_TEXT, "")), rest)


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
