"""Claude through Anthropic's official client, with structured output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from decide.adapters.shapes import shaped
from decide.core.question import MOST_TOKENS, WIRE_SCHEMA, Message
from decide.ports import Completion
from kfix.infra.clients import anthropic
from kfix.infra.clients.boundary import guarded


@guarded("Claude")
class ClaudeChat:
    """``decide.ports.Chat`` on ``anthropic``. Newer models take no temperature, so none is sent."""

    provider = "anthropic"

    def __init__(self, *, api_key: str, url: str, model: str, timeout_s: float) -> None:
        self.model = model
        self._timeout_s = timeout_s
        self._api_key, self._url = api_key, url
        self._client: Any = None

    async def complete(self, system: str, messages: Sequence[Message]) -> Completion:
        """One call with the answer's schema. Raises from ``schemas.errors``."""
        if self._client is None:
            self._client = anthropic.connect(
                api_key=self._api_key, url=self._url, timeout_s=self._timeout_s
            )
        message = await anthropic.typed(
            self._client.messages.create(
                model=self.model,
                system=system,
                messages=[{"role": m.role, "content": m.text} for m in messages],
                max_tokens=MOST_TOKENS,
                output_config={"format": {"type": "json_schema", "schema": WIRE_SCHEMA}},
            ),
            self._timeout_s,
        )
        return shaped(_completion, message)

    async def close(self) -> None:
        """Closes the client's connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()


def _completion(message: Any) -> Completion:
    text = "".join(block.text for block in message.content if block.type == "text")
    tokens = int(message.usage.input_tokens), int(message.usage.output_tokens)
    if message.stop_reason == "refusal":
        return Completion(text, *tokens, "refused")
    cut = message.stop_reason in ("max_tokens", "model_context_window_exceeded")
    return Completion(text, *tokens, "truncated" if cut else "done")
