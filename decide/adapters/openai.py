"""GPT, and any server that speaks OpenAI's chat completions, through the official client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from decide.adapters.shapes import shaped
from decide.core.question import MOST_TOKENS, WIRE_SCHEMA, Message
from decide.ports import Completion
from kfix.infra.clients import openai
from kfix.infra.clients.boundary import guarded

#: How the answer's shape is asked for: by schema, as any JSON object, or in words alone.
Shape = Literal["json_schema", "json_object", "none"]


@guarded("model server")
class OpenAIChat:
    """``decide.ports.Chat`` on ``openai``.

    OpenAI's own models take ``max_completion_tokens`` and refuse a temperature; ``compatible`` servers know
    ``max_tokens`` and answer steadily at temperature 0.
    """

    provider = "openai"

    def __init__(
        self,
        *,
        api_key: str,
        url: str,
        model: str,
        timeout_s: float,
        compatible: bool,
        shape: Shape = "json_schema",
    ) -> None:
        self.model = model
        self._timeout_s = timeout_s
        self._api_key, self._url = api_key, url
        self._client: Any = None
        self._how: dict[str, Any] = (
            {"max_tokens": MOST_TOKENS, "temperature": 0.0}
            if compatible
            else {"max_completion_tokens": MOST_TOKENS}
        )
        if shape == "json_schema":
            schema = {"name": "answer", "schema": WIRE_SCHEMA, "strict": True}
            self._how["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif shape == "json_object":
            self._how["response_format"] = {"type": "json_object"}

    async def complete(self, system: str, messages: Sequence[Message]) -> Completion:
        """One call with the answer's schema. Raises from ``schemas.errors``."""
        if self._client is None:
            self._client = openai.connect(
                api_key=self._api_key, url=self._url, timeout_s=self._timeout_s
            )
        told = [{"role": m.role, "content": m.text} for m in messages]
        response = await openai.typed(
            self._client.chat.completions.create(
                model=self.model,
                messages=[{"role": "system", "content": system}, *told],
                **self._how,
            ),
            self._timeout_s,
        )
        return shaped(_completion, response)

    async def close(self) -> None:
        """Closes the client's connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()


def _completion(response: Any) -> Completion:
    choice = response.choices[0]
    usage = response.usage
    tokens = (int(usage.prompt_tokens), int(usage.completion_tokens)) if usage else (0, 0)
    if choice.message.refusal or choice.finish_reason == "content_filter":
        return Completion(choice.message.refusal or "", *tokens, "refused")
    cut = choice.finish_reason == "length"
    return Completion(choice.message.content or "", *tokens, "truncated" if cut else "done")
