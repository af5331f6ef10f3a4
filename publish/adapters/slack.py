"""Slack through slack-sdk: a bot token with a channel where there is one, else an incoming webhook."""

from __future__ import annotations

import re
from typing import Any, Literal

import aiohttp

from kfix.infra.clients.boundary import guarded, same
from kfix.infra.clients.retries import THRICE, retrying
from publish.core import slack
from publish.core.notice import Notice
from schemas import errors
from schemas.merge_requests import Notification

#: A conversation's id: Slack's answer names a channel by its id, whatever name it was called by.
_ID = re.compile(r"[CDG][A-Z0-9]{8,}")


@guarded("Slack")
class SlackChat:
    """One channel. ``client`` is an ``AsyncWebClient`` (then ``channel_name`` is needed) or ``AsyncWebhookClient``."""

    channel: Literal["slack", "teams"] = "slack"

    def __init__(self, client: Any, channel_name: str = "") -> None:
        self._client = client
        self._channel_name = channel_name

    async def tell(self, notice: Notice) -> Notification:
        """Sends one message; a refusal is final, a throttle or failure is tried three times."""
        send = self._post if self._channel_name else self._hook
        return await retrying(lambda: _typed(send, notice), THRICE)

    async def _post(self, notice: Notice) -> Notification:
        done = await self._client.chat_postMessage(
            channel=self._channel_name, text=slack.summary(notice), blocks=slack.blocks(notice)
        )
        if _ID.fullmatch(self._channel_name):
            same("Slack", {"channel": self._channel_name}, {"channel": done["channel"]})
        return Notification(
            channel="slack", target=str(done["channel"]), message_id=str(done["ts"])
        )

    async def _hook(self, notice: Notice) -> Notification:
        done = await self._client.send(text=slack.summary(notice), blocks=slack.blocks(notice))
        _check(done.status_code, done.headers, str(done.body))
        return Notification(channel="slack")


async def _typed(send: Any, notice: Notice) -> Notification:
    from slack_sdk.errors import SlackApiError

    try:
        result: Notification = await send(notice)
    except SlackApiError as error:
        _check(error.response.status_code, error.response.headers, str(error.response.get("error")))
        raise errors.Rejected(f"Slack: {error.response.get('error')}") from error
    except TimeoutError as error:
        raise errors.TimedOut("Slack did not answer in time") from error
    except aiohttp.ClientError as error:
        raise errors.Unavailable(f"Slack: {type(error).__name__}") from error
    return result


def _check(status: int, headers: Any, body: str) -> None:
    if status == 429:
        wait = str({k.lower(): v for k, v in dict(headers).items()}.get("retry-after", ""))
        raise errors.RateLimited(
            "Slack: 429", retry_after_s=float(wait) if wait.isdigit() else None
        )
    if status >= 500:
        raise errors.Unavailable(f"Slack: HTTP {status}")
    if status in (401, 403, 404):
        raise errors.Unauthorized(f"Slack: HTTP {status} {body[:100]}")
    if status != 200:
        raise errors.Rejected(f"Slack: HTTP {status} {body[:100]}")
