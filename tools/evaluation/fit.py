"""Fits confidence to what was right, and measures it on cases that were not fitted."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from decide.core.confidence import ConfidenceSigns, confidence
from tools.evaluation import score
from tools.evaluation.seen import FOLDS, Seen, origin

#: How strongly weights are held to where they start, in cases: few wrong answers must not make a steep map.
#: What is strange is held hard: a house's size decides that too, and what is plain there must not be handed over for it.
_HOLD = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 100.0)
_START = (0.0, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0)
#: Steps at most, and the change at which a weight stands still.
_STEPS, _STILL = 50, 1e-6

Terms = tuple[float, ...]


def fit(seen: Iterable[Seen]) -> Terms:
    """The weights that make what happened likeliest, slopes not below zero. Newton's steps on the free weights."""
    rows = [(s.signs.terms(), s.right, s.wrong) for s in _merged(_balanced(list(seen)))]
    weights = list(_START)
    for _ in range(_STEPS):
        slope, bend = _derivatives(rows, weights)
        free = [n for n, w in enumerate(weights) if n == 0 or w > 0 or slope[n] < 0]
        step = _solved([[bend[n][m] for m in free] for n in free], [slope[n] for n in free])
        moved = list(weights)
        for n, part in zip(free, step, strict=True):
            moved[n] = weights[n] - part if n == 0 else max(0.0, weights[n] - part)
        done = max(abs(a - b) for a, b in zip(moved, weights, strict=True)) < _STILL
        weights = moved
        if done:
            break
    return tuple(round(w, 3) for w in weights)


def _balanced(seen: Sequence[Seen]) -> list[Seen]:
    """The answers, each origin by the square root of its cases: a thousand of the lab must not outvote the world."""
    cases: dict[str, float] = defaultdict(float)
    for one in seen:
        cases[origin(one.collection)] += one.right + one.wrong
    share = sum(cases.values()) / sum(math.sqrt(n) for n in cases.values()) if seen else 0.0
    count = {name: share / math.sqrt(n) for name, n in cases.items() if n}
    return [
        replace(one, right=one.right * times, wrong=one.wrong * times)
        for one in seen
        if (times := count.get(origin(one.collection)))
    ]


def _derivatives(
    rows: Sequence[tuple[Terms, float, float]], weights: Sequence[float]
) -> tuple[list[float], list[list[float]]]:
    """First and second derivatives of what is to be least: lost likelihood, and distance from the start."""
    slope = [hold * (w - s) for hold, w, s in zip(_HOLD, weights, _START, strict=True)]
    bend = [[_HOLD[n] * (n == m) for m in range(len(weights))] for n in range(len(weights))]
    for terms, right, wrong in rows:
        p = 1 / (1 + math.exp(-sum(w * t for w, t in zip(weights, terms, strict=True))))
        off, curve = p * (right + wrong) - right, p * (1 - p) * (right + wrong)
        for n, term in enumerate(terms):
            slope[n] += off * term
            for m, other in enumerate(terms):
                bend[n][m] += curve * term * other
    return slope, bend


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The solution of a small positive definite system, by elimination."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for n in range(size):
        rows[n] = [value / rows[n][n] for value in rows[n]]
        for m in range(size):
            if m != n:
                rows[m] = [a - rows[m][n] * b for a, b in zip(rows[m], rows[n], strict=True)]
    return [line[-1] for line in rows]


def _merged(seen: Iterable[Seen]) -> Iterator[Seen]:
    """One row per signs."""
    sums: dict[ConfidenceSigns, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for one in seen:
        sums[one.signs][0] += one.right
        sums[one.signs][1] += one.wrong
    return (Seen("", 0, True, signs, 0.0, right, wrong) for signs, (right, wrong) in sums.items())


@dataclass(frozen=True, slots=True)
class Told:
    """A confidence told by weights that had not seen these answers."""

    seen: Seen
    confidence: float

    @property
    def cases(self) -> float:
        """How many cases it stands for."""
        return self.seen.right + self.seen.wrong


def held_out(seen: Sequence[Seen]) -> list[Told]:
    """Every answer with the confidence of a fit on the other folds."""
    out: list[Told] = []
    for fold in range(FOLDS):
        weights = fit(s for s in seen if s.fold != fold)
        out += [Told(s, confidence(s.signs, weights)) for s in seen if s.fold == fold]
    return out


def across(seen: Sequence[Seen]) -> list[Told]:
    """Every answer with the confidence of a fit on collections of other origins; empty when there is one origin."""
    names = sorted({origin(s.collection) for s in seen})
    out: list[Told] = []
    for name in names if len(names) > 1 else ():
        weights = fit(s for s in seen if origin(s.collection) != name)
        out += [
            Told(s, confidence(s.abroad, weights)) for s in seen if origin(s.collection) == name
        ]
    return out


def told_by(weights: Terms, seen: Iterable[Seen]) -> list[Told]:
    """Answers with the confidence that these weights give them."""
    return [Told(one, confidence(one.signs, weights)) for one in seen]


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of one range of confidence, in cases."""

    top: float
    cases: float
    mean: float
    right: float


def reliability(told: Iterable[Told], tops: Sequence[float] = score.BINS) -> list[Bin]:
    """The bins that hold anything, lowest first."""
    bins: dict[float, list[Told]] = defaultdict(list)
    for one in told:
        bins[next(top for top in tops if one.confidence <= top)].append(one)
    out = []
    for top in sorted(bins):
        total = sum(one.cases for one in bins[top])
        mean = sum(one.confidence * one.cases for one in bins[top]) / total
        out.append(Bin(top, total, mean, sum(one.seen.right for one in bins[top]) / total))
    return out


def error(bins: Sequence[Bin]) -> float:
    """Expected calibration error."""
    total = sum(one.cases for one in bins)
    return sum(one.cases * abs(one.mean - one.right) for one in bins) / total if total else 0.0


def brier(told: Sequence[Told]) -> float:
    """Mean squared distance of confidence from what happened."""
    total = sum(one.cases for one in told)
    off = sum(
        one.seen.right * (1 - one.confidence) ** 2 + one.seen.wrong * one.confidence**2
        for one in told
    )
    return off / total if total else 0.0
