"""A notice as Slack Block Kit. Source: docs.slack.dev/reference/block-kit/blocks (lengths, object shapes)."""

from __future__ import annotations

from collections.abc import Sequence

from publish.core import inert
from publish.core.notice import Notice
from schemas.base import Json

_HEADER, _FIELD, _SECTION, _BUTTON, _URL = 150, 2000, 3000, 75, 3000
#: Characters of a paragraph: what people read in a chat.
_PARAGRAPH = 1200
#: Blocks of a message, fields of a section, buttons of a block.
_BLOCKS, _FIELDS, _BUTTONS = 50, 10, 25


def blocks(notice: Notice) -> list[dict[str, Json]]:
    """Header, facts, paragraphs and buttons."""
    out: list[dict[str, Json]] = [{"type": "header", "text": _plain(notice.head, _HEADER)}]
    if notice.facts:
        fields = [_field(name + notice.colon, value) for name, value in notice.facts[:_FIELDS]]
        out.append({"type": "section", "fields": fields})
    # Room is left for the steps, for what was cut, for the buttons and for the judgements.
    out += [_section(name + notice.colon, text) for name, text in notice.paragraphs[: _BLOCKS - 7]]
    if notice.steps:
        out.append({"type": "section", "text": _steps(notice)})
    if notice.shortened and any(len(text) > _PARAGRAPH for _, text in notice.paragraphs):
        said = {"type": "mrkdwn", "text": notice.shortened, "verbatim": True}
        out.append({"type": "context", "elements": [said]})
    buttons = _buttons(notice.links, "open")
    if buttons:
        out.append({"type": "actions", "elements": buttons})
    judgements = _buttons(notice.judgements, "judge")
    if judgements:
        out.append({"type": "section", "text": _plain(notice.judge_head, _SECTION)})
        out.append({"type": "actions", "elements": judgements})
    return out


def _buttons(links: Sequence[tuple[str, str]], action: str) -> list[dict[str, Json]]:
    """Buttons that lead somewhere; what is no address of the web has none."""
    shown: list[dict[str, Json]] = [
        {
            "type": "button",
            "text": _plain(name, _BUTTON),
            "url": url,
            "action_id": f"{action}_{at}",
        }
        for at, (name, url) in enumerate(links)
        if inert.address(url) and len(url) <= _URL
    ]
    return shown[:_BUTTONS]


def summary(notice: Notice) -> str:
    """The text of notifications and screen readers."""
    subject = notice.facts[0][1] if notice.facts else ""
    return f"{inert.mrkdwn(notice.head, 150)}{notice.colon} {inert.mrkdwn(subject, 200)}"


def _plain(text: str, limit: int) -> dict[str, Json]:
    shown = inert.clean(text, limit)
    while _units(shown) > limit:
        shown = f"{shown[:-2]}…"
    return {"type": "plain_text", "text": shown or "–", "emoji": True}


def _field(name: str, value: str) -> dict[str, Json]:
    return _text(name, value, 400, _FIELD)


def _section(name: str, text: str) -> dict[str, Json]:
    return {"type": "section", "text": _text(name, text, _PARAGRAPH, _SECTION)}


def _text(name: str, text: str, limit: int, most: int) -> dict[str, Json]:
    """``*name* text``, cut before it is escaped, so that no escape is torn."""
    head = f"*{inert.mrkdwn(name, 100)}* "
    shown = inert.mrkdwn(text, limit) or "–"
    while (length := _units(head + shown)) > most:
        limit = min(limit, len(text)) * most // length - 1
        shown = inert.mrkdwn(text, limit)
    return {"type": "mrkdwn", "text": head + shown, "verbatim": True}


def _steps(notice: Notice) -> dict[str, Json]:
    """One numbered line a step and its command as code below; what does not fit is left out whole."""
    shown = f"*{inert.mrkdwn(notice.steps_head, 200)}{notice.colon}*"
    for at, (what, command) in enumerate(notice.steps, 1):
        line = f"\n{at}. {inert.mrkdwn(what, 400)}" + (f"\n`{command}`" if command else "")
        if _units(shown + line) > _SECTION:
            break
        shown += line
    return {"type": "mrkdwn", "text": shown, "verbatim": True}


def _units(text: str) -> int:
    """Length as Slack counts: in UTF-16, where an emoji is two."""
    return len(text.encode("utf-16-le")) // 2
