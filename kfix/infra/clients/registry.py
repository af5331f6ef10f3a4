"""A Confluent-compatible schema registry (Confluent, Apicurio's ``/apis/ccompat/v7``, Karapace).

Blocking, since a codec is; each schema is asked for once in the life of a process.
API: https://docs.confluent.io/platform/current/schema-registry/develop/api.html
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar
from urllib.parse import quote

from kfix.infra.clients.boundary import guarded
from kfix.infra.clients.http import Bounds, HttpResponse, open_http
from kfix.infra.settings import Kafka
from schemas import errors

T = TypeVar("T")
_TYPE = "application/vnd.schemaregistry.v1+json"
#: A registry answers in milliseconds; the first record of a process waits for it.
BOUNDS = Bounds(timeout_s=3.0, total_s=5.0, max_bytes=4 * 1024 * 1024)


@guarded("schema registry")
class HttpRegistry:
    """See ``kfix.engine.wire.registry.Registry``. Safe to call from several threads."""

    def __init__(self, url: str, *, username: str = "", password: str = "") -> None:
        self._url = url.rstrip("/")
        self._headers = {"content-type": _TYPE, "accept": f"{_TYPE}, application/json"}
        if username:
            pair = base64.b64encode(f"{username}:{password}".encode()).decode()
            self._headers["authorization"] = f"Basic {pair}"
        self._ids: dict[tuple[str, str], int] = {}
        self._schemas: dict[int, Any] = {}

    def register(self, subject: str, schema: Any) -> int:
        """See ``Registry.register``. A new subject is set to BACKWARD first: some registries check nothing else."""
        text = json.dumps(schema, sort_keys=True)
        known = self._ids.get((subject, text))
        if known is None:
            known = _blocking(self._register(subject, text))
            self._ids[subject, text] = known
            self._schemas[known] = schema
        return known

    def schema(self, schema_id: int) -> Any:
        """See ``Registry.schema``."""
        if schema_id not in self._schemas:
            reply = _blocking(self._call("GET", f"/schemas/ids/{schema_id:d}"))
            self._schemas[schema_id] = json.loads(_member(reply, "schema", str))
        return self._schemas[schema_id]

    def compatible(self, subject: str, schema: Any) -> bool:
        """Could ``schema`` be registered? True for a subject without versions."""
        path = f"/compatibility/subjects/{quote(subject, safe='')}/versions/latest"
        try:
            reply = _blocking(self._call("POST", path, {"schema": json.dumps(schema)}))
        except errors.NotFound:
            return True
        return _member(reply, "is_compatible", bool)

    async def _register(self, subject: str, text: str) -> int:
        name = quote(subject, safe="")
        await self._call("PUT", f"/config/{name}", {"compatibility": "BACKWARD"})
        try:
            reply = await self._call("POST", f"/subjects/{name}/versions", {"schema": text})
        except errors.Moved as error:  # 409: this API's word for incompatible
            raise errors.Rejected(str(error), reason="incompatible_schema") from error
        return _member(reply, "id", int)

    async def _call(self, method: str, path: str, body: object = None) -> HttpResponse:
        content = None if body is None else json.dumps(body).encode()
        async with open_http(self._url, headers=self._headers, bounds=BOUNDS) as http:
            return await http.request(method, path, content=content, repeatable=True)


def _member(reply: HttpResponse, name: str, kind: type[T]) -> T:
    value = reply.json()
    member = value.get(name) if isinstance(value, dict) else None
    if not isinstance(member, kind):
        raise errors.Unavailable(f"the registry's answer has no {name}", reason="not_json")
    return member


def _blocking(call: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end, from a thread with a running loop as well: in a thread of its own."""
    outcome: list[T | BaseException] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(call))
        except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
            outcome.append(error)

    thread = threading.Thread(target=run, name="schema-registry")
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def open_registry(kafka: Kafka) -> HttpRegistry:
    """The registry that the settings name. Touches no network."""
    return HttpRegistry(
        kafka.registry_url,
        username=kafka.registry_username,
        password=kafka.registry_password.get_secret_value(),
    )
