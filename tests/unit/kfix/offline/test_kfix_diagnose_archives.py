"""`kfix diagnose` on what people have: archives, dumps without an alert, cases whose file cannot be edited."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from kfix.offline.diagnose import BadCase, CapturedCase, case_of, diagnose_case, opened
from kfix.offline.telling import text_of

CASES = Path(__file__).parents[3] / "corpus" / "cases"


def archived(folder: Path, file: Path) -> Path:
    with tarfile.open(file, "w:gz") as made:
        made.add(folder, arcname="handed-over")
    return file


def answer(given: Path | CapturedCase, language: str = "en") -> dict[str, Any]:
    with opened(given) as case:
        found: dict[str, Any] = diagnose_case(case, language)
    return found


def told(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("status", "ai_analysis", "diff", "not_read")}


def test_an_archive_is_answered_as_the_folder_it_was_made_of(tmp_path: Path) -> None:
    file = archived(CASES / "oom-killed", tmp_path / "given.tgz")
    assert told(answer(file)) == told(answer(CASES / "oom-killed"))
    assert answer(file)["case"] == "given.tgz"


def test_a_dump_may_be_an_archive_beside_its_alert(tmp_path: Path) -> None:
    dump = archived(CASES / "oom-killed" / "cluster", tmp_path / "dump.tar.gz")
    case = CapturedCase("c", CASES / "oom-killed" / "alert.json", dump, None)
    assert answer(case)["ai_analysis"]["failure_class"] == "oom_killed"


def test_an_archive_that_holds_nothing_is_named_as_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    file = archived(tmp_path / "empty", tmp_path / "given.tgz")
    with pytest.raises(BadCase, match=re.escape(f"was found in {file}")):
        answer(file)


@pytest.mark.parametrize(("language", "word"), [("en", "damaged or cut"), ("fr", "endommagée")])
def test_an_archive_that_was_cut_says_so_before_its_answer(
    tmp_path: Path, language: str, word: str
) -> None:
    file = archived(CASES / "oom-killed", tmp_path / "given.tar.gz")
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 9 // 10])
    found = answer(file, language)
    assert word in found["damaged"]
    second = text_of(found, language).splitlines()[2]
    assert word in second
    assert "damaged" not in answer(CASES / "oom-killed")


@pytest.mark.parametrize(("language", "word"), [("en", "a table"), ("fr", "tableau")])
def test_what_was_not_read_is_named_in_the_readers_language_and_lowers_confidence(
    tmp_path: Path, language: str, word: str
) -> None:
    case = tmp_path / "case"
    shutil.copytree(CASES / "oom-killed", case)
    whole = answer(case)["ai_analysis"]["confidence"]
    (case / "cluster" / "pods.txt").write_text(
        "NAME   READY   STATUS   AGE\nx   1/1   Running   1d\n"
    )
    found = answer(case, language)
    (named,) = found["not_read"]
    assert named["name"] == "file pods.txt"
    assert word in named["reason"]
    assert found["ai_analysis"]["confidence"] < whole


def pod(namespace: str, name: str, *, ready: bool) -> dict[str, Any]:
    state = {"running": {}} if ready else {"waiting": {"reason": "CrashLoopBackOff"}}
    container = {"name": "app", "ready": ready, "restartCount": 0 if ready else 9, "state": state}
    ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"containers": [{"name": "app", "image": "r.invalid/app:1"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [container | ({} if ready else {"lastState": ended})],
        },
    }


@pytest.mark.parametrize("namespace", ["zoo", "kube-system"])
def test_without_an_alert_the_sick_one_of_all_namespaces_is_answered(
    tmp_path: Path, namespace: str
) -> None:
    pods = [pod("aaa", "well", ready=True), pod(namespace, "sick", ready=False)]
    (tmp_path / "pods.json").write_text(json.dumps({"kind": "PodList", "items": pods}))
    found = answer(tmp_path)
    assert found["status"] != "no_action"
    assert f"-n {namespace}" in " ".join(step["command"] for step in found["next_steps"])
    assert "-n aaa" not in str(found["next_steps"])


def test_a_plan_whose_file_cannot_be_edited_is_shown_with_its_change(tmp_path: Path) -> None:
    case = tmp_path / "case"
    shutil.copytree(CASES / "oom-killed", case)
    where = case_of(case).repository
    assert where is not None
    for file in where.rglob("*.yaml"):
        file.write_text("# kfix: ignore\n" + file.read_text())
    found = answer(case)
    (first, *_) = [p for p in (found["recommended_action"], *found["alternative_actions"]) if p]
    assert found["diff"] == ""
    assert "kind: Deployment" in first["by_hand"]
    assert "memory: " in first["by_hand"]
    shown = text_of(found)
    assert "By hand:" in shown
    assert "IGNORED" in shown
