"""Outside text can be read and can do nothing: in descriptions, titles, notes, Slack and Teams."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from hypothesis import given, settings

from kfix.incident.inert import fence
from kfix.infra.forges.gitlab.dialect import DIALECT
from publish.core import inert, slack, teams
from publish.core.notice import notice_of
from tests.support.publish_hostile import ATTACKS, REFERENCES, TEXTS, poisoned

#: What is active in the Markdown itself.
MARKUP = re.compile(r"<[a-zA-Z/!?]|(?<!\\)(?:\\\\)*[\[\]`|~]|!\[|^\s*/\w")
#: A name in code, whole.
SPAN = re.compile(r"`[\w./:@+\[\]-]+`", re.ASCII)


def rendered(markdown: str) -> str:
    """What a Markdown line without active constructs shows."""
    return html.unescape(re.sub(r"\\([\\`*_\[\]|~<>^])", r"\1", markdown))


@settings(max_examples=800)
@given(TEXTS)
def test_prose_has_no_active_construct(text: str) -> None:
    shown = DIALECT.prose(text)
    assert "\n" not in shown
    assert "\r" not in shown
    out = SPAN.sub("x", shown)
    assert not MARKUP.search(out), out
    assert not REFERENCES.search(rendered(out)), (out, rendered(out))
    assert not re.match(r"\s*([/#=+>-]|\d+[.)])", out), out


@pytest.mark.parametrize("text", ATTACKS)
def test_attacks_one_by_one_are_still_readable(text: str) -> None:
    shown = rendered(DIALECT.prose(text)).replace(inert.BREAK, "")
    letters = re.sub(r"[^\w]", "", inert.clean(text))
    assert letters in re.sub(r"[^\w]", "", shown) or not letters


@given(TEXTS)
def test_titles_have_no_reference(text: str) -> None:
    assert not REFERENCES.search(DIALECT.title(text))


@given(TEXTS)
def test_a_code_span_is_closed_where_we_close_it(text: str) -> None:
    out = DIALECT.code(text)
    assert out == "–" or (out.count("`") == 2 and "\n" not in out and "|" not in out)


@given(TEXTS)
def test_a_fence_is_closed_where_we_close_it(text: str) -> None:
    out = fence(text, "diff")
    ticks = out.split("diff", 1)[0]
    assert (
        len(re.findall(rf"(?m)^{ticks}", out)) == 2 or f"\n{ticks}" not in out[: -len(ticks)][4:-1]
    )
    assert out.endswith("\n" + ticks)
    assert ticks not in out[len(ticks) : -len(ticks)]


@given(TEXTS)
def test_slack_sees_no_control_sequence(text: str) -> None:
    out = inert.mrkdwn(text)
    assert "<" not in out
    assert ">" not in out
    assert not re.search(r"://|@\w", out)


@given(TEXTS)
def test_a_card_has_no_link(text: str) -> None:
    out = inert.card(text)
    assert not re.search(r"\]\(|://|<\w|@\w", out)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://a b",
        "https://x/)",
        "https://x/\n",
        "//x",
        "https://u:p@x/",
        "ftp://x",
        "https://x/<y>",
    ],
)
def test_only_plain_addresses_are_links(url: str) -> None:
    assert inert.address(url) == ""


@pytest.mark.parametrize("text", [*ATTACKS, "x" * 10_000, ""])
@pytest.mark.parametrize("kind", ["opened", "declined", "recovered"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_chat_messages_are_valid_whatever_is_in_them(text: str, kind: Any, language: Any) -> None:
    from slack_sdk.models.blocks import Block

    record = poisoned(text)
    notice = notice_of(
        record,
        record.plans[0],
        kind=kind,
        language=language,
        mr_url="https://gitlab.example.com/g/p/-/merge_requests/1",
        console_url="https://kfix.example.com",
        explanation=text,
    )
    shown = slack.blocks(notice)
    for block in shown:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()
        assert parsed.to_dict() == block
    assert len(shown) <= 50
    card = teams.message(notice)
    assert len(str(card).encode()) < 28 * 1024
    assert card["attachments"][0]["content"]["version"] == "1.4"
