"""A small Teams: one Power Automate workflow that posts cards, and one legacy connector. Cards are kept.

Source: learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox import adaptive_cards
from sandbox.faults import Faults, WithFaults
from sandbox.serving import reply
from schemas.base import Json

MAX_BYTES = 28 * 1024
_INVOKE = "/workflows/{workflow}/triggers/manual/paths/invoke"


@dataclass(slots=True)
class Teams:
    """One team's channel. ``signature`` is the secret in the workflow's address."""

    workflow: str = "sandbox"
    signature: str = "sandbox-teams-signature"
    #: Whole messages as the workflow took them.
    cards: list[dict[str, Json]] = field(default_factory=list)
    #: Whole payloads as the legacy connector took them.
    legacy_cards: list[dict[str, Json]] = field(default_factory=list)

    @property
    def workflow_path(self) -> str:
        """The workflow's address below the server's."""
        path = _INVOKE.format(workflow=self.workflow)
        return f"{path}?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={self.signature}"

    @property
    def legacy_path(self) -> str:
        """The connector's address below the server's."""
        return f"/webhookb2/{self.workflow}/IncomingWebhook/{self.signature}/0"


def create_app(teams: Teams, faults: Faults | None = None) -> ASGIApp:
    """The service over one channel."""

    async def invoke(request: Request) -> Response:
        given = request.query_params.get("sig", "")
        if not hmac.compare_digest(given.encode(), teams.signature.encode()):
            return _refused(
                401, "DirectApiAuthorizationRequired", "The request must be authenticated."
            )
        raw = await request.body()
        if len(raw) > MAX_BYTES:
            return _refused(413, "RequestEntityTooLarge", f"{len(raw)} bytes, {MAX_BYTES} allowed")
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            return _refused(400, "InvalidRequestContent", str(error))
        if found := adaptive_cards.envelope_flaws(body):
            return _refused(400, "TriggerInputSchemaMismatch", "; ".join(found))
        teams.cards.append(body)
        return Response(status_code=202)

    async def connector(request: Request) -> Response:
        if request.url.path != teams.legacy_path:
            return PlainTextResponse("Invalid webhook URL", 404)
        raw = await request.body()
        if len(raw) > MAX_BYTES:
            # The connector says so with a 200: learn.microsoft.com, "Rate limiting for connectors".
            return PlainTextResponse(
                "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413"
            )
        body = orjson.loads(raw or b"{}")
        is_message = isinstance(body, dict) and body.get("type") == "message"
        if not is_message and not (body.get("text") or body.get("summary") or body.get("title")):
            return PlainTextResponse("Summary or Text is required.", 400)
        teams.legacy_cards.append(body)
        return PlainTextResponse("1")

    app = Starlette(
        routes=[
            Route(_INVOKE, invoke, methods=["POST"]),
            Route("/webhookb2/{rest:path}", connector, methods=["POST"]),
        ]
    )
    return WithFaults(app, "teams", faults or Faults())


def _refused(status: int, code: str, message: str) -> Response:
    return reply({"error": {"code": code, "message": message}}, status)
