"""The score says right when it is right, and only then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.evaluation import report, score
from tools.evaluation.__main__ import main
from tools.evaluation.score import Truth

CORPUS = Path(__file__).parents[3] / "corpus"
TRUTH = Truth("a", "runtime", "oom_killed", "app/web")


def _result(failure_class: str, where: str, *more: tuple[str, str]) -> dict[str, Any]:
    return {
        "status": "solution_proposed",
        "ai_analysis": {"failure_class": failure_class, "object": where, "confidence": 0.9},
        "hypotheses": [{"failure_class": c, "object": o} for c, o in more],
    }


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Deployment/shop/web", "app/web"),
        ("Service/shop/web", "app/web"),
        ("Pod/shop/web-6d4cf56db6-x2x8k", "app/web"),
        ("Pod/shop/db-0", "app/db"),
        ("ReplicaSet/shop/web-6d4cf56db6", "app/web"),
        ("ResourceQuota/shop/limits", "namespace/shop"),
        ("Namespace/shop", "namespace/shop"),
        ("Node/one", "node/one"),
        ("PersistentVolumeClaim/shop/data", "persistentvolumeclaim/data"),
    ],
)
def test_objects_count_as_what_an_engineer_opens(where: str, expected: str) -> None:
    assert score.object_of(where) == expected


def test_first_place_needs_class_and_object_of_one_answer() -> None:
    right = score.judge(TRUTH, _result("oom_killed", "Deployment/shop/web"), {})
    assert right.at("both", 1)
    split = score.judge(
        TRUTH, _result("oom_killed", "Deployment/shop/api", ("other", "Deployment/shop/web")), {}
    )
    assert split.at("class", 1)
    assert split.at("object", 3)
    assert not split.at("both", 3)


def test_a_class_of_several_labels_says_nothing() -> None:
    result = _result("vague", "Deployment/shop/web")
    assert not score.judge(TRUTH, result, {"vague": ["oom_killed", "crash"]}).at("class", 1)
    assert score.judge(TRUTH, result, {"vague": ["oom_killed"]}).at("both", 1)


def test_a_missing_answer_is_wrong_and_not_in_the_reliability_table() -> None:
    missing = score.judge(TRUTH, None, {})
    assert not missing.at("both", 3)
    assert score.reliability([missing]) == []


def test_reliability_compares_confidence_with_what_was_right() -> None:
    right = score.judge(TRUTH, _result("oom_killed", "Deployment/shop/web"), {})
    wrong = score.judge(TRUTH, _result("oom_killed", "Deployment/shop/api"), {})
    assert score.reliability([right, wrong]) == [("≤ 0.92", 2, 0.9, 0.5)]
    assert score.changed([right], [wrong]) == [("a", True, False)]


QUIET = Truth("a", "nothing", "healthy", "namespace/shop", "no_action")
CLEAR = {"status": "no_action", "ai_analysis": {"failure_class": "healthy", "confidence": 0.8}}


def judged(truth: Truth, result: dict[str, Any]) -> score.Judged:
    return score.judge(truth, result, {})


@pytest.mark.parametrize(
    ("truth", "false"),
    [
        (QUIET, True),
        (Truth("a", "x", "oom_killed", "app/web", "needs_human"), True),
        (Truth("a", "x", "oom_killed", "app/api"), True),
        (Truth("a", "x", "oom_killed", "app/web", tried="", repaired=False), True),
        (TRUTH, False),
    ],
    ids=["nothing is wrong", "a person was asked for", "another's", "does not repair", "right"],
)
def test_a_change_that_repairs_nothing_is_a_false_fix(truth: Truth, false: bool) -> None:
    found = judged(truth, _result("oom_killed", "Deployment/shop/web"))
    assert score.false_fixes([found]) == (["a"] if false else [])
    assert score.counts([found])["false_fixes"] == (["a"] if false else [])


@pytest.mark.parametrize(
    ("truth", "false"),
    [
        (TRUTH, True),
        (Truth("a", "x", "oom_killed", "app/web", "solution_proposed"), True),
        (Truth("a", "nothing", "undetermined", "app/web", "needs_human"), True),
        (QUIET, False),
        (Truth("a", "nothing", "healthy", "namespace/shop"), False),
    ],
    ids=["a fault", "a change was due", "nobody can know", "nothing is wrong", "by its label"],
)
def test_nothing_to_change_while_something_is_wrong_is_a_false_all_clear(
    truth: Truth, false: bool
) -> None:
    assert score.false_all_clears([judged(truth, CLEAR)]) == (["a"] if false else [])
    handed = CLEAR | {"status": "needs_human"}
    assert score.false_all_clears([judged(truth, handed)]) == []


def test_both_are_named_beside_what_was_repaired(tmp_path: Path) -> None:
    wanted = (score.Wanted("Deployment/shop/web", "spec.replicas"),)
    cases = [
        judged(Truth("mended", "x", "oom_killed", "app/web", fix=wanted), _planned("2")),
        judged(Truth("spoilt", "x", "oom_killed", "app/web", "no_action"), _planned("2")),
        judged(Truth("missed", "x", "oom_killed", "app/web"), CLEAR),
    ]
    said = report.score(cases)
    assert "repaired: 0.500 (1 of 2 changes whose outcome is known" in said
    assert "false fixes: 1: spoilt (0.90)" in said
    assert "false all-clears: 1: missed (0.80)" in said
    counted = score.counts(cases)
    assert (counted["right_at_1"], counted["repaired"], counted["repaired_or_not"]) == (2, 1, 2)


def test_what_is_counted_is_kept_by_folder(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text("no JSON")
    words = ["--cases", str(CORPUS / "cases"), "--expected", str(CORPUS / "expected")]
    assert main([*words, "--store", str(kept)]) == 0
    (counted,) = json.loads(kept.read_text()).values()
    assert (counted["cases"], counted["false_fixes"], counted["false_all_clears"]) == (5, [], [])


def test_the_corpus_of_this_repository_is_answered_right(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status = main(
        [
            "--cases",
            str(CORPUS / "cases"),
            "--expected",
            str(CORPUS / "expected"),
            "--results",
            str(tmp_path),
            "--store",
            str(tmp_path / "kept" / "counts"),
        ]
    )
    said = capsys.readouterr().out
    assert status == 0, said
    assert "wrong:" not in said
    assert "false fixes: none" in said
    assert "false all-clears: none" in said
    expected = {p.stem: json.loads(p.read_text()) for p in (CORPUS / "expected").glob("*.json")}
    for name, truth in expected.items():
        assert json.loads((tmp_path / f"{name}.json").read_text())["status"] == truth["status"]


def _planned(value: str, **more: str) -> dict[str, Any]:
    change = {
        "kind": "Deployment",
        "namespace": "shop",
        "name": "web",
        "changes": {"spec.replicas": value},
    }
    return (
        _result("oom_killed", "Deployment/shop/web")
        | {"recommended_action": {"kubernetes_changes": [change]}}
        | more
    )


WANTED = Truth(
    "a",
    "runtime",
    "oom_killed",
    "app/web",
    fix=(score.Wanted("Deployment/shop/web", "spec.replicas", "2"),),
)


@pytest.mark.parametrize(
    ("truth", "result", "fix"),
    [
        (TRUTH, _planned("2"), "unknown"),
        (WANTED, _planned("2"), "right"),
        (WANTED, _planned("3"), "wrong"),
        (WANTED, _planned("2", status="needs_human"), "none"),
        (TRUTH, _planned("2") | _result("other", "Deployment/shop/web"), "wrong"),
        (Truth("a", "x", "oom_killed", "app/web", "no_action"), _planned("2"), "wrong"),
        (
            Truth(
                "a",
                "x",
                "oom_killed",
                "app/web",
                tried="Deployment/web {'spec.replicas': '2'}",
                repaired=True,
            ),
            _planned("2"),
            "right",
        ),
        (
            Truth(
                "a",
                "x",
                "oom_killed",
                "app/web",
                tried="Deployment/web {'spec.replicas': '2'}",
                repaired=False,
            ),
            _planned("2"),
            "wrong",
        ),
        (
            Truth(
                "a",
                "x",
                "oom_killed",
                "app/web",
                tried="Deployment/web {'spec.replicas': '2'}",
                repaired=False,
            ),
            _planned("3"),
            "unknown",
        ),
    ],
    ids=[
        "nothing on record",
        "as on record",
        "another value",
        "not proposed",
        "of a wrong diagnosis",
        "none was due",
        "tried and it repaired",
        "tried and it did not",
        "another was tried",
    ],
)
def test_a_fix_is_right_only_where_that_is_known(
    truth: Truth, result: dict[str, Any], fix: str
) -> None:
    assert score.judge(truth, result, {}).fix == fix


def test_labels_and_class_ids_name_the_same_answer() -> None:
    mapping = {"liveness_probe_port": ["liveness_probe_incorrect_port"]}
    for label in ("liveness_probe_port", "liveness_probe_incorrect_port"):
        one = score.judge(
            Truth("a", "x", label, "app/web"),
            _result("liveness_probe_port", "Deployment/shop/web"),
            mapping,
        )
        assert one.at("both", 1)
