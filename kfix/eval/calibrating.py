"""Fits confidence to what was right, and measures it on cases that were not fitted.

Each case counts twice: once with all its evidence, once spread over copies from which sources were taken away, because
answers that lack evidence are the ones that confidence is for. Cases stay whole: all copies of one are in the same fold.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from decide.core.confidence import Signs, confidence
from kfix.eval import scoring
from kfix.eval.answers import mapping, truths
from kfix.eval.running import Answers, apart
from kfix.eval.sources import SOURCES

FOLDS = 10
#: Pairs and triples of sources that are taken away besides each single one.
_PAIRS, _TRIPLES = 10, 4
#: How strongly weights are held to where they start, in cases: few wrong answers must not make a steep map.
_HOLD = 1.0
_START = (0.0, 1.0, 0.5, 1.0, 1.0, 0.5)
_STEPS = 4000

Terms = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one case: its signs, whether it was right, and how much it counts."""

    collection: str
    case: str
    signs: Signs
    right: bool
    weight: float
    #: Sources that were taken away.
    lost: tuple[str, ...] = ()


def losses(seed: int = 1) -> list[tuple[str, ...]]:
    """Each source alone, and some sets of two and three."""
    dice = random.Random(seed)
    several = [tuple(sorted(dice.sample(SOURCES, 2))) for _ in range(_PAIRS)]
    several += [tuple(sorted(dice.sample(SOURCES, 3))) for _ in range(_TRIPLES)]
    return [*((source,) for source in SOURCES), *several]


def answers(cases: Path, expected: Path) -> list[Answer]:
    """What the rules say to every case of a folder, whole and with losses."""
    lost = losses()
    words = [word for one in lost for word in ("--without", ",".join(one))]
    found: list[Answers] = apart(cases, "--signs", *words)
    known = truths(expected)  # only now: nothing above could have seen an answer
    out: list[Answer] = []
    for gone, results in zip([(), *lost], found, strict=True):
        weight = 1 / len(lost) if gone else 1.0
        for one in scoring.judge_all(known, results, mapping()):
            told = results[one.truth.case].get("signs")
            if told:
                right = one.at("both", 1)
                out.append(Answer(str(cases), one.truth.case, Signs(**told), right, weight, gone))
    return out


def fit(found: Iterable[Answer]) -> Terms:
    """The weights that make what happened likeliest, slopes not below zero."""
    rows = _grouped(found)
    total = sum(right + wrong for right, wrong in rows.values())
    weights, rate = list(_START), 0.5
    for _ in range(_STEPS):
        slope = [_HOLD * (w - s) for w, s in zip(weights, _START, strict=True)]
        for terms, (right, wrong) in rows.items():
            p = 1 / (1 + math.exp(-sum(w * t for w, t in zip(weights, terms, strict=True))))
            off = p * (right + wrong) - right
            for n, term in enumerate(terms):
                slope[n] += off * term
        weights = [w - rate * s / total for w, s in zip(weights, slope, strict=True)]
        weights = [weights[0], *(max(0.0, w) for w in weights[1:])]
    return tuple(round(w, 3) for w in weights)


def _grouped(found: Iterable[Answer]) -> dict[Terms, tuple[float, float]]:
    """Weight of right and of wrong answers, by rounded terms: there are few different ones."""
    rows: dict[Terms, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for one in found:
        terms = tuple(round(term, 1) for term in one.signs.terms())
        rows[terms][0 if one.right else 1] += one.weight
    return {terms: (right, wrong) for terms, (right, wrong) in rows.items()}


@dataclass(frozen=True, slots=True)
class Told:
    """A confidence told for an answer by weights that had not seen its case."""

    answer: Answer
    confidence: float


def held_out(found: Sequence[Answer]) -> list[Told]:
    """Every answer with the confidence of a fit on the other folds."""
    out: list[Told] = []
    for fold in range(FOLDS):
        weights = fit(a for a in found if _fold(a.case) != fold)
        out += [Told(a, confidence(a.signs, weights)) for a in found if _fold(a.case) == fold]
    return out


def across(found: Sequence[Answer]) -> list[Told]:
    """Every answer with the confidence of a fit on the other collections alone; empty when there is one collection."""
    names = sorted({a.collection for a in found})
    out: list[Told] = []
    for name in names if len(names) > 1 else ():
        weights = fit(a for a in found if a.collection != name)
        out += [Told(a, confidence(a.signs, weights)) for a in found if a.collection == name]
    return out


def _fold(case: str) -> int:
    return hashlib.sha256(case.encode()).digest()[0] % FOLDS


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of one range of confidence. ``answers`` are weighed: a case's copies count as one."""

    top: float
    answers: float
    mean: float
    right: float


def reliability(told: Iterable[Told], tops: Sequence[float] = scoring.BINS) -> list[Bin]:
    """The bins that hold anything, lowest first."""
    bins: dict[float, list[Told]] = defaultdict(list)
    for one in told:
        bins[next(top for top in tops if one.confidence <= top)].append(one)
    out = []
    for top in sorted(bins):
        total = sum(one.answer.weight for one in bins[top])
        mean = sum(one.confidence * one.answer.weight for one in bins[top]) / total
        right = sum(one.answer.right * one.answer.weight for one in bins[top]) / total
        out.append(Bin(top, total, mean, right))
    return out


def error(bins: Sequence[Bin]) -> float:
    """Expected calibration error."""
    total = sum(one.answers for one in bins)
    return sum(one.answers * abs(one.mean - one.right) for one in bins) / total if total else 0.0


def brier(told: Sequence[Told]) -> float:
    """Mean squared distance of confidence from what happened."""
    total = sum(one.answer.weight for one in told)
    return sum(one.answer.weight * (one.confidence - one.answer.right) ** 2 for one in told) / total
