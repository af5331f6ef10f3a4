"""Mistral's official client: one way to make it, one reading of what it raises.

Imported late: the client takes two seconds to import, and most houses run without it.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")
#: Mistral's own service.
URL = "https://api.mistral.ai"
#: Seconds from first to last byte, where the caller names none; the client's own time-out is per read.
_LONGEST_S = 120.0


def connect(*, api_key: str, url: str, timeout_s: float, retries: bool = True) -> Any:
    """A client; ``url`` empty: Mistral's own.

    With ``retries`` it repeats connection errors, 429 and 5xx for a third of the time-out; who counts calls does
    without.
    """
    from mistralai.client import Mistral
    from mistralai.client.utils import BackoffStrategy, RetryConfig

    from kfix.infra.clients.httpx2 import open_client

    timeout_ms = int(timeout_s * 1000)
    backoff = BackoffStrategy(300, 4_000, 1.5, min(timeout_ms, 10_000))
    return Mistral(
        api_key=api_key,
        server_url=url or URL,
        timeout_ms=timeout_ms,
        async_client=open_client(url or URL, timeout_s),
        retry_config=RetryConfig("backoff", backoff, True)
        if retries
        else RetryConfig("none", backoff, False),
    )


async def close(client: Any) -> None:
    """Closes a client's connections."""
    await client.sdk_configuration.async_client.aclose()
    await client.__aexit__(None, None, None)


async def typed(call: Awaitable[T], seconds: float = _LONGEST_S) -> T:
    """The call's answer. Raises from ``schemas.errors``; a 200 that is no answer is ``Rejected`` (``malformed``)."""
    from mistralai.client.errors import MistralError

    from kfix.infra.clients.httpx2 import failure_of, within

    try:
        return await within(call, seconds, "Mistral")
    except MistralError as failure:
        raise failure_of(failure.status_code, failure.headers, "Mistral") from failure
