"""Makes outside text inert: what came from logs, alerts, clusters or a model can be read, and can do nothing.

GitLab acts on text twice: its Markdown parser on the source (emphasis, links, images, HTML, tables, footnotes, task lists,
fences, math), and filters on the rendered text (references ``@user #1 !1 ~label %milestone $snippet &epic [issue:1]
^alert#1`` and commits, bare addresses, ``:emoji:``, ``{+ inline diffs +}``, ``[TOC]``, ``%{placeholders}``), besides quick
actions at the start of a line. A backslash stops the first and not the second, so outside of code every character of those
constructs has both: a backslash where Markdown has one, and a break between it and its neighbour. Dollars are the exception:
math allows anything next to them, so they are shown by a look-alike.
Sources: docs.gitlab.com/user/markdown, docs.gitlab.com/user/project/quick_actions, docs.slack.dev mrkdwn,
learn.microsoft.com/adaptive-cards/authoring-cards/text-features.
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
_MARKDOWN = re.compile(r"([\\*_\[\]|~<>^])")
#: What means something at the start of a line: quick action, heading, list, rule, setext underline.
_STARTS = re.compile(r"[/#=+.:;>-]|\\[~*_]|\d+[.)]")
#: Opens a reference, emphasis or an element when something stands right after it.
_SIGIL = re.compile(r"([@#!~%&^*<>|])(?=\S)")
#: Inline diffs, tables of contents, footnotes, task lists, placeholders, templates: all need a bracket and its neighbour.
_BRACKET = re.compile(r"(?<=[\[{])|(?=[\]}])|(?<=\S)(?=[\[{])|(?<=[\]}])(?=\S)")
#: ``::include``, ``==marked==``, ``++inserted++``, front matter.
_PAIR = re.compile(r"(?<=[:=+;])(?=[:=+;])")
#: What GitLab may find as a commit: 7 to 40 hex digits. Plain numbers are left alone.
_COMMIT = re.compile(r"(?=\d*[a-f])[0-9a-f]{7,}", re.IGNORECASE)
_SHORT = re.compile(r"(.{6})(?=.)")
#: A fullwidth dollar sign.
_DOLLAR = "\uff04"
#: A colour alone in a code span gets a chip of that colour beside it.
_COLOUR = re.compile(r"#[0-9a-f]{3,8}|(?:rgb|hsl)a?\([^)]*\)", re.IGNORECASE)
_WORD_COLON = re.compile(r":(?=[/\w+\\-])")
_WWW = re.compile(r"(?i)(www)\.")
#: Keys of issues in other trackers (``OPS-12``): GitLab comments there when a merge request names one.
_TRACKER = re.compile(r"\b([A-Z][A-Z0-9_]+-)(?=\d)")
#: A word that people copy: an image, a path with a document's number, an object, an id. No character of it ends a code span.
_NAME = re.compile(
    r"""(?:(?<=[\s("'=])|^)[A-Za-z0-9](?:[\w./:@+-]{0,180}[A-Za-z0-9])?(?:\[\d{1,4}\])?(?=[)"',.;:]*(?:\s|$))""",
    re.ASCII,
)


def clean(text: str, limit: int = 500) -> str:
    """One line without control, hidden or direction-changing characters and secrets, at most ``limit`` long."""
    text = mask(_BIDI_AND_HIDDEN.sub("", text[: 8 * limit]))
    text = "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs", "Co") else c for c in text
    )
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def prose(text: str, limit: int = 500) -> str:
    """Outside text inside a Markdown line of ours: escaped, and broken where GitLab would see a reference or a link.

    A name that would be broken is a code span instead, so that it can be copied; an address is broken.
    """
    text = clean(text, limit).replace("`", "'")
    parts, at = [], 0
    for found in _NAME.finditer(text):
        if "://" not in found[0] and _broken(found[0]) != found[0]:
            parts += [_escaped(text[at : found.start()]), f"`{found[0]}`"]
            at = found.end()
    shown = "".join((*parts, _escaped(text[at:])))
    return BREAK + shown if _STARTS.match(shown) else shown


def _escaped(text: str) -> str:
    text = _MARKDOWN.sub(r"\\\1", _broken(text).replace("&", "&amp;"))
    return text.replace("\\<", "&lt;").replace("\\>", "&gt;")


def title(text: str, limit: int = 200) -> str:
    """Outside text in a merge request's title: no Markdown there, but references and quick words work."""
    return _broken(clean(text, limit))


def _broken(text: str) -> str:
    text = text.replace("$", _DOLLAR)
    for between in (_BRACKET, _PAIR):
        text = between.sub(BREAK, text)
    for before in (_SIGIL, _TRACKER):
        text = before.sub(r"\1" + BREAK, text)
    text = _COMMIT.sub(lambda found: _SHORT.sub(r"\1" + BREAK, found[0]), text)
    return _unlinked(text)


def _unlinked(text: str) -> str:
    """No address in it is one for a program, and no word between colons is an emoji."""
    return _WWW.sub(r"\1" + BREAK + ".", _WORD_COLON.sub(":" + BREAK, text))


def code(text: str, limit: int = 200) -> str:
    """A short outside value as a code span; GitLab looks for a colour alone inside one. No pipe: it may stand in a table."""
    text = clean(text, limit).replace("`", "'").replace("|", "¦")
    text += BREAK if _COLOUR.fullmatch(text) else ""
    return f"`{text}`" if text else "–"


def cell(text: str, limit: int = 300) -> str:
    """``prose`` inside a table cell: the escaped pipe does not end it."""
    return prose(text, limit) or "–"


def fence(text: str, language: str, limit: int = 30_000) -> str:
    """A fenced block that its content cannot close. Cut at ``limit`` characters, with a word about it."""
    text = mask(text.replace("\r", ""))
    if len(text) > limit:
        text = text[:limit].rsplit("\n", 1)[0] + "\n… (cut)"
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf"))
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text.rstrip(chr(10))}\n{ticks}"


def label(text: str) -> str:
    """A label's value: letters, digits and ``. _ -`` only, as a comma would make two labels of it."""
    return re.sub(r"[^\w.-]+", "-", clean(text, 60)).strip("-.")


def mrkdwn(text: str, limit: int = 500) -> str:
    """Outside text for Slack: its three control characters escaped, addresses and formatting broken."""
    text = clean(text, limit)
    text = re.sub(r"([*_~`])", BREAK + r"\1", text)
    text = re.sub(r"@(?=\w)", "@" + BREAK, text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _unlinked(text)


def card(text: str, limit: int = 500) -> str:
    """Outside text for an Adaptive Card's Markdown: links, lists, emphasis, addresses, mentions and ``{{DATE()}}`` broken."""
    text = clean(text, limit)
    text = re.sub(r"([*_\[\]{}()`~#!<>\\])", BREAK + r"\1" + BREAK, text)
    text = re.sub(r"@(?=\w)", "@" + BREAK, text)
    text = re.sub(r"^(\d+)\.", r"\1" + BREAK + ".", text)
    text = re.sub(r"^([-+])", BREAK + r"\1", text)
    return _unlinked(text)


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
