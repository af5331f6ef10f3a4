"""A small Anthropic: messages with structured output. What it answers is a function of the test's.

Source: docs of the Messages API, version 2026-10-21: keys go as a bearer token, sampling parameters are refused, error
bodies, ``output_config.format``, stop reasons, 529.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.faults import Faults, WithFaults
from sandbox.mistral import Answer, smallest
from sandbox.openai import strictness
from sandbox.serving import BadBody, json_body, reply
from schemas.base import Json


@dataclass(slots=True)
class Anthropic:
    """One account. ``answer`` decides what the model says, ``stop_reason`` how it ends; every request is kept."""

    api_key: str = "sandbox-anthropic-key"
    answer: Answer = smallest
    stop_reason: str = "end_turn"
    asked: list[dict[str, Json]] = field(default_factory=list)


def create_app(account: Anthropic, faults: Faults | None = None) -> ASGIApp:
    """The service over one account."""
    api = _Api(account)
    app = Starlette(routes=[Route("/v1/messages", api.messages, methods=["POST"])])
    return WithFaults(app, "anthropic", faults or Faults())


class _Api:
    def __init__(self, account: Anthropic) -> None:
        self._account = account

    async def messages(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self._account.api_key}":
            return _error(401, "authentication_error", "invalid bearer token")
        if request.headers.get("anthropic-version") != "2026-10-21":
            return _error(400, "invalid_request_error", "anthropic-version: not served here")
        try:
            body = await json_body(request)
        except BadBody as error:
            return _error(400, "invalid_request_error", str(error))
        wrong = _mistake(body)
        if wrong:
            return _error(400, "invalid_request_error", wrong)
        self._account.asked.append(body)
        text = self._account.answer(_as_chat(body))
        return reply(
            {
                "id": f"msg_{len(self._account.asked)}",
                "type": "message",
                "role": "assistant",
                "model": body["model"],
                "content": [{"type": "text", "text": text}],
                "stop_reason": self._account.stop_reason,
                "stop_sequence": None,
                "usage": {"input_tokens": len(str(body)) // 4, "output_tokens": len(text) // 4},
            }
        )


def _mistake(body: dict[str, Json]) -> str:
    for name in ("model", "max_tokens", "messages"):
        if not body.get(name):
            return f"{name}: Field required"
    for name in ("temperature", "top_p", "top_k"):
        if name in body:
            return f"{name}: Extra inputs are not permitted"
    roles = [m.get("role") for m in body["messages"] if isinstance(m, dict)]
    if "system" in roles:
        return 'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter'
    schema = _schema(body)
    return f"output_config.format.schema: {strictness(schema)}" if strictness(schema) else ""


def _schema(body: Mapping[str, Json]) -> Json:
    config = body.get("output_config")
    shape = config.get("format") if isinstance(config, dict) else None
    return shape.get("schema") if isinstance(shape, dict) else None


def _as_chat(body: dict[str, Json]) -> dict[str, Json]:
    """The request as the other services' answers read it."""
    schema: Json = {"name": "answer", "schema": _schema(body)}
    return {**body, "response_format": {"type": "json_schema", "json_schema": schema}}


def _error(status: int, kind: str, message: str) -> Response:
    return reply({"type": "error", "error": {"type": kind, "message": message}}, status)
