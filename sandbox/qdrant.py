"""A small Qdrant: collections, points by UUID or number, payloads, filters, scrolling, cosine. Exact.

Source: Qdrant's OpenAPI description (collections, points; github.com/qdrant/qdrant, docs/redoc). Points are kept in the
order of their ids, as Qdrant scrolls them.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.faults import Faults, WithFaults
from sandbox.serving import BadBody, json_body, reply
from schemas.base import Json

_DONE: Json = {"operation_id": 0, "status": "completed"}


class Refused(ValueError):
    """What Qdrant answers with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Point:
    """A stored vector, as it was given."""

    id: str
    values: tuple[float, ...]
    payload: dict[str, Json]


@dataclass(slots=True)
class Collection:
    """Points of one size."""

    size: int
    distance: str
    points: dict[str, Point] = field(default_factory=dict)
    indexed: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Qdrant:
    """One server. ``strict``: filters need an index of their field, as in Qdrant's cloud."""

    api_key: str = "sandbox-qdrant-key"
    strict: bool = False
    collections: dict[str, Collection] = field(default_factory=dict)


Call = Callable[[str, dict[str, Json]], Json]


def create_app(qdrant: Qdrant, faults: Faults | None = None) -> ASGIApp:
    """The REST interface of one server."""
    api = _Api(qdrant)
    one, points = "/collections/{name}", "/collections/{name}/points"
    routes = [
        ("/collections", "GET", api.listing),
        (f"{one}/exists", "GET", api.exists),
        (one, "GET", api.describe),
        (one, "PUT", api.create),
        (f"{one}/index", "PUT", api.index),
        (points, "PUT", api.upsert),
        (points, "POST", api.retrieve),
        (f"{points}/scroll", "POST", api.scroll),
        (f"{points}/delete", "POST", api.delete),
        (f"{points}/query", "POST", api.query),
        (f"{points}/count", "POST", api.count),
    ]
    served = [Route(path, api.guarded(call), methods=[method]) for path, method, call in routes]
    return WithFaults(Starlette(routes=served), "qdrant", faults or Faults())


class _Api:
    def __init__(self, qdrant: Qdrant) -> None:
        self._qdrant = qdrant

    def guarded(self, call: Call) -> Callable[[Request], Awaitable[Response]]:
        """The key first; refusals become Qdrant's error body."""

        async def endpoint(request: Request) -> Response:
            if request.headers.get("api-key") != self._qdrant.api_key:
                return PlainTextResponse(
                    "Must provide an API key or an Authorization bearer token", 401
                )
            try:
                body = await json_body(request) if request.method != "GET" else {}
                answer = call(request.path_params.get("name", ""), body)
            except Refused as refused:
                return _error(refused.status, str(refused))
            except (BadBody, KeyError) as error:
                return _error(400, f"Format error in JSON body: {error}")
            return reply({"result": answer, "status": "ok", "time": 0.0})

        return endpoint

    def listing(self, name: str, body: dict[str, Json]) -> Json:
        return {"collections": [{"name": each} for each in sorted(self._qdrant.collections)]}

    def exists(self, name: str, body: dict[str, Json]) -> Json:
        return {"exists": name in self._qdrant.collections}

    def describe(self, name: str, body: dict[str, Json]) -> Json:
        found = self._collection(name)
        vectors: Json = {"size": found.size, "distance": found.distance}
        config: Json = {
            "params": {"vectors": vectors},
            "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000},
            "optimizer_config": {
                "deleted_threshold": 0.2,
                "vacuum_min_vector_number": 1000,
                "default_segment_number": 0,
                "flush_interval_sec": 5,
            },
        }
        return {
            "status": "green",
            "optimizer_status": "ok",
            "segments_count": 1,
            "points_count": len(found.points),
            "config": config,
            "payload_schema": {},
        }

    def create(self, name: str, body: dict[str, Json]) -> Json:
        if name in self._qdrant.collections:
            raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
        vectors = body["vectors"]
        if not isinstance(vectors, dict):
            raise Refused(400, "vectors must be an object")
        size, distance = int(str(vectors["size"])), str(vectors["distance"])
        self._qdrant.collections[name] = Collection(size, distance)
        return True

    def index(self, name: str, body: dict[str, Json]) -> Json:
        self._collection(name).indexed.add(str(body["field_name"]))
        return _DONE

    def upsert(self, name: str, body: dict[str, Json]) -> Json:
        found = self._collection(name)
        made = [self._point(found, each) for each in _objects(body["points"])]
        found.points |= {point.id: point for point in made}
        return _DONE

    def _point(self, into: Collection, told: dict[str, Json]) -> Point:
        payload = told.get("payload") or {}
        if not isinstance(payload, dict):
            raise Refused(400, "payload must be an object")
        return Point(_identity(told["id"]), _values(into, told["vector"]), payload)

    def retrieve(self, name: str, body: dict[str, Json]) -> Json:
        points = self._collection(name).points
        ids = [_identity(each) for each in _listed(body["ids"])]
        return [_shown(points[id]) for id in ids if id in points]

    def scroll(self, name: str, body: dict[str, Json]) -> Json:
        found = self._collection(name)
        kept = sorted(self._kept(found, body), key=lambda point: point.id)
        first = str(body.get("offset") or "")
        kept = [point for point in kept if point.id >= first]
        limit = int(str(body.get("limit") or 10))
        further = kept[limit].id if len(kept) > limit else None
        return {"points": [_shown(p) for p in kept[:limit]], "next_page_offset": further}

    def delete(self, name: str, body: dict[str, Json]) -> Json:
        found = self._collection(name)
        for each in _listed(body["points"]):
            found.points.pop(_identity(each), None)
        return _DONE

    def query(self, name: str, body: dict[str, Json]) -> Json:
        found = self._collection(name)
        asked = body["query"]
        nearest = asked["nearest"] if isinstance(asked, dict) else asked
        wanted = np.asarray(_values(found, nearest))
        scored = [(_cosine(wanted, np.asarray(p.values)), p) for p in self._kept(found, body)]
        scored.sort(key=lambda pair: (-pair[0], pair[1].id))
        limit = int(str(body.get("limit") or 10))
        return {"points": [{**_shown(point), "score": score} for score, point in scored[:limit]]}

    def count(self, name: str, body: dict[str, Json]) -> Json:
        return {"count": len(self._kept(self._collection(name), body))}

    def _kept(self, found: Collection, body: dict[str, Json]) -> list[Point]:
        told = body.get("filter")
        conditions = list(_objects(told.get("must") or [])) if isinstance(told, dict) else []
        for condition in conditions:
            if self._qdrant.strict and str(condition["key"]) not in found.indexed:
                raise Refused(400, f'Index required but not found for "{condition["key"]}"')
        return [p for p in found.points.values() if all(_passes(c, p.payload) for c in conditions)]

    def _collection(self, name: str) -> Collection:
        if name not in self._qdrant.collections:
            raise Refused(404, f"Not found: Collection `{name}` doesn't exist!")
        return self._qdrant.collections[name]


def _error(status: int, message: str) -> Response:
    return reply({"status": {"error": message}, "time": 0.0}, status)


def _listed(told: Json) -> list[Json]:
    if not isinstance(told, list):
        raise Refused(400, "Format error in JSON body: expected a list")
    return told


def _objects(told: Json) -> Iterable[dict[str, Json]]:
    for each in _listed(told):
        if not isinstance(each, dict):
            raise Refused(400, "Format error in JSON body: expected an object")
        yield each


def _identity(told: Json) -> str:
    if isinstance(told, int):
        return str(told)
    try:
        return str(uuid.UUID(str(told)))
    except ValueError:
        raise Refused(
            400,
            f"value {told} is not a valid point ID, valid values are either an unsigned integer or a UUID",
        ) from None


def _values(into: Collection, told: Json) -> tuple[float, ...]:
    values = tuple(float(str(value)) for value in _listed(told))
    if len(values) != into.size:
        raise Refused(
            400,
            f"Wrong input: Vector dimension error: expected dim: {into.size}, got {len(values)}",
        )
    return values


def _shown(point: Point) -> dict[str, Json]:
    return {"id": point.id, "version": 0, "payload": point.payload}


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    norm = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / norm if norm else 0.0


def _passes(condition: dict[str, Json], payload: dict[str, Json]) -> bool:
    have: Json = payload
    for part in str(condition["key"]).split("."):
        have = have.get(part) if isinstance(have, dict) else None
    match, between = condition.get("match"), condition.get("range")
    if isinstance(match, dict):
        wanted = match["value"]
        return have == wanted and isinstance(have, bool) == isinstance(wanted, bool)
    if isinstance(between, dict) and isinstance(have, int | float):
        return float(str(between["gte"])) <= have <= float(str(between["lte"]))
    return False
