"""Vector memory on Weaviate through its official client, over REST and gRPC. One collection per model, metric cosine.

Collections are made with the first vector; their description says model and dimension. Weaviate filters by declared
properties alone, so metadata stand in an object as JSON, and once more as words ``name=value`` to filter by.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson

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
_NAME = "Weaviate"
_OBJECTS = uuid.UUID("0e6a1c55-3a8d-4f0e-9d8a-7d1c9f0b2a63")
#: Statuses of HTTP, and of gRPC where they mean the same.
_REFUSED_KEY = (401, 403, 7, 16)
_LATE = (4, 504)
_AWAY = (8, 13, 14)


@guarded(_NAME)
class WeaviateIndex:
    """``kfix.infra.memory.index.VectorIndex`` on Weaviate. ``prefix`` begins the names of its collections."""

    def __init__(
        self, *, url: str, grpc_url: str, api_key: str, prefix: str, timeout_s: float
    ) -> None:
        self._url = url
        self._grpc_url = grpc_url
        self._api_key = api_key
        self._prefix = prefix[:1].upper() + prefix[1:]
        self._timeout_s = timeout_s
        self._client: Any = None
        self._connecting = asyncio.Lock()
        self._dimensions: dict[str, int] = {}

    async def upsert(
        self, *, id: str, model: str, vector: Vector, metadata: Metadata, text: str = ""
    ) -> None:
        """One object. Makes the model's collection. Raises as the port says."""
        from weaviate.classes.data import DataObject

        values = unit(vector)
        dimension = await self._dimension(model) or await self._make(model, len(values))
        same_dimension(values, dimension, model)
        told = {
            "incident": id,
            "model": model,
            "text": text,
            "metadata": orjson.dumps(dict(metadata)).decode(),
            "labels": _labels(metadata),
        }
        one = DataObject(properties=told, uuid=_object(id), vector=values.tolist())
        done = await self._asked((await self._of(model)).data.insert_many([one]))
        if done.has_errors:
            raise errors.Unavailable("Weaviate did not write it")

    async def search(
        self, vector: Vector, *, model: str, limit: int, threshold: float, where: Metadata
    ) -> list[VectorHit]:
        """Nothing where the model has no collection. Raises as the port says, also for an answer to another question."""
        from weaviate.classes.query import Filter, MetadataQuery

        values = unit(vector)
        dimension = await self._dimension(model)
        if not dimension:
            return []
        same_dimension(values, dimension, model)
        labels = _labels(where)
        answer = await self._asked(
            (await self._of(model)).query.near_vector(
                near_vector=values.tolist(),
                limit=limit,
                filters=Filter.by_property("labels").contains_all(labels) if labels else None,
                return_metadata=MetadataQuery(distance=True),
            )
        )
        hits = []
        for found in answer.objects:
            kept = _remembered(found, model)
            same(_NAME, where, kept.metadata)
            hits.append(VectorHit(kept.id, 1.0 - float(found.metadata.distance), kept.metadata))
        return [hit for hit in hits if hit.similarity >= threshold]

    async def page(self, *, model: str, limit: int, after: str = "") -> MemoryPage:
        """In the order of the objects' names. Raises as the port says."""
        if not await self._dimension(model):
            return MemoryPage(())
        answer = await self._asked(
            (await self._of(model)).query.fetch_objects(limit=limit + 1, after=after or None)
        )
        kept = answer.objects[:limit]
        further = str(kept[-1].uuid) if len(answer.objects) > limit else ""
        return MemoryPage(tuple(_remembered(each, model) for each in kept), further)

    async def known(self, ids: Sequence[str], *, model: str) -> set[str]:
        """Which of the ids have an object. Raises as the port says."""
        if not ids or not await self._dimension(model):
            return set()
        answer = await self._asked(
            (await self._of(model)).query.fetch_objects_by_ids(
                [_object(id) for id in ids], limit=len(ids)
            )
        )
        return {_remembered(each, model).id for each in answer.objects} & set(ids)

    async def forget(self, ids: Sequence[str], *, model: str) -> None:
        """Deletes the objects. Raises as the port says."""
        from weaviate.classes.query import Filter

        if not ids or not await self._dimension(model):
            return
        gone = Filter.by_id().contains_any([_object(id) for id in ids])
        done = await self._asked((await self._of(model)).data.delete_many(where=gone))
        if done.failed:
            raise errors.Unavailable(f"Weaviate did not delete {done.failed} objects")

    async def spaces(self) -> tuple[Space, ...]:
        """The collections of this prefix that hold objects. Raises as the port says."""
        client = await self._connected()
        listed = await self._asked(client.collections.list_all(simple=True))
        found = []
        for name, config in listed.items():
            if name.startswith(f"{self._prefix}_"):
                told = orjson.loads(config.description)
                counted = await self._asked(
                    client.collections.get(name).aggregate.over_all(total_count=True)
                )
                found.append(Space(told["model"], told["dimension"], int(counted.total_count)))
        return tuple(sorted((s for s in found if s.count), key=lambda space: space.model))

    async def _dimension(self, model: str) -> int:
        """Of the model's collection, 0 where there is none."""
        if model not in self._dimensions:
            client, name = await self._connected(), self._collection(model)
            if not await self._asked(client.collections.exists(name)):
                return 0
            config = await self._asked(client.collections.get(name).config.get())
            told = orjson.loads(config.description)
            if told["model"] != model:
                raise another(_NAME, "model")
            metric = config.vector_config["default"].vector_index_config.distance_metric
            if metric != "cosine":
                raise errors.Rejected(
                    f"the collection {name} compares by {metric}, not by cosine", reason="metric"
                )
            self._dimensions[model] = int(told["dimension"])
        return self._dimensions[model]

    async def _make(self, model: str, dimension: int) -> int:
        client = await self._connected()
        try:
            await self._asked(
                client.collections.create(
                    self._collection(model),
                    description=orjson.dumps({"model": model, "dimension": dimension}).decode(),
                    **_shape(),
                )
            )
        except errors.Rejected:
            # Another process may have been faster.
            made = await self._dimension(model)
            if not made:
                raise
            return made
        return await self._dimension(model)

    def _collection(self, model: str) -> str:
        return f"{self._prefix}_{space_name(model)}"

    async def _of(self, model: str) -> Any:
        return (await self._connected()).collections.get(self._collection(model))

    async def _connected(self) -> Any:
        async with self._connecting:
            if self._client is None:
                client = _client(self._url, self._grpc_url, self._api_key, self._timeout_s)
                try:
                    await self._asked(client.connect())
                except BaseException:
                    await client.close()
                    raise
                self._client = client
            return self._client

    async def _asked(self, call: Awaitable[T]) -> T:
        """The call's answer within the time-out. Weaviate's exceptions as ours."""
        import httpx
        from weaviate.exceptions import WeaviateBaseError

        try:
            async with asyncio.timeout(self._timeout_s):
                return await call
        except WeaviateBaseError as failure:
            self._dimensions.clear()
            raise _failure(failure) from failure
        except (httpx.TimeoutException, TimeoutError) as failure:
            raise errors.TimedOut("Weaviate took too long") from failure
        except (httpx.HTTPError, OSError) as failure:
            raise errors.Unavailable("Weaviate did not answer") from failure

    async def close(self) -> None:
        """Closes the client; the next call connects anew."""
        if self._client is not None:
            client, self._client = self._client, None
            self._dimensions.clear()
            await client.close()


def _client(url: str, grpc_url: str, api_key: str, timeout_s: float) -> Any:
    from weaviate import use_async_with_custom
    from weaviate.classes.init import AdditionalConfig, Auth, Timeout

    http, grpc = urlsplit(url), urlsplit(grpc_url)
    secure = {"http": 80, "https": 443}
    return use_async_with_custom(
        http_host=http.hostname or "",
        http_port=http.port or secure.get(http.scheme, 443),
        http_secure=http.scheme == "https",
        grpc_host=grpc.hostname or "",
        grpc_port=grpc.port or secure.get(grpc.scheme, 443),
        grpc_secure=grpc.scheme == "https",
        auth_credentials=Auth.api_key(api_key) if api_key else None,
        skip_init_checks=True,
        additional_config=AdditionalConfig(
            timeout=Timeout(init=timeout_s, query=timeout_s, insert=timeout_s), trust_env=False
        ),
    )


def _shape() -> dict[str, Any]:
    """What a collection looks like: filtered by whole labels, nothing else indexed."""
    from weaviate.classes.config import (
        Configure,
        DataType,
        Property,
        Tokenization,
        VectorDistances,
    )

    plain = {"index_filterable": False, "index_searchable": False}
    words = [
        Property(name=name, data_type=DataType.TEXT, **plain)
        for name in ("incident", "model", "text", "metadata")
    ]
    labels = Property(
        name="labels",
        data_type=DataType.TEXT_ARRAY,
        tokenization=Tokenization.FIELD,
        index_filterable=True,
        index_searchable=False,
    )
    nearness = Configure.VectorIndex.hnsw(distance_metric=VectorDistances.COSINE)
    return {
        "properties": [*words, labels],
        "vector_config": Configure.Vectors.self_provided(vector_index_config=nearness),
    }


def _object(id: str) -> str:
    return str(uuid.uuid5(_OBJECTS, id))


def _labels(metadata: Metadata) -> list[str]:
    return [f"{name}={orjson.dumps(value).decode()}" for name, value in metadata.items()]


def _remembered(found: Any, model: str) -> Remembered:
    told = found.properties
    same(_NAME, {"model": model}, told)
    return Remembered(str(told["incident"]), str(told["text"]), orjson.loads(told["metadata"]))


def _failure(failure: Exception) -> errors.KFixError:
    from weaviate import exceptions

    cause: BaseException | None = failure
    status = 0
    while cause is not None and not status:
        status = getattr(cause, "status_code", 0) or _grpc_code(cause)
        cause = cause.__cause__ or cause.__context__
    if status in _REFUSED_KEY or isinstance(failure, exceptions.AuthenticationFailedError):
        return errors.Unauthorized("Weaviate refuses the key")
    if status in _LATE or isinstance(failure, exceptions.WeaviateTimeoutError):
        return errors.TimedOut("Weaviate took too long")
    if status == 429:
        return errors.RateLimited("Weaviate: too many requests")
    if status >= 500 or status in _AWAY:
        return errors.Unavailable(f"Weaviate answered {status}")
    if isinstance(
        failure,
        exceptions.WeaviateConnectionError
        | exceptions.WeaviateStartUpError
        | exceptions.WeaviateClosedClientError,
    ):
        return errors.Unavailable("Weaviate did not answer")
    return errors.Rejected(f"Weaviate refused: {str(failure)[:200]}")


def _grpc_code(failure: BaseException) -> int:
    """The number of a gRPC failure's status, 0 for what is none."""
    code = getattr(failure, "code", None)
    value = getattr(code() if callable(code) else None, "value", None)
    return int(value[0]) if isinstance(value, tuple) else 0
