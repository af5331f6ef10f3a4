"""Makes outside text inert in chats: what came from logs, alerts, clusters or a model can be read, and can do nothing.

Sources: docs.slack.dev mrkdwn, learn.microsoft.com/adaptive-cards/authoring-cards/text-features.
"""

from __future__ import annotations

import re

from kfix.incident.inert import BREAK, address, clean, command, unlinked

__all__ = ["BREAK", "address", "card", "clean", "command", "mrkdwn"]


def mrkdwn(text: str, limit: int = 500) -> str:
    """Outside text for Slack: its three control characters escaped, addresses and formatting broken."""
    text = clean(text, limit)
    text = re.sub(r"([*_~`])", BREAK + r"\1", text)
    text = re.sub(r"@(?=\w)", "@" + BREAK, text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return unlinked(text)


def card(text: str, limit: int = 500) -> str:
    """Outside text for an Adaptive Card's Markdown: links, lists, emphasis, addresses, mentions and ``{{DATE()}}`` broken."""
    text = clean(text, limit)
    text = re.sub(r"([*_\[\]{}()`~#!<>\\])", BREAK + r"\1" + BREAK, text)
    text = re.sub(r"@(?=\w)", "@" + BREAK, text)
    text = re.sub(r"^(\d+)\.", r"\1" + BREAK + ".", text)
    text = re.sub(r"^([-+])", BREAK + r"\1", text)
    return unlinked(text)
