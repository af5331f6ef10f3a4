"""Confidence is what was right elsewhere; what stands in code and on paper is what the fit gives."""

from __future__ import annotations

import json
import math
import random
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.core.confidence import ConfidenceSigns, confidence
from decide.core.deciding import diagnose
from decide.core.weights import MADE_OF, WEIGHTS
from tests.support.decide import unseen
from tools.evaluation import calibrate, fit, seen
from tools.evaluation.fit import Told
from tools.evaluation.seen import Collection, Looked, Seen, Store

ROOT = Path(__file__).parents[4]
SHARES = st.floats(0, 1)
SIGNS = st.builds(
    ConfidenceSigns,
    belief=SHARES,
    lead=st.floats(-0.3, 0.3),
    blind=SHARES,
    missing=SHARES,
    quiet=st.booleans(),
    unexplained=SHARES,
    strange=SHARES,
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
    assert confidence(replace(signs, unexplained=signs.unexplained * more)) >= said
    assert confidence(replace(signs, strange=signs.strange * more)) >= said


def test_a_named_mechanism_with_all_sources_passes_and_a_guess_goes_to_a_person() -> None:
    named = ConfidenceSigns(belief=0.95, lead=0.3, blind=0.0, missing=0.1, quiet=False)
    assert confidence(named) > 0.9
    assert confidence(replace(named, belief=0.5, lead=0.0)) < 0.6
    assert confidence(replace(named, belief=0.7, blind=1.0, missing=0.5)) < 0.6


def test_the_fit_finds_the_map_that_made_the_answers() -> None:
    dice, made = random.Random(4), (-0.5, 2.0, 1.0, 1.5, 1.0, 0.8, 2.0, 1.0)
    rows = []
    for _ in range(4000):
        signs = ConfidenceSigns(
            round(dice.random(), 2),
            round(dice.uniform(-0.3, 0.3), 2),
            dice.choice((0.0, 0.5)),
            round(dice.random(), 1),
            dice.random() < 0.3,
            dice.choice((0.0, 0.0, 0.5, 1.0)),
            dice.choice((0.0, 0.3)),
        )
        chance = 1 / (1 + math.exp(-sum(w * t for w, t in zip(made, signs.terms(), strict=True))))
        right = dice.random() < chance
        rows.append(
            Seen("made", dice.randrange(10), True, signs, 0.0, float(right), float(not right))
        )
    assert fit.fit(rows) == pytest.approx(made, abs=0.4)
    held = fit.held_out(rows)
    assert sum(told.cases for told in held) == 4000
    assert fit.error(fit.reliability(held)) < 0.03


def test_slopes_do_not_follow_answers_that_contradict_sense() -> None:
    better = ConfidenceSigns(0.9, 0.0, 0.0, 0.0, quiet=False)
    rows = [
        Seen("odd", 0, True, better, 0.0, 0.0, 50.0),
        Seen("odd", 1, True, replace(better, belief=0.3), 0.0, 50.0, 0.0),
    ]
    assert fit.fit(rows)[1] == 0.0


def test_a_large_collection_does_not_outvote_a_small_one() -> None:
    sure = ConfidenceSigns(0.9, 0.0, 0.0, 0.0, quiet=False)
    lab = Seen("lab-1", 0, True, sure, 0.0, 900.0, 0.0)
    world = Seen("world", 0, True, sure, 0.0, 0.0, 100.0)
    # Thirty to ten, as the roots are, and not nine in ten.
    assert confidence(sure, fit.fit([lab, world])) == pytest.approx(0.75, abs=0.02)
    assert confidence(sure, fit.fit([lab, replace(world, collection="lab-2")])) > 0.88


def test_cases_with_all_their_copies_are_in_one_fold() -> None:
    assert seen.fold_of("case-a") == seen.fold_of("case-a")
    assert len({seen.fold_of(str(n)) for n in range(200)}) == seen.FOLDS


def test_reliability_weighs_by_cases() -> None:
    sure = ConfidenceSigns(0.9, 0.0, 0.0, 0.0, quiet=False)
    told = [
        Told(Seen("a", 0, True, sure, 0.0, 9.0, 1.0), 0.8),
        Told(Seen("a", 0, False, sure, 0.0, 0.0, 1.0), 0.3),
    ]
    low, high = fit.reliability(told)
    assert (low.cases, low.mean, low.right) == (1.0, 0.3, 0.0)
    assert (high.cases, high.mean, high.right) == (10.0, 0.8, 0.9)
    assert fit.error([low, high]) == pytest.approx((0.3 + 10 * 0.1) / 11)


LOOKED = Looked(
    case="c1",
    whole=True,
    signs=ConfidenceSigns(0.9, 0.1, 0.0, 0.0, quiet=False),
    makeup=(2.0,),
    right=True,
)


def test_a_case_is_strange_by_what_rules_were_written_with() -> None:
    homes = {
        "captured": Collection(home=True, made_of=((1.0, 2.0),)),
        "lab-7": Collection(home=True, made_of=((4.0, 5.0),)),
        "lab-8": Collection(home=True),
        "reports": Collection(),
    }
    looks = {
        "lab-8": [replace(LOOKED, makeup=(5.5,)), replace(LOOKED, makeup=(4.5,))],
        "reports": [replace(LOOKED, makeup=(0.9,), right=False)],
    }
    found = seen.with_cases(Store(homes, []), looks)
    assert found.made_of == ((1.0, 5.5),)
    told = {(s.collection, s.signs.strange, s.foreign, s.right, s.wrong) for s in found.seen}
    # A seed of the lab is at home there; where no lab is known it lies far from what was captured.
    assert told == {("lab-8", 0.0, 1.0, 2.0, 0.0), ("reports", 0.34, 0.34, 0.0, 1.0)}
    (odd,) = (s for s in found.seen if s.collection == "reports")
    assert odd.abroad == replace(odd.signs, strange=0.34)


def test_a_new_look_takes_the_place_of_the_old_one() -> None:
    store = Store({"a": Collection(note="kept"), "b": Collection()}, [])
    once = seen.with_cases(store, {"a": [LOOKED], "b": [LOOKED]})
    again = seen.with_cases(once, {"a": [replace(LOOKED, right=False)]})
    assert {(s.collection, s.right) for s in again.seen} == {("a", 0.0), ("b", 1.0)}
    assert again.collections["a"].note == "kept"


def test_what_is_only_measured_is_not_fitted() -> None:
    store = Store({"a": Collection(fitted=False), "b": Collection()}, [])
    found = seen.with_cases(store, {"a": [LOOKED], "b": [LOOKED]})
    assert {s.collection for s in found.fitted} == {"b"}


def test_what_others_judged_is_read(tmp_path: Path) -> None:
    one = asdict(LOOKED)
    (tmp_path / "told.json").write_text(json.dumps({"reports": [one]}))
    assert seen.outcomes(tmp_path / "told.json") == {"reports": [LOOKED]}


def test_names_of_one_origin() -> None:
    names = ("lab-7", "lab-9137", "public reports", "public reports, first sight", "captured")
    assert [seen.origin(name) for name in names] == [
        "lab",
        "lab",
        "public reports",
        "public reports",
        "captured",
    ]


def test_what_is_stored_reads_back_the_same(tmp_path: Path) -> None:
    seen.write(seen.stored(), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == seen.STORE.read_bytes()


def test_code_and_paper_hold_the_fit_of_what_is_stored() -> None:
    store = seen.stored()
    weights = fit.fit(store.fitted)
    assert (weights, store.made_of) == (WEIGHTS, MADE_OF), (
        "run: python -m tools.evaluation calibrate --write"
    )
    page = (ROOT / "docs/evaluation.md").read_text()
    assert calibrate.with_section(page, calibrate.section(store, weights)) == page, (
        "run: python -m tools.evaluation calibrate --write"
    )


def test_confidence_is_right_where_it_was_not_fitted() -> None:
    fitted = seen.stored().fitted
    held = fit.held_out(fitted)
    raw = [Told(one.seen, min(0.99, max(0.02, one.seen.signs.belief))) for one in held]
    # By design a little less sure than the lab alone would allow: origins count by the root of their cases.
    assert fit.error(fit.reliability([one for one in held if one.seen.whole])) < 0.05
    assert fit.error(fit.reliability(held)) < 0.07
    assert fit.brier(held) < fit.brier(raw)


def test_of_those_who_are_sure_nine_in_ten_are_right_on_origins_left_out_too() -> None:
    fitted = seen.stored().fitted
    for told in (fit.held_out(fitted), fit.across(fitted)):
        sure = [one for one in told if one.confidence >= calibrate.SURE]
        assert sum(t.seen.right for t in sure) >= 0.9 * sum(t.cases for t in sure)


@pytest.mark.parametrize("name", sorted(unseen.UNSEEN))
def test_a_trouble_of_no_known_kind_is_not_called_well(name: str) -> None:
    bundle, _ = unseen.bundle_of(name)
    assert diagnose(bundle).status != "no_action"


def test_a_wrong_cause_for_a_trouble_of_no_known_kind_is_rarely_sure() -> None:
    told = [(one.right, confidence(one.signs)) for one in unseen.looked()]
    assert len(told) >= 20
    assert len(unseen.UNSEEN) >= 30
    assert sum(not right and sure >= calibrate.SURE for right, sure in told) <= 1
