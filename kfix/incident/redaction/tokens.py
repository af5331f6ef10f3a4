"""Tokens by their makers' formats: one trie over all prefixes, so that the table may grow without the search slowing."""

from __future__ import annotations

import re
from functools import cache

from kfix.incident.redaction.formats import FORMATS, Format
from kfix.incident.redaction.words import any_of


def _by_prefix() -> dict[str, list[Format]]:
    found: dict[str, list[Format]] = {}
    for form in FORMATS:
        for prefix in dict.fromkeys(form.prefixes):
            found.setdefault(prefix, []).append(form)
    return found


_BY_PREFIX = _by_prefix()
_LONGEST = max(map(len, _BY_PREFIX))
_SHORTEST = 16
#: Every format has a run of this many characters from its first on; most words of a log do not.
_RUN = rf"(?=[0-9A-Za-z_.$+/~=:|{{}}!-]{{{_SHORTEST}}})"
#: A beginning of so few letters is many a word's too: its body is looked at in the same go.
_COMMON = 4
#: The marks of the formats without a beginning. Most have the same letter, for which a text is searched the quickest.
_WITHIN = tuple(dict.fromkeys(mark for form in _BY_PREFIX[""] for mark in form.within))
_WITH_A = re.compile(
    "A(?:"
    + "|".join(
        f"(?<={re.escape(before)}A){re.escape(after)}"
        for before, _, after in (mark.partition("A") for mark in _WITHIN if "A" in mark)
    )
    + ")"
)
_WITHOUT_A = tuple(mark for mark in _WITHIN if "A" not in mark)
_ESCAPES = ("\\n", "\\r", "\\t")
#: The shortest text that a format without a beginning fits into.
_LONG = 36


def _bodies(prefix: str) -> list[str]:
    return [form.body for form in _BY_PREFIX[prefix]] if len(prefix) <= _COMMON else []


def _or_anything(form: str) -> str:
    bodies = "|".join(form.body for form in _BY_PREFIX[""])
    return rf"(?:{form}|(?=[0-9A-Za-z_.~+/:-]{{30}})(?:{bodies}))"


@cache
def _beginning(*, escaped: bool, anything: bool) -> re.Pattern[str]:
    r"""Where a token may begin: after a character that is no letter or digit, or after a letter of an escape that a log
    left in place (``\n``). The pattern begins with that character: the search then passes over words without a try at
    each letter.
    """
    form = any_of(filter(None, _BY_PREFIX), _bodies)
    if anything:
        form = _or_anything(form)
    escape = r"(?:(?<=\\)[nrt])?" if escaped else ""
    return re.compile(f"[^0-9A-Za-z]{escape}{_RUN}{form}")


def mask_tokens(text: str) -> str:
    """``text`` with each token of a documented format replaced by ``[masked:kind]``."""
    if len(text) < _SHORTEST:
        return text
    anything = len(text) >= _LONG and (
        _WITH_A.search(text) is not None or any(map(text.__contains__, _WITHOUT_A))
    )
    escaped = "\\" in text
    beginning = _beginning(escaped=escaped, anything=anything)
    found = beginning.search(f" {text}")
    if found is None:
        return text
    return _replaced(text, beginning, found, _token(escaped=escaped, anything=anything))


def _replaced(
    text: str, beginning: re.Pattern[str], found: re.Match[str] | None, token: re.Pattern[str]
) -> str:
    """Tries a token at each place where one can begin: ``found`` is the first, in ``text`` with a blank before it."""
    padded = f" {text}"
    out: list[str] = []
    done = 0
    while found is not None:
        start = found.start()
        match = token.match(text, start) if start >= done else None
        if match is None and start + 1 >= done and text.startswith(_ESCAPES, max(0, start - 1)):
            match = token.match(text, start + 1)
        if match is None:
            found = beginning.search(padded, start + 1)
            continue
        out += [text[done : match.start()], _told(match)]
        done = match.end()
        found = beginning.search(padded, max(start + 1, done - 1))
    return "".join((*out, text[done:])) if out else text


@cache
def _token(*, escaped: bool, anything: bool) -> re.Pattern[str]:
    """Whole tokens. No groups: hundreds of them would make the search slow."""
    form = any_of(
        filter(None, _BY_PREFIX), lambda prefix: [form.body for form in _BY_PREFIX[prefix]]
    )
    if anything:
        form = _or_anything(form)
    before = r"(?:(?<![0-9A-Za-z])|(?<=\\[nrt]))" if escaped else r"(?<![0-9A-Za-z])"
    return re.compile(f"{before}{_RUN}{form}")


def _told(match: re.Match[str]) -> str:
    token = match[0]
    for length in range(min(_LONGEST, len(token)), -1, -1):
        for form in _BY_PREFIX.get(token[:length], ()):
            if _body(form.body).match(match.string, match.start() + length):
                return f"{token[:length] if form.keep else ''}[masked:{form.kind}]"
    return "[masked:token]"


@cache
def _body(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
