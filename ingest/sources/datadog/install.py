"""Installs K-Fix's webhook in Datadog through the official client; the same call updates it.

API: https://docs.datadoghq.com/api/latest/webhooks-integration/.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from kfix.infra.clients.egress import Egress
from kfix.infra.clients.http import failure_of
from kfix.infra.settings import DatadogConnection
from schemas import errors


@dataclass(frozen=True, slots=True)
class Installation:
    """What the webhook has to look like. ``token`` goes into the custom header ``header``."""

    name: str
    url: str
    header: str
    token: str


def template() -> str:
    """The payload template that ships with K-Fix."""
    return files("ingest.sources.datadog").joinpath("webhook.json").read_text("utf-8")


def install(connection: DatadogConnection, wanted: Installation) -> Literal["created", "updated"]:
    """Creates the webhook, or makes the existing one of that name what it should be. Blocks.

    An update is sent whatever is there: Datadog does not show custom headers back, so an old token cannot be seen.
    Raises from ``schemas.errors``.
    """
    from datadog_api_client.v1.model.webhooks_integration import WebhooksIntegration
    from datadog_api_client.v1.model.webhooks_integration_encoding import (
        WebhooksIntegrationEncoding,
    )
    from datadog_api_client.v1.model.webhooks_integration_update_request import (
        WebhooksIntegrationUpdateRequest,
    )

    body: dict[str, Any] = {
        "name": wanted.name,
        "url": wanted.url,
        "payload": template(),
        "custom_headers": json.dumps({wanted.header: wanted.token}),
        "encode_as": WebhooksIntegrationEncoding.JSON,
    }
    with _client(connection) as client:
        api = _api(client)
        try:
            _call(api.get_webhooks_integration, wanted.name)
        except errors.NotFound:
            try:
                _call(api.create_webhooks_integration, WebhooksIntegration(**body))
            except errors.Moved:
                pass  # somebody else made it just now: fall through to the update
            else:
                return "created"
        update = WebhooksIntegrationUpdateRequest(**body)
        _call(api.update_webhooks_integration, wanted.name, update)
        return "updated"


def _client(connection: DatadogConnection) -> Any:
    from datadog_api_client import ApiClient, Configuration

    if not (connection.url or connection.site):
        raise errors.Unauthorized("no Datadog configured: set KFIX_DATADOG_SITE", reason="no_site")
    host = connection.url or f"https://api.{connection.site}"
    Egress.to((host,))  # the address must be one that may be called
    configuration = Configuration(  # type: ignore[no-untyped-call]
        host=host, request_timeout=connection.timeout_s
    )
    configuration.api_key["apiKeyAuth"] = connection.api_key.get_secret_value()
    configuration.api_key["appKeyAuth"] = connection.app_key.get_secret_value()
    return ApiClient(configuration)


def _api(client: Any) -> Any:
    from datadog_api_client.v1.api.webhooks_integration_api import WebhooksIntegrationApi

    return WebhooksIntegrationApi(client)  # type: ignore[no-untyped-call]


def _call(call: Any, *arguments: Any) -> Any:
    from datadog_api_client.exceptions import ApiException
    from urllib3.exceptions import HTTPError
    from urllib3.exceptions import TimeoutError as TimedOut

    try:
        return call(*arguments)
    except ApiException as error:
        body = str(error.body or "").encode()
        raise failure_of(error.status or 500, error.headers or {}, body) or errors.Defect(
            str(error)
        ) from error
    except TimedOut as error:
        raise errors.TimedOut(str(error)) from error
    except (HTTPError, OSError) as error:
        raise errors.Unavailable(str(error)) from error
