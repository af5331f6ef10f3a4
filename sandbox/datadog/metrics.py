"""Datadog's metric queries: ``sum:trace.http.errors{service:web} by {pod_name}.as_rate() / avg:x{*} * 100``.

A timeline is a function of time with tags; a query samples, filters, groups and combines timelines.
Source: docs.datadoghq.com/metrics/advanced-filtering and docs.datadoghq.com/dashboards/functions.
"""

from __future__ import annotations

import fnmatch
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist, fmean
from typing import Literal, Protocol

Value = float | None
_AGGREGATE: dict[str, Callable[[Iterable[float]], float]] = {
    "avg": fmean,
    "sum": sum,
    "min": min,
    "max": max,
}
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_METRIC = re.compile(
    r"(?:(avg|sum|min|max|count|p\d\d):)?([A-Za-z_][\w.]*)\{([^{}]*)\}(?:\s*by\s*\{([^{}]*)\})?"
)
_NAME = re.compile(r"[a-z_]\w*(?=\()")
_POSTFIX = re.compile(r"\.([a-z_]+)\(([^()]*)\)")


class BadQuery(ValueError):
    """Text that is no query, or one with a function the sandbox does not know."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """One time series at its source. ``at`` gives the value at a unix time in seconds; ``None`` is a gap."""

    metric: str
    tags: Mapping[str, str]
    at: Callable[[float], Value]
    #: Datadog's unit name, such as ``byte`` or ``nanocore``; empty when it has none.
    unit: str = ""
    #: The metric's type. Of a count ``at`` gives the rate per second, of a distribution the mean.
    type: Literal["gauge", "count", "distribution"] = "gauge"
    #: Of a distribution: whether percentiles may be asked for.
    percentiles: bool = False


class MetricSource(Protocol):
    """Where timelines come from."""

    def timelines(self, metric: str) -> Iterable[Timeline]:
        """All timelines of one metric, as they are now."""
        ...

    def names(self) -> Iterable[str]:
        """Every metric that there is something of."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open span of time in seconds, and the distance of its samples."""

    start: float
    end: float
    step: float

    @property
    def times(self) -> tuple[float, ...]:
        """Sample times, aligned to the step as Datadog's are."""
        first = int(self.start // self.step) + 1
        last = int(self.end // self.step)
        return tuple(n * self.step for n in range(first, last + 1))


@dataclass(frozen=True, slots=True)
class Answer:
    """One series of a result."""

    metric: str
    aggregate: str
    scope: str
    group: tuple[tuple[str, str], ...]
    values: tuple[Value, ...]
    expression: str
    unit: str = ""


def default_step(start: float, end: float) -> float:
    """Seconds between points when the query has no rollup: at most 300 points, never under 10 s."""
    span = max(1.0, end - start)
    return next(
        (s for s in (10.0, 20.0, 60.0, 120.0, 300.0, 600.0, 3600.0) if span / s <= 300), 14400.0
    )


def evaluate(
    query: str,
    source: MetricSource,
    window: Window,
    named: Mapping[str, Sequence[Answer]] | None = None,
) -> list[Answer]:
    """The query's series over the window; ``named`` are results a formula refers to. Raises BadQuery."""
    reader = _Reader(query.strip(), source, window, named or {})
    found = reader.sum()
    reader.finish()
    if isinstance(found, float):
        raise BadQuery("a number alone is no query")
    return found


Operand = list[Answer] | float


class _Reader:
    """Recursive descent over one query; evaluates as it reads."""

    def __init__(
        self,
        text: str,
        source: MetricSource,
        window: Window,
        named: Mapping[str, Sequence[Answer]],
    ) -> None:
        self._text, self._at = text, 0
        self._source, self._window, self._named = source, window, named

    def finish(self) -> None:
        if self._text[self._at :].strip():
            raise BadQuery(f"cannot read {self._text[self._at :]!r}")

    def _peek(self, chars: str) -> str:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        char = self._text[self._at : self._at + 1]
        return char if char and char in chars else ""

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self._peek("")
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()
        return match

    def sum(self) -> Operand:
        left = self._product()
        while sign := self._peek("+-"):
            self._at += 1
            left = _combine(left, self._product(), sign)
        return left

    def _product(self) -> Operand:
        left = self._factor()
        while sign := self._peek("*/"):
            self._at += 1
            left = _combine(left, self._factor(), sign)
        return left

    def _factor(self) -> Operand:
        if self._peek("("):
            self._at += 1
            inner = self.sum()
            self._close()
            return inner
        if number := self._take(_NUMBER):
            return float(number.group())
        if match := self._take(_METRIC):
            return self._postfixed(self._select(match), match[0])
        if name := self._take(_NAME):
            return self._called(name.group())
        return self._reference()

    def _reference(self) -> Operand:
        name = self._take(re.compile(r"[A-Za-z_]\w*"))
        if name is None or name.group() not in self._named:
            raise BadQuery(f"cannot read {self._text[self._at :]!r}")
        return list(self._named[name.group()])

    def _called(self, name: str) -> Operand:
        self._at += 1
        inner = self.sum()
        while self._peek(","):
            self._at += 1
            self._take(re.compile(r"[^,()]*"))
        self._close()
        if isinstance(inner, float):
            raise BadQuery(f"{name}() of a number")
        return [replace(a, values=_function(name, a.values, self._window)) for a in inner]

    def _close(self) -> None:
        if not self._peek(")"):
            raise BadQuery("a parenthesis is open")
        self._at += 1

    def _postfixed(self, answers: list[Answer], expression: str) -> list[Answer]:
        while match := self._take(_POSTFIX):
            name, arguments = match[1], match[2]
            expression += match[0]
            if name == "rollup":
                answers = [_rolled(a, arguments, self._window) for a in answers]
            elif name == "as_rate":
                answers = [_scaled(a, 1 / self._window.step) for a in answers]
            elif name not in ("as_count", "fill", "weighted", "with_context"):
                raise BadQuery(f"unknown function {name}")
        return [replace(a, expression=expression) for a in answers]

    def _select(self, match: re.Match[str]) -> list[Answer]:
        aggregate, metric, wanted, by = match[1] or "avg", match[2], match[3], match[4]
        keep = tag_filter(wanted)
        keys = [k.strip() for k in (by or "").split(",") if k.strip()]
        groups: dict[tuple[tuple[str, str], ...], list[Timeline]] = {}
        for line in self._source.timelines(metric):
            if not keep(line.tags) or any(k not in line.tags for k in keys):
                continue
            groups.setdefault(tuple((k, line.tags[k]) for k in keys), []).append(line)
        found = [
            self._sampled(metric, aggregate, wanted, group, lines)
            for group, lines in sorted(groups.items())
        ]
        return [answer for answer in found if any(v is not None for v in answer.values)]

    def _sampled(
        self,
        metric: str,
        aggregate: str,
        wanted: str,
        group: tuple[tuple[str, str], ...],
        lines: list[Timeline],
    ) -> Answer:
        values: list[Value] = []
        for at in self._window.times:
            present = [v for line in lines if (v := line.at(at)) is not None]
            values.append(
                _aggregated(aggregate, lines[0], present, self._window) if present else None
            )
        scope = ",".join([*(f"{k}:{v}" for k, v in group), *([] if wanted == "*" else [wanted])])
        return Answer(metric, aggregate, scope or "*", group, tuple(values), metric, lines[0].unit)


def _aggregated(aggregate: str, line: Timeline, present: list[float], window: Window) -> float:
    """The value of one time over its timelines. Raises BadQuery for a percentile that the metric does not have."""
    if aggregate.startswith("p"):
        if line.type != "distribution" or not line.percentiles:
            raise BadQuery(f"percentiles are not enabled for {line.metric}")
        return max(present) * spread(int(aggregate[1:]) / 100)
    if line.type == "count":
        return _AGGREGATE["sum" if aggregate == "count" else aggregate](present) * window.step
    return _AGGREGATE["sum" if aggregate == "count" else aggregate](present)


def spread(share: float) -> float:
    """A percentile as a multiple of the mean, as log-normal latencies have it."""
    sigma = 0.5
    return math.exp(sigma * NormalDist().inv_cdf(share) - sigma**2 / 2)


def tag_filter(text: str) -> Callable[[Mapping[str, str]], bool]:
    """``a:1,!b:2``, ``a:1 AND NOT b:*``, ``a IN (1,2)``, ``a:1 OR a:2``."""
    listed = re.compile(r"(NOT\s+|!)?([\w./-]+)\s+(NOT\s+)?IN\s*\(([^()]*)\)", re.IGNORECASE)
    tests: list[Callable[[Mapping[str, str]], bool]] = []
    for match in listed.finditer(text):
        values = {v.strip() for v in match[4].split(",")}
        tests.append(_listed(match[2], values, bool(match[1]) != bool(match[3])))
    rest = listed.sub("", text)
    for part in re.split(r",|\bAND\b", rest):
        if part.strip() not in ("", "*"):
            options = [_tag_test(o) for o in re.split(r"\bOR\b", part.strip(" ()"))]
            tests.append(_any_of(options))
    return lambda tags: all(test(tags) for test in tests)


def _any_of(
    options: list[Callable[[Mapping[str, str]], bool]],
) -> Callable[[Mapping[str, str]], bool]:
    return lambda tags: any(option(tags) for option in options)


def _listed(key: str, values: set[str], negated: bool) -> Callable[[Mapping[str, str]], bool]:
    return lambda tags: (tags.get(key) in values) is not negated


def _tag_test(text: str) -> Callable[[Mapping[str, str]], bool]:
    bare = re.sub(r"^\s*(?:NOT\s+|!|-)", "", text).strip()
    negated = bare != text.strip()
    key, colon, value = bare.partition(":")
    if not colon:
        raise BadQuery(f"no tag: {text!r}")
    return lambda tags: (key in tags and fnmatch.fnmatchcase(tags[key], value)) is not negated


_SIGNS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def _combine(left: Operand, right: Operand, sign: str) -> Operand:
    if isinstance(left, float) and isinstance(right, float):
        return _SIGNS[sign](left, right) if right or sign != "/" else 0.0
    if isinstance(right, float):
        assert not isinstance(left, float)
        return [_paired(a, (right,) * len(a.values), sign, str(right)) for a in left]
    if isinstance(left, float):
        return [
            replace(a, values=tuple(_pointwise((left,) * len(a.values), a.values, sign)))
            for a in right
        ]
    by_group = {a.group: a for a in right}
    out = []
    for answer in left:
        other = by_group.get(answer.group) or (
            right[0] if len(right) == 1 and right[0].group == () else None
        )
        if other is not None:
            out.append(_paired(answer, other.values, sign, other.expression))
    return out


def _paired(answer: Answer, others: Sequence[Value], sign: str, name: str) -> Answer:
    values = tuple(_pointwise(answer.values, others, sign))
    return replace(answer, values=values, expression=f"{answer.expression} {sign} {name}", unit="")


def _pointwise(left: Sequence[Value], right: Sequence[Value], sign: str) -> Iterable[Value]:
    for a, b in zip(left, right, strict=True):
        missing = a is None or b is None or (sign == "/" and b == 0)
        yield None if missing else _SIGNS[sign](float(a or 0), float(b or 0))


def _scaled(answer: Answer, factor: float) -> Answer:
    return replace(answer, values=tuple(None if v is None else v * factor for v in answer.values))


def _rolled(answer: Answer, arguments: str, window: Window) -> Answer:
    """``.rollup(max, 60)``: buckets keep the window's samples, each holding its bucket's aggregate."""
    parts = [p.strip() for p in arguments.split(",") if p.strip()]
    kind = next((p for p in parts if p in _AGGREGATE), "avg")
    seconds = next((float(p) for p in parts if p.isdigit()), window.step)
    buckets: dict[int, list[float]] = {}
    for at, value in zip(window.times, answer.values, strict=True):
        if value is not None:
            buckets.setdefault(int(at // seconds), []).append(value)
    values = tuple(
        _AGGREGATE[kind](buckets[int(at // seconds)]) if int(at // seconds) in buckets else None
        for at in window.times
    )
    return replace(answer, values=values)


def _function(name: str, values: tuple[Value, ...], window: Window) -> tuple[Value, ...]:
    if name == "default_zero":
        return tuple(0.0 if v is None else v for v in values)
    if name == "abs":
        return tuple(None if v is None else abs(v) for v in values)
    if name in ("diff", "monotonic_diff", "per_second", "derivative"):
        divisor = window.step if name in ("per_second", "derivative") else 1.0
        floor = name in ("monotonic_diff", "per_second")
        return _differences(values, divisor, floor)
    raise BadQuery(f"unknown function {name}")


def _differences(values: tuple[Value, ...], divisor: float, floor: bool) -> tuple[Value, ...]:
    out: list[Value] = [None]
    for before, after in pairwise(values):
        if before is None or after is None:
            out.append(None)
            continue
        step = (after - before) / divisor
        out.append(max(0.0, step) if floor else step)
    return tuple(out[: len(values)])
