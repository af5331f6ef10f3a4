"""Mistral's official client: one way to make it, one reading of what it raises.

Imported late: the client takes two seconds to import, and most houses run without it.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from schemas import errors

T = TypeVar("T")


def connect(*, api_key: str, url: str, timeout_s: float) -> Any:
    """A client; ``url`` empty: Mistral's own. Retries connection errors, 429 and 5xx for a third of the time-out."""
    from mistralai.client import Mistral
    from mistralai.client.utils import BackoffStrategy, RetryConfig

    timeout_ms = int(timeout_s * 1000)
    backoff = BackoffStrategy(300, 4_000, 1.5, min(timeout_ms, 10_000))
    return Mistral(
        api_key=api_key,
        server_url=url or None,
        timeout_ms=timeout_ms,
        retry_config=RetryConfig("backoff", backoff, True),
    )


async def close(client: Any) -> None:
    """Closes a client's connections."""
    await client.__aexit__(None, None, None)


async def typed(call: Awaitable[T]) -> T:
    """The call's answer. Raises from ``schemas.errors``; a 200 that is no answer is ``Rejected`` (``malformed``)."""
    import httpx2
    from mistralai.client.errors import MistralError

    try:
        return await call
    except MistralError as failure:
        raise _failure(failure.status_code) from failure
    except httpx2.TimeoutException as failure:
        raise errors.TimedOut("Mistral took too long") from failure
    except httpx2.HTTPError as failure:
        raise errors.Unavailable("Mistral did not answer") from failure
    except ValueError as failure:
        raise errors.Rejected(
            "Mistral's answer has no known shape", reason="malformed"
        ) from failure


def _failure(status: int) -> errors.KFixError:
    if status == 429:
        return errors.RateLimited("Mistral: too many requests")
    if status in (401, 403):
        return errors.Unauthorized("Mistral refuses the key")
    if status >= 500:
        return errors.Unavailable(f"Mistral answered {status}")
    if status < 400:
        return errors.Rejected("Mistral's answer has no known shape", reason="malformed")
    return errors.Rejected(f"Mistral answered {status}")
