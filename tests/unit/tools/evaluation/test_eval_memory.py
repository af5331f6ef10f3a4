"""Leave one out over vectors: what is counted, and what is not."""

from __future__ import annotations

import numpy as np
import pytest

from tools.evaluation.memory import Told, measured, page


def vector(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return np.asarray([np.cos(angle), np.sin(angle)], dtype=np.float32)


CASES = [Told("a", "1"), Told("a", "2"), Told("b", "3"), Told("b", "4"), Told("alone", "5")]
#: Both of ``a`` are near each other; those of ``b`` lie on either side of them.
VECTORS = [vector(40), vector(43), vector(20), vector(65), vector(175)]


def test_a_case_is_never_its_own_neighbour_and_one_without_a_twin_is_not_asked() -> None:
    found = measured("m", CASES, VECTORS)
    assert found.nearest == pytest.approx(0.5)
    assert found.among_three == pytest.approx(1.0)


def test_a_threshold_takes_away_what_is_farther() -> None:
    by_threshold = {
        t: (back, right) for t, back, right in measured("m", CASES, VECTORS).by_threshold
    }
    assert by_threshold[0.3][0] == pytest.approx(1.0)
    assert by_threshold[0.95][0] == pytest.approx(0.5)
    assert by_threshold[0.95][1] > by_threshold[0.3][1]


def test_the_page_has_a_row_for_each_model() -> None:
    assert "| `m` | 0.50 | 1.00 |" in page([measured("m", CASES, VECTORS)])
