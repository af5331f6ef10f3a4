"""PromQL, as far as our queries and the company's rules use it: selectors, rates, aggregations, arithmetic, comparisons, sets.

Semantics: https://prometheus.io/docs/prometheus/latest/querying/basics and .../operators and .../functions. Series are functions
of time that are scraped every ``SCRAPE_S`` seconds; what is not there at the last scrape is gone.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from statistics import fmean
from typing import Protocol

SCRAPE_S = 15.0
Labels = tuple[tuple[str, str], ...]
Vector = list[tuple[Labels, float]]
Ranges = list[tuple[Labels, list[tuple[float, float]]]]
Instant = Callable[[float], Vector | float] | Callable[[float], Vector]

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<duration>\d+(?:ms|[smhdwy]))|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"""
    r"""|(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<word>[A-Za-z_:][\w:]*)"""
    r"""|(?P<sign>[=!<>]=|=~|!~|[-+*/%(){}\[\],=<>])"""
)
_UNIT_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_AGGREGATE: dict[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "avg": fmean,
    "min": min,
    "max": max,
    "count": len,
}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b if b else float("nan"),
}
#: Operators, the weakest first.
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"or"}),
    frozenset({"and", "unless"}),
    frozenset(_COMPARE),
    frozenset({"+", "-"}),
    frozenset({"*", "/"}),
)


class BadQuery(ValueError):
    """Text that is no PromQL, or PromQL that the sandbox does not know."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """One series. ``at`` gives its value at a unix time; ``None``: it is not there then."""

    labels: Mapping[str, str]
    at: Callable[[float], float | None]


class Samples(Protocol):
    """Where series come from."""

    def named(self, metric: str) -> Iterable[Sampled]:
        """All series of a metric."""
        ...


def evaluate(query: str, source: Samples, at: float) -> Vector:
    """An instant query. Raises BadQuery."""
    return compile_query(query, source)(at)


def compile_query(query: str, source: Samples) -> Callable[[float], Vector]:
    """The query as a function of time; a number alone is a vector without labels. Raises BadQuery."""
    found = _Reader(query, source).whole()

    def vector(at: float) -> Vector:
        told = found(at)
        return [((), told)] if isinstance(told, float) else told

    return vector


@dataclass(frozen=True, slots=True)
class _Matching:
    """Which labels of two sides have to be the same."""

    on: bool = False
    names: tuple[str, ...] = ()

    def key(self, labels: Labels) -> Labels:
        return tuple((k, v) for k, v in labels if (k in self.names) is self.on and k != "__name__")


class _Reader:
    def __init__(self, text: str, source: Samples) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._source = source

    def whole(self) -> Instant:
        found = self._level(0)
        if self._at < len(self._tokens):
            raise BadQuery(f"unexpected {self._tokens[self._at]!r}")
        return found

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str = "") -> str:
        found = self._peek()
        if not found or (wanted and found != wanted):
            raise BadQuery(f"expected {wanted or 'more'}, found {found!r}")
        self._at += 1
        return found

    def _level(self, level: int) -> Instant:
        if level == len(_LEVELS):
            return self._unary()
        left = self._level(level + 1)
        while self._peek() in _LEVELS[level]:
            sign = self._take()
            matching = self._matching()
            left = _joined(sign, left, self._level(level + 1), matching)
        return left

    def _matching(self) -> _Matching:
        if self._peek() not in ("on", "ignoring"):
            return _Matching()
        on = self._take() == "on"
        return _Matching(on, self._names())

    def _names(self) -> tuple[str, ...]:
        self._take("(")
        found: list[str] = []
        while self._peek() != ")":
            found.append(self._take())
            if self._peek() == ",":
                self._take()
        self._take(")")
        return tuple(found)

    def _unary(self) -> Instant:
        if self._peek() == "-":
            self._take()
            inner = self._unary()
            return _joined("*", lambda at: -1.0, inner, _Matching())
        if self._peek() == "(":
            self._take()
            inner = self._level(0)
            self._take(")")
            return inner
        word = self._take()
        if re.fullmatch(r"[\d.]+(?:[eE][+-]?\d+)?", word):
            number = float(word)
            return lambda at: number
        if word in _AGGREGATE:
            return self._aggregated(word)
        if self._peek() == "(":
            return self._called(word)
        return self._selected(word)

    def _aggregated(self, name: str) -> Instant:
        grouping = self._grouping()
        self._take("(")
        inner = self._level(0)
        self._take(")")
        grouping = grouping or self._grouping() or _Matching(on=True)
        return _grouped(_AGGREGATE[name], inner, grouping)

    def _grouping(self) -> _Matching | None:
        if self._peek() not in ("by", "without"):
            return None
        return _Matching(self._take() == "by", self._names())

    def _called(self, name: str) -> Instant:
        self._take("(")
        if name in ("rate", "increase"):
            metric = self._take()
            ranged, seconds = self._ranged(metric)
            self._take(")")
            return _counted(ranged, seconds, a_second=name == "rate")
        if name not in ("vector", "label_replace"):
            raise BadQuery(f"unknown function {name}")
        inner = self._level(0)
        texts: list[str] = []
        while self._peek() == ",":
            self._take()
            texts.append(_text(self._take()))
        self._take(")")
        return _vector(inner) if name == "vector" else _replaced(inner, texts)

    def _matchers(self) -> list[tuple[str, str, str]]:
        found: list[tuple[str, str, str]] = []
        if self._peek() != "{":
            return found
        self._take()
        while self._peek() != "}":
            found.append((self._take(), self._take(), _text(self._take())))
            if self._peek() == ",":
                self._take()
        self._take("}")
        return found

    def _selected(self, metric: str) -> Callable[[float], Vector]:
        series = self._kept(metric)

        def at_once(at: float) -> Vector:
            scraped = at // SCRAPE_S * SCRAPE_S
            return [(labels, v) for labels, value in series() if (v := value(scraped)) is not None]

        return at_once

    def _ranged(self, metric: str) -> tuple[Callable[[float], Ranges], float]:
        series = self._kept(metric)
        self._take("[")
        seconds = _seconds(self._take())
        self._take("]")

        def within(at: float) -> Ranges:
            last = at // SCRAPE_S
            first = (at - seconds) // SCRAPE_S + 1  # the range is open at its beginning
            times = [n * SCRAPE_S for n in range(int(first), int(last) + 1)]
            return [
                (_nameless(labels), [(t, v) for t in times if (v := value(t)) is not None])
                for labels, value in series()
            ]

        return within, seconds

    def _kept(
        self, metric: str
    ) -> Callable[[], list[tuple[Labels, Callable[[float], float | None]]]]:
        """The series that the matchers keep, listed when they are first asked for; windows that overlap share samples."""
        keep = _test(self._matchers())
        source = self._source

        @cache
        def series() -> list[tuple[Labels, Callable[[float], float | None]]]:
            return [
                (_labels(s.labels, metric), cache(s.at))
                for s in source.named(metric)
                if keep(s.labels)
            ]

        return series


def _tokens(text: str) -> Iterable[str]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadQuery(f"cannot read {text[at : at + 20]!r}")
        if match.lastgroup:
            yield match[0]
        at = match.end()


def _text(token: str) -> str:
    if token[:1] not in ("'", '"'):
        raise BadQuery(f"no text: {token}")
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], token[1:-1])


def _seconds(token: str) -> float:
    match = re.fullmatch(r"(\d+)(ms|[smhdwy])", token)
    if match is None:
        raise BadQuery(f"no duration: {token}")
    return int(match[1]) * _UNIT_S[match[2]]


def _labels(labels: Mapping[str, str], name: str = "") -> Labels:
    """A label with an empty value is none."""
    named = {**labels, **({"__name__": name} if name else {})}
    return tuple(sorted((k, v) for k, v in named.items() if v))


def _test(matchers: Sequence[tuple[str, str, str]]) -> Callable[[Mapping[str, str]], bool]:
    tests: dict[str, Callable[[str, str], bool]] = {
        "=": lambda have, want: have == want,
        "!=": lambda have, want: have != want,
        "=~": lambda have, want: re.fullmatch(want, have) is not None,
        "!~": lambda have, want: re.fullmatch(want, have) is None,
    }
    for _, sign, _ in matchers:
        if sign not in tests:
            raise BadQuery(f"no matcher: {sign}")
    return lambda labels: all(tests[sign](labels.get(n, ""), want) for n, sign, want in matchers)


def _nameless(labels: Labels) -> Labels:
    return tuple((k, v) for k, v in labels if k != "__name__")


def _counted(ranged: Callable[[float], Ranges], seconds: float, *, a_second: bool) -> Instant:
    """Growth of counters over ``seconds``, or in each of them."""

    def told(at: float) -> Vector:
        span = seconds if a_second else 1.0
        return [
            (labels, _grown(points, at - seconds, at) / span)
            for labels, points in ranged(at)
            if len(points) > 1
        ]

    return told


def _grown(points: Sequence[tuple[float, float]], start: float, end: float) -> float:
    """A counter's growth between two times, from its samples in between, as Prometheus extrapolates it
    (``promql/functions.go``, ``extrapolatedRate``). A fall is a new beginning.
    """
    (first_at, first), (last_at, _) = points[0], points[-1]
    grown = sum(b - a if b >= a else b for (_, a), (_, b) in pairwise(points))
    sampled = last_at - first_at
    apart = sampled / (len(points) - 1)
    before, after = (
        gap if gap < apart * 1.1 else apart / 2 for gap in (first_at - start, end - last_at)
    )
    if grown > 0 and first >= 0:
        before = min(before, sampled * first / grown)  # a counter was never below zero
    return grown * (sampled + before + after) / sampled


def _vector(inner: Instant) -> Instant:
    def told(at: float) -> Vector:
        value = inner(at)
        if not isinstance(value, float):
            raise BadQuery("vector() of no number")
        return [((), value)]

    return told


def _replaced(inner: Instant, texts: Sequence[str]) -> Instant:
    if len(texts) != 4:
        raise BadQuery("label_replace() takes four texts")
    target, replacement, origin, pattern = texts

    def told(at: float) -> Vector:
        value = inner(at)
        if isinstance(value, float):
            raise BadQuery("label_replace() of a number")
        return [(changed(labels), one) for labels, one in value]

    def changed(labels: Labels) -> Labels:
        match = re.fullmatch(pattern, dict(labels).get(origin, ""))
        if match is None:
            return labels
        new = match.expand(re.sub(r"\$(\d)", r"\\\1", replacement))
        return _labels({**dict(labels), target: new})

    return told


def _grouped(
    aggregate: Callable[[Sequence[float]], float], inner: Instant, grouping: _Matching
) -> Instant:
    def told(at: float) -> Vector:
        value = inner(at)
        if isinstance(value, float):
            raise BadQuery("an aggregation of a number")
        groups: dict[Labels, list[float]] = {}
        for labels, one in value:
            groups.setdefault(grouping.key(labels), []).append(one)
        return [(labels, float(aggregate(ones))) for labels, ones in groups.items()]

    return told


def _joined(sign: str, left: Instant, right: Instant, matching: _Matching) -> Instant:
    def told(at: float) -> Vector | float:
        return _combined(sign, left(at), right(at), matching)

    return told


def _combined(
    sign: str, left: Vector | float, right: Vector | float, matching: _Matching
) -> Vector | float:
    if sign in ("and", "or", "unless"):
        if isinstance(left, float) or isinstance(right, float):
            raise BadQuery(f"{sign} of a number")
        return _set(sign, left, right, matching)
    if isinstance(left, float) and isinstance(right, float):
        if sign in _COMPARE:
            raise BadQuery("comparisons of numbers need bool")
        return _ARITHMETIC[sign](left, right)
    if isinstance(right, float):
        assert not isinstance(left, float)
        return _each(sign, [(labels, one, right, one) for labels, one in left])
    if isinstance(left, float):
        return _each(sign, [(labels, left, one, one) for labels, one in right])
    others: dict[Labels, float] = {}
    for labels, one in right:
        key = matching.key(labels)
        if key in others:
            raise BadQuery("many-to-one matching must be explicit")
        others[key] = one
    pairs = [
        (labels, one, others[matching.key(labels)], one)
        for labels, one in left
        if matching.key(labels) in others
    ]
    return _each(sign, pairs)


def _each(sign: str, pairs: Iterable[tuple[Labels, float, float, float]]) -> Vector:
    """``pairs``: labels, both sides, and what a comparison that holds lets through."""
    if sign in _COMPARE:
        return [(labels, through) for labels, a, b, through in pairs if _COMPARE[sign](a, b)]
    return [(_nameless(labels), _ARITHMETIC[sign](a, b)) for labels, a, b, _ in pairs]


def _set(sign: str, left: Vector, right: Vector, matching: _Matching) -> Vector:
    there = {matching.key(labels) for labels, _ in right}
    if sign == "or":
        known = {matching.key(labels) for labels, _ in left}
        return [*left, *((k, v) for k, v in right if matching.key(k) not in known)]
    return [(k, v) for k, v in left if (matching.key(k) in there) is (sign == "and")]
