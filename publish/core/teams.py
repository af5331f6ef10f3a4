"""A notice as a Teams message with an Adaptive Card, for a Workflows webhook.

Source: adaptivecards.io/explorer (1.4); learn.microsoft.com "Create incoming webhooks with Workflows" (28 KB a message).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from publish.core import inert
from publish.core.notice import Notice
from schemas.base import Json

#: Bytes of a message. Teams says 28 KB; what it counts besides the body is not said, so a little is left.
MAX_BYTES = 28_000
#: Characters of a paragraph, and of a fact: the longest pair with which the message fits counts. Explanations give way
#: first, as the incident's page has them whole; head, facts and links say what it is and where.
_LENGTHS = ((1200, 400), (800, 400), (500, 300), (300, 200), (150, 120), (80, 60), (0, 60))


def message(notice: Notice) -> dict[str, Json]:
    """The whole body to post, never longer than ``MAX_BYTES``."""
    return _fitted(notice, _message)


def legacy(notice: Notice) -> dict[str, Json]:
    """The same as a MessageCard, for the retired Office 365 connectors that some tenants still run behind a proxy."""
    return _fitted(notice, _message_card)


def size(body: Json) -> int:
    """Bytes of a body in the longest way a client may write it: every other character as an escape."""
    return len(json.dumps(body, ensure_ascii=True))


def _fitted(notice: Notice, make: Callable[[Notice, int, int], dict[str, Json]]) -> dict[str, Json]:
    for paragraph, fact in _LENGTHS:
        body = make(notice, paragraph, fact)
        if size(body) <= MAX_BYTES:
            break
    return body


def _paragraphs(notice: Notice, longest: int) -> list[tuple[str, str]]:
    """Names and texts, inert. Where texts give way, a last line says where they are whole."""
    shown = [
        (inert.card(name, 100), inert.card(text, longest) or "–")
        for name, text in notice.paragraphs[:_MOST]
        if longest
    ]
    cut = any(len(text) > max(longest, 1) for _, text in notice.paragraphs)
    return [*shown, ("", notice.shortened)] if cut and notice.shortened else shown


#: Paragraphs and facts of a message.
_MOST = 8
#: Characters of a step's sentence.
_STEP = 300


def _message(notice: Notice, paragraph: int, fact: int) -> dict[str, Json]:
    card = "application/vnd.microsoft.card.adaptive"
    content = _card(notice, paragraph, fact)
    attachment = {"contentType": card, "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def _card(notice: Notice, paragraph: int, fact: int) -> dict[str, Json]:
    body: list[dict[str, Json]] = [
        {
            "type": "TextBlock",
            "text": inert.card(notice.head, 150),
            "size": "Large",
            "weight": "Bolder",
            "wrap": True,
        },
        {
            "type": "FactSet",
            "facts": [
                {"title": inert.card(name, 100), "value": inert.card(value, fact) or "–"}
                for name, value in notice.facts[:_MOST]
            ],
        },
    ]
    for name, text in _paragraphs(notice, paragraph):
        if name:
            body.append({"type": "TextBlock", "text": name, "weight": "Bolder", "wrap": True})
        body.append({"type": "TextBlock", "text": text, "wrap": True})
    body += _steps(notice) if paragraph else []
    body += _judgements(notice)
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [
            {"type": "Action.OpenUrl", "title": inert.clean(name, 75), "url": url}
            for name, url in _links(notice.links)
        ],
    }


def _judgements(notice: Notice) -> list[dict[str, Json]]:
    """Buttons of their own in the body: a card shows six at its foot."""
    links = _links(notice.judgements)
    if not links:
        return []
    actions = [
        {"type": "Action.OpenUrl", "title": inert.clean(name, 75), "url": url}
        for name, url in links
    ]
    head = {"type": "TextBlock", "text": inert.card(notice.judge_head, 200), "wrap": True}
    return [head, {"type": "ActionSet", "actions": actions}]


def _steps(notice: Notice) -> list[dict[str, Json]]:
    """Sentences, and commands as a run of text, in which a card reads no Markdown."""
    if not notice.steps:
        return []
    head = inert.card(notice.steps_head, 200)
    shown: list[dict[str, Json]] = [
        {"type": "TextBlock", "text": head, "weight": "Bolder", "wrap": True}
    ]
    for what, command in notice.steps:
        shown.append({"type": "TextBlock", "text": inert.card(what, _STEP) or "–", "wrap": True})
        if command:
            run = {"type": "TextRun", "text": command, "fontType": "Monospace"}
            shown.append({"type": "RichTextBlock", "inlines": [run]})
    return shown


def _links(links: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """At most six, as Teams shows no more; an address longer than any of ours is none."""
    kept = [(name, url) for name, url in links if inert.address(url) and len(url) <= 1000]
    return kept[:6]


def _step_lines(notice: Notice) -> list[str]:
    """The steps as Markdown paragraphs: a command is code, of characters that end none."""
    lines = [
        f"{inert.card(what, _STEP)}" + (f" `{command}`" if command else "")
        for what, command in notice.steps
    ]
    return [f"**{inert.card(notice.steps_head, 200)}**", *lines] if lines else []


def _judgement_line(notice: Notice) -> list[str]:
    """Links in the text: an old card shows four buttons at most, which lead to the incident."""
    links = [
        f"[{inert.card(name, 75)}]({url})"
        for name, url in _links(notice.judgements)
        if not set(url) & set("()")
    ]
    return [f"**{inert.card(notice.judge_head, 200)}** {' · '.join(links)}"] if links else []


def _message_card(notice: Notice, paragraph: int, fact: int) -> dict[str, Json]:
    texts = _paragraphs(notice, paragraph)
    parts = [f"**{name}** {text}" if name else text for name, text in texts]
    parts += _step_lines(notice) if paragraph else []
    parts += _judgement_line(notice)
    text = "\n\n".join(parts)
    return {
        "@type": "MessageCard",
        "@context": "https://schema.org/extensions",
        "summary": inert.clean(notice.head, 150),
        "title": inert.clean(notice.head, 150),
        "text": text or inert.card(notice.head, 150),
        "sections": [
            {
                "facts": [
                    {"name": inert.card(n, 100), "value": inert.card(v, fact)}
                    for n, v in notice.facts[:_MOST]
                ]
            }
        ],
        "potentialAction": [
            {
                "@type": "OpenUri",
                "name": inert.clean(name, 75),
                "targets": [{"os": "default", "uri": url}],
            }
            for name, url in _links(notice.links)
        ],
    }
