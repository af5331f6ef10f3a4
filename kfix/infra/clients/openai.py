"""OpenAI's official client, for GPT and for every server that speaks its chat completions. Needs the extra ``llm``.

Imported late: the client takes three seconds to import.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from schemas import errors

T = TypeVar("T")
#: OpenAI's own service.
URL = "https://api.openai.com/v1"


def connect(*, api_key: str, url: str, timeout_s: float) -> Any:
    """A client that repeats nothing by itself; ``url`` empty: OpenAI's own. Self-hosted servers may need no key."""
    from openai import AsyncOpenAI

    from kfix.infra.clients.httpx2 import open_client

    return AsyncOpenAI(
        api_key=api_key or "none",
        base_url=url or URL,
        timeout=timeout_s,
        max_retries=0,
        http_client=open_client(url or URL, timeout_s),
    )


async def typed(call: Awaitable[T], seconds: float) -> T:
    """The call's answer. Raises from ``schemas.errors``; a 200 that is no answer is ``Rejected`` (``malformed``)."""
    from openai import APIConnectionError, APIResponseValidationError, OpenAIError
    from openai import APIStatusError as StatusError

    from kfix.infra.clients.httpx2 import failure_of, no_answer, within

    try:
        return await within(call, seconds, "The model server")
    except StatusError as failure:
        raise failure_of(
            failure.status_code, failure.response.headers, "The model server"
        ) from failure
    except APIConnectionError as failure:
        raise no_answer(failure, "The model server") from failure
    except (APIResponseValidationError, OpenAIError) as failure:
        raise errors.Rejected("The model server: no known shape", reason="malformed") from failure
