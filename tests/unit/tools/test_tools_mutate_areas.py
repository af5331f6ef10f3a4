"""`make mutate` finds what it mutates and the tests of it: a folder that moved leaves no area empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.mutate.areas import AREAS

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", sorted(AREAS))
def test_an_area_has_modules_and_tests(name: str) -> None:
    area = AREAS[name]
    for pattern in (*area.sources, *area.tests, *area.but):
        assert list(ROOT.glob(pattern)), pattern
    assert not set(area.source_files(ROOT)) & set(area.test_files(ROOT))
