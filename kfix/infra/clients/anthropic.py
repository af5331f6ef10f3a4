"""Anthropic's official client: one way to make it, one reading of what it raises. Needs the extra ``llm``.

Imported late: the client takes five seconds to import.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from schemas import errors

T = TypeVar("T")
#: Anthropic's own service.
URL = "https://api.anthropic.com"


def connect(*, api_key: str, url: str, timeout_s: float) -> Any:
    """A client that repeats nothing by itself; ``url`` empty: Anthropic's own."""
    from anthropic import AsyncAnthropic

    from kfix.infra.clients.httpx2 import open_client

    return AsyncAnthropic(
        api_key=api_key,
        base_url=url or URL,
        timeout=timeout_s,
        max_retries=0,
        http_client=open_client(url or URL, timeout_s),
    )


async def typed(call: Awaitable[T], seconds: float) -> T:
    """The call's answer. Raises from ``schemas.errors``; a 200 that is no answer is ``Rejected`` (``malformed``)."""
    from anthropic import AnthropicError, APIConnectionError, APIResponseValidationError
    from anthropic import APIStatusError as StatusError

    from kfix.infra.clients.httpx2 import failure_of, no_answer, within

    try:
        return await within(call, seconds, "Claude")
    except StatusError as failure:
        raise failure_of(failure.status_code, failure.response.headers, "Claude") from failure
    except APIConnectionError as failure:
        raise no_answer(failure, "Claude") from failure
    except (APIResponseValidationError, AnthropicError) as failure:
        raise errors.Rejected("Claude: no known shape", reason="malformed") from failure
