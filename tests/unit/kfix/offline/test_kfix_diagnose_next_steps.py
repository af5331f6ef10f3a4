"""`kfix diagnose` says what to look at next, as JSON and as text, where a person is asked."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from kfix.offline.diagnose import case_of, diagnose_case, failure
from kfix.offline.telling import text_of

CASES = Path(__file__).parents[3] / "corpus" / "cases"


def answers(language: str = "en") -> list[dict[str, object]]:
    """Every captured case of the corpus."""
    folders = sorted(folder for folder in CASES.iterdir() if (folder / "cluster").is_dir())
    return [diagnose_case(case_of(folder), language) for folder in folders[:12]]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_each_case_has_steps_but_one_where_nothing_is_to_be_done(language: str) -> None:
    found = answers(language)
    assert any(one["status"] == "needs_human" for one in found)
    for one in found:
        steps = one["next_steps"]
        assert isinstance(steps, list)
        assert (2 <= len(steps) <= 5) if one["status"] != "no_action" else steps == []
        for step in steps:
            assert step.keys() == {"what", "command", "link"}
            assert not step["command"] or shlex.split(step["command"])[0] == "kubectl"


def test_text_has_each_command_on_a_line_of_its_own() -> None:
    handed = next(one for one in answers() if one["status"] == "needs_human")
    lines = text_of(handed).splitlines()
    assert "What to look at next:" in lines
    assert isinstance(handed["next_steps"], list)
    commands = [step["command"] for step in handed["next_steps"] if step["command"]]
    assert commands
    assert all(f"     {command}" in lines for command in commands)


def test_a_case_that_cannot_be_read_has_no_steps() -> None:
    assert failure("x", ValueError("y"))["next_steps"] == []
