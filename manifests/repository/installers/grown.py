"""Commands that a script keeps in a variable and adds words to: ``CMD="helm …"``, ``CMD+=" -f …"``. Pure."""

from __future__ import annotations

import re

_BEGUN = re.compile(
    r"""(?m)^(?P<in>[ \t]*)(?:local |export |declare )?(?P<name>\w+)=(?P<q>["'])(?P<body>[^\n]*\bhelm\s[^\n]*?)(?P=q)[ \t]*$"""
)
#: Variables of one script that are followed.
_MOST = 20
#: What says which values a release gets, and where it goes.
_TELLING = re.compile(r"(?:^|\s)(?:-f|--values|--set\S*|--post-renderer|-n|--namespace)\b|\$")
#: Values that nobody can tell.
_UNTOLD = " --set ?"


def joined(text: str) -> str:
    """The text with each such command in one line. What is added on a condition may be missing: values that are told so
    cannot be told."""
    for begun in list(_BEGUN.finditer(text))[:_MOST]:
        text = _with_words(text, begun)
    return text


def _with_words(text: str, begun: re.Match[str]) -> str:
    name, quote = begun["name"], begun["q"]
    more = re.compile(rf"""(?m)^([ \t]*){name}\+=(["']?)([^\n]*?)\2[ \t]*$""")
    added = []
    for found in more.finditer(text):
        always = found[1] == begun["in"]
        added.append(found[3] if always else _UNTOLD if _TELLING.search(found[3]) else "")
    if not added:
        return text
    words = "".join(word.replace(quote, "") for word in added)
    text = more.sub("", text)
    whole = begun[0]
    end = whole.rindex(quote)
    return text.replace(whole, whole[:end] + words + whole[end:], 1)
