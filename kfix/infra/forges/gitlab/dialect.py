"""GitLab's Markdown: what of an outside text it would act on, and how that is stopped.

GitLab acts on text twice: its Markdown parser on the source (emphasis, links, images, HTML, tables, footnotes, task lists,
fences, math), and filters on the rendered text (references ``@user #1 !1 ~label %milestone $snippet &epic [issue:1]
^alert#1`` and commits, bare addresses, ``:emoji:``, ``{+ inline diffs +}``, ``[TOC]``, ``%{placeholders}``), besides quick
actions at the start of a line. A backslash stops the first and not the second, so outside of code every character of those
constructs has both: a backslash where Markdown has one, and a break between it and its neighbour. Dollars are the exception:
math allows anything next to them, so they are shown by a look-alike.
Sources: docs.gitlab.com/user/markdown, docs.gitlab.com/user/project/quick_actions.
"""

from __future__ import annotations

import re

from kfix.incident.forge.capabilities import Capabilities
from kfix.incident.inert import BREAK, clean, unlinked

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
#: Keys of issues in other trackers (``OPS-12``): GitLab comments there when a merge request names one.
_TRACKER = re.compile(r"\b([A-Z][A-Z0-9_]+-)(?=\d)")
#: A word that people copy: an image, a path with a document's number, an object, an id. No character of it ends a code span.
_NAME = re.compile(
    r"""(?:(?<=[\s("'=])|^)[A-Za-z0-9](?:[\w./:@+-]{0,180}[A-Za-z0-9])?(?:\[\d{1,4}\])?(?=[)"',.;:]*(?:\s|$))""",
    re.ASCII,
)


class GitLabMarkdown:
    """See ``kfix.incident.forge.dialect``."""

    #: GitLab takes a million characters. Source: docs.gitlab.com/administration/instance_limits.
    capabilities = Capabilities("::", "Draft: ", 1_000_000)

    def prose(self, text: str, limit: int = 500) -> str:
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

    def cell(self, text: str, limit: int = 300) -> str:
        """``prose`` inside a table cell: the escaped pipe does not end it."""
        return self.prose(text, limit) or "–"

    def code(self, text: str, limit: int = 200) -> str:
        """A short outside value as a code span; GitLab looks for a colour alone inside one. No pipe: it may stand in a table."""
        text = clean(text, limit).replace("`", "'").replace("|", "¦")
        text += BREAK if _COLOUR.fullmatch(text) else ""
        return f"`{text}`" if text else "–"

    def title(self, text: str, limit: int = 200) -> str:
        """Outside text in a merge request's title: no Markdown there, but references and quick words work."""
        return _broken(clean(text, limit))

    def label(self, text: str) -> str:
        """A label's value: letters, digits and ``. _ -`` only, as a comma would make two labels of it."""
        return re.sub(r"[^\w.-]+", "-", clean(text, 60)).strip("-.")

    def line(self, text: str) -> str:
        """No quick action: those are lines that begin with a slash."""
        return BREAK + text if text.startswith("/") else text

    def details(self, summary: str, body: str) -> str:
        """GitLab lets the element ``details`` pass; a blank line lets Markdown work inside of it."""
        return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"

    def push(self, target: str) -> str:
        """Push options open the merge request. Source: docs.gitlab.com/topics/git/commit, "Push options"."""
        return f"git push -o merge_request.create -o merge_request.target={target} -u origin HEAD"


def _escaped(text: str) -> str:
    text = _MARKDOWN.sub(r"\\\1", _broken(text).replace("&", "&amp;"))
    return text.replace("\\<", "&lt;").replace("\\>", "&gt;")


def _broken(text: str) -> str:
    text = text.replace("$", _DOLLAR)
    for between in (_BRACKET, _PAIR):
        text = between.sub(BREAK, text)
    for before in (_SIGIL, _TRACKER):
        text = before.sub(r"\1" + BREAK, text)
    text = _COMMIT.sub(lambda found: _SHORT.sub(r"\1" + BREAK, found[0]), text)
    return unlinked(text)


DIALECT = GitLabMarkdown()
