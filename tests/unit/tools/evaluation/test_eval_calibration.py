"""Confidence is what was right elsewhere; what stands in code and on paper is what the fit gives."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.core.confidence import ConfidenceSigns, confidence
from decide.core.weights import WEIGHTS
from tools.evaluation import calibrate, fit
from tools.evaluation.fit import Seen, Told

ROOT = Path(__file__).parents[4]
SHARES = st.floats(0, 1)
SIGNS = st.builds(
    ConfidenceSigns,
    belief=SHARES,
    lead=st.floats(-0.3, 0.3),
    blind=SHARES,
    missing=SHARES,
    quiet=st.booleans(),
)


@given(SIGNS, SHARES)
def test_more_evidence_never_lowers_confidence(signs: ConfidenceSigns, more: float) -> None:
    said = confidence(signs)
    assert 0 < said < 1
    assert confidence(replace(signs, belief=max(signs.belief, more))) >= said
    assert confidence(replace(signs, lead=max(signs.lead, more * 0.3))) >= said
    assert confidence(replace(signs, blind=signs.blind * more)) >= said
    assert confidence(replace(signs, missing=signs.missing * more)) >= said
    assert confidence(replace(signs, quiet=False)) >= said


def test_a_named_mechanism_with_all_sources_passes_and_a_guess_goes_to_a_person() -> None:
    named = ConfidenceSigns(belief=0.95, lead=0.3, blind=0.0, missing=0.1, quiet=False)
    assert confidence(named) > 0.9
    assert confidence(replace(named, belief=0.5, lead=0.0)) < 0.6
    assert confidence(replace(named, belief=0.7, blind=1.0, missing=0.5)) < 0.6


def test_the_fit_finds_the_map_that_made_the_answers() -> None:
    dice, made = random.Random(4), (-0.5, 2.0, 1.0, 1.5, 1.0, 0.8)
    seen = []
    for _ in range(3000):
        signs = ConfidenceSigns(
            round(dice.random(), 2),
            round(dice.uniform(-0.3, 0.3), 2),
            dice.choice((0.0, 0.5)),
            round(dice.random(), 1),
            dice.random() < 0.3,
        )
        chance = 1 / (1 + math.exp(-sum(w * t for w, t in zip(made, signs.terms(), strict=True))))
        right = dice.random() < chance
        seen.append(Seen("made", dice.randrange(10), True, signs, float(right), float(not right)))
    assert fit.fit(seen) == pytest.approx(made, abs=0.35)
    held = fit.held_out(seen)
    assert sum(told.cases for told in held) == 3000
    assert fit.error(fit.reliability(held)) < 0.03


def test_slopes_do_not_follow_answers_that_contradict_sense() -> None:
    better = ConfidenceSigns(0.9, 0.0, 0.0, 0.0, quiet=False)
    seen = [
        Seen("odd", 0, True, better, 0.0, 50.0),
        Seen("odd", 1, True, replace(better, belief=0.3), 50.0, 0.0),
    ]
    assert fit.fit(seen)[1] == 0.0


def test_cases_with_all_their_copies_are_in_one_fold() -> None:
    assert fit.fold_of("case-a") == fit.fold_of("case-a")
    assert len({fit.fold_of(str(n)) for n in range(200)}) == fit.FOLDS


def test_reliability_weighs_by_cases() -> None:
    sure = ConfidenceSigns(0.9, 0.0, 0.0, 0.0, quiet=False)
    told = [
        Told(Seen("a", 0, True, sure, 9.0, 1.0), 0.8),
        Told(Seen("a", 0, False, sure, 0.0, 1.0), 0.3),
    ]
    low, high = fit.reliability(told)
    assert (low.cases, low.mean, low.right) == (1.0, 0.3, 0.0)
    assert (high.cases, high.mean, high.right) == (10.0, 0.8, 0.9)
    assert fit.error([low, high]) == pytest.approx((0.3 + 10 * 0.1) / 11)


def test_what_is_stored_reads_back_the_same(tmp_path: Path) -> None:
    seen, notes = fit.stored()
    fit.store(seen, notes, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == fit.STORE.read_bytes()


def test_code_and_paper_hold_the_fit_of_what_is_stored() -> None:
    seen, notes = fit.stored()
    weights = fit.fit(seen)
    assert weights == WEIGHTS, "run: python -m tools.evaluation calibrate --write"
    page = (ROOT / "docs/evaluation.md").read_text()
    assert calibrate.with_section(page, calibrate.section(seen, notes, weights)) == page, (
        "run: python -m tools.evaluation calibrate --write"
    )


def test_confidence_is_right_where_it_was_not_fitted() -> None:
    seen, _ = fit.stored()
    for told in (fit.held_out(seen), fit.across(seen)):
        raw = [Told(one.seen, min(0.99, max(0.02, one.seen.signs.belief))) for one in told]
        assert fit.error(fit.reliability(told)) < 0.05
        assert fit.brier(told) < fit.brier(raw)
