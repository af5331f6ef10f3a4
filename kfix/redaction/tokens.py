"""Tokens by their makers' formats: one trie over all prefixes, so that the table may grow without the search slowing."""

from __future__ import annotations

import re
from functools import cache

from kfix.redaction.formats import FORMATS, Format
from kfix.redaction.words import any_of


def _by_prefix() -> dict[str, list[Format]]:
    found: dict[str, list[Format]] = {}
    for form in FORMATS:
        for prefix in dict.fromkeys(form.prefixes):
            found.setdefault(prefix, []).append(form)
    return found


_BY_PREFIX = _by_prefix()
_LONGEST = max(map(len, _BY_PREFIX))


def _bodies(prefix: str) -> str:
    """What may follow a prefix. The formats without one are long: a short word is none of theirs, tried once."""
    bodies = "|".join(form.body for form in _BY_PREFIX[prefix])
    return f"(?:{bodies})" if prefix else rf"(?=[0-9A-Za-z_.~+/:-]{{30}})(?:{bodies})"


_SHORTEST = 16
#: Every format has a run of this many characters from its first on; most words of a log do not.
_RUN = rf"[0-9A-Za-z_.$+/~=:|{{}}!-]{{{_SHORTEST}}}"
_FORM = rf"(?={_RUN})" + any_of(_BY_PREFIX, lambda prefix: [_bodies(prefix)])
_BEFORE = r"(?<![0-9A-Za-z])"
#: No groups: hundreds of them would make the search slow.
_TOKEN = re.compile(_BEFORE + _FORM)
#: A letter of an escape that a log left in place (``\\n``) is no letter before a token.
_TOKEN_ESCAPED = re.compile(rf"(?:{_BEFORE}|(?<=\\[nrt])){_FORM}")


def mask_tokens(text: str) -> str:
    """``text`` with each token of a documented format replaced by ``[masked:kind]``."""
    if len(text) < _SHORTEST:
        return text
    return (_TOKEN_ESCAPED if "\\" in text else _TOKEN).sub(_told, text)


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
