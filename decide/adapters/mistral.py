"""Mistral through its official client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from decide.adapters.shapes import shaped
from decide.core.question import MOST_TOKENS, WIRE_SCHEMA, Message
from decide.ports import Completion
from kfix.infra.clients import mistral
from kfix.infra.clients.boundary import guarded


@guarded("Mistral")
class MistralChat:
    """``decide.ports.Chat`` on ``mistralai``."""

    provider = "mistral"

    def __init__(self, *, api_key: str, url: str, model: str, timeout_s: float) -> None:
        self.model = model
        self._timeout_s = timeout_s
        self._api_key, self._url = api_key, url
        self._client: Any = None

    async def complete(self, system: str, messages: Sequence[Message]) -> Completion:
        """One call with the answer's schema. Raises from ``schemas.errors``."""
        if self._client is None:
            self._client = mistral.connect(
                api_key=self._api_key, url=self._url, timeout_s=self._timeout_s, retries=False
            )
        told = [{"role": m.role, "content": m.text} for m in messages]
        schema = {"name": "answer", "schema": WIRE_SCHEMA, "strict": True}
        response = await mistral.typed(
            self._client.chat.complete_async(
                model=self.model,
                messages=[{"role": "system", "content": system}, *told],
                temperature=0.0,
                max_tokens=MOST_TOKENS,
                response_format={"type": "json_schema", "json_schema": schema},
            ),
            self._timeout_s,
        )
        return shaped(_completion, response)

    async def close(self) -> None:
        """Closes the client's connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await mistral.close(client)


def _completion(response: Any) -> Completion:
    choice = response.choices[0]
    content = choice.message.content
    cut = choice.finish_reason in ("length", "model_length")
    return Completion(
        content if isinstance(content, str) else "",
        int(response.usage.prompt_tokens or 0),
        int(response.usage.completion_tokens or 0),
        "truncated" if cut else "done",
    )
