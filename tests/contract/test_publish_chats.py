"""The other ways to tell people: Slack's incoming webhook, a legacy Teams connector, and what their refusals mean."""

from __future__ import annotations

import pytest

from kfix.infra.clients.aiohttp import open_session
from kfix.infra.clients.http import open_http
from publish.adapters.slack import SlackChat
from publish.adapters.teams import ConnectorChat, WorkflowsChat
from publish.core.notice import Notice, notice_of
from sandbox import slack as sandbox_slack
from sandbox import teams as sandbox_teams
from sandbox.faults import Fault, Faults
from sandbox.serving import serve
from schemas import errors
from tests.support import publish as sample


def notice() -> Notice:
    record = sample.record()
    return notice_of(
        record,
        record.plans[0],
        kind="opened",
        language="fr",
        mr_url="https://gitlab.example.com/g/p/-/merge_requests/1",
        console_url="https://kfix.example.com",
    )


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
