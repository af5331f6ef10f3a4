"""The policy of ``kfix.infra.clients.http`` for clients that bring aiohttp (Slack, Kubernetes' asynchronous client).

What it does not have is the cap on an answer's size: whoever reads a body does so by ``bounded``.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpcore
from aiohttp.abc import AbstractResolver, ResolveResult

from kfix.infra.clients.egress import Egress, refused
from kfix.infra.clients.http import USUAL, Bounds, checked_addresses
from schemas import errors


class _Resolver(AbstractResolver):
    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            addresses = await checked_addresses(self._egress, host, port)
        except httpcore.ConnectError as error:
            raise OSError(None, str(error)) from error
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=int(socket.AI_NUMERICHOST),
            )
            for address in addresses
        ]

    async def close(self) -> None:
        return None


class _Connector(aiohttp.TCPConnector):
    """Looks at each request's address, a redirect's too; literal addresses never meet a resolver."""

    def __init__(self, egress: Egress) -> None:
        super().__init__(resolver=_Resolver(egress), use_dns_cache=False)
        self._egress = egress

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109
        if req.proxy is not None:
            raise refused("a proxy")
        self._egress.check_url(str(req.url))
        host = req.url.host or ""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return await super().connect(req, traces, timeout)
        self._egress.check_address(host, host)
        return await super().connect(req, traces, timeout)


async def bounded(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The body. Raises errors.Rejected (``too_large``) beyond ``max_bytes``."""
    chunks = bytearray()
    async for chunk in response.content.iter_chunked(1 << 18):
        chunks += chunk
        if len(chunks) > max_bytes:
            raise errors.Rejected("the answer is over the size cap", reason="too_large")
    return bytes(chunks)


async def _no_redirect(*_: object) -> None:
    raise refused("a redirect")


def open_session(
    bases: Iterable[str],
    bounds: Bounds = USUAL,
) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
    """A session that reaches the base URLs only, follows no redirect and gives up in time.

    Refusals are raised as ``errors.Rejected`` (``egress_refused``); raises ValueError for a bad base URL.
    """
    trace = aiohttp.TraceConfig(trace_config_ctx_factory=SimpleNamespace)
    trace.on_request_redirect.append(_no_redirect)
    timeout = aiohttp.ClientTimeout(total=bounds.total_s, sock_connect=bounds.timeout_s)
    return aiohttp.ClientSession(
        connector=_Connector(Egress.to(bases)),
        trust_env=False,
        timeout=timeout,
        trace_configs=[trace],
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=True,
    )
