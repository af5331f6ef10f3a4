"""What a dump lacks of the alert's namespace is named, lowers confidence, and nothing is concluded from it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from enrich.adapters.capture import read_capture
from enrich.core.unread import Unread, note_of
from kfix.offline.diagnose import bundle_of, case_of, diagnose_case

CASES = Path(__file__).parents[3] / "corpus" / "cases"


def _case(tmp_path: Path, *without: str) -> Path:
    case = tmp_path / "-".join(("case", *without))
    shutil.copytree(CASES / "oom-killed", case)
    for kind in without:
        for file in case.rglob(f"cluster/*/{kind}.json"):
            file.unlink()
    return case


def _answer(case: Path, language: str = "en") -> dict[str, Any]:
    found: dict[str, Any] = diagnose_case(case_of(case), language)
    return found


@pytest.mark.parametrize("kind", ["pods", "events", "services", "networkpolicies", "configmaps"])
def test_a_decisive_kind_that_the_dump_lacks_is_named_and_lowers_confidence(
    tmp_path: Path, kind: str
) -> None:
    whole, less = _answer(_case(tmp_path)), _answer(_case(tmp_path, kind))
    assert whole["not_read"] == []
    (named,) = less["not_read"]
    assert named["name"].startswith(f"kubernetes.{kind} of ")
    assert less["ai_analysis"]["confidence"] < whole["ai_analysis"]["confidence"]
    assert "pas capturé" in _answer(_case(tmp_path / "fr", kind), "fr")["not_read"][0]["reason"]


def test_seldom_kinds_and_small_folders_are_not_named(tmp_path: Path) -> None:
    assert _answer(_case(tmp_path, "resourcequotas", "horizontalpodautoscalers"))["not_read"] == []
    small = _case(
        tmp_path, "events", "services", "endpoints", "configmaps", "secrets", "serviceaccounts",
        "networkpolicies", "persistentvolumeclaims", "replicasets", "resourcequotas",
    )  # fmt: skip
    assert _answer(small)["not_read"] == []


def test_what_the_capture_itself_tells_is_not_told_again(tmp_path: Path) -> None:
    case = _case(tmp_path, "pods")
    (case / "cluster" / "capture.json").write_text(json.dumps(note_of([])))
    assert _answer(case)["not_read"] == []


def test_a_list_that_cannot_be_read_is_lacking_and_its_file_is_named(tmp_path: Path) -> None:
    case = _case(tmp_path)
    (file,) = case.rglob("cluster/*/pods.json")
    file.write_text("{ nonsense")
    names = [one["name"] for one in _answer(case)["not_read"]]
    assert [name.partition(" ")[0] for name in names] == ["file", "kubernetes.pods"]


@pytest.mark.parametrize("kind", ["pods", "events"])
@pytest.mark.parametrize("how", ["gone", "broken", "noted"])
def test_no_all_clear_where_another_namespaces_list_is_all_there_is(
    tmp_path: Path, kind: str, how: str
) -> None:
    case = tmp_path / "case"
    shutil.copytree(CASES / "healthy", case)
    assert _answer(case)["status"] == "no_action"
    (file,) = case.rglob(f"cluster/*/{kind}.json")
    elsewhere = case / "cluster" / "elsewhere"
    elsewhere.mkdir()
    space = file.parent.name
    (elsewhere / file.name).write_text(file.read_text().replace(space, "elsewhere"))
    file.unlink() if how != "broken" else file.write_text("{")
    if how == "noted":
        note = note_of([Unread(f"kubernetes.{kind} of {space}", "forbidden")])
        (case / "cluster" / "capture.json").write_text(json.dumps(note))
    assert _answer(case)["status"] == "needs_human"


def test_of_a_kind_that_others_name_none_is_taken_where_the_namespaces_list_is_missing(
    tmp_path: Path,
) -> None:
    """Another namespace's ConfigMaps would say that this one's are not there."""
    case = _case(tmp_path, "configmaps")
    elsewhere = case / "cluster" / "elsewhere"
    elsewhere.mkdir()
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "elsewhere"}}  # fmt: skip
    (elsewhere / "configmaps.json").write_text(json.dumps({"kind": "List", "items": [item]}))
    opened = case_of(case)
    capture = read_capture(opened.dump, opened.repository, opened.folder)
    assert "configmaps" in capture.objects
    assert "configmaps" not in bundle_of(opened, capture).k8s_context.objects


def test_a_dump_of_other_namespaces_says_so(tmp_path: Path) -> None:
    case = _case(tmp_path)
    alert = json.loads((case / "alert.json").read_text())
    (space,) = (p.name for p in (case / "cluster").iterdir() if p.is_dir())
    text = json.dumps(alert).replace(space, "another")
    (case / "alert.json").write_text(text)
    assert {"name": "namespace another", "reason": "nothing of it was captured"} in _answer(case)[
        "not_read"
    ]
