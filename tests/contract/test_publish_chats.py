"""The other ways to tell people: Slack's incoming webhook, a legacy Teams connector, and what their refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest

from kfix.incident.judgement_links import PATH, LinkKeys, LinkVerdict
from kfix.infra.clients.aiohttp import open_session
from kfix.infra.clients.http import open_http
from publish.adapters.slack import SlackChat
from publish.adapters.teams import ConnectorChat, WorkflowsChat
from publish.core import slack as slack_form
from publish.core import teams as teams_form
from publish.core.notice import NO_LINKS, Notice, notice_of
from sandbox import slack as sandbox_slack
from sandbox import teams as sandbox_teams
from sandbox.faults import Fault, Faults
from sandbox.serving import serve
from schemas import errors
from tests.support import publish as sample

LINKS = LinkKeys((b"k" * 32,)).links("inc-1", "https://kfix.example.com", sample.NOW)


def notice(judge: Mapping[LinkVerdict, str] = NO_LINKS) -> Notice:
    record = sample.record()
    return notice_of(
        record,
        record.plans[0],
        kind="opened",
        language="fr",
        mr_url="https://gitlab.example.com/g/p/-/merge_requests/1",
        console_url="https://kfix.example.com",
        judge=judge,
    )


def addresses(shown: Any) -> list[str]:
    """Every address that a message's buttons lead to."""
    if isinstance(shown, dict):
        own = [shown["url"]] if isinstance(shown.get("url"), str) else []
        return own + [url for value in shown.values() for url in addresses(value)]
    return [url for value in shown for url in addresses(value)] if isinstance(shown, list) else []


async def test_every_chat_has_a_button_for_each_judgement_and_no_chat_follows_one() -> None:
    from slack_sdk.webhook.async_client import AsyncWebhookClient

    slack, teams = sandbox_slack.Slack(), sandbox_teams.Teams()
    async with (
        serve(sandbox_slack.create_app(slack)) as url,
        open_session([url]) as session,
    ):
        client = AsyncWebhookClient(url + slack.webhook_path, session=session)
        assert (await SlackChat(client).tell(notice(LINKS))).sent
    base, _, query = teams.workflow_path.partition("?")
    async with serve(sandbox_teams.create_app(teams)) as url, open_http(url + base) as http:
        assert (await WorkflowsChat(http, dict(parse_qsl(query))).tell(notice(LINKS))).sent
        assert (await ConnectorChat(url + teams.legacy_path, 3.0).tell(notice(LINKS))).sent
    assert set(LINKS.values()) < set(addresses(slack.messages[0].blocks))
    assert set(LINKS.values()) < set(addresses(teams.cards[0]))
    legacy = str(teams.legacy_cards[0]["text"])
    assert all(f"]({link})" in legacy for link in LINKS.values())
    assert "Était-ce juste ?" in legacy
    assert "Mauvaise cause" in str(slack.messages[0].blocks)


def test_without_a_key_a_message_asks_nothing() -> None:
    for shown in (slack_form.blocks(notice()), teams_form.message(notice())):
        assert "juste" not in str(shown)
        assert PATH not in str(shown)


async def test_an_incoming_webhook_takes_the_blocks_and_a_throttle_is_waited_out() -> None:
    from slack_sdk.webhook.async_client import AsyncWebhookClient

    slack, faults = sandbox_slack.Slack(), Faults()
    faults.switch_on(Fault("slack", "rate_limited", seconds=0.1, times=1))
    async with (
        serve(sandbox_slack.create_app(slack, faults)) as url,
        open_session([url]) as session,
    ):
        chat = SlackChat(AsyncWebhookClient(url + slack.webhook_path, session=session))
        done = await chat.tell(notice())
    assert done.sent
    assert len(slack.messages) == 1
    assert "solution proposée" in str(slack.messages[0].blocks)


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, errors.Unauthorized), (400, errors.Rejected), (503, errors.Unavailable)],
)
async def test_a_webhooks_refusal_has_a_type(status: int, error: type[errors.KFixError]) -> None:
    from slack_sdk.webhook.async_client import AsyncWebhookClient

    slack, faults = sandbox_slack.Slack(), Faults()
    faults.switch_on(Fault("slack", "error", status=status))
    async with (
        serve(sandbox_slack.create_app(slack, faults)) as url,
        open_session([url]) as session,
    ):
        chat = SlackChat(AsyncWebhookClient(url + slack.webhook_path, session=session))
        with pytest.raises(error):
            await chat.tell(notice())
    assert slack.messages == []


async def test_an_unknown_slack_channel_is_final() -> None:
    from slack_sdk.web.async_client import AsyncWebClient

    slack = sandbox_slack.Slack()
    async with serve(sandbox_slack.create_app(slack)) as url, open_session([url]) as session:
        client = AsyncWebClient(slack.token, base_url=f"{url}/api/", session=session)
        with pytest.raises(errors.Rejected, match="channel_not_found"):
            await SlackChat(client, "#nowhere").tell(notice())


async def test_a_legacy_connector_takes_a_card_through_pymsteams() -> None:
    teams = sandbox_teams.Teams()
    async with serve(sandbox_teams.create_app(teams)) as url:
        assert (await ConnectorChat(url + teams.legacy_path, 3.0).tell(notice())).sent
    assert teams.legacy_cards[0]["@type"] == "MessageCard"


async def test_a_wrong_signature_of_a_workflow_needs_a_person() -> None:
    teams = sandbox_teams.Teams()
    base, _, _ = teams.workflow_path.partition("?")
    async with serve(sandbox_teams.create_app(teams)) as url, open_http(url + base) as http:
        with pytest.raises(errors.Unauthorized):
            await WorkflowsChat(http, {"sig": "wrong"}).tell(notice())
    assert teams.cards == []
