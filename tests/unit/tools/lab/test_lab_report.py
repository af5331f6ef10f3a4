"""The lab counts what does harm, as the eval does, and keeps it beside its cases."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tools.lab.report import report

CORPUS = Path(__file__).parents[3] / "corpus"


def planted(out: Path, **answers: dict[str, Any]) -> Path:
    """The corpus as a lab's folder, with these answers changed."""
    shutil.copytree(CORPUS / "cases", out / "cases")
    (out / "expected").mkdir()
    for path in (CORPUS / "expected").glob("*.json"):
        answer = json.loads(path.read_text()) | {"evidence": "real", "notes": []}
        answer |= {"failure_class": answer["root_cause"]}
        answer |= answers.get(path.stem.replace("-", "_"), {})
        (out / "expected" / path.name).write_text(json.dumps(answer))
    return out


def test_a_planted_false_fix_and_a_planted_false_all_clear_are_counted(tmp_path: Path) -> None:
    out = planted(
        tmp_path / "lab",
        oom_killed={"status": "no_action"},
        healthy={"status": "solution_proposed", "root_cause": "oom_killed"},
    )
    said = report(out)
    assert "false fixes: 1: oom-killed (" in said
    assert "false all-clears: 1: healthy (" in said
    counted = json.loads((out / "score.json").read_text())
    assert counted["false_fixes"] == ["oom-killed"]
    assert counted["false_all_clears"] == ["healthy"]


def test_where_all_is_right_nothing_is_counted(tmp_path: Path) -> None:
    out = planted(tmp_path / "lab")
    said = report(out)
    assert "false fixes: none" in said
    assert "false all-clears: none" in said
    assert json.loads((out / "score.json").read_text())["right_at_1"] == 5
