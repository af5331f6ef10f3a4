"""A notice as a Teams message with an Adaptive Card, for a Workflows webhook.

Source: adaptivecards.io/explorer (1.4); learn.microsoft.com "Create incoming webhooks with Workflows" (28 KB a message).
"""

from __future__ import annotations

from publish.core import inert
from publish.core.notice import Notice
from schemas.base import Json


def message(notice: Notice) -> dict[str, Json]:
    """The whole body to post."""
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": _card(notice),
            }
        ],
    }


def _card(notice: Notice) -> dict[str, Json]:
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
                {"title": inert.card(name, 100), "value": inert.card(value, 400) or "–"}
                for name, value in notice.facts
            ],
        },
    ]
    for name, text in notice.paragraphs:
        body.append(
            {"type": "TextBlock", "text": inert.card(name, 100), "weight": "Bolder", "wrap": True}
        )
        body.append({"type": "TextBlock", "text": inert.card(text, 1200) or "–", "wrap": True})
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [
            {"type": "Action.OpenUrl", "title": inert.clean(name, 75), "url": url}
            for name, url in notice.links
            if inert.address(url)
        ],
    }


def legacy(notice: Notice) -> dict[str, Json]:
    """The same as a MessageCard, for the retired Office 365 connectors that some tenants still run behind a proxy."""
    text = "\n\n".join(
        f"**{inert.card(n, 100)}** {inert.card(t, 1200)}" for n, t in notice.paragraphs
    )
    return {
        "@type": "MessageCard",
        "@context": "https://schema.org/extensions",
        "summary": inert.clean(notice.head, 150),
        "title": inert.clean(notice.head, 150),
        "text": text or inert.card(notice.head, 150),
        "sections": [
            {
                "facts": [
                    {"name": inert.card(n, 100), "value": inert.card(v, 400)}
                    for n, v in notice.facts
                ]
            }
        ],
        "potentialAction": [
            {
                "@type": "OpenUri",
                "name": inert.clean(name, 75),
                "targets": [{"os": "default", "uri": url}],
            }
            for name, url in notice.links
            if inert.address(url)
        ],
    }
