"""What a client asks and a fake answers, written down on the way and held against OpenAPI descriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from openapi_core.templating.paths.exceptions import PathNotFound
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.datastructures import Headers, ImmutableMultiDict

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer_headers: dict[str, str]
    answer: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.path}?{self.query} -> {self.status}"


@dataclass(slots=True)
class Recording:
    """An ASGI application that keeps what goes through it."""

    app: ASGIApp
    exchanges: list[Exchange] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked, answered = bytearray(), bytearray()
        start: dict[str, Any] = {}

        async def received() -> Message:
            message = await receive()
            asked.extend(message.get("body") or b"")
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            answered.extend(message.get("body") or b"")
            await send(message)

        await self.app(scope, received, sent)
        self.exchanges.append(
            Exchange(
                scope["method"],
                scope["path"],
                scope["query_string"].decode(),
                _headers(scope["headers"]),
                bytes(asked),
                int(start.get("status", 0)),
                _headers(start.get("headers", ())),
                bytes(answered),
            )
        )


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in pairs}


class _Request:
    def __init__(self, exchange: Exchange) -> None:
        self.host_url = "http://127.0.0.1"
        self.path, self.method = exchange.path, exchange.method.lower()
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(exchange.query, keep_blank_values=True)),
            header=Headers(list(exchange.headers.items())),
            cookie=ImmutableMultiDict(),
        )
        self.content_type = exchange.headers.get("content-type", "application/json")
        self.body = exchange.body or None


class _Response:
    def __init__(self, exchange: Exchange) -> None:
        self.status_code, self.data = exchange.status, exchange.answer
        self.content_type = exchange.answer_headers.get("content-type", "")
        self.headers = Headers(list(exchange.answer_headers.items()))


class Described:
    """The descriptions of one service, of each version of its API one document."""

    def __init__(self, documents: Iterable[Document]) -> None:
        # The vendor's documents are taken as they are: what is judged is what was asked and answered.
        config = Config(spec_validator_cls=None)
        self._apis = [OpenAPI.from_dict(document, config=config) for document in documents]

    def faults(self, exchange: Exchange) -> Iterator[str]:
        """What of the request or of its answer the description does not allow; also a path that none has."""
        request, response = _Request(exchange), _Response(exchange)
        for api in self._apis:
            try:
                wrong = list(_wrong(api, request, response, asked=exchange.status < 400))
            except PathNotFound:
                continue
            yield from (f"{exchange}: {told(one)}" for one in wrong)
            return
        yield f"{exchange}: no description has this path"


def _wrong(
    api: OpenAPI, request: _Request, response: _Response, *, asked: bool
) -> Iterator[OpenAPIError]:
    """``asked``: the request must be right, too; a refused one may well be a wrong one."""
    checks: list[Callable[[], object]] = [lambda: api.validate_response(request, response)]
    if asked:
        checks.insert(0, lambda: api.validate_request(request))
    for check in checks:
        try:
            check()
        except PathNotFound:
            raise
        except OpenAPIError as wrong:
            yield wrong


def told(wrong: BaseException) -> str:
    """The error in short, with the fields that caused it."""
    inner = getattr(wrong, "schema_errors", ()) or getattr(wrong.__cause__, "schema_errors", ())
    fields = "; ".join(f"{'.'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in inner)
    return f"{type(wrong).__name__}: {fields or str(wrong)[:500]}"
