"""The transport of Datadog's official client: aiohttp under our policy in place of the one that it brings.

The client's own (aiosonic 1.3.3) gives the connection of a cancelled call back to its pool unclosed, and the next call
reads the late answer as its own. aiohttp closes a connection whose call did not come to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
from datadog_api_client import AsyncApiClient, Configuration
from multidict import CIMultiDictProxy

from kfix.infra.clients.aiohttp import bounded
from kfix.infra.clients.datadog_limits import RateLimits
from kfix.infra.clients.http import failure_of
from kfix.infra.clients.retries import Retries, retrying
from schemas import errors

#: Bytes of an answer: 200 log events of 64 KiB, which is the most that Datadog keeps of one, and their attributes.
MAX_BYTES = 32 * 1024 * 1024
#: Waits as X-RateLimit-Reset says, all together well inside a source's deadline; a longer one is the caller's.
_RETRIES = Retries(attempts=3, first_wait_s=0.5, longest_wait_s=4.0)


class DatadogResponse:
    """A 2xx answer as the official client reads it."""

    def __init__(self, status: int, headers: CIMultiDictProxy[str], body: bytes) -> None:
        self.status_code = status
        self.headers = headers
        self._body = body

    async def content(self) -> bytes:
        """The body."""
        return self._body

    async def text(self) -> str:
        """The body as UTF-8, which JSON is. Raises errors.Unavailable for other bytes."""
        try:
            return self._body.decode("utf-8")
        except UnicodeDecodeError as failure:
            raise errors.Unavailable("Datadog answered no text", reason="malformed") from failure


class ReadOnly:
    """The official client's idea of a transport, for GET alone: K-Fix asks Datadog and changes nothing there."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._limits = RateLimits()

    async def request(
        self,
        method: str,
        url: str,
        *,
        query_params: Sequence[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        **_: Any,
    ) -> DatadogResponse:
        """The answer. Raises from ``schemas.errors``; the session's time-out is that of one attempt."""
        if method != "GET" or body is not None:
            raise errors.Defect(f"{method} to Datadog", reason="would_write")
        params = [(name, str(value)) for name, value in query_params or ()]
        asked = {**(headers or {}), "Accept-Encoding": "identity"}
        return await retrying(lambda: self._once(url, params, asked), _RETRIES)

    async def _once(
        self, url: str, params: Sequence[tuple[str, str]], headers: Mapping[str, str]
    ) -> DatadogResponse:
        self._limits.check(url)
        try:
            async with self._session.get(
                url, params=params, headers=headers, allow_redirects=False
            ) as response:
                body = await bounded(response, MAX_BYTES)
        except TimeoutError as failure:
            raise errors.TimedOut("Datadog took too long") from failure
        except (aiohttp.ClientError, asyncio.IncompleteReadError, OSError) as failure:
            raise errors.Unavailable(
                f"Datadog did not answer: {type(failure).__name__}"
            ) from failure
        self._limits.told(url, response.headers)
        refusal = failure_of(response.status, response.headers, body)
        if refusal is not None:
            raise refusal
        return DatadogResponse(response.status, response.headers, body)


class Client(AsyncApiClient):
    """The official client on our transport. It owns nothing that needs closing: the session is its opener's."""

    def __init__(self, configuration: Configuration, session: aiohttp.ClientSession) -> None:
        self._session = session
        super().__init__(configuration)

    def _build_rest_client(self) -> ReadOnly:
        return ReadOnly(self._session)
