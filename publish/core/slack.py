"""A notice as Slack Block Kit. Source: docs.slack.dev/reference/block-kit/blocks (lengths, object shapes)."""

from __future__ import annotations

from publish.core import inert
from publish.core.notice import Notice
from schemas.base import Json

_HEADER, _FIELD, _SECTION, _BUTTON, _URL = 150, 2000, 3000, 75, 3000


def blocks(notice: Notice) -> list[dict[str, Json]]:
    """Header, facts, paragraphs and buttons."""
    out: list[dict[str, Json]] = [
        {"type": "header", "text": _plain(notice.head, _HEADER)},
        {"type": "section", "fields": [_field(name, value) for name, value in notice.facts]},
    ]
    out += [_section(name, text) for name, text in notice.paragraphs]
    buttons = [
        {
            "type": "button",
            "text": _plain(name, _BUTTON),
            "url": url,
            "action_id": f"open_{at}",
        }
        for at, (name, url) in enumerate(notice.links)
        if inert.address(url) and len(url) <= _URL
    ]
    if buttons:
        out.append({"type": "actions", "elements": buttons})
    return out


def summary(notice: Notice) -> str:
    """The text of notifications and screen readers."""
    subject = notice.facts[0][1] if notice.facts else ""
    return f"{inert.mrkdwn(notice.head, 150)}: {inert.mrkdwn(subject, 200)}"


def _plain(text: str, limit: int) -> dict[str, Json]:
    return {"type": "plain_text", "text": inert.clean(text, limit), "emoji": True}


def _field(name: str, value: str) -> dict[str, Json]:
    text = f"*{inert.mrkdwn(name, 100)}:* {inert.mrkdwn(value, 400) or '–'}"
    return {"type": "mrkdwn", "text": text[:_FIELD], "verbatim": True}


def _section(name: str, text: str) -> dict[str, Json]:
    body = f"*{inert.mrkdwn(name, 100)}:* {inert.mrkdwn(text, 1200) or '–'}"
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": body[:_SECTION], "verbatim": True},
    }
