"""`kfix diagnose`: one JSON object a case, whatever the folder holds."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from kfix.cli import diagnose
from kfix.offline.diagnose import failure

CASES = Path(__file__).parents[3] / "corpus" / "cases"
KEYS = {
    "case",
    "status",
    "reason",
    "ai_analysis",
    "hypotheses",
    "recommended_action",
    "alternative_actions",
    "safety_checks",
    "diff",
}


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
    status, objects, _ = _run(
        "--alert", case / "alert.json", "--dump", case / "cluster", "--output", "json"
    )
    assert status == 0
    assert objects[0]["ai_analysis"]["failure_class"] == "oom_killed"
    assert objects[0]["diff"] == ""


def test_text_is_for_people_in_two_languages() -> None:
    _, _, said = _run(CASES / "oom-killed", "--output", "text", "--language", "fr")
    assert "# oom-killed : une correction est proposée" in said
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
    assert (objects[0]["status"], objects[0]["reason"]) == ("error", "unreadable")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "is no alert: it is no JSON"), ("fr", "n'est pas une alerte")]
)
def test_a_broken_case_is_a_plain_sentence_and_no_answer(
    tmp_path: Path, language: str, words: str
) -> None:
    case = tmp_path / "case"
    shutil.copytree(CASES / "healthy", case)
    (case / "alert.json").write_text("{")
    status, _, said = _run(case, "--output", "text", "--language", language)
    assert status == 1
    assert words in said
    assert "BadCase" not in said
    assert "needs_human" not in said


def test_a_defect_of_ours_is_told_as_one() -> None:
    found = failure("x", KeyError("y"))
    assert (found["status"], found["reason"]) == ("error", "broke")
    assert "a defect of K-Fix: KeyError" in str(found["error"])


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
    assert "--dump with or without --alert" in said


@pytest.mark.parametrize("layout", ["cluster/", "as it is", "--dump"])
def test_a_dump_without_an_alert_is_asked_what_is_worst_in_it(tmp_path: Path, layout: str) -> None:
    case = CASES / "oom-killed"
    if layout == "cluster/":
        shutil.copytree(case / "cluster", tmp_path / "case" / "cluster")
        shutil.copytree(case / "manifests", tmp_path / "case" / "manifests")
        status, objects, _ = _run(tmp_path / "case", "--output", "json")
        assert "+            memory:" in objects[0]["diff"]
    elif layout == "as it is":
        status, objects, _ = _run(case / "cluster", "--output", "json")
    else:
        status, objects, _ = _run("--dump", case / "cluster", "--output", "json")
    assert status == 0
    assert objects[0]["ai_analysis"]["failure_class"] == "oom_killed"
    assert objects[0]["status"] == "solution_proposed"


def test_a_healthy_dump_without_an_alert_gets_no_fix() -> None:
    status, (found,), _ = _run(CASES / "healthy" / "cluster", "--output", "json")
    assert (status, found["recommended_action"]) == (0, None)
    assert found["ai_analysis"]["failure_class"] == "healthy"
    assert found["status"] in ("no_action", "needs_human")  # without metrics one cannot be sure


def test_manifests_beside_a_dump_are_declared_and_not_running(tmp_path: Path) -> None:
    case = CASES / "oom-killed"
    shutil.copytree(case / "cluster", tmp_path / "dump")
    shutil.copytree(case / "manifests", tmp_path / "dump" / "manifests")
    _, (alone,), _ = _run(case / "cluster", "--output", "json")
    _, (beside,), _ = _run(tmp_path / "dump", "--output", "json")
    assert beside["ai_analysis"] == alone["ai_analysis"]
    assert beside["diff"]


@pytest.mark.parametrize("name", ["empty", "there is none"])
def test_a_folder_with_nothing_of_a_cluster_in_it_is_told_what_is_missing(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "pods.json").write_text("{ nonsense")
    status, objects, _ = _run(tmp_path / name, "--output", "json")
    assert status == 1
    assert ("kfix capture --out DIR" if name == "empty" else "is not there") in objects[0]["error"]


def test_what_cluster_info_dump_says_on_standard_output_is_a_case(tmp_path: Path) -> None:
    """One file: Lists after each other, then each container's log."""
    cluster, said = CASES / "database-credentials-invalid" / "cluster", []
    said += [path.read_text() for path in sorted(cluster.rglob("*.json"))]
    for log in cluster.rglob("logs-previous.txt"):
        whose = f"logs for container main of pod {log.parts[-3]}/{log.parts[-2]} ===="
        said += [f"==== START {whose}", log.read_text().rstrip(), f"==== END {whose}"]
    (tmp_path / "dump.txt").write_text("\n".join(said) + "\n")
    status, (found,), _ = _run(tmp_path / "dump.txt", "--output", "json")
    assert status == 0
    assert found["ai_analysis"]["failure_class"] == "database_credentials_invalid"


def _spoilt(value: Any, rng: random.Random) -> None:
    """Puts something of another kind in a random place."""
    places: list[tuple[Any, Any]] = []

    def walk(found: Any) -> None:
        keys = (
            found
            if isinstance(found, dict)
            else range(len(found))
            if isinstance(found, list)
            else ()
        )
        for key in keys:
            places.append((found, key))
            walk(found[key])

    walk(value)
    where, key = rng.choice(places)
    where[key] = rng.choice(
        [None, 7, "x", [], {}, ["x"], [[]], {"a": 1}, True, [{"name": None}], ""]
    )


@pytest.mark.parametrize("case", ["oom-killed", "service-selector-mismatch"])
def test_no_spoilt_object_breaks_a_diagnosis(tmp_path: Path, case: str) -> None:
    rng = random.Random(20261124)
    files = sorted((CASES / case / "cluster").rglob("*.json"))
    for number in range(40):
        copy = tmp_path / str(number)
        shutil.copytree(CASES / case, copy)
        for file in rng.sample(files, 3):
            document = json.loads(file.read_text())
            for _ in range(2):
                _spoilt(document, rng)
            (copy / file.relative_to(CASES / case)).write_text(json.dumps(document))
        status, (found,), said = _run(copy, "--output", "json")
        assert status == 0, said
        assert found.keys() >= KEYS
