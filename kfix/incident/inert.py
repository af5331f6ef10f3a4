"""Outside text that can be read and can do nothing, whatever shows it: cleaned, fenced, and links to our services alone.

What one forge or chat makes of a text besides is its own dialect's business.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from urllib.parse import urlsplit

from kfix.incident.redaction import mask

#: Zero-width, joins the characters around it visually and keeps them apart for a parser.
BREAK = "\u2060"
_BIDI_AND_HIDDEN = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]"
)
#: What a command of ours is made of: no quote, no variable, no redirection, nothing that a chat or a page reads as more.
_COMMAND = re.compile(r"kubectl [A-Za-z0-9 .,:=/_-]{1,400}")
_WORD_COLON = re.compile(r":(?=[/\w+\\-])")
_WWW = re.compile(r"(?i)(www)\.")


def clean(text: str, limit: int = 500) -> str:
    """One line without control, hidden or direction-changing characters and secrets, at most ``limit`` long."""
    text = mask(_BIDI_AND_HIDDEN.sub("", text[: 8 * limit]))
    text = "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs", "Co") else c for c in text
    )
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def unlinked(text: str) -> str:
    """No address in it is one for a program, and no word between colons is an emoji."""
    return _WWW.sub(r"\1" + BREAK + ".", _WORD_COLON.sub(":" + BREAK, text))


def command(text: str) -> str:
    """A command that people may copy, as it is; empty where it has a character that no command of ours has."""
    return text if _COMMAND.fullmatch(text) and "://" not in text else ""


def fence(text: str, language: str, limit: int = 30_000) -> str:
    """A fenced block that its content cannot close. Cut at ``limit`` characters, with a word about it."""
    text = mask(text.replace("\r", ""))
    if len(text) > limit:
        text = text[:limit].rsplit("\n", 1)[0] + "\n… (cut)"
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf"))
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text.rstrip(chr(10))}\n{ticks}"


def linked(url: str, hosts: Collection[str]) -> str:
    """``address``, if it leads to one of our services (``host`` or ``host:port``); empty otherwise."""
    return url if address(url) and urlsplit(url).netloc.lower() in hosts else ""


def address(url: str) -> str:
    """A link target: only http(s) without anything that could end it; empty otherwise."""
    return (
        url
        if re.fullmatch(
            r"https?://([A-Za-z0-9.-]+|\[[0-9a-f:.]+\])(:\d+)?(/[A-Za-z0-9._~/%?&=+,:;@!*-]*)?(#[\w/=.-]*)?",
            url,
        )
        else ""
    )
