"""Fits confidence to what was right, and measures it on cases that were not fitted.

Each case counts twice: once with all its evidence, once spread over copies from which sources were taken away, because
answers that lack evidence are the ones that confidence is for. Cases stay whole: all copies of one are in the same fold.
What was seen is kept as counts in ``calibration.json``, so that the fit can be repeated without the cases.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from decide.core.confidence import ConfidenceSigns, confidence
from tools.evaluation import score
from tools.evaluation.answers import mapping, truths
from tools.evaluation.run import Answers, apart
from tools.evaluation.sources import SOURCES

#: Answers that were seen, and what they were seen on.
STORE = Path(__file__).with_name("calibration.json")
FOLDS = 10
#: Sets of two and of three sources that are taken away besides each single one.
_PAIRS, _TRIPLES = 10, 4
#: How strongly weights are held to where they start, in cases: few wrong answers must not make a steep map.
_HOLD = 1.0
_START = (0.0, 1.0, 0.5, 1.0, 1.0, 1.0)
#: Steps at most, and the change at which a weight stands still.
_STEPS, _STILL = 50, 1e-6

Terms = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """Answers with the same signs in one fold of one collection; weights in cases."""

    collection: str
    fold: int
    #: All the evidence was there.
    whole: bool
    signs: ConfidenceSigns
    right: float
    wrong: float


def losses(seed: int = 1) -> list[tuple[str, ...]]:
    """Each source alone, and some sets of two and three."""
    dice = random.Random(seed)
    several = [tuple(sorted(dice.sample(SOURCES, 2))) for _ in range(_PAIRS)]
    several += [tuple(sorted(dice.sample(SOURCES, 3))) for _ in range(_TRIPLES)]
    return [*((source,) for source in SOURCES), *several]


def look(name: str, cases: Path, expected: Path) -> list[Seen]:
    """What the rules say to every case of a folder, whole and with losses, as counts under ``name``."""
    lost = losses()
    words = [word for one in lost for word in ("--without", ",".join(one))]
    found: list[Answers] = apart(cases, "--signs", *words)
    known = truths(expected)  # only now: nothing above could have seen an answer
    counts: dict[tuple[int, bool, ConfidenceSigns], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for gone, results in zip([(), *lost], found, strict=True):
        for one in score.judge_all(known, results, mapping()):
            told = results[one.truth.case].get("signs")
            if told:
                key = (fold_of(one.truth.case), not gone, _rounded(ConfidenceSigns(**told)))
                counts[key][0 if one.at("both", 1) else 1] += 1 / len(lost) if gone else 1.0
    return [Seen(name, *key, *map(_digits, pair)) for key, pair in counts.items()]


def fold_of(case: str) -> int:
    """The fold that a case with all its copies is in."""
    return hashlib.sha256(case.encode()).digest()[0] % FOLDS


def _rounded(signs: ConfidenceSigns) -> ConfidenceSigns:
    parts = {k: v if isinstance(v, bool) else round(v, 2) for k, v in asdict(signs).items()}
    return ConfidenceSigns(**parts)


def _digits(weight: float) -> float:
    return round(weight, 4)


def store(seen: Iterable[Seen], notes: dict[str, str], path: Path = STORE) -> None:
    """Writes counts with what is known about each collection."""
    rows = sorted(
        (
            [s.collection, s.fold, s.whole, *asdict(s.signs).values(), s.right, s.wrong]
            for s in seen
        ),
        key=str,
    )
    lines = ",\n  ".join(orjson.dumps(row).decode() for row in rows)
    head = orjson.dumps(notes, option=orjson.OPT_INDENT_2).decode()
    path.write_text(f'{{"collections": {head},\n "rows": [\n  {lines}\n]}}\n')


def stored(path: Path = STORE) -> tuple[list[Seen], dict[str, str]]:
    """The counts and the notes of ``calibration.json``."""
    raw: dict[str, Any] = orjson.loads(path.read_bytes())
    seen = [Seen(r[0], r[1], r[2], ConfidenceSigns(*r[3:-2]), r[-2], r[-1]) for r in raw["rows"]]
    return seen, raw["collections"]


def fit(seen: Iterable[Seen]) -> Terms:
    """The weights that make what happened likeliest, slopes not below zero. Newton's steps on the free weights."""
    rows = [(s.signs.terms(), s.right, s.wrong) for s in _merged(seen)]
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


def _derivatives(
    rows: Sequence[tuple[Terms, float, float]], weights: Sequence[float]
) -> tuple[list[float], list[list[float]]]:
    """First and second derivatives of what is to be least: lost likelihood, and distance from the start."""
    slope = [_HOLD * (w - s) for w, s in zip(weights, _START, strict=True)]
    bend = [[_HOLD * (n == m) for m in range(len(weights))] for n in range(len(weights))]
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
    return (Seen("", 0, True, signs, right, wrong) for signs, (right, wrong) in sums.items())


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
    """Every answer with the confidence of a fit on the other collections alone; empty when there is one collection."""
    names = sorted({s.collection for s in seen})
    out: list[Told] = []
    for name in names if len(names) > 1 else ():
        weights = fit(s for s in seen if s.collection != name)
        out += [Told(s, confidence(s.signs, weights)) for s in seen if s.collection == name]
    return out


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
