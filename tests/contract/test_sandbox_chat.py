"""slack-sdk, pymsteams and httpx drive the sandbox's Slack and Teams."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pymsteams
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.models.blocks import Block
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from sandbox import adaptive_cards, block_kit, slack, teams
from sandbox.faults import Fault, Faults
from sandbox.serving import serve

BLOCKS: list[dict[str, Any]] = [
    {"type": "header", "text": {"type": "plain_text", "text": "K-Fix"}},
    {
        "type": "section",
        "text": {"type": "mrkdwn", "text": "*hello*"},
        "fields": [{"type": "mrkdwn", "text": "a"}, {"type": "mrkdwn", "text": "b"}],
    },
    {"type": "divider"},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}]},
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "text": {"type": "plain_text", "text": "Open"},
                "url": "https://gitlab.test/1",
                "action_id": "open",
            }
        ],
    },
]


def card(**more: Any) -> dict[str, Any]:
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": "hello", "wrap": True},
            {"type": "FactSet", "facts": [{"title": "a", "value": "b"}]},
        ],
        "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": "https://gitlab.test/1"}],
        **more,
    }
    return {
        "type": "message",
        "attachments": [
            {"contentType": adaptive_cards.CARD_TYPE, "contentUrl": None, "content": content}
        ],
    }


def test_what_slacks_own_models_write_is_accepted() -> None:
    assert block_kit.flaws(BLOCKS) == []
    assert [Block.parse(b).to_dict() for b in BLOCKS] == BLOCKS  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "section", "text": "a bare string"},
        {"type": "section"},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}},
        {"type": "header", "text": {"type": "mrkdwn", "text": "no"}},
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
        {"type": "button", "text": {"type": "plain_text", "text": "loose"}},
        {"type": "actions", "elements": [{"type": "button", "text": "Open"}]},
        {"type": "divider", "colour": "red"},
        {"type": "marquee"},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11},
    ],
)
def test_a_block_with_a_flaw_is_refused(block: dict[str, Any]) -> None:
    assert block_kit.flaws([block])


def test_fifty_one_blocks_are_too_many() -> None:
    assert block_kit.flaws([{"type": "divider"}] * 50) == []
    assert block_kit.flaws([{"type": "divider"}] * 51)


async def test_the_incoming_webhook_says_ok_or_what_is_wrong() -> None:
    state = slack.Slack()
    async with serve(slack.create_app(state)) as url:
        good = await AsyncWebhookClient(url + state.webhook_path).send(text="t", blocks=BLOCKS)
        bad = await AsyncWebhookClient(url + state.webhook_path).send(
            text="t", blocks=[{"type": "marquee"}]
        )
        lost = await AsyncWebhookClient(url + "/services/T/B/other").send(text="t")
    assert (good.status_code, good.body) == (200, "ok")
    assert (bad.status_code, bad.body) == (400, "invalid_blocks")
    assert lost.status_code == 404
    assert [m.blocks for m in state.messages] == [BLOCKS]


async def test_the_web_api_threads_updates_and_refuses() -> None:
    state = slack.Slack()
    async with serve(slack.create_app(state)) as url:
        client = AsyncWebClient(state.token, base_url=url + "/api/")
        first = await client.chat_postMessage(channel="#alerts", text="t", blocks=BLOCKS)
        await client.chat_postMessage(channel="#alerts", text="again", thread_ts=first["ts"])
        await client.chat_update(channel=first["channel"], ts=first["ts"], text="new")
        refusals = []
        for token, arguments in (
            ("xoxb-wrong", {"channel": "#alerts", "text": "t"}),
            (state.token, {"channel": "#nowhere", "text": "t"}),
            (state.token, {"channel": "#alerts", "text": "t", "blocks": [{"type": "marquee"}]}),
        ):
            with pytest.raises(SlackApiError) as refused:
                await AsyncWebClient(token, base_url=url + "/api/").chat_postMessage(**arguments)
            refusals.append(refused.value.response["error"])
    assert refusals == ["invalid_auth", "channel_not_found", "invalid_blocks"]
    assert [(m.text, m.thread_ts) for m in state.messages] == [("new", ""), ("again", first["ts"])]


async def test_throttling_is_waited_out() -> None:
    state, faults = slack.Slack(), Faults()
    faults.switch_on(Fault("slack", "rate_limited", seconds=1, times=1))
    async with serve(slack.create_app(state, faults)) as url:
        client = AsyncWebClient(state.token, base_url=url + "/api/")
        client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
        await client.chat_postMessage(channel="#alerts", text="t")
    assert faults.count("slack") == 2


async def test_the_workflow_takes_a_card_and_answers_202_with_nothing() -> None:
    state = teams.Teams()
    async with serve(teams.create_app(state)) as url, httpx.AsyncClient() as client:
        good = await client.post(url + state.workflow_path, json=card())
        strange = await client.post(url + state.workflow_path.replace("sig=", "sig=x"), json=card())
        big = await client.post(
            url + state.workflow_path,
            json=card(body=[{"type": "TextBlock", "text": "x" * 29_000}]),
        )
        bad = await client.post(url + state.workflow_path, json={"text": "old style"})
    assert (good.status_code, good.content) == (202, b"")
    assert [r.status_code for r in (strange, big, bad)] == [401, 413, 400]
    assert state.cards == [card()]


@pytest.mark.parametrize(
    "flawed",
    [
        {"version": "9.9"},
        {"body": []},
        {"body": [{"type": "Marquee"}]},
        {"body": [{"type": "TextBlock"}]},
        {"body": [{"type": "TextBlock", "text": "x", "colour": "red"}]},
        {"actions": [{"type": "Action.Submit", "title": "Approve"}]},
        {"actions": [{"type": "Action.OpenUrl", "title": "x", "url": "javascript:alert(1)"}]},
    ],
)
def test_a_card_with_a_flaw_is_refused(flawed: dict[str, Any]) -> None:
    assert adaptive_cards.envelope_flaws(card()) == []
    assert adaptive_cards.envelope_flaws(card(**flawed))


async def test_the_legacy_connector_answers_one() -> None:
    state = teams.Teams()
    async with serve(teams.create_app(state)) as url:
        message = pymsteams.connectorcard(url + state.legacy_path)
        message.text("hello")
        assert await asyncio.to_thread(message.send)
        empty = pymsteams.connectorcard(url + state.legacy_path)
        with pytest.raises(pymsteams.TeamsWebhookException):
            await asyncio.to_thread(empty.send)
    assert [c["text"] for c in state.legacy_cards] == ["hello"]


async def test_neither_way_takes_more_than_28_kilobytes() -> None:
    state = teams.Teams()
    long = {"type": "message", "text": "x" * 28 * 1024}
    async with serve(teams.create_app(state)) as url, httpx.AsyncClient() as client:
        assert (await client.post(url + state.workflow_path, json=long)).status_code == 413
        answer = await client.post(url + state.legacy_path, json=long)
        assert "413" in answer.text
    assert state.cards == state.legacy_cards == []
