"""``httpx2`` under the egress policy, for the official clients of language models, which bring it.

The same two gates as ``kfix.infra.clients.http``: every request must be under the configured base, every connection goes to
an address that was looked at. No proxy or netrc of the environment, no redirects, a cap on the answer's size.
Imported late, with the client that needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from typing import Any, TypeVar

import httpcore
import httpcore2
import httpx2

from kfix.infra.clients.egress import Egress, refused
from kfix.infra.clients.http import checked_addresses
from kfix.infra.clients.http import failure_of as http_failure
from schemas import errors

T = TypeVar("T")
#: Bytes of an answer: a thousand embeddings of 1,024 numbers are 20 MB, a chat answer is a few kilobytes.
MAX_BYTES = 32 * 1024 * 1024


class _Backend(httpcore2.AsyncNetworkBackend):
    """Resolves, checks what came out, and connects to exactly that."""

    def __init__(self, inner: httpcore2.AsyncNetworkBackend, egress: Egress) -> None:
        self._inner = inner
        self._egress = egress

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        last: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in await asyncio.wait_for(_addresses(self._egress, host, port), timeout):
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        raise refused("a Unix socket")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


async def _addresses(egress: Egress, host: str, port: int) -> list[str]:
    try:
        return await checked_addresses(egress, host, port)
    except httpcore.ConnectError as error:
        raise httpcore2.ConnectError(str(error)) from error


class _Transport(httpx2.AsyncHTTPTransport):
    """httpx2's own transport behind the two gates."""

    def __init__(self, egress: Egress) -> None:
        super().__init__(trust_env=False, retries=0)
        self._egress = egress
        self._pool._network_backend = _Backend(self._pool._network_backend, egress)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._egress.check_url(str(request.url))
        request.headers["host"] = request.url.netloc.decode("ascii")
        request.headers["accept-encoding"] = "identity"
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            await response.aclose()
            raise errors.Rejected("compressed, which was not asked for", reason="compressed")
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Capped(response.stream)
        return response


class _Capped(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner
        self._left = MAX_BYTES

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._left -= len(chunk)
            if self._left < 0:
                raise errors.Rejected("the answer is over the size cap", reason="too_large")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def open_client(base: str, timeout_s: float) -> httpx2.AsyncClient:
    """A client that reaches nothing but ``base``. Raises ValueError for a bad base URL."""
    return httpx2.AsyncClient(
        transport=_Transport(Egress.to((base,))),
        timeout=timeout_s,
        follow_redirects=False,
        trust_env=False,
    )


async def within(call: Awaitable[T], seconds: float, who: str) -> T:
    """The call's answer within ``seconds`` from first to last byte. Raises from ``schemas.errors``.

    What the official clients do not wrap, and what they wrapped of ours, comes out typed; ValueError (pydantic's and
    JSON's are such) means an answer that has no known shape.
    """
    try:
        async with asyncio.timeout(seconds):
            return await call
    except (TimeoutError, httpx2.TimeoutException) as failure:
        raise errors.TimedOut(f"{who} took too long") from failure
    except (httpx2.HTTPError, OSError) as failure:
        raise _own(failure) or errors.Unavailable(f"{who} did not answer") from failure
    except ValueError as failure:
        raise errors.Rejected(f"{who}: no known shape", reason="malformed") from failure


def no_answer(failure: BaseException, who: str) -> errors.KFixError:
    """What a client's own "connection failed" means: a refusal of the egress policy, a time-out, or nobody there."""
    seen: BaseException | None = failure
    while seen is not None:
        if isinstance(seen, httpx2.TimeoutException):
            return errors.TimedOut(f"{who} took too long")
        seen = seen.__cause__
    return _own(failure) or errors.Unavailable(f"{who} did not answer")


def _own(failure: BaseException) -> errors.KFixError | None:
    seen: BaseException | None = failure
    while seen is not None:
        if isinstance(seen, errors.KFixError):
            return seen
        seen = seen.__cause__
    return None


def failure_of(status: int, headers: Any, who: str) -> errors.KFixError:
    """The failure that a status means; no word of the service's own text gets into it."""
    found = http_failure(status, headers or {}, b"")
    return found or errors.Rejected(f"{who}: no known shape", reason="malformed")
