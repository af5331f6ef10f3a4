"""A small simulated year: what outcomes teach pays, nothing useless is tried a third time, and every run tells the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from decide.adapters.trials import SqlTrialBook
from kfix.infra.store.engine import open_store
from tools.year.living import FirstPlan, LivedYear, lived
from tools.year.report import quarter, sums, table
from tools.year.world import CLASSES, KINDS, YearWorld

INCIDENTS = 500


@pytest.fixture(scope="module")
def years() -> list[LivedYear]:
    return [lived(seed, INCIDENTS) for seed in (1, 2)]


def test_the_best_fix_goes_first_more_often_and_less_is_lost(years: list[LivedYear]) -> None:
    whole = sums(p for year in years for p in year.firsts)
    assert whole.best_first > whole.best_first_static + 0.05
    assert whole.regret < 0.85 * whole.regret_static
    assert whole.gain_low > 0
    first, last = (sums([p for y in years for p in quarter(y, n)]) for n in (0, 3))
    assert last.best_first - last.best_first_static > first.best_first - first.best_first_static


def test_no_class_loses_more_than_learning_costs(years: list[LivedYear]) -> None:
    for name in CLASSES:
        one = sums(p for y in years for p in y.firsts if p.failure_class == name)
        assert one.gain > -0.03, name


def test_nothing_is_tried_in_vain_a_third_time_on_one_spec(years: list[LivedYear]) -> None:
    assert all(year.most_in_vain <= 2 for year in years)


def test_a_year_is_the_same_each_time_and_on_a_store(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    try:
        stored = lived(3, 40, SqlTrialBook(engine, timedelta(days=7)))
    finally:
        engine.dispose()
    assert stored == lived(3, 40)
    assert stored != lived(4, 40)


def test_the_truth_drifts_in_the_middle_for_half_of_the_classes() -> None:
    world = YearWorld(1, 4)
    year = list(world.year())
    assert [one.half for one in year] == [0, 0, 1, 1]
    assert all(0 < world.holds(one, kind) < 1 for one in year for kind in KINDS)


def test_sums_are_plain() -> None:
    found = sums([FirstPlan("a", 0.1, 0.8, 0.8, 0.5), FirstPlan("a", 0.2, 0.0, 0.8, 0.5)])
    assert (found.best_first, found.best_first_static, found.incidents) == (0.5, 0, 2)
    assert found.regret == pytest.approx(40)
    assert found.regret_static == pytest.approx(30)
    assert found.gain == pytest.approx(-0.1)


def test_the_table_has_a_line_for_each_quarter_and_class(years: list[LivedYear]) -> None:
    text = table(years)
    assert text.count("\n| 1 | ") == 5
    assert all(f"| `{name}` |" in text for name in CLASSES)
