"""The webhooks integration: webhooks and custom variables, created, read, changed and deleted over v1."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.datadog import views
from sandbox.datadog.state import CustomVariable, Datadog, Webhook
from sandbox.serving import json_body, reply
from schemas.base import Json

Endpoint = Callable[[Request], Awaitable[Response]]
_ROOT = "/api/v1/integration/webhooks/configuration"


class Guard(Protocol):
    """Puts keys, limits and error bodies around an endpoint."""

    def __call__(self, call: Endpoint, name: str) -> Endpoint: ...


class Integration:
    """The endpoints over one organisation's state."""

    def __init__(self, datadog: Datadog, guarded: Guard) -> None:
        self._dd = datadog
        self._guarded = guarded

    def routes(self) -> list[Route]:
        """All paths."""
        table: tuple[tuple[str, str, Endpoint], ...] = (
            ("POST", "/webhooks", self._create),
            ("GET", "/webhooks/{name}", self._get),
            ("PUT", "/webhooks/{name}", self._update),
            ("DELETE", "/webhooks/{name}", self._delete),
            ("POST", "/custom-variables", self._create_variable),
            ("GET", "/custom-variables/{name}", self._get_variable),
            ("PUT", "/custom-variables/{name}", self._update_variable),
            ("DELETE", "/custom-variables/{name}", self._delete_variable),
        )
        return [
            Route(_ROOT + path, self._guarded(call, "integration"), methods=[method])
            for method, path, call in table
        ]

    async def _create(self, request: Request) -> Response:
        body = await json_body(request)
        name = str(body["name"])
        if name in self._dd.webhooks:
            return reply({"errors": [f"Webhook {name} already exists"]}, 400)
        self._dd.webhooks[name] = _checked(Webhook(name, str(body["url"])), body)
        return reply(views.webhook(self._dd.webhooks[name]), 201)

    async def _get(self, request: Request) -> Response:
        hook = self._dd.webhooks.get(request.path_params["name"])
        return _not_found() if hook is None else reply(views.webhook(hook))

    async def _update(self, request: Request) -> Response:
        old = self._dd.webhooks.get(request.path_params["name"])
        if old is None:
            return _not_found()
        body = await json_body(request)
        before: dict[str, Json] = {
            "url": old.url,
            "payload": old.payload,
            "custom_headers": old.custom_headers,
            "encode_as": old.encode_as,
        }
        name = str(body.get("name", old.name))
        changed = _checked(Webhook(name, str(body.get("url", old.url))), before | body)
        del self._dd.webhooks[old.name]
        self._dd.webhooks[name] = changed
        return reply(views.webhook(changed))

    async def _delete(self, request: Request) -> Response:
        hook = self._dd.webhooks.pop(request.path_params["name"], None)
        return _not_found() if hook is None else Response(status_code=200)

    async def _create_variable(self, request: Request) -> Response:
        body = await json_body(request)
        name = str(body["name"])
        if not name.replace("_", "").isalnum() or name != name.upper():
            return reply({"errors": ["Custom variable names are upper case"]}, 400)
        if name in self._dd.variables:
            return reply({"errors": [f"Custom variable {name} already exists"]}, 400)
        made = CustomVariable(name, str(body["value"]), bool(body["is_secret"]))
        self._dd.variables[name] = made
        return reply(_variable(made), 201)

    async def _get_variable(self, request: Request) -> Response:
        found = self._dd.variables.get(request.path_params["name"])
        return _not_found() if found is None else reply(_variable(found))

    async def _update_variable(self, request: Request) -> Response:
        old = self._dd.variables.get(request.path_params["name"])
        if old is None:
            return _not_found()
        body = await json_body(request)
        made = CustomVariable(
            str(body.get("name", old.name)),
            str(body.get("value", old.value)),
            bool(body.get("is_secret", old.is_secret)),
        )
        del self._dd.variables[old.name]
        self._dd.variables[made.name] = made
        return reply(_variable(made))

    async def _delete_variable(self, request: Request) -> Response:
        found = self._dd.variables.pop(request.path_params["name"], None)
        return _not_found() if found is None else Response(status_code=200)


def _not_found() -> Response:
    return reply({"errors": ["Not found"]}, 404)


def _variable(variable: CustomVariable) -> Json:
    shown: dict[str, Json] = {"name": variable.name, "is_secret": variable.is_secret}
    if not variable.is_secret:
        shown["value"] = variable.value
    return shown


def _checked(hook: Webhook, body: dict[str, Json]) -> Webhook:
    """Fills the optional fields. Raises ValueError for what the tile refuses."""
    headers = body.get("custom_headers")
    if headers is not None and not isinstance(json.loads(str(headers)), dict):
        raise ValueError("custom_headers is no JSON object")
    encoding = body.get("encode_as", "json")
    if encoding not in ("json", "form"):
        raise ValueError("encode_as is json or form")
    if not hook.url.startswith(("http://", "https://")):
        raise ValueError("url is no address")
    hook.custom_headers = None if headers is None else str(headers)
    hook.payload = None if body.get("payload") is None else str(body["payload"])
    hook.encode_as = "form" if encoding == "form" else "json"
    return hook
