"""Datadog's search syntax for logs and events: ``service:web (status:error OR @code:5*) -env:dev "out of memory"``.

Source: docs.datadoghq.com/logs/explorer/search_syntax.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r'\s*(\(|\)|-(?=[^\s])|(?:[@\w.\-/*]+:)?(?:"(?:[^"\\]|\\.)*"|\([^()]*\)|[^\s()]+))'
)


class BadSearch(ValueError):
    """Text that is no search."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a search looks at: free text, and values by facet (tags, attributes with ``@``)."""

    text: str
    facets: Mapping[str, Sequence[str]]


Test = Callable[[Document], bool]


def compile_search(query: str) -> Test:
    """A test for documents. Raises BadSearch."""
    tokens = _TOKEN.findall(query)
    if "".join(_TOKEN.sub("", query).split()):
        raise BadSearch(query)
    parser = _Parser(tokens)
    test = parser.either()
    if parser.rest:
        raise BadSearch(query)
    return test


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens

    def either(self) -> Test:
        options = [self._all()]
        while self.rest and self.rest[0] == "OR":
            self.rest = self.rest[1:]
            options.append(self._all())
        return lambda doc: any(option(doc) for option in options)

    def _all(self) -> Test:
        parts: list[Test] = []
        while self.rest and self.rest[0] not in ("OR", ")"):
            if self.rest[0] == "AND":
                self.rest = self.rest[1:]
                continue
            parts.append(self._one())
        return lambda doc: all(part(doc) for part in parts)

    def _one(self) -> Test:
        if not self.rest:
            raise BadSearch("the search ends too early")
        token, self.rest = self.rest[0], self.rest[1:]
        if token in ("-", "NOT"):
            negated = self._one()
            return lambda doc: not negated(doc)
        if token != "(":
            return _term(token)
        inner = self.either()
        if not self.rest or self.rest[0] != ")":
            raise BadSearch("an open parenthesis")
        self.rest = self.rest[1:]
        return inner


def _term(token: str) -> Test:
    if token == "*":
        return lambda _: True
    facet, colon, value = token.partition(":")
    if token.startswith('"') or not colon:
        needle = token.strip('"').lower()
        pattern = f"*{needle}*"
        return lambda doc: fnmatch.fnmatchcase(doc.text.lower(), pattern)
    wanted = (
        [v.strip().strip('"') for v in re.split(r"\s+OR\s+", value[1:-1])]
        if value.startswith("(")
        else [value.strip('"')]
    )
    return lambda doc: any(
        fnmatch.fnmatchcase(have.lower(), want.lower())
        for have in doc.facets.get(facet, ())
        for want in wanted
    )
