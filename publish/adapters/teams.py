"""Teams: an Adaptive Card to a Workflows webhook, or a MessageCard through pymsteams to a legacy connector."""

from __future__ import annotations

import asyncio
from typing import Literal

from kfix.infra.clients.boundary import guarded
from kfix.infra.clients.egress import Egress
from kfix.infra.clients.http import Http
from kfix.infra.clients.retries import THRICE, retrying_sync
from publish.core import teams
from publish.core.notice import Notice
from schemas import errors
from schemas.merge_requests import Notification


@guarded("Teams")
class WorkflowsChat:
    """A Workflows webhook. It answers 202 with nothing, which says the flow was started and no more."""

    channel: Literal["slack", "teams"] = "teams"

    def __init__(self, http: Http, query: dict[str, str]) -> None:
        self._http = http
        self._query = query

    async def tell(self, notice: Notice) -> Notification:
        """Sends one message; throttles and failures are tried again by the client."""
        await self._http.request(
            "POST", "", params=self._query, json=teams.message(notice), repeatable=True
        )
        return Notification(channel="teams")


@guarded("Teams")
class ConnectorChat:
    """A legacy connector, through pymsteams, whose blocking client runs in a thread."""

    channel: Literal["slack", "teams"] = "teams"

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._egress = Egress.to([url.partition("?")[0]])

    async def tell(self, notice: Notice) -> Notification:
        """Sends one message, up to three times."""
        await asyncio.to_thread(retrying_sync, lambda: self._send(notice), THRICE)
        return Notification(channel="teams")

    def _send(self, notice: Notice) -> None:
        import pymsteams
        import requests

        self._egress.check_url(self._url)
        card = pymsteams.connectorcard(self._url, http_timeout=self._timeout_s)
        card.payload = teams.legacy(notice)
        try:
            card.send()
        except pymsteams.TeamsWebhookException as error:
            raise errors.Unavailable(f"Teams: {str(error)[:100]}") from error
        except requests.Timeout as error:
            raise errors.TimedOut("Teams did not answer in time") from error
        except requests.RequestException as error:
            raise errors.Unavailable(f"Teams: {type(error).__name__}") from error
