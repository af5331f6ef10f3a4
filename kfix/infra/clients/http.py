"""The one HTTP client: every outgoing HTTP call of K-Fix is made by it, or under its policy.

    async with open_http("https://gitlab.example.com/api/v4", headers={"PRIVATE-TOKEN": token}) as http:
        reply = await http.request("GET", "/projects/7")

No proxy or netrc of the environment, no redirects, no cookies kept, only addresses under the base URL
(``kfix.infra.clients.egress``), a cap on time and on size, answers mapped to ``schemas.errors``, retries for what may be
repeated. Official clients that bring httpx get ``transport(...)``, those that bring aiohttp
``kfix.infra.clients.aiohttp.open_session``.
Answers are asked for uncompressed and refused otherwise: the size cap then counts what memory will hold.
"""

from __future__ import annotations

import asyncio
import json
import math
import socket
import ssl
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore
import httpx

from kfix.infra.clients.egress import Egress, refused
from kfix.infra.clients.retries import ONCE, THRICE, Retries, retrying
from schemas import errors

#: Methods that may be repeated (RFC 9110, 9.2.2).
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_EXCERPT = 300
_RETRYABLE: dict[int, type[errors.Retryable]] = {
    408: errors.TimedOut,
    409: errors.Moved,
    412: errors.Moved,
    425: errors.Unavailable,
    429: errors.RateLimited,
    504: errors.TimedOut,
}
_FINAL: dict[int, type[errors.Permanent]] = {
    401: errors.Unauthorized,
    403: errors.Unauthorized,
    404: errors.NotFound,
    410: errors.NotFound,
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Caps of one client."""

    #: Seconds for connecting and for each read: a silent service is given up.
    timeout_s: float = 10.0
    #: Seconds for one attempt from start to the last byte: a dripping service is given up.
    total_s: float = 30.0
    #: Bytes of an answer: 16 MiB holds the largest listing asked for.
    max_bytes: int = 16 * 1024 * 1024
    retries: Retries = THRICE
    #: PEM file of a private certificate authority; empty: the bundled ones.
    ca_file: str = ""
    #: PEM files of a client certificate and its key; empty: none is shown.
    cert_file: str = ""
    key_file: str = ""


USUAL = Bounds()


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer with status 2xx, or with another one that the caller takes for an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON. Raises ``errors.Unavailable`` when it is none (a proxy's error page)."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            text = f"not JSON: {self.body[:_EXCERPT]!r}"
            raise errors.Unavailable(text, reason="not_json") from error


def failure_of(status: int, headers: Mapping[str, str], body: bytes) -> errors.KFixError | None:
    """The failure that an answer means; ``None`` for 2xx. ``headers`` must be case-insensitive."""
    if 200 <= status < 300:
        return None
    text = f"HTTP {status}: {body[:_EXCERPT].decode('utf-8', 'replace')}"
    retryable = _RETRYABLE.get(status) or (errors.Unavailable if status >= 500 else None)
    if retryable is not None:
        return retryable(text, retry_after_s=retry_after_s(headers))
    if status < 400:
        return errors.Rejected(text, reason="redirected")
    return _FINAL.get(status, errors.Rejected)(text)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the service asks to wait: Retry-After (seconds or a date), else Datadog's X-RateLimit-Reset."""
    wish = headers.get("retry-after") or headers.get("x-ratelimit-reset")
    if not wish:
        return None
    try:
        seconds = float(wish)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(wish).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(0.0, seconds), 3600.0) if math.isfinite(seconds) else None


class _Backend(httpcore.AsyncNetworkBackend):
    """Resolves, checks what came out, and connects to exactly that."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend, egress: Egress) -> None:
        self._inner = inner
        self._egress = egress

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        last: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in await asyncio.wait_for(checked_addresses(self._egress, host, port), timeout):
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise refused("a Unix socket")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


async def checked_addresses(egress: Egress, host: str, port: int) -> list[str]:
    """The addresses of a host, at most four. Raises ``errors.Rejected`` if any is forbidden."""
    egress.check_host(f"[{host}]" if ":" in host else host, port)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(f"{host} does not resolve: {error.strerror}") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        egress.check_address(host, address)
    return addresses[:4]


def _trust(bounds: Bounds) -> ssl.SSLContext | bool:
    """Whom to believe, and with which certificate; ``True``: the bundled authorities and none."""
    if not (bounds.ca_file or bounds.cert_file):
        return True
    own = bounds.ca_file
    context = ssl.create_default_context(cafile=own) if own else httpx.create_ssl_context()
    if bounds.cert_file:
        context.load_cert_chain(bounds.cert_file, bounds.key_file or None)
    return context


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's own transport behind the two gates."""

    def __init__(self, egress: Egress, bounds: Bounds) -> None:
        super().__init__(verify=_trust(bounds), trust_env=False, retries=0)
        self._egress = egress
        self._bounds = bounds
        self._pool._network_backend = _Backend(self._pool._network_backend, egress)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._egress.check_url(str(request.url))
        request.headers["host"] = request.url.netloc.decode("ascii")
        request.headers["accept-encoding"] = "identity"
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            await response.aclose()
            raise errors.Rejected("compressed, which was not asked for", reason="compressed")
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Capped(response.stream, self._bounds.max_bytes)
        return response


class _Capped(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, max_bytes: int) -> None:
        self._inner = inner
        self._left = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._left -= len(chunk)
            if self._left < 0:
                raise errors.Rejected("the answer is over the size cap", reason="too_large")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def transport(
    bases: Iterable[str], bounds: Bounds = USUAL, *, private: bool = True
) -> httpx.AsyncBaseTransport:
    """For official clients that take an httpx transport or client. Raises ValueError for a bad base URL."""
    return _Transport(Egress.to(bases, private=private), bounds)


class Http:
    """An open client; made by ``open_http``."""

    def __init__(self, client: httpx.AsyncClient, base: str, bounds: Bounds) -> None:
        self._client = client
        self._base = base.rstrip("/")
        self._bounds = bounds

    async def request(
        self,
        method: str,
        path: str = "",
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        also: Collection[int] = (),
    ) -> HttpResponse:
        """One call under the base URL; ``path`` starts with a slash, or is empty.

        ``repeatable``: may it be sent again after a failure? By default as the method says. ``also``: statuses beside 2xx
        that are answers and no failures. Ids from outside go into a path only through
        ``urllib.parse.quote(id, safe="")``, or when they fit a grammar without dots alone, queries and escapes.
        Raises from ``schemas.errors``: ``Retryable`` after the last attempt, ``Permanent`` at once.
        """
        again = method in IDEMPOTENT if repeatable is None else repeatable
        if path and not path.startswith("/"):
            raise refused("a path that does not start with a slash")

        async def attempt() -> HttpResponse:
            return await self._once(
                method,
                self._base + path,
                also,
                params=None if params is None else dict(params),
                json=json,
                content=content,
                headers=None if headers is None else dict(headers),
            )

        return await retrying(attempt, self._bounds.retries if again else ONCE)

    async def _once(
        self, method: str, url: str, also: Collection[int], **arguments: Any
    ) -> HttpResponse:
        try:
            async with asyncio.timeout(self._bounds.total_s):
                response = await self._client.request(method, url, **arguments)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise errors.TimedOut(f"{method} took too long") from error
        except (httpx.TransportError, httpx.StreamError, OSError) as error:
            raise errors.Unavailable(f"{type(error).__name__}: {error}") from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise refused("an address that cannot be read") from error
        failure = failure_of(response.status_code, response.headers, response.content)
        if failure is not None and response.status_code not in also:
            raise failure
        return HttpResponse(response.status_code, response.headers, response.content)


@asynccontextmanager
async def open_http(
    base: str,
    *,
    headers: Mapping[str, str] | None = None,
    bounds: Bounds = USUAL,
    private: bool = True,
) -> AsyncIterator[Http]:
    """A client for one service. ``private=False``: one that nobody configured, at a public address alone.

    Raises ValueError for a bad base URL.
    """
    async with httpx.AsyncClient(
        transport=transport((base,), bounds, private=private),
        timeout=bounds.timeout_s,
        follow_redirects=False,
        trust_env=False,
        headers={"user-agent": "k-fix", **(headers or {})},
    ) as client:
        yield Http(client, base, bounds)
