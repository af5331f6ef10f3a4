"""Answers whose rightness is known, as counts of what confidence is made of; kept in ``calibration.json``.

Each case counts twice: once with all its evidence, once spread over copies from which sources were taken away, because
answers that lack evidence are the ones that confidence is for. Cases stay whole: all copies of one are in the same fold.
The counts allow the fit to be repeated without the cases.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from decide.core.confidence import ConfidenceSigns
from decide.core.makeup import Makeup, Ranges, hull, ranges, strangeness
from tools.evaluation import score
from tools.evaluation.answers import mapping, truths
from tools.evaluation.run import Answers, apart
from tools.evaluation.sources import SOURCES

#: Answers that were seen, and what they were seen on.
STORE = Path(__file__).with_name("calibration.json")
FOLDS = 10
#: Sets of two and of three sources that are taken away besides each single one.
_PAIRS, _TRIPLES = 10, 4
#: Copies of a case that lack sources; together they count as one case.
_COPIES = 4
#: The beginning of a collection's name tells where it comes from: seeds of the lab are one origin.
_ORIGIN = re.compile(r"[a-z ]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One answer to one case, or to a copy of it that lacks sources."""

    case: str
    #: All the evidence was there.
    whole: bool
    signs: ConfidenceSigns
    makeup: Makeup
    right: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """Answers with the same signs in one fold of one collection; weights in cases."""

    collection: str
    fold: int
    whole: bool
    signs: ConfidenceSigns
    #: How strange it is where its own origin is not known either.
    foreign: float
    right: float
    wrong: float

    @property
    def abroad(self) -> ConfidenceSigns:
        """The signs as they are to a fit that has not seen this origin."""
        return replace(self.signs, strange=self.foreign)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What is known of the cases of one name."""

    note: str = ""
    #: Whether the fit uses them; the others are only measured.
    fitted: bool = True
    #: Whether the rules were written with cases of this origin, or learned from them.
    home: bool = False
    #: Least and most of each number of their make-up.
    made_of: Ranges = ()


@dataclass(frozen=True, slots=True)
class Store:
    """Everything that was seen."""

    collections: Mapping[str, Collection]
    seen: Sequence[Seen]

    @property
    def fitted(self) -> list[Seen]:
        """What the fit is made from."""
        return [one for one in self.seen if self.collections[one.collection].fitted]

    @property
    def made_of(self) -> Ranges:
        """The make-up of the collections that rules were written with."""
        return hull(one.made_of for one in self.collections.values() if one.home)


def origin(name: str) -> str:
    """Where the cases of a name come from."""
    found = _ORIGIN.match(name)
    return found[0].strip() if found else name


def losses(seed: int = 1) -> list[tuple[str, ...]]:
    """Each source alone, and some sets of two and three."""
    dice = random.Random(seed)
    several = [tuple(sorted(dice.sample(SOURCES, 2))) for _ in range(_PAIRS)]
    several += [tuple(sorted(dice.sample(SOURCES, 3))) for _ in range(_TRIPLES)]
    return [*((source,) for source in SOURCES), *several]


def look(cases: Path, expected: Path) -> list[Looked]:
    """What the rules say to every case of a folder, whole and with losses."""
    lost = losses()
    words = [word for one in lost for word in ("--without", ",".join(one))]
    found: list[Answers] = apart(cases, "--signs", "--copies", str(_COPIES), *words)
    known = truths(expected)  # only now: nothing above could have seen an answer
    out: list[Looked] = []
    for gone, results in zip([(), *lost], found, strict=True):
        judged = score.judge_all(known, results, mapping())
        out += [_looked(one, results, whole=not gone) for one in judged if _told(one, results)]
    return out


def _told(one: score.Judged, results: Answers) -> bool:
    return "signs" in results[one.truth.case]


def _looked(one: score.Judged, results: Answers, *, whole: bool) -> Looked:
    told: dict[str, Any] = results[one.truth.case]
    return Looked(
        case=one.truth.case,
        whole=whole,
        signs=ConfidenceSigns(**told["signs"]),
        makeup=tuple(told["makeup"]),
        right=one.at("both", 1),
    )


def with_cases(store: Store, looked: Mapping[str, Sequence[Looked]]) -> Store:
    """The store with a new look at some collections."""
    known = dict(store.collections)
    for name, found in looked.items():
        made = ranges([one.makeup for one in found if one.whole])
        known[name] = replace(known.get(name, Collection()), made_of=made)
    kept = [one for one in store.seen if one.collection not in looked]
    fresh = [s for name, found in looked.items() for s in _counted(name, found, known)]
    return Store(known, [*kept, *fresh])


def _counted(name: str, found: Sequence[Looked], known: Mapping[str, Collection]) -> list[Seen]:
    homes = {other: one.made_of for other, one in known.items() if one.home}
    whole = hull(homes.values())
    others = hull(made for other, made in homes.items() if origin(other) != origin(name))
    counts: dict[tuple[int, bool, ConfidenceSigns, float], list[float]]
    counts = defaultdict(lambda: [0.0, 0.0])
    for one in found:
        signs = _rounded(replace(one.signs, strange=strangeness(one.makeup, whole)))
        foreign = round(strangeness(one.makeup, others), 2)
        key = (fold_of(one.case), one.whole, signs, foreign)
        counts[key][0 if one.right else 1] += 1.0 if one.whole else 1 / _COPIES
    return [Seen(name, *key, *(round(n, 4) for n in pair)) for key, pair in counts.items()]


def fold_of(case: str) -> int:
    """The fold that a case with all its copies is in."""
    return hashlib.sha256(case.encode()).digest()[0] % FOLDS


def _rounded(signs: ConfidenceSigns) -> ConfidenceSigns:
    parts = {k: v if isinstance(v, bool) else round(v, 2) for k, v in asdict(signs).items()}
    return ConfidenceSigns(**parts)


def write(store: Store, path: Path = STORE) -> None:
    """Keeps the store: a line per row of counts."""
    rows = sorted(
        (
            [s.collection, s.fold, s.whole, *asdict(s.signs).values(), s.foreign, s.right, s.wrong]
            for s in store.seen
        ),
        key=str,
    )
    lines = ",\n  ".join(orjson.dumps(row).decode() for row in rows)
    known = {name: asdict(one) for name, one in store.collections.items()}
    head = orjson.dumps(known, option=orjson.OPT_INDENT_2).decode()
    path.write_text(f'{{"collections": {head},\n "rows": [\n  {lines}\n]}}\n')


def stored(path: Path = STORE) -> Store:
    """What ``calibration.json`` holds."""
    raw: dict[str, Any] = orjson.loads(path.read_bytes())
    known = {name: _collection(one) for name, one in raw["collections"].items()}
    seen = [Seen(r[0], r[1], r[2], ConfidenceSigns(*r[3:-3]), *r[-3:]) for r in raw["rows"]]
    return Store(known, seen)


def _collection(raw: Mapping[str, Any]) -> Collection:
    made = tuple((float(least), float(most)) for least, most in raw["made_of"])
    return Collection(note=raw["note"], fitted=raw["fitted"], home=raw["home"], made_of=made)


def outcomes(path: Path) -> dict[str, list[Looked]]:
    """Answers that somebody else judged: a JSON object of collections, each a list of ``Looked`` as objects.

    Raises KeyError for a part that is missing.
    """
    raw: Mapping[str, Iterable[dict[str, Any]]] = orjson.loads(path.read_bytes())
    return {name: [_judged(one) for one in found] for name, found in raw.items()}


def _judged(one: Mapping[str, Any]) -> Looked:
    signs = ConfidenceSigns(**one["signs"])
    made = tuple(float(n) for n in one["makeup"])
    return Looked(case=one["case"], whole=True, signs=signs, makeup=made, right=bool(one["right"]))
