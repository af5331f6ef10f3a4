"""The table of made repositories counts what was asked, and its share is of what a safe edit exists for."""

from __future__ import annotations

from dataclasses import replace

from tools.repositories.__main__ import table
from tools.repositories.asking import Asked
from tools.repositories.judge import Verdict
from tools.repositories.making import made


def asked(verdict: Verdict, layout: str = "a layout") -> Asked:
    return Asked(0, replace(made(0), layout=layout, installer="somebody"), verdict)


def test_the_share_is_of_what_a_safe_edit_exists_for() -> None:
    found = [asked("right"), asked("right"), asked("refused rightly"), asked("only on top")]
    found += [asked("refused though safe"), asked("right", "another")]
    lines = table(found, 100).splitlines()
    assert lines[0] == "6 repositories (seeds 100 to 105), one question each:"
    assert lines[4:] == [
        "| a layout | somebody | 5 | 2 | 1 | 1 | 1 | 0 | 50 % |",
        "| another | somebody | 1 | 1 | 0 | 0 | 0 | 0 | 100 % |",
        "| all | | 6 | 3 | 1 | 1 | 1 | 0 | 60 % |",
    ]


def test_a_wrong_edit_counts_against_the_share() -> None:
    assert "| all | | 2 | 1 | 0 | 0 | 0 | 1 | 50 % |" in table([asked("right"), asked("WRONG")], 0)


def test_nothing_safe_has_no_share() -> None:
    assert "| all | | 1 | 0 | 1 | 0 | 0 | 0 |  |" in table([asked("refused rightly")], 0)
