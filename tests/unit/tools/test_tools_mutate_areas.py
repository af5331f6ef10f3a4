"""`make mutate` finds what it mutates and the tests of it: a folder that moved leaves no area empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.mutate.areas import AREAS
from tools.mutate.covering import Covering

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", sorted(AREAS))
def test_an_area_has_modules_and_tests(name: str) -> None:
    area = AREAS[name]
    for pattern in (*area.sources, *area.tests, *area.but):
        assert list(ROOT.glob(pattern)), pattern
    assert not set(area.source_files(ROOT)) & set(area.test_files(ROOT))


def test_a_fault_is_shown_to_small_tests_then_to_those_that_look_at_everything_within_the_budget() -> (
    None
):
    lines = {"a.py": [2]}
    tests = {
        "t_small.py::one": {"seconds": 6.0, "lines": lines},
        "t_small.py::two": {"seconds": 6.0, "lines": {"a.py": [1, 2]}},
        "t_whole.py::all": {"seconds": 60.0, "lines": {"a.py": [1, 2, 3, 4]}},
        "t_other.py::far": {"seconds": 1.0, "lines": {"b.py": [2]}},
    }
    found = Covering(tests, ["t_whole.py"]).of("a.py", "def f():\n    return 1\n", 2)
    assert found == ["t_small.py::one", "t_whole.py::all", "t_small.py::two"]


def test_a_fault_at_import_is_shown_to_tests_about_its_module_before_those_that_look_at_everything() -> (
    None
):
    tests = {
        "t_core.py::tiny": {"seconds": 6.0, "lines": {"b.py": [1]}},
        "t_core.py::beside": {"seconds": 6.0, "lines": {"a.py": [4], "b.py": [1, 2, 3]}},
        "t_about.py::it": {"seconds": 6.0, "lines": {"a.py": [4, 5, 6], "b.py": [1]}},
        "t_whole.py::all": {"seconds": 60.0, "lines": {"a.py": [4], "b.py": [1, 2, 3, 4]}},
    }
    module = "LIMIT = 3\n\n\ndef f():\n    return LIMIT\n"
    found = Covering(tests, ["t_whole.py"]).of("a.py", module, 1)
    assert found == ["t_about.py::it", "t_whole.py::all", "t_core.py::beside"]


def test_a_fault_at_import_is_shown_to_the_quick_tests_of_everything_first() -> None:
    tests = {
        "t_whole.py::long": {"seconds": 70.0, "lines": {}},
        "t_whole.py::longer": {"seconds": 80.0, "lines": {}},
        "t_page.py::quick": {"seconds": 1.0, "lines": {}},
    }
    found = Covering(tests, ["t_whole.py", "t_page.py"]).of("a.py", "LIMIT = 3\n", 1)
    assert found == ["t_page.py::quick", "t_whole.py::long"]
