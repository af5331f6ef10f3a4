"""Settings to adapters: what publish runs on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from kfix.infra.clients import prometheus
from kfix.infra.clients.aiohttp import open_session
from kfix.infra.clients.http import Bounds, open_http
from kfix.infra.clients.stage_renderers import opened
from kfix.infra.clusters import fleet
from kfix.infra.forges.opening import open_forge
from kfix.infra.settings import AppSettings, DatadogConnection, JudgementLinks, Retention, load
from kfix.infra.store.engine import open_store
from publish.adapters.slack import SlackChat
from publish.adapters.sql import SqlPublishLedger
from publish.adapters.teams import ConnectorChat, WorkflowsChat
from publish.core.decision import Limits
from publish.ports import ChatChannel, PublishPorts
from publish.settings import Publish


@asynccontextmanager
async def open_ports() -> AsyncIterator[PublishPorts]:
    """Opens what the settings name and closes it again."""
    app, settings = load(AppSettings), load(Publish)
    _outlasted(settings, load(Retention))
    async with AsyncExitStack() as stack:
        engine = await asyncio.to_thread(open_store, app.database_url.get_secret_value())
        stack.callback(engine.dispose)
        forge = await stack.enter_async_context(open_forge())
        yield PublishPorts(
            forge=forge,
            chats=tuple(await _chats(settings, stack)),
            ledger=SqlPublishLedger(engine),
            settings=settings,
            limits=limits_of(settings, observe=app.mode == "observe"),
            language=app.language,
            console_url=app.console_url,
            hosts=hosts_of(
                app,
                forge.url if forge else "",
                load(DatadogConnection),
                load(prometheus.PrometheusConnection),
            ),
            renderer=opened(),
            now=lambda: datetime.now(UTC),
            fleet=fleet(),
            protected=app.protected_environments,
            links=load(JudgementLinks).keys(),
        )


def _outlasted(settings: Publish, retention: Retention) -> None:
    """Raises BadSettings when a merge request would be forgotten before it stops to count."""
    retention.outlasts(settings.remember_closed_s / 86_400, "KFIX_PUBLISH_REMEMBER_CLOSED_S")
    retention.outlasts(settings.snooze_at_most_s / 86_400, "KFIX_PUBLISH_SNOOZE_AT_MOST_S")


def hosts_of(
    app: AppSettings,
    forge_url: str,
    datadog: DatadogConnection,
    series: prometheus.PrometheusConnection,
) -> frozenset[str]:
    """The hosts of configured services that people open in a browser."""
    site = f"https://app.{datadog.site}" if datadog.site else ""
    pages = (datadog.app_url, datadog.url, site, prometheus.app_url(series))
    urls = (app.console_url, forge_url, *pages)
    return frozenset(urlsplit(url).netloc.lower() for url in urls if url)


def limits_of(settings: Publish, *, observe: bool) -> Limits:
    """The policy that the settings say."""
    return Limits(
        note_every=timedelta(seconds=settings.note_every_s),
        remember_closed=timedelta(seconds=settings.remember_closed_s),
        open_per_project=settings.open_per_project,
        opened_per_hour=settings.opened_per_hour,
        breaker=settings.breaker,
        observe=observe,
    )


async def _chats(settings: Publish, stack: AsyncExitStack) -> list[ChatChannel]:
    chats: list[ChatChannel] = []
    bounds = Bounds(timeout_s=settings.chat_timeout_s, total_s=settings.chat_timeout_s)
    slack = await _slack(settings, bounds, stack)
    if slack is not None:
        chats.append(slack)
    workflow = settings.teams_url.get_secret_value()
    connector = settings.teams_legacy_url.get_secret_value()
    if workflow:
        parts = urlsplit(workflow)
        base = parts._replace(query="", fragment="").geturl()
        http = await stack.enter_async_context(open_http(base, bounds=bounds))
        chats.append(WorkflowsChat(http, dict(parse_qsl(parts.query))))
    elif connector:
        chats.append(ConnectorChat(connector, settings.chat_timeout_s))
    return chats


async def _slack(settings: Publish, bounds: Bounds, stack: AsyncExitStack) -> SlackChat | None:
    token, hook = (
        settings.slack_token.get_secret_value(),
        settings.slack_webhook_url.get_secret_value(),
    )
    if token and settings.slack_channel:
        from slack_sdk.web.async_client import AsyncWebClient

        session = await stack.enter_async_context(open_session([settings.slack_api_url], bounds))
        client = AsyncWebClient(token, base_url=settings.slack_api_url, session=session)
        return SlackChat(client, settings.slack_channel)
    if hook:
        from slack_sdk.webhook.async_client import AsyncWebhookClient

        session = await stack.enter_async_context(open_session([hook], bounds))
        return SlackChat(AsyncWebhookClient(hook, session=session))
    return None
