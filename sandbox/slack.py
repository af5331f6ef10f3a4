"""A small Slack: one incoming webhook and the Web API's message methods. Everything said is kept in ``Slack.messages``.

Sources: docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, docs.slack.dev/reference/methods/chat.postMessage.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox import block_kit
from sandbox.faults import Faults, WithFaults
from sandbox.serving import reply
from schemas.base import Json

WEBHOOK_PATH = "/services/T0SANDBOX/B0SANDBOX/sandbox-slack-webhook"


@dataclass(frozen=True, slots=True)
class Message:
    """A message somebody reads. ``ts`` identifies it within its channel."""

    channel: str
    ts: str
    text: str
    blocks: list[Json]
    thread_ts: str = ""


@dataclass(slots=True)
class Slack:
    """One workspace. ``webhook_path`` is the secret part of the incoming webhook's address."""

    token: str = "xoxb-sandbox-slack-token"
    webhook_path: str = WEBHOOK_PATH
    #: Channel name to id.
    channels: dict[str, str] = field(
        default_factory=lambda: {"#alerts": "C0SANDBOX1", "#deployments": "C0SANDBOX2"}
    )
    messages: list[Message] = field(default_factory=list)
    clock: Callable[[], float] = time.time

    def post(self, channel: str, text: str, blocks: list[Json], thread_ts: str = "") -> Message:
        """Keeps a message and gives it a fresh ``ts``."""
        ts = f"{self.clock():.0f}.{len(self.messages) + 1:06d}"
        message = Message(channel, ts, text, blocks, thread_ts)
        self.messages.append(message)
        return message


def create_app(slack: Slack, faults: Faults | None = None) -> ASGIApp:
    """The service over one workspace."""
    api = _Api(slack)
    app = Starlette(
        routes=[
            Route("/services/{rest:path}", api.webhook, methods=["POST"]),
            Route("/api/auth.test", api.auth_test, methods=["POST", "GET"]),
            Route("/api/chat.postMessage", api.post_message, methods=["POST"]),
            Route("/api/chat.update", api.update, methods=["POST"]),
        ]
    )
    return WithFaults(app, "slack", faults or Faults())


def _failed(error: str, *details: str) -> Response:
    body: dict[str, Json] = {"ok": False, "error": error}
    if details:
        body |= {"errors": list(details), "response_metadata": {"messages": list(details)}}
    return reply(body)


class _Api:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    async def webhook(self, request: Request) -> Response:
        if request.url.path != self._slack.webhook_path:
            return PlainTextResponse("no_service", 404)
        try:
            body = await _arguments(request)
        except orjson.JSONDecodeError:
            return PlainTextResponse("invalid_payload", 400)
        problem = _problem(body)
        if problem:
            return PlainTextResponse(problem[0], 400)
        self._slack.post("#alerts", str(body.get("text", "")), _blocks(body))
        return PlainTextResponse("ok")

    def _stranger(self, request: Request, body: dict[str, Json]) -> Response | None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        token = given or str(body.get("token", ""))
        if not token:
            return _failed("not_authed")
        return None if token == self._slack.token else _failed("invalid_auth")

    def _channel(self, wanted: str) -> str | None:
        known = self._slack.channels
        by_name = known.get(wanted) or known.get(f"#{wanted}")
        return by_name or (wanted if wanted in known.values() else None)

    async def auth_test(self, request: Request) -> Response:
        refused = self._stranger(request, await _arguments(request))
        team: Json = {"ok": True, "team": "Sandbox", "user": "kfix", "team_id": "T0SANDBOX"}
        return refused or reply(team)

    async def post_message(self, request: Request) -> Response:
        body = await _arguments(request)
        if refused := self._stranger(request, body):
            return refused
        channel = self._channel(str(body.get("channel", "")))
        if channel is None:
            return _failed("channel_not_found")
        if problem := _problem(body):
            return _failed(*problem)
        thread = str(body.get("thread_ts") or "")
        message = self._slack.post(channel, str(body.get("text", "")), _blocks(body), thread)
        shown: Json = {"type": "message", "text": message.text, "ts": message.ts, "user": "U0KFIX"}
        return reply({"ok": True, "channel": channel, "ts": message.ts, "message": shown})

    async def update(self, request: Request) -> Response:
        body = await _arguments(request)
        if refused := self._stranger(request, body):
            return refused
        key = (str(body.get("channel", "")), str(body.get("ts", "")))
        kept = self._slack.messages
        at = next((n for n, m in enumerate(kept) if (m.channel, m.ts) == key), None)
        if at is None:
            return _failed("message_not_found")
        if problem := _problem(body):
            return _failed(*problem)
        kept[at] = Message(*key, str(body.get("text", "")), _blocks(body), kept[at].thread_ts)
        return reply({"ok": True, "channel": key[0], "ts": key[1], "text": kept[at].text})


async def _arguments(request: Request) -> dict[str, Json]:
    """JSON, or a form whose ``payload`` or ``blocks`` is JSON. Raises orjson.JSONDecodeError."""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form: dict[str, Json] = {key: str(value) for key, value in (await request.form()).items()}
        if "payload" in form:
            return _object(orjson.loads(str(form["payload"])))
        if "blocks" in form:
            form["blocks"] = orjson.loads(str(form["blocks"]))
        return form
    raw = await request.body()
    return _object(orjson.loads(raw)) if raw else {}


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise orjson.JSONDecodeError("no object", "", 0)
    return value


def _blocks(body: dict[str, Json]) -> list[Json]:
    blocks = body.get("blocks")
    return blocks if isinstance(blocks, list) else []


def _problem(body: dict[str, Json]) -> list[str]:
    """Slack's error word and its details; empty when the message is good."""
    text, blocks = body.get("text"), body.get("blocks")
    if not text and not blocks:
        return ["no_text"]
    if len(str(text or "")) > 40_000:
        return ["msg_too_long"]
    if blocks is not None and (found := block_kit.flaws(blocks)):
        return ["invalid_blocks", *found]
    return []
