"""Texts inside texts: JSON, escaped strings, percent encoding and HTML entities are opened, masked and closed. Pure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, unquote

from schemas.base import Json

Masker = Callable[[str], str]
JsonMasker = Callable[[Json], Json]

_OPENING = re.compile(r"\{\s*\"|\[\s*[\[{\"]")
_TOKEN = re.compile(
    r"\"(?:[^\"\\]|\\.)*\"|-?\d[\d.eE+-]*|true|false|null|NaN|-?Infinity", re.DOTALL
)
_ESCAPED = re.compile(r"\"(?=[^\"\\\n]*\\)(?:[^\"\\\n]++|\\.)*+(?:\"|\Z)")
_WORD = re.compile(r"[^\s\"'<>&=?]+")
_PERCENT = re.compile(r"%(?:22|27|3[aAdD]|2[fF]|7[bB]|20)")
_ENTITY = re.compile(r"&(?:quot|apos|lt|gt|#34|#39|#x27|#x22);", re.IGNORECASE)
#: Colours of a terminal and characters without width, which part a name from its value.
_WIDTHLESS = "\u200b\u200c\u200d\u2060\ufeff"
_UNSEEN = re.compile(rf"\x1b\[[\d;]{{0,16}}m|[{_WIDTHLESS}]")
_UNICODE = re.compile(r"\\u00(?:22|27|3[acdeACDE])")
#: A text that opens brackets without closing them is given up after so many, so that no text costs quadratic time.
_FAILURES = 12


def mask_json_in(text: str, mask_json: JsonMasker) -> str:
    """``text`` with the JSON documents in it masked by their structure; all else, spacing too, stays byte for byte."""
    if _OPENING.search(text) is None:
        return text
    decoder = json.JSONDecoder(strict=False)
    out, done, failures = [], 0, 0
    opening = _OPENING.search(text)
    while opening is not None and failures < _FAILURES:
        at = opening.start()
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            failures += 1
            opening = _OPENING.search(text, at + 1)
            continue
        masked = mask_json(value)
        if masked != value:
            out += [text[done:at], _written(text[at:end], value, masked)]
            done = end
        opening = _OPENING.search(text, end)
    return "".join((*out, text[done:])) if out else text


def _written(source: str, before: Json, after: Json) -> str:
    """``source``, JSON of ``before``, with the leaves that differ in ``after`` written anew."""
    leaves = list(_leaves(before, after))
    tokens = [
        match
        for match in _TOKEN.finditer(source)
        if match[0][0] != '"' or re.compile(r"\s*:").match(source, match.end()) is None
    ]
    if len(leaves) != len(tokens):
        return json.dumps(after, ensure_ascii=False)
    out, done = [], 0
    for match, (old, new) in zip(tokens, leaves, strict=True):
        if old != new:
            out += [source[done : match.start()], _dumped(new, match[0])]
            done = match.end()
    return "".join((*out, source[done:]))


def _dumped(value: Json, spelled: str) -> str:
    return json.dumps(value, ensure_ascii=spelled.isascii())


def _leaves(before: Json, after: Json) -> Iterator[tuple[Any, Any]]:
    """Pairs of leaves in the order of writing. A field that is gone pairs with nothing, which the count tells."""
    if isinstance(before, dict):
        for key, item in before.items():
            if isinstance(after, dict) and key in after:
                yield from _leaves(item, after[key])
    elif isinstance(before, list):
        for old, new in zip(before, after if isinstance(after, list) else (), strict=False):
            yield from _leaves(old, new)
    else:
        yield before, after


def mask_strings(text: str, mask: Masker) -> str:
    """``text`` with each quoted string that has escapes opened, masked and closed again, at whatever depth."""
    if "\\" not in text or '"' not in text:
        return text
    return _ESCAPED.sub(lambda match: _string(match[0], mask), text)


def _string(literal: str, mask: Masker) -> str:
    closed = literal if literal.endswith('"') and len(literal) > 1 else f'{literal}"'
    try:
        inner = json.loads(closed, strict=False)
    except ValueError:
        return literal
    masked = mask(inner)
    if masked == inner:
        return literal
    written = json.dumps(masked, ensure_ascii=literal.isascii())
    return written if closed == literal else written[:-1]


def mask_encoded(text: str, mask: Masker) -> str:
    """``text`` with percent-encoded words and HTML-escaped or unicode-escaped texts masked in their plain form."""
    if _unseen(text) and _UNSEEN.search(text):
        plain = _UNSEEN.sub("", text)
        masked = mask(plain)
        text = masked if masked != plain else text
    if "%" in text and _PERCENT.search(text):
        text = _WORD.sub(lambda match: _percent(match[0], mask), text)
    if "&" in text and _ENTITY.search(text):
        plain = html.unescape(text)
        masked = mask(plain)
        if masked != plain:
            text = html.escape(masked)
    if "\\u00" in text and _UNICODE.search(text):
        plain = _UNICODE.sub(lambda match: chr(int(match[0][2:], 16)), text)
        masked = mask(plain)
        text = masked if masked != plain else text
    return text


def _unseen(text: str) -> bool:
    return "\x1b[" in text or (not text.isascii() and any(map(text.__contains__, _WIDTHLESS)))


def _percent(word: str, mask: Masker) -> str:
    if "%" not in word or _PERCENT.search(word) is None:
        return word
    plain = unquote(word)
    masked = mask(plain)
    return word if masked == plain else quote(masked, safe="[]:/?&=@,;+!*'()")
