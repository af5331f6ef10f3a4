"""``python -m tools.evaluation calibrate``: looks at cases, fits, shows what the fit is worth, and writes it down.

Without ``--cases`` and ``--outcomes`` it repeats the fit on what is stored. ``--name`` says what a folder of cases is called
in the store, where ``fitted`` and ``home`` are set by hand: a collection that is not fitted is only measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from decide.core.makeup import Ranges
from tools.evaluation.fit import (
    Terms,
    Told,
    across,
    brier,
    error,
    fit,
    held_out,
    reliability,
    told_by,
)
from tools.evaluation.seen import (
    Looked,
    Seen,
    Store,
    look,
    outcomes,
    stored,
    with_cases,
    write,
)

_ROOT = Path(__file__).parents[2]
FITTED = _ROOT / "decide/core/weights.py"
PAGE = _ROOT / "docs/evaluation.md"
_SECTION = re.compile(r"(?<=<!-- calibration -->\n).*?(?=<!-- /calibration -->)", re.DOTALL)
#: What the weights multiply, in their order.
_TERMS = ("constant", "belief", "lead", "blind", "missing", "quiet", "unexplained", "strange")
#: Confidence from which nine answers in ten have to be right.
SURE = 0.9


def calibrate(
    pairs: Sequence[tuple[str, Path, Path]] = (),
    judged: Sequence[Path] = (),
    *,
    keep: bool,
) -> str:
    """The section for the paper, after a new look at ``pairs`` (name, cases, answers) and what others judged."""
    looked: dict[str, Sequence[Looked]] = {}
    for path in judged:
        looked |= outcomes(path)
    looked |= {name: look(cases, expected) for name, cases, expected in pairs}
    store = with_cases(stored(), looked)
    weights = fit(store.fitted)
    said = section(store, weights)
    if keep:
        write(store)
        FITTED.write_text(module(weights, store.made_of))
        PAGE.write_text(with_section(PAGE.read_text(), said))
    return said


def module(weights: Terms, made_of: Ranges) -> str:
    """The text of ``decide/core/weights.py``."""
    rows = "".join(f"    {pair},\n" for pair in made_of)
    return (
        '"""The numbers of ``confidence.py``. Written by ``python -m tools.evaluation calibrate --write``; not by hand."""\n\n'
        f"#: {', '.join(_TERMS).capitalize()}.\nWEIGHTS = {weights}\n"
        "#: Least and most of each number of a case's make-up where rules are at home (``makeup.py``).\n"
        f"MADE_OF: tuple[tuple[float, float], ...] = (\n{rows})\n"
    )


def with_section(page: str, section: str) -> str:
    """The page with this section."""
    return _SECTION.sub(lambda _: section, page)


def section(store: Store, weights: Terms) -> str:
    """What was seen, what was fitted, and how right it is where it was not fitted. Markdown."""
    fitted = store.fitted
    held, foreign = held_out(fitted), across(fitted)
    measured = told_by(
        weights, [s for s in store.seen if not store.collections[s.collection].fitted]
    )
    named = ", ".join(f"{term} {weight}" for term, weight in zip(_TERMS, weights, strict=True))
    raw = [Told(one, min(0.99, max(0.02, one.signs.belief))) for one in fitted]
    tables = (
        ("the rules' belief, taken as confidence", raw),
        ("confidence, on folds that were not fitted", held),
        ("… with all evidence", [t for t in held if t.seen.whole]),
        ("… with sources taken away", [t for t in held if not t.seen.whole]),
        ("confidence, on origins that were not fitted", foreign),
        ("… with all evidence", [t for t in foreign if t.seen.whole]),
        ("confidence, on cases that no fit saw", measured),
    )
    out = [*_collections(store), "", f"Weights: {named}.", "", *_errors(tables), ""]
    out += ["Each collection with all its evidence, by weights that had not seen its origin:", ""]
    out += _each(store, [*foreign, *measured])
    for title, told in (
        ("Folds that were not fitted", held),
        ("Origins that were not fitted", foreign),
        ("Cases that no fit saw", measured),
    ):
        out += ["", f"{title}:", "", *_bins(told)]
    return "\n".join(out) + "\n"


def _collections(store: Store) -> Iterator[str]:
    yield "| cases | number | right with all evidence | fitted | what they are |"
    yield "| --- | --: | --: | --- | --- |"
    for name, one in store.collections.items():
        right, cases = _whole([s for s in store.seen if s.collection == name])
        yield f"| {name} | {cases:.0f} | {right:.0f} | {'yes' if one.fitted else 'no'} | {one.note} |"


def _whole(seen: Sequence[Seen]) -> tuple[float, float]:
    """How many are right, of how many, with all the evidence."""
    whole = [one for one in seen if one.whole]
    return sum(s.right for s in whole), sum(s.right + s.wrong for s in whole)


def _errors(tables: Sequence[tuple[str, Sequence[Told]]]) -> Iterator[str]:
    yield f"| | calibration error | Brier score | said ≥ {SURE} | of these right |"
    yield "| --- | --: | --: | --: | --: |"
    for title, told in tables:
        sure, right = _sure(told)
        yield f"| {title} | {error(reliability(told)):.3f} | {brier(told):.3f} | {sure:.1f} | {right} |"


def _sure(told: Sequence[Told]) -> tuple[float, str]:
    """Answers of the highest confidence, in cases, and the share of them that is right."""
    sure = [one for one in told if one.confidence >= SURE]
    cases = sum(one.cases for one in sure)
    return cases, f"{sum(one.seen.right for one in sure) / cases:.3f}" if cases else "–"


def _each(store: Store, told: Sequence[Told]) -> Iterator[str]:
    yield f"| cases | number | right | mean confidence | calibration error | said ≥ {SURE} | of these right |"
    yield "| --- | --: | --: | --: | --: | --: | --: |"
    for name in store.collections:
        mine = [t for t in told if t.seen.collection == name and t.seen.whole]
        cases = sum(one.cases for one in mine)
        if cases:
            right = sum(one.seen.right for one in mine) / cases
            mean = sum(one.confidence * one.cases for one in mine) / cases
            sure, good = _sure(mine)
            off = error(reliability(mine))
            yield f"| {name} | {cases:.0f} | {right:.3f} | {mean:.3f} | {off:.3f} | {sure:.0f} | {good} |"


def _bins(told: Sequence[Told]) -> Iterator[str]:
    yield "| confidence | cases | mean | right |"
    yield "| --- | --: | --: | --: |"
    for b in reliability(told):
        yield f"| ≤ {b.top:g} | {b.cases:.1f} | {b.mean:.3f} | {b.right:.3f} |"
