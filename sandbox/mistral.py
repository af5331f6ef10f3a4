"""A small Mistral: chat completions with structured output, and embeddings. What it answers is a function of the test's.

Source: docs.mistral.ai/api. The embedding is a hash of the text's words: near texts are near, and always the same.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.faults import Faults, WithFaults
from sandbox.serving import BadBody, json_body, reply
from schemas.base import Json

DIMENSIONS = 1024
#: From a chat request to the assistant's text.
Answer = Callable[[Mapping[str, Json]], str]


def smallest(request: Mapping[str, Json]) -> str:
    """The smallest text that the asked JSON schema allows; without a schema, a plain word."""
    wanted = request.get("response_format")
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return "ok"
    schema = wanted["json_schema"]
    assert isinstance(schema, dict)
    root = schema["schema"]
    assert isinstance(root, dict)
    return orjson.dumps(_example(root, root)).decode()


def malformed(request: Mapping[str, Json]) -> str:
    """Text that is no JSON."""
    return "Sure! Here is your plan: {"


def wrong_shape(request: Mapping[str, Json]) -> str:
    """JSON of another shape than the asked one."""
    return '{"surprise": [1, 2, 3]}'


@dataclass(slots=True)
class Mistral:
    """One account. ``answer`` decides what the model says; every chat request is kept."""

    api_key: str = "sandbox-mistral-key"
    answer: Answer = smallest
    finish_reason: str = "stop"
    asked: list[dict[str, Json]] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)


def create_app(mistral: Mistral, faults: Faults | None = None) -> ASGIApp:
    """The service over one account."""
    api = _Api(mistral)
    app = Starlette(
        routes=[
            Route("/v1/models", api.models, methods=["GET"]),
            Route("/v1/chat/completions", api.chat, methods=["POST"]),
            Route("/v1/embeddings", api.embeddings, methods=["POST"]),
        ]
    )
    return WithFaults(app, "mistral", faults or Faults())


class _Api:
    def __init__(self, mistral: Mistral) -> None:
        self._mistral = mistral

    def _stranger(self, request: Request) -> Response | None:
        if request.headers.get("authorization") == f"Bearer {self._mistral.api_key}":
            return None
        return reply({"message": "Unauthorized", "request_id": "sandbox"}, 401)

    async def models(self, request: Request) -> Response:
        listed: list[Json] = [
            {
                "id": name,
                "object": "model",
                "created": 1_760_000_000,
                "owned_by": "mistralai",
                "capabilities": {"completion_chat": name != "mistral-embed"},
            }
            for name in ("mistral-large-latest", "mistral-small-latest", "mistral-embed")
        ]
        return self._stranger(request) or reply({"object": "list", "data": listed})

    async def chat(self, request: Request) -> Response:
        if refused := self._stranger(request):
            return refused
        try:
            body = await json_body(request)
        except BadBody as error:
            return _invalid(str(error))
        if not body.get("messages") or not body.get("model"):
            return _invalid("model and messages are required")
        self._mistral.asked.append(body)
        text = self._mistral.answer(body)
        choice: Json = {
            "index": 0,
            "finish_reason": self._mistral.finish_reason,
            "message": {"role": "assistant", "content": text, "tool_calls": None, "prefix": False},
        }
        prompt = sum(len(str(m)) // 4 for m in _listed(body["messages"]))
        return reply(
            {
                "id": f"cmpl-{len(self._mistral.asked)}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": body["model"],
                "choices": [choice],
                "usage": _usage(prompt, len(text) // 4),
            }
        )

    async def embeddings(self, request: Request) -> Response:
        if refused := self._stranger(request):
            return refused
        body = await json_body(request)
        given = body.get("input")
        texts = [given] if isinstance(given, str) else _listed(given)
        if not texts or not all(isinstance(t, str) for t in texts):
            return _invalid("input must be a text or a list of texts")
        if body.get("output_dimension") and body.get("model") == "mistral-embed":
            return _invalid("output_dimension is not supported by this model")
        self._mistral.embedded += [str(t) for t in texts]
        data: list[Json] = [
            {"object": "embedding", "index": n, "embedding": embed(str(t))}
            for n, t in enumerate(texts)
        ]
        prompt = sum(len(str(t)) // 4 for t in texts)
        return reply(
            {
                "id": "emb",
                "object": "list",
                "model": body.get("model"),
                "data": data,
                "usage": _usage(prompt, 0),
            }
        )


def embed(text: str) -> list[Json]:
    """A unit vector of hashed words and word pairs."""
    words = re.findall(r"\w+", text.lower())
    vector = np.zeros(DIMENSIONS)
    for feature in [*words, *(f"{a} {b}" for a, b in pairwise(words))]:
        digest = hashlib.sha256(feature.encode()).digest()
        at = int.from_bytes(digest[:4], "big") % DIMENSIONS
        vector[at] += 1.0 if digest[4] % 2 else -1.0
    norm = float(np.linalg.norm(vector)) or 1.0
    return [float(x) for x in vector / norm]


def _usage(prompt: int, completion: int) -> Json:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _invalid(message: str) -> Response:
    detail: Json = [{"type": "value_error", "loc": ["body"], "msg": message, "input": None}]
    return reply(
        {"object": "error", "message": {"detail": detail}, "type": "invalid_request_error"}, 422
    )


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _example(schema: dict[str, Json], root: dict[str, Json]) -> Json:
    """The smallest value a JSON schema allows, as far as pydantic's schemas go."""
    if "$ref" in schema:
        node: Json = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            assert isinstance(node, dict)
            node = node[part]
        assert isinstance(node, dict)
        return _example(node, root)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return _listed(schema["enum"])[0]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            options = _listed(schema[key])
            if {"type": "null"} in options:
                return None
            first = options[0]
            assert isinstance(first, dict)
            return _example(first, root)
    return _example_of_type(schema, root)


def _example_of_type(schema: dict[str, Json], root: dict[str, Json]) -> Json:
    kind = schema.get("type")
    if kind == "object":
        properties, required = schema.get("properties", {}), _listed(schema.get("required"))
        assert isinstance(properties, dict)
        return {
            k: _example(v, root)
            for k, v in properties.items()
            if k in required and isinstance(v, dict)
        }
    if kind == "array":
        item = schema.get("items", {})
        least = schema.get("minItems", 0)
        return (
            [_example(item, root)] * (least if isinstance(least, int) else 0)
            if isinstance(item, dict)
            else []
        )
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return {"string": "a" * max(1, int(str(schema.get("minLength", 1)))), "boolean": False}.get(
        str(kind)
    )
