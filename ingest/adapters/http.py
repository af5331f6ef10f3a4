"""The FastAPI application: two webhooks, health, metrics, and an OpenAPI description with examples."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

import kfix
from ingest.adapters.door import Answer, Door
from ingest.adapters.examples import DATADOG_KFIX, DATADOG_NATIVE, GITLAB_MERGED, GITLAB_NOTE
from ingest.ports import Ports
from kfix.engine.runtime.stage import Publisher


class Reply(BaseModel):
    """What a sender is told."""

    result: str = Field(
        examples=["accepted"], description="accepted, ignored, dead_lettered, refused"
    )
    reason: str = Field(default="", examples=[""], description="one of a closed list of words")
    delivery: str = Field(default="", description="event id of the record, when accepted")
    detail: str = Field(default="", description="what to do about it, for people")


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": Reply, "description": "Authentic, and not for K-Fix: ignored."},
    202: {"model": Reply, "description": "Stored by the broker: as a record, or as a dead letter."},
    400: {"model": Reply, "description": "The body was cut off."},
    401: {"model": Reply, "description": "No valid token or signature."},
    408: {"model": Reply, "description": "The body took too long."},
    413: {"model": Reply, "description": "A signed body too large to be verified."},
    429: {"model": Reply, "description": "Too many failed requests from this address."},
    503: {"model": Reply, "description": "The broker is away, or the door is full: send it again."},
}


def _body(**examples: dict[str, Any]) -> dict[str, Any]:
    shown = {name: {"value": value} for name, value in examples.items()}
    schema = {"type": "object", "additionalProperties": True}
    content = {"application/json": {"schema": schema, "examples": shown}}
    return {"requestBody": {"required": True, "content": content}}


def create_app(ports: Ports, publisher: Publisher) -> FastAPI:
    """The door's application over its ports and a publisher."""
    settings = ports.settings
    door = Door(ports, publisher)
    app = FastAPI(
        title="K-Fix ingest",
        version=kfix.__version__,
        summary="Webhooks of Datadog and GitLab.",
        redoc_url=None,
        docs_url=None,
    )

    def answered(answer: Answer) -> Response:
        headers = {}
        if answer.status in (429, 503):
            headers["retry-after"] = str(answer.retry_after_s)
        if answer.status in (400, 401, 408, 413, 429):
            headers["connection"] = "close"  # whatever is left of the body is not read
        content = Reply(
            result=answer.result,
            reason=answer.reason,
            delivery=answer.delivery,
            detail=answer.detail,
        )
        return JSONResponse(content.model_dump(), answer.status, headers)

    @app.post(
        "/datadog-webhook",
        status_code=202,
        responses=_ANSWERS,
        tags=["webhooks"],
        summary="A Datadog alert",
        description=f"Authenticated by the header `{settings.datadog_header}`.",
        openapi_extra=_body(kfix_template=DATADOG_KFIX, native=DATADOG_NATIVE),
    )
    async def datadog_webhook(request: Request) -> Response:
        return answered(await door.datadog(request))

    @app.post(
        "/gitlab-webhook",
        status_code=202,
        responses=_ANSWERS,
        tags=["webhooks"],
        summary="A GitLab event",
        description="Authenticated by `webhook-signature`, or by `X-Gitlab-Token`.",
        openapi_extra=_body(merged=GITLAB_MERGED, note=GITLAB_NOTE),
    )
    async def gitlab_webhook(request: Request) -> Response:
        return answered(await door.gitlab(request))

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
