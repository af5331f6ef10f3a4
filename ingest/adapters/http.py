"""The FastAPI application: a webhook for each source, health, metrics, and an OpenAPI description with examples."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

import kfix
from ingest.adapters.receiver import WebhookReceiver, WebhookReply
from ingest.core.source import AlertSource
from ingest.ports import IngestPorts
from kfix.engine.runtime.stage import Publisher


class WebhookResponse(BaseModel):
    """What a sender is told."""

    result: str = Field(
        examples=["accepted"], description="accepted, ignored, dead_lettered, refused"
    )
    reason: str = Field(default="", examples=[""], description="one of a closed list of words")
    delivery: str = Field(default="", description="event id of the record, when accepted")
    detail: str = Field(default="", description="what to do about it, for people")


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": WebhookResponse, "description": "Authentic, and not for K-Fix: ignored."},
    202: {
        "model": WebhookResponse,
        "description": "Stored by the broker: as a record, or as a dead letter.",
    },
    400: {"model": WebhookResponse, "description": "The body was cut off."},
    401: {"model": WebhookResponse, "description": "No valid token or signature."},
    408: {"model": WebhookResponse, "description": "The body took too long."},
    413: {"model": WebhookResponse, "description": "A signed body too large to be verified."},
    429: {"model": WebhookResponse, "description": "Too many failed requests from this address."},
    503: {
        "model": WebhookResponse,
        "description": "The broker is away, or the door is full: send it again.",
    },
}


def _body(examples: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    shown = {name: {"value": value} for name, value in examples.items()}
    schema = {"type": "object", "additionalProperties": True}
    content = {"application/json": {"schema": schema, "examples": shown}}
    return {"requestBody": {"required": True, "content": content}}


def _endpoint(
    door: WebhookReceiver, source: AlertSource, answered: Callable[[WebhookReply], Response]
) -> Callable[[Request], Awaitable[Response]]:
    async def webhook(request: Request) -> Response:
        return answered(await door.receive(source, request))

    return webhook


def create_app(ports: IngestPorts, publisher: Publisher) -> FastAPI:
    """The door's application over its ports and a publisher."""
    door = WebhookReceiver(ports, publisher)
    app = FastAPI(
        title="K-Fix ingest",
        version=kfix.__version__,
        summary=f"Webhooks of {' and '.join(sorted(s.title for s in ports.sources))}.",
        redoc_url=None,
        docs_url=None,
    )

    def answered(answer: WebhookReply) -> Response:
        headers = {}
        if answer.status in (429, 503):
            headers["retry-after"] = str(answer.retry_after_s)
        if answer.status in (400, 401, 408, 413, 429):
            headers["connection"] = "close"  # whatever is left of the body is not read
        content = WebhookResponse(
            result=answer.result,
            reason=answer.reason,
            delivery=answer.delivery,
            detail=answer.detail,
        )
        return JSONResponse(content.model_dump(), answer.status, headers)

    for source in ports.sources:
        app.post(
            source.path,
            status_code=202,
            responses=_ANSWERS,
            tags=["webhooks"],
            summary=source.summary,
            description=source.authentication,
            operation_id=f"{source.name}_webhook",
            openapi_extra=_body(source.examples),
        )(_endpoint(door, source, answered))

    @app.get("/healthz", tags=["health"], summary="The process answers")
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get(
        "/readyz",
        tags=["health"],
        summary="The broker takes records, as far as the last delivery tells",
        responses={503: {"description": "The broker refused a record a moment ago."}},
    )
    async def readyz() -> PlainTextResponse:
        return PlainTextResponse("ready\n") if door.ready else PlainTextResponse("not ready\n", 503)

    @app.get("/metrics", tags=["health"], summary="Prometheus metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app
