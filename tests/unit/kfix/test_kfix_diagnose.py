"""`kfix diagnose`: one JSON object a case, whatever the folder holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from kfix.cli import diagnose

CASES = Path(__file__).parents[2] / "corpus" / "cases"
KEYS = {
    "case", "status", "reason", "ai_analysis", "hypotheses", "recommended_action", "alternative_actions",
    "safety_checks", "diff",
}  # fmt: skip


def _run(*words: object) -> tuple[int, list[dict[str, Any]], str]:
    app = typer.Typer()
    diagnose.register(app)
    done = CliRunner().invoke(app, [str(word) for word in words])
    objects = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return done.exit_code, objects, done.output


def test_each_case_is_one_object_with_a_diff_of_the_repository() -> None:
    status, objects, _ = _run(CASES / "oom-killed", CASES / "healthy", "--output", "json")
    assert status == 0
    assert [o["case"] for o in objects] == ["oom-killed", "healthy"]
    sick, well = objects
    assert sick.keys() >= KEYS
    assert sick["status"] == "solution_proposed"
    assert sick["recommended_action"]["kubernetes_changes"][0]["changes"]
    assert "+            memory:" in sick["diff"]
    assert {c["name"] for c in sick["safety_checks"]} >= {"manifest_edit", "requests_within_limits"}
    assert (well["status"], well["recommended_action"], well["diff"]) == ("no_action", None, "")


def test_alert_and_dump_may_be_given_apart_and_without_repository() -> None:
    case = CASES / "oom-killed"
    status, objects, _ = _run("--alert", case / "alert.json", "--dump", case / "cluster", "--output", "json")  # fmt: skip
    assert status == 0
    assert objects[0]["ai_analysis"]["failure_class"] == "oom_killed"
    assert objects[0]["diff"] == ""


def test_text_is_for_people_in_two_languages() -> None:
    _, _, said = _run(CASES / "oom-killed", "--output", "text", "--language", "fr")
    assert "# oom-killed: solution_proposed" in said
    assert "Porter la mémoire" in said


@pytest.mark.parametrize("alert", ["", "{", "[]", '{"title": 1}'])
def test_a_broken_case_is_told_and_hides_no_other(tmp_path: Path, alert: str) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "alert.json").write_text(alert)
    status, objects, _ = _run(broken, CASES / "healthy", "--output", "json")
    assert status == 1
    assert [("error" in o, o["case"]) for o in objects] == [(True, "broken"), (False, "healthy")]
    assert objects[0].keys() >= KEYS


def test_unreadable_files_of_a_case_are_only_missing_evidence(tmp_path: Path) -> None:
    case = tmp_path / "half"
    shutil.copytree(CASES / "oom-killed", case)
    for path in case.rglob("events.json"):
        path.write_text("{ nonsense")
    status, objects, _ = _run(case, "--output", "json")
    assert status == 0
    assert objects[0]["ai_analysis"]["failure_class"] == "oom_killed"


def test_without_cases_the_usage_is_told() -> None:
    status, _, said = _run()
    assert status == 2
    assert "--alert and --dump" in said
