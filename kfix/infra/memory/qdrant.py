"""Vector memory on Qdrant through its official client, over REST. One collection per embedding model, metric cosine.

Collections are made with the first vector. Qdrant names points by UUID, so a point's name is made of the incident's id
(RFC 9562, version 5), which stands in its payload.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from kfix.infra.clients.boundary import guarded, same
from kfix.infra.memory.embedding import Vector
from kfix.infra.memory.index import (
    FILTERED,
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
_NAME = "Qdrant"
#: The client's own, in the process: for trial and for tests.
LOCAL = ":memory:"
_POINTS = uuid.UUID("6d0b7c9c-6a5e-4a8e-9a0e-0f5d3c1f5e11")


@guarded(_NAME)
class QdrantIndex:
    """``kfix.infra.memory.index.VectorIndex`` on Qdrant. ``prefix`` begins the names of its collections."""

    def __init__(self, *, url: str, api_key: str, prefix: str, timeout_s: float) -> None:
        self._url = url
        self._api_key = api_key
        self._prefix = prefix
        self._timeout_s = timeout_s
        self._client: Any = None
        self._dimensions: dict[str, int] = {}

    async def upsert(
        self, *, id: str, model: str, vector: Vector, metadata: Metadata, text: str = ""
    ) -> None:
        """One point, once it is searchable. Makes the model's collection. Raises as the port says."""
        from qdrant_client.models import PointStruct

        values = unit(vector)
        dimension = await self._dimension(model)
        if not dimension:
            dimension = await self._make(model, len(values))
        same_dimension(values, dimension, model)
        payload = {
            "id": id,
            "model": model,
            "dimension": dimension,
            "text": text,
            "metadata": dict(metadata),
        }
        point = PointStruct(id=_point(id), vector=values.tolist(), payload=payload)
        done = await self._asked(self._open().upsert(self._collection(model), [point], wait=True))
        if done.status != "completed":
            raise errors.Unavailable(f"Qdrant has not written yet: {done.status}")

    async def search(
        self, vector: Vector, *, model: str, limit: int, threshold: float, where: Metadata
    ) -> list[VectorHit]:
        """Nothing where the model has no collection. Raises as the port says, also for an answer to another question."""
        values = unit(vector)
        dimension = await self._dimension(model)
        if not dimension:
            return []
        same_dimension(values, dimension, model)
        answer = await self._asked(
            self._open().query_points(
                self._collection(model),
                query=values.tolist(),
                query_filter=_filter(where),
                limit=limit,
                with_payload=True,
            )
        )
        hits = []
        for point in answer.points:
            same(_NAME, {"model": model}, point.payload)
            kept = _remembered(point.payload)
            same(_NAME, where, kept.metadata)
            hits.append(VectorHit(kept.id, float(point.score), kept.metadata))
        return [hit for hit in hits if hit.similarity >= threshold]

    async def page(self, *, model: str, limit: int, after: str = "") -> MemoryPage:
        """In the order of the points' names. Raises as the port says."""
        if not await self._dimension(model):
            return MemoryPage(())
        points, further = await self._asked(
            self._open().scroll(
                self._collection(model), limit=limit, offset=after or None, with_payload=True
            )
        )
        for point in points:
            same(_NAME, {"model": model}, point.payload)
        return MemoryPage(tuple(_remembered(p.payload) for p in points), str(further or ""))

    async def known(self, ids: Sequence[str], *, model: str) -> set[str]:
        """Which of the ids have a point. Raises as the port says."""
        if not ids or not await self._dimension(model):
            return set()
        points = await self._asked(
            self._open().retrieve(
                self._collection(model), ids=[_point(id) for id in ids], with_payload=True
            )
        )
        return {_remembered(point.payload).id for point in points} & set(ids)

    async def forget(self, ids: Sequence[str], *, model: str) -> None:
        """Deletes the points, and waits until they are gone. Raises as the port says."""
        if not ids or not await self._dimension(model):
            return
        done = await self._asked(
            self._open().delete(self._collection(model), [_point(id) for id in ids], wait=True)
        )
        if done.status != "completed":
            raise errors.Unavailable(f"Qdrant has not deleted yet: {done.status}")

    async def spaces(self) -> tuple[Space, ...]:
        """The collections of this prefix that hold points. Raises as the port says."""
        found = []
        for each in (await self._asked(self._open().get_collections())).collections:
            if each.name.startswith(f"{self._prefix}_"):
                found += await self._space(each.name)
        return tuple(sorted(found, key=lambda space: space.model))

    async def _space(self, collection: str) -> list[Space]:
        points, _ = await self._asked(self._open().scroll(collection, limit=1, with_payload=True))
        if not points:
            return []
        count = await self._asked(self._open().count(collection, exact=True))
        told = points[0].payload
        return [Space(str(told["model"]), int(told["dimension"]), int(count.count))]

    async def _dimension(self, model: str) -> int:
        """Of the model's collection, 0 where there is none."""
        from qdrant_client.models import Distance

        if model not in self._dimensions:
            name = self._collection(model)
            if not await self._asked(self._open().collection_exists(name)):
                return 0
            vectors = (await self._asked(self._open().get_collection(name))).config.params.vectors
            if vectors.distance != Distance.COSINE:
                raise errors.Rejected(
                    f"the collection {name} compares by {vectors.distance}, not by cosine",
                    reason="metric",
                )
            self._dimensions[model] = int(vectors.size)
        return self._dimensions[model]

    async def _make(self, model: str, dimension: int) -> int:
        from qdrant_client.models import Distance, PayloadSchemaType, VectorParams

        name = self._collection(model)
        try:
            shape = VectorParams(size=dimension, distance=Distance.COSINE)
            await self._asked(self._open().create_collection(name, vectors_config=shape))
        except errors.Moved:
            return await self._dimension(model)
        if self._url != LOCAL:
            for field in FILTERED:
                await self._asked(
                    self._open().create_payload_index(
                        name, f"metadata.{field}", PayloadSchemaType.KEYWORD, wait=True
                    )
                )
        return await self._dimension(model)

    def _collection(self, model: str) -> str:
        return f"{self._prefix}_{space_name(model)}"

    def _open(self) -> Any:
        if self._client is None:
            self._client = _connect(self._url, self._api_key, self._timeout_s)
        return self._client

    async def _asked(self, call: Awaitable[T]) -> T:
        """The call's answer within the time-out. Qdrant's exceptions as ours."""
        from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
        from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

        try:
            async with asyncio.timeout(self._timeout_s):
                return await call
        except UnexpectedResponse as failure:
            self._dimensions.clear()
            raise _failure(failure.status_code or 0) from failure
        except ResourceExhaustedResponse as failure:
            wait = float(failure.retry_after_s)
            raise errors.RateLimited("Qdrant: too many requests", retry_after_s=wait) from failure
        except ResponseHandlingException as failure:
            raise _unheard(failure.source) from failure

    async def close(self) -> None:
        """Closes the client; the next call connects anew."""
        if self._client is not None:
            client, self._client = self._client, None
            self._dimensions.clear()
            await client.close()


def _connect(url: str, api_key: str, timeout_s: float) -> Any:
    from qdrant_client import AsyncQdrantClient

    if url == LOCAL:
        return AsyncQdrantClient(location=LOCAL)
    from kfix.infra.clients.http import transport

    # As a header: handed in by its own name, a key is warned of on a cluster's own plain network.
    return AsyncQdrantClient(
        url=url,
        port=None,
        headers={"api-key": api_key} if api_key else None,
        timeout=max(1, round(timeout_s)),
        check_compatibility=False,
        transport=transport((url,)),
        trust_env=False,
    )


def _point(id: str) -> str:
    return str(uuid.uuid5(_POINTS, id))


def _remembered(payload: Any) -> Remembered:
    return Remembered(str(payload["id"]), str(payload["text"]), dict(payload["metadata"]))


def _filter(where: Metadata) -> Any:
    from qdrant_client.models import FieldCondition, Filter, MatchValue, Range

    return Filter(
        must=[
            FieldCondition(key=f"metadata.{key}", range=Range(gte=value, lte=value))
            if isinstance(value, float)
            else FieldCondition(key=f"metadata.{key}", match=MatchValue(value=value))
            for key, value in where.items()
        ]
    )


def _failure(status: int) -> errors.KFixError:
    if status in (401, 403):
        return errors.Unauthorized("Qdrant refuses the key")
    if status == 404:
        return errors.NotFound("Qdrant has no such collection")
    if status == 409:
        return errors.Moved("the collection is there already")
    if status == 429:
        return errors.RateLimited("Qdrant: too many requests")
    if status >= 500:
        return errors.Unavailable(f"Qdrant answered {status}")
    return errors.Rejected(f"Qdrant refused with {status}")


def _unheard(source: Exception) -> errors.KFixError:
    import httpx

    if isinstance(source, errors.KFixError):
        return source
    if isinstance(source, httpx.TimeoutException | TimeoutError):
        return errors.TimedOut("Qdrant took too long")
    if isinstance(source, httpx.HTTPError | OSError):
        return errors.Unavailable("Qdrant did not answer")
    return errors.Unavailable("Qdrant answered in no known shape", reason="malformed")
