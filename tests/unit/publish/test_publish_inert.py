"""Outside text can be read and can do nothing: in descriptions, titles, notes, Slack and Teams."""

from __future__ import annotations

import html
import re
from typing import Any

import fixtures_publish as sample
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.core import description, inert, slack, teams
from publish.core.notice import notice_of

ATTACKS = [
    "/merge", "\n/approve\n", "x\r\n/assign @root", "/label ~a", "@root", "hey @all!", "a@b.example", "#1", "!12", "~label",
    "%v1", "$5", "&9", "^alert#1", "*iteration:3", "![x](https://e.example/x.png)", "[x](https://e.example)",
    "<https://e.example>", "https://e.example/a?b=c", "www.e.example", "<img src=x onerror=alert(1)>", "<!-- x -->",
    "<details open>", "</details></td>", "| a | b |", "```\n/merge\n```", "`@root`", "``` @x", "~~~\n/close", ":smile:",
    "[[_TOC_]]", "[TOC]", "\u202e/egrem", "/\u200bmerge", "\u2060/merge", "a\u2028/merge", "a\x0b/merge", "\x00/merge",
    "<!channel>", "<@U1>", "<#C1|x>", "<https://e.example|click>", "&lt;!channel&gt;", "[click](javascript:alert(1))",
    "1. x", "# head", "=====", "---", "- x", "> x", "+ x", "skip [ci skip] x", "group/project#1", "group/project!2",
    "{- x -}", "[x]: https://e.example", "{{x}}", "$`x`$", "\\@root", "\\`/merge`",
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(ATTACKS),
    st.lists(st.one_of(st.sampled_from(ATTACKS), st.text(max_size=8)), max_size=4).map("".join),
    st.text(st.sampled_from("@#!~%$&^*/<>[]()`|\\:. \n\u202eaw1-_=+{}"), max_size=30),
)
#: What GitLab acts on in rendered text, after Markdown and entities are gone.
REFERENCES = re.compile(
    r"(?<![\w])[@#!~%$&][\w\"']|\w[#!~%$&]\d|\w@\w|\^alert#|:\w+:|://|(?i:www\.)\w"
)
#: What is active in the Markdown itself.
MARKUP = re.compile(r"<[a-zA-Z/!?]|(?<!\\)(?:\\\\)*[\[\]`|~]|!\[|^\s*/\w")


def rendered(markdown: str) -> str:
    """What a Markdown line without active constructs shows."""
    return html.unescape(re.sub(r"\\([\\`*_\[\]|~<>^])", r"\1", markdown))


@settings(max_examples=800)
@given(TEXTS)
def test_prose_has_no_active_construct(text: str) -> None:
    out = inert.prose(text)
    assert "\n" not in out
    assert "\r" not in out
    assert not MARKUP.search(out), out
    assert not REFERENCES.search(rendered(out)), (out, rendered(out))
    assert not re.match(r"\s*([/#=+>-]|\d+[.)])", out), out


@pytest.mark.parametrize("text", ATTACKS)
def test_attacks_one_by_one_are_still_readable(text: str) -> None:
    shown = rendered(inert.prose(text)).replace(inert.BREAK, "")
    letters = re.sub(r"[^\w]", "", inert.clean(text))
    assert letters in re.sub(r"[^\w]", "", shown) or not letters


@given(TEXTS)
def test_titles_have_no_reference(text: str) -> None:
    assert not REFERENCES.search(inert.title(text))


@given(TEXTS)
def test_a_code_span_is_closed_where_we_close_it(text: str) -> None:
    out = inert.code(text)
    assert out == "–" or (out.count("`") == 2 and "\n" not in out and "|" not in out)


@given(TEXTS)
def test_a_fence_is_closed_where_we_close_it(text: str) -> None:
    out = inert.fence(text, "diff")
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


def poisoned(text: str) -> Any:
    """The sample with an attack in every field that outside text can reach."""
    record = sample.record()
    context = record.context.model_copy(
        update={
            "service": text,
            "team": text,
            "alert_title": text,
            "links": {text: "https://ok.example/x", "bad": text},
            "baseline": {text: 1.0},
            "similar_incidents": tuple(
                s.model_copy(update={"title": text, "lesson": text})
                for s in record.context.similar_incidents
            ),
        }
    )
    assert record.analysis is not None
    analysis = record.analysis.model_copy(
        update={
            "root_cause": text,
            "evidence": tuple(
                e.model_copy(
                    update={
                        "statement": text,
                        "unit": text,
                        "link": text,
                    }
                )
                for e in record.analysis.evidence
            ),
        }
    )
    plans = tuple(
        v.model_copy(
            update={
                "plan": v.plan.model_copy(
                    update={
                        "title": text,
                        "justification": text,
                        "rollback_plan": text,
                        "risks": (text,),
                        "estimated_time": text,
                    }
                ),
                "checks": tuple(
                    c.model_copy(update={"reason": text, "numbers": {text: text}}) for c in v.checks
                ),
            }
        )
        for v in record.plans
    )
    return record.model_copy(update={"context": context, "analysis": analysis, "plans": plans})


@pytest.mark.parametrize("text", ATTACKS)
def test_no_quick_action_and_no_reference_in_a_whole_merge_request(text: str) -> None:
    record = poisoned(text)
    whole = description.description(
        record,
        record.plans[0],
        language="en",
        incident_url="https://kfix.example.com/i",
        hosts={"ok.example"},
    )
    outside_code = re.sub(r"(?ms)^(`{3,})diff\n.*?^\1$", "", whole)
    for line in outside_code.splitlines():
        assert not re.match(r"\s*/\w", line), line
    bare = re.sub(r"`[^`\n]*`", "", outside_code)
    ours = re.sub(r"\]\(https://[^)\s]*\)|</?(details|summary|br)>", "", bare)
    assert not re.search(r"<[a-zA-Z/!]", ours), ours
    assert not re.search(r"(?<!\\)!\[", ours)
    assert not REFERENCES.search(rendered(ours)), ours
    for label in description.labels(record):
        assert "," not in label
    assert "\n" not in description.mr_title(record, record.plans[0])
    message = description.commit_message(record, record.plans[0])
    assert "[" not in message
    assert len(message.splitlines()) == 3


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


@pytest.mark.parametrize("text", ATTACKS)
def test_an_independent_renderer_finds_only_our_own_elements(text: str) -> None:
    from markdown_it import MarkdownIt

    record = poisoned(text)
    whole = description.description(
        record,
        record.plans[0],
        language="en",
        incident_url="https://kfix.example.com/i",
        hosts={"ok.example"},
    )
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(whole)
    elements = set(re.findall(r"<([a-z][a-z0-9]*)", page))
    assert elements <= {
        *("h2", "p", "blockquote", "strong", "a", "code", "pre", "table", "thead", "tbody", "tr"),
        *("th", "td", "br", "hr", "ul", "ol", "li", "details", "summary"),
    }
    assert set(re.findall(r'href="([^"]*)"', page)) <= {
        "https://kfix.example.com/i",
        "https://ok.example/x",
    }
    assert page.count("<details>") == page.count("</details>") == 3
