"""A small OpenAI: chat completions with structured output and embeddings, as OpenAI's own or as a compatible server serves them.

Source: OpenAI's API reference (chat completions, errors, structured outputs); vLLM's and Ollama's pages on
compatibility. What it answers is a function of the test's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.faults import Faults, WithFaults
from sandbox.mistral import Answer, embed, smallest
from sandbox.serving import BadBody, json_body, reply
from schemas.base import Json

#: Keywords that strict schemas may hold.
_STRICT = {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "anyOf",
    "$ref",
    "$defs",
    "description",
    "const",
}


@dataclass(slots=True)
class OpenAI:
    """One account, or one compatible server. ``refusal`` is what the model says when it refuses."""

    api_key: str = "sandbox-openai-key"
    compatible: bool = False
    answer: Answer = smallest
    finish_reason: str = "stop"
    refusal: str | None = None
    asked: list[dict[str, Json]] = field(default_factory=list)


def create_app(account: OpenAI, faults: Faults | None = None) -> ASGIApp:
    """The service over one account."""
    api = _Api(account)
    app = Starlette(
        routes=[
            Route("/v1/chat/completions", api.chat, methods=["POST"]),
            Route("/v1/embeddings", api.embeddings, methods=["POST"]),
        ]
    )
    return WithFaults(app, "openai", faults or Faults())


def strictness(schema: Json) -> str:
    """What strict mode has against a schema; empty when nothing."""
    if isinstance(schema, list):
        return next((wrong for item in schema if (wrong := strictness(item))), "")
    if not isinstance(schema, dict):
        return ""
    unknown = sorted(set(schema) - _STRICT)
    if unknown:
        return f"'{unknown[0]}' is not permitted"
    properties = schema.get("properties", {})
    assert isinstance(properties, dict)
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return "'additionalProperties' is required to be supplied and to be false"
        if schema.get("required") != list(properties):
            return "'required' is required to be an array including every key in properties"
    defs = schema.get("$defs", {})
    assert isinstance(defs, dict)
    below = [*properties.values(), *defs.values(), schema.get("items"), schema.get("anyOf")]
    return next((wrong for part in below if (wrong := strictness(part))), "")


class _Api:
    def __init__(self, account: OpenAI) -> None:
        self._account = account

    def _stranger(self, request: Request) -> Response | None:
        key = self._account.api_key
        if not key or request.headers.get("authorization") == f"Bearer {key}":
            return None
        return _error(401, "Incorrect API key provided", code="invalid_api_key")

    async def embeddings(self, request: Request) -> Response:
        if refused := self._stranger(request):
            return refused
        try:
            body = await json_body(request)
        except BadBody as error:
            return _error(400, str(error))
        given = body.get("input")
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
            return _error(400, "'$.input' is invalid")
        data: list[Json] = [
            {"object": "embedding", "index": n, "embedding": embed(str(text))}
            for n, text in enumerate(texts)
        ]
        used: Json = {"prompt_tokens": 1, "total_tokens": 1}
        return reply({"object": "list", "data": data, "model": body.get("model"), "usage": used})

    async def chat(self, request: Request) -> Response:
        account = self._account
        if refused := self._stranger(request):
            return refused
        try:
            body = await json_body(request)
        except BadBody as error:
            return _error(400, str(error))
        wrong = self._mistake(body)
        if wrong:
            return _error(400, wrong)
        account.asked.append(body)
        text = account.answer(body)
        message: Json = {
            "role": "assistant",
            "content": None if account.refusal else text,
            "refusal": account.refusal,
        }
        prompt = len(str(body["messages"])) // 4
        return reply(
            {
                "id": f"chatcmpl-{len(account.asked)}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": body["model"],
                "choices": [
                    {
                        "index": 0,
                        "message": message,
                        "logprobs": None,
                        "finish_reason": account.finish_reason,
                    }
                ],
                "usage": {
                    "prompt_tokens": prompt,
                    "completion_tokens": len(text) // 4,
                    "total_tokens": prompt + len(text) // 4,
                },
            }
        )

    def _mistake(self, body: dict[str, Json]) -> str:
        if not body.get("model") or not body.get("messages"):
            return "you must provide a model and messages"
        if not self._account.compatible:
            if "max_tokens" in body:
                return "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            if body.get("temperature") not in (None, 1):
                return "Unsupported value: 'temperature' does not support 0 with this model."
        elif "max_completion_tokens" in body:
            return "unknown field max_completion_tokens"
        shape = body.get("response_format")
        if not isinstance(shape, dict) or shape.get("type") != "json_schema":
            return ""
        schema = shape.get("json_schema")
        wrong = strictness(schema.get("schema")) if isinstance(schema, dict) else "no schema"
        return f"Invalid schema for response_format 'answer': {wrong}" if wrong else ""


def _error(status: int, message: str, *, code: str | None = None) -> Response:
    kind = "invalid_request_error"
    return reply({"error": {"message": message, "type": kind, "param": None, "code": code}}, status)
