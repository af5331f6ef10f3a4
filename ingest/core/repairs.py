"""Payloads that are almost JSON, mended where only one reading is possible.

People write webhook templates by hand and leave quotes out: ``"tags": [$TAGS]`` becomes ``[env:prod,team:shop]``, ``"id": $ID,``
becomes ``"id": ,``, and ``"logs_sample": "$LOGS_SAMPLE"`` puts an object between quotes as it is. What is mended: values without quotes,
values that are missing, whole objects and lists between quotes, and commas before a closing bracket. What could be read in two
ways, as a quote inside of a text, is not.
"""

from __future__ import annotations

import json
import re

_SPACE = re.compile(r"\s*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
#: A bare value of an object ends where the next quoted key begins, or the object: what stands between has no quotes.
_OF_OBJECT = re.compile(r'[^"\[\]{}]*')
_OF_ARRAY = re.compile(r'[^",\[\]{}]*')
#: What may follow a value.
_BEHIND = re.compile(r"\s*[,}\]]")
_LITERAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")


_INNER = json.JSONDecoder(strict=False)


class _NotOneReading(ValueError):
    pass


def repaired(text: str, max_depth: int) -> str | None:
    """The same as JSON; ``None`` where it could be read in more than one way, or in none."""
    try:
        return _Scan(text, max_depth).document()
    except (_NotOneReading, RecursionError):
        return None


class _Scan:
    def __init__(self, text: str, max_depth: int) -> None:
        self._text = text
        self._most = max_depth
        self._at = 0

    def document(self) -> str:
        self._space()
        if self._next() != "{":
            raise _NotOneReading
        out = self._object(1)
        self._space()
        if self._at != len(self._text):
            raise _NotOneReading
        return out

    def _object(self, depth: int) -> str:
        members: list[str] = []
        self._open(depth)
        while self._more("}"):
            key = self._string()
            self._space()
            if self._next() != ":":
                raise _NotOneReading
            self._at += 1
            members.append(f"{key}:{self._value(depth, _OF_OBJECT) or 'null'}")
            self._end_of_item("}")
        return "{" + ",".join(members) + "}"

    def _array(self, depth: int) -> str:
        items: list[str] = []
        self._open(depth)
        while self._more("]"):
            item = self._value(depth, _OF_ARRAY)
            if item:
                items.append(item)
            self._end_of_item("]")
        return "[" + ",".join(items) + "]"

    def _open(self, depth: int) -> None:
        if depth > self._most:
            raise _NotOneReading
        self._at += 1

    def _value(self, depth: int, bare: re.Pattern[str]) -> str:
        self._space()
        first = self._next()
        if first == '"':
            return self._quoted_object() or self._string()
        if first == "{":
            return self._object(depth + 1)
        if first == "[":
            return self._array(depth + 1)
        word = self._bare(bare)
        if not word or _LITERAL.fullmatch(word):
            return word
        if "\n" in word or "\r" in word or word.startswith(","):
            raise _NotOneReading
        return json.dumps(word, ensure_ascii=False)

    def _bare(self, bare: re.Pattern[str]) -> str:
        """What stands there without quotes; the comma behind it is left to stand."""
        found = bare.match(self._text, self._at)
        run = found[0] if found else ""
        word = run.rstrip()
        if bare is _OF_OBJECT and word.endswith(","):
            self._at += len(word) - 1
            return word[:-1].strip()
        self._at += len(run)
        return word

    def _quoted_object(self) -> str:
        """An object or a list that stands between quotes unescaped; empty where the quotes hold a text."""
        text = _STRING.match(self._text, self._at)
        begins = self._at + 1
        if self._text[begins : begins + 1] not in ("{", "["):
            return ""
        if text is not None and _BEHIND.match(self._text, text.end()):
            return ""
        try:
            _, ends = _INNER.raw_decode(self._text, begins)
        except ValueError:
            return ""
        if self._text[ends : ends + 1] != '"' or not _BEHIND.match(self._text, ends + 1):
            return ""
        self._at = ends + 1
        return self._text[begins:ends]

    def _string(self) -> str:
        found = _STRING.match(self._text, self._at)
        if found is None:
            raise _NotOneReading
        self._at = found.end()
        return found[0]

    def _more(self, closing: str) -> bool:
        """Whether another item begins; the closing bracket is passed."""
        self._space()
        if self._next() != closing:
            return True
        self._at += 1
        return False

    def _end_of_item(self, closing: str) -> None:
        self._space()
        if self._next() == ",":
            self._at += 1
        elif self._next() != closing:
            raise _NotOneReading

    def _space(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise _NotOneReading
        return self._text[self._at]
