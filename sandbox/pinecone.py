"""A small Pinecone index: the data plane with namespaces, metadata filters and limits. Cosine, exact.

Source: docs.pinecone.io/reference/api (data plane). ``lag_s`` delays what reads see, as the real one may.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.faults import Faults, WithFaults
from sandbox.serving import BadBody, json_body, reply
from schemas.base import Json

_METADATA_BYTES = 40 * 1024
_UPSERT_RECORDS = 1000
_TOP_K = 10_000
_USAGE: Json = {"readUnits": 1}


class BadRequest(ValueError):
    """The request breaks one of the index's rules."""


@dataclass(frozen=True, slots=True)
class Record:
    """A stored vector."""

    id: str
    values: tuple[float, ...]
    metadata: dict[str, Json]


@dataclass(slots=True)
class Pinecone:
    """One index. Writes are seen by reads ``lag_s`` seconds later."""

    dimension: int = 384
    api_key: str = "sandbox-pinecone-key"
    lag_s: float = 0.0
    clock: Callable[[], float] = time.time
    namespaces: dict[str, dict[str, Record]] = field(default_factory=dict)
    _pending: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def write(self, change: Callable[[], None]) -> None:
        """Takes a change; it is seen after the lag."""
        self._pending.append((self.clock() + self.lag_s, change))

    def seen(self, namespace: str) -> dict[str, Record]:
        """What a read sees now."""
        now = self.clock()
        due = [change for at, change in self._pending if at <= now]
        self._pending = [(at, change) for at, change in self._pending if at > now]
        for change in due:
            change()
        return self.namespaces.get(namespace, {})


def create_app(pinecone: Pinecone, faults: Faults | None = None) -> ASGIApp:
    """The data plane of one index."""
    api = _Api(pinecone)
    routes = [
        Route("/vectors/upsert", api.guarded(api.upsert), methods=["POST"]),
        Route("/vectors/update", api.guarded(api.update), methods=["POST"]),
        Route("/vectors/delete", api.guarded(api.delete), methods=["POST"]),
        Route("/vectors/fetch", api.guarded(api.fetch), methods=["GET"]),
        Route("/vectors/list", api.guarded(api.list), methods=["GET"]),
        Route("/query", api.guarded(api.query), methods=["POST"]),
        Route("/describe_index_stats", api.guarded(api.stats), methods=["POST"]),
    ]
    return WithFaults(Starlette(routes=routes), "pinecone", faults or Faults())


Call = Callable[[Request, dict[str, Json]], Json]
Endpoint = Callable[[Request], Awaitable[Response]]


class _Api:
    def __init__(self, pinecone: Pinecone) -> None:
        self._index = pinecone

    def guarded(self, call: Call) -> Endpoint:
        """Key and version first; refusals become Pinecone's error body."""

        async def endpoint(request: Request) -> Response:
            if request.headers.get("api-key") != self._index.api_key:
                return PlainTextResponse("Invalid API Key", 401)
            if not request.headers.get("x-pinecone-api-version"):
                return _error("X-Pinecone-Api-Version is required")
            try:
                return reply(call(request, await json_body(request)))
            except (BadRequest, BadBody, KeyError) as error:
                return _error(str(error))

        return endpoint

    def upsert(self, request: Request, body: dict[str, Json]) -> Json:
        vectors = body.get("vectors")
        if not isinstance(vectors, list) or not 1 <= len(vectors) <= _UPSERT_RECORDS:
            raise BadRequest(f"1 to {_UPSERT_RECORDS} vectors can be upserted at once")
        records = [self._record(vector) for vector in vectors]
        namespace = str(body.get("namespace") or "")

        def change() -> None:
            self._index.namespaces.setdefault(namespace, {}).update({r.id: r for r in records})

        self._index.write(change)
        return {"upsertedCount": len(records)}

    def _record(self, vector: Json) -> Record:
        if not isinstance(vector, dict):
            raise BadRequest("a vector must be an object")
        identity = str(vector.get("id") or "")
        if not 1 <= len(identity) <= 512:
            raise BadRequest("Vector ID must be 1 to 512 characters")
        values = self._values(vector.get("values"))
        if not any(values):
            raise BadRequest("Dense vectors must contain at least one non-zero value")
        metadata = vector.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise BadRequest("Metadata must be an object")
        _check_metadata(metadata)
        return Record(identity, values, metadata)

    def _values(self, given: Json) -> tuple[float, ...]:
        if not isinstance(given, list):
            raise BadRequest("Vector values are missing")
        if len(given) != self._index.dimension:
            raise BadRequest(
                f"Vector dimension {len(given)} does not match the dimension of the index {self._index.dimension}"
            )
        return tuple(float(str(v)) for v in given)

    def update(self, request: Request, body: dict[str, Json]) -> Json:
        namespace, identity = str(body.get("namespace") or ""), str(body.get("id") or "")
        old = self._index.seen(namespace).get(identity)
        extra = body.get("setMetadata") or {}
        if old is None or not isinstance(extra, dict):
            return {}
        _check_metadata(extra)
        values = self._values(body["values"]) if body.get("values") else old.values
        new = Record(identity, values, old.metadata | extra)
        self._index.write(lambda: self._index.namespaces[namespace].update({identity: new}))
        return {}

    def delete(self, request: Request, body: dict[str, Json]) -> Json:
        namespace, ids = str(body.get("namespace") or ""), body.get("ids")
        seen = self._index.seen(namespace)
        if body.get("deleteAll"):
            gone = list(seen)
        elif isinstance(ids, list) and ids:
            gone = [str(i) for i in ids]
        elif isinstance(body.get("filter"), dict):
            gone = [r.id for r in seen.values() if matches(body["filter"], r.metadata)]
        else:
            raise BadRequest("ids, deleteAll or filter is required")

        def change() -> None:
            for identity in gone:
                self._index.namespaces.get(namespace, {}).pop(identity, None)

        self._index.write(change)
        return {}

    def fetch(self, request: Request, body: dict[str, Json]) -> Json:
        namespace = request.query_params.get("namespace", "")
        ids, seen = request.query_params.getlist("ids"), self._index.seen(namespace)
        if not 1 <= len(ids) <= 1000:
            raise BadRequest("1 to 1000 ids can be fetched at once")
        found: dict[str, Json] = {i: _shown(seen[i], True, True) for i in ids if i in seen}
        return {"vectors": found, "namespace": namespace, "usage": _USAGE}

    def list(self, request: Request, body: dict[str, Json]) -> Json:
        params = request.query_params
        namespace, prefix = params.get("namespace", ""), params.get("prefix", "")
        names = sorted(i for i in self._index.seen(namespace) if i.startswith(prefix))
        start, limit = int(params.get("paginationToken", "0")), int(params.get("limit", "100"))
        shown: list[Json] = [{"id": i} for i in names[start : start + limit]]
        out: dict[str, Json] = {"vectors": shown, "namespace": namespace, "usage": _USAGE}
        if start + limit < len(names):
            out["pagination"] = {"next": str(start + limit)}
        return out

    def query(self, request: Request, body: dict[str, Json]) -> Json:
        namespace, top_k = str(body.get("namespace") or ""), body.get("topK")
        if not isinstance(top_k, int) or not 1 <= top_k <= _TOP_K:
            raise BadRequest(f"topK must be 1 to {_TOP_K}")
        seen = self._index.seen(namespace)
        if body.get("id"):
            of = seen.get(str(body["id"]))
            wanted = of.values if of else ()
        else:
            wanted = self._values(body.get("vector"))
        kept = [r for r in seen.values() if matches(body.get("filter") or {}, r.metadata)]
        scored = sorted(
            ((_cosine(wanted, r.values), r) for r in kept if wanted), key=lambda p: (-p[0], p[1].id)
        )
        with_values, with_metadata = (
            bool(body.get("includeValues")),
            bool(body.get("includeMetadata")),
        )
        found: list[Json] = [
            {**_shown(r, with_values, with_metadata), "score": score} for score, r in scored[:top_k]
        ]
        return {"matches": found, "namespace": namespace, "usage": _USAGE}

    def stats(self, request: Request, body: dict[str, Json]) -> Json:
        self._index.seen("")
        counts: dict[str, Json] = {
            n: {"vectorCount": len(v)} for n, v in self._index.namespaces.items()
        }
        return {
            "namespaces": counts,
            "dimension": self._index.dimension,
            "indexFullness": 0,
            "totalVectorCount": sum(len(v) for v in self._index.namespaces.values()),
            "metric": "cosine",
            "vectorType": "dense",
        }


def _error(message: str) -> Response:
    return reply({"code": 3, "message": message, "details": []}, 400)


def _shown(record: Record, values: bool, metadata: bool) -> dict[str, Json]:
    out: dict[str, Json] = {"id": record.id}
    if values:
        out["values"] = list(record.values)
    if metadata:
        out["metadata"] = dict(record.metadata)
    return out


def _check_metadata(metadata: Mapping[str, Json]) -> None:
    """Flat: strings, numbers, booleans, lists of strings; no nulls; 40 KB. Raises BadRequest."""
    for key, value in metadata.items():
        strings = isinstance(value, list) and all(isinstance(v, str) for v in value)
        if key.startswith("$") or not (strings or isinstance(value, str | int | float | bool)):
            raise BadRequest(
                "Metadata value must be a string, number, boolean or list of strings, "
                f"got '{orjson.dumps(value).decode()[:60]}' for field '{key}'"
            )
    size = len(orjson.dumps(dict(metadata)))
    if size > _METADATA_BYTES:
        raise BadRequest(
            f"Metadata size is {size} bytes, which exceeds the limit of {_METADATA_BYTES} bytes per vector"
        )


def _cosine(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    a, b = np.asarray(one), np.asarray(other)
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm else 0.0


def matches(condition: Json, metadata: Mapping[str, Json]) -> bool:
    """Whether metadata passes a filter. Raises BadRequest for an unknown operator."""
    if not isinstance(condition, dict):
        raise BadRequest("a filter must be an object")
    return all(_passes(key, wanted, metadata) for key, wanted in condition.items())


def _passes(key: str, wanted: Json, metadata: Mapping[str, Json]) -> bool:
    if key in ("$and", "$or"):
        parts = [matches(part, metadata) for part in (wanted if isinstance(wanted, list) else [])]
        return all(parts) if key == "$and" else any(parts)
    have = metadata.get(key)
    if not isinstance(wanted, dict):
        return _equal(have, wanted)
    return all(_operator(name, have, value) for name, value in wanted.items())


def _equal(have: Json, wanted: Json) -> bool:
    return wanted in have if isinstance(have, list) else have == wanted


def _operator(name: str, have: Json, wanted: Json) -> bool:
    if name == "$exists":
        return (have is not None) is wanted
    if name in ("$eq", "$ne"):
        return _equal(have, wanted) is (name == "$eq")
    if name in ("$in", "$nin"):
        listed = wanted if isinstance(wanted, list) else []
        return any(_equal(have, value) for value in listed) is (name == "$in")
    if name not in ("$gt", "$gte", "$lt", "$lte"):
        raise BadRequest(f"unknown operator {name}")
    if not isinstance(have, int | float) or not isinstance(wanted, int | float):
        return False
    return {
        "$gt": have > wanted,
        "$gte": have >= wanted,
        "$lt": have < wanted,
        "$lte": have <= wanted,
    }[name]
