"""Messages fit what Slack and Teams take, whatever the length, language and characters of their texts; none acts there."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.core import inert, slack, teams
from publish.core.notice import Notice, NoticeKind, notice_of
from publish.core.wording import Language, word
from sandbox import adaptive_cards, block_kit
from tests.support import publish as sample
from tests.support.publish_hostile import ATTACKS, poisoned

#: Texts that grow when they are made inert or encoded.
FILLERS = {
    "French": "La mémoire est dépassée à chaque démarrage ; la réserve était trop basse. ",
    "English": "The container is killed at its memory limit on each start. ",
    "stars": "*",
    "brackets": "[a](b) {c} ",
    "escapes": "<&>",
    "Chinese": "内存超出限制",
    "emoji": "🚨",
    "quotes": '"\\',
    "one word": "x",
}
URL = "https://gitlab.example.com/g/p/-/merge_requests/1"


def notice(text: str, language: Language = "en", kind: NoticeKind = "opened") -> Notice:
    record = poisoned(text)
    return notice_of(
        record,
        record.plans[0],
        kind=kind,
        language=language,
        mr_url=URL,
        console_url="https://kfix.example.com",
        explanation=text,
    )


def encodings(body: object) -> list[bytes]:
    """A body as clients put it on the wire: httpx for the workflow, requests for the connector."""
    return [
        httpx.Request("POST", "https://x", json=body).content,
        json.dumps(body).encode(),
        json.dumps(body, ensure_ascii=False).encode(),
    ]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("length", [0, 100, 1200, 100_000])
@pytest.mark.parametrize("filler", FILLERS)
def test_a_card_is_never_longer_than_teams_takes(
    filler: str, length: int, language: Language
) -> None:
    text = (FILLERS[filler] * (length // len(FILLERS[filler]) + 1))[:length]
    told = notice(text, language)
    for body in (teams.message(told), teams.legacy(told)):
        assert max(map(len, encodings(body))) <= 28 * 1024
    assert adaptive_cards.envelope_flaws(teams.message(told)) == []


@pytest.mark.parametrize("filler", FILLERS)
def test_what_was_cut_is_said_and_the_links_stay(filler: str) -> None:
    told = notice(FILLERS[filler] * 5_000, "fr")
    content = teams.message(told)["attachments"][0]["content"]
    assert content["body"][-1]["text"] == word("shortened", "fr")
    assert content["actions"][0]["url"] == URL
    assert content["body"][0]["text"] == inert.card(told.head)


def test_a_card_with_short_texts_is_whole() -> None:
    text = "The container is killed at its memory limit."
    shown = json.dumps(teams.message(notice(text)))
    assert shown.count(text) >= 3
    assert word("shortened", "en") not in shown


@settings(max_examples=150)
@given(st.text(max_size=4_000), st.sampled_from(sorted(FILLERS.values())))
def test_any_text_fits_both(text: str, filler: str) -> None:
    told = notice(text + filler * 400)
    assert max(map(len, encodings(teams.message(told)))) <= 28 * 1024
    assert block_kit.flaws(slack.blocks(told)) == []


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("filler", FILLERS)
def test_slack_gets_no_text_longer_than_it_takes_and_no_torn_escape(
    filler: str, language: Language
) -> None:
    told = notice(FILLERS[filler] * 5_000, language)
    blocks = slack.blocks(told)
    assert block_kit.flaws(blocks) == []
    texts = re.findall(r'"text": "((?:[^"\\]|\\.)*)"', json.dumps(blocks))
    assert texts
    for text in map(json.loads, (f'"{found}"' for found in texts)):
        assert len(text.encode("utf-16-le")) // 2 <= 3000
        assert not re.search(r"&(?!amp;|lt;|gt;)", text)


def test_slack_takes_more_paragraphs_facts_and_links_than_there_are() -> None:
    many = tuple((f"name {n}", "text") for n in range(200))
    links = tuple((f"link {n}", URL) for n in range(200))
    told = Notice("opened", "head", many, many, links, shortened="cut")
    assert block_kit.flaws(slack.blocks(told)) == []
    assert adaptive_cards.envelope_flaws(teams.message(told)) == []
    assert max(map(len, encodings(teams.message(told)))) <= 28 * 1024


SLACK = {
    "channel": "<!channel>",
    "here": "<!here|here>",
    "user": "<@U024BE7LH>",
    "room": "<#C024BE7LR|x>",
    "group": "<!subteam^S1>",
    "date": "<!date^1392734382^{date}|x>",
    "link": "<https://e.example|x>",
    "mail": "<mailto:a@e.example|x>",
    "address": "https://e.example",
    "emoji": ":tada:",
    "bold": "*x*",
    "italic": "_x_",
    "strike": "~x~",
    "code": "`x`",
    "block": "```x```",
    "escaped": "&lt;!channel&gt;",
    "at": "@here",
}
TEAMS = {
    "mention": "<at>Ada</at>",
    "link": "[x](https://e.example)",
    "image": "![x](https://e.example/x.png)",
    "address": "https://e.example",
    "www": "www.e.example",
    "bold": "**x**",
    "italic": "_x_",
    "strike": "~~x~~",
    "date": "{{DATE(2026-01-01T00:00:00Z, SHORT)}}",
    "time": "{{TIME(2026-01-01T00:00:00Z)}}",
    "template": "${title}",
    "list": "- x",
    "numbers": "1. x",
    "heading": "# x",
    "element": "<b>x</b>",
    "escape": "\\[x](https://e.example)",
}
#: What each of the two acts on, in what is sent.
SLACK_ACTS = re.compile(r"<|(?<![\w\u2060])[*_~`]\S|:[a-z0-9_+-]+:|\w:/|@\w|^>")
TEAMS_ACTS = re.compile(
    r"<\w|</|\]\(|\w:/|www\.\w|\*\*?\w|(?<!\w)_\w|~~|\{\{|\$\{|^- |^\d+\. |^# |@\w"
)


@pytest.mark.parametrize("name", SLACK)
def test_slack_acts_on_nothing_in_outside_text(name: str) -> None:
    assert SLACK_ACTS.search(SLACK[name]) or name == "escaped"
    assert not SLACK_ACTS.search(inert.mrkdwn(SLACK[name]))


def test_slack_is_shown_an_escape_as_it_was_written() -> None:
    assert inert.mrkdwn("&lt;!channel&gt;") == "&amp;lt;!channel&amp;gt;"


@pytest.mark.parametrize("name", TEAMS)
def test_teams_acts_on_nothing_in_outside_text(name: str) -> None:
    assert TEAMS_ACTS.search(TEAMS[name])
    assert not TEAMS_ACTS.search(inert.card(TEAMS[name]))


@pytest.mark.parametrize("text", [*ATTACKS, *SLACK.values(), *TEAMS.values()])
def test_people_can_read_what_it_said_in_a_chat(text: str) -> None:
    read = inert.card(text).replace(inert.BREAK, "")
    assert read == inert.clean(text)
    unescaped = inert.mrkdwn(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert unescaped.replace(inert.BREAK, "") == inert.clean(text)


def test_the_sample_is_told_in_less_than_a_fifth_of_what_is_allowed() -> None:
    record = sample.record()
    told = notice_of(
        record,
        record.plans[0],
        kind="opened",
        language="en",
        mr_url=URL,
        console_url="https://kfix.example.com",
    )
    assert teams.size(teams.message(told)) < teams.MAX_BYTES / 5
