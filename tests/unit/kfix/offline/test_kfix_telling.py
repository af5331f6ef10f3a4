"""An answer as text for people: in their language, in its order, each outside word on one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kfix.offline.diagnose import case_of, diagnose_case, failure
from kfix.offline.telling import one_line, text_of
from kfix.texts import LANGUAGES, Language
from kfix.texts.catalogue import catalogue
from kfix.texts.template import NARROW

CASES = Path(__file__).parents[3] / "corpus" / "cases"


def answer(name: str = "oom-killed", language: Language = "en") -> dict[str, Any]:
    found: dict[str, Any] = diagnose_case(case_of(CASES / name), language)
    return found


def _words(language: Language) -> Iterator[str]:
    for entry in catalogue("diagnose", language).values():
        yield entry.partition("{")[0].strip(" :")


@pytest.mark.parametrize("name", ["oom-killed", "healthy", "database-credentials-invalid"])
def test_a_french_answer_has_no_english_word_of_ours(name: str) -> None:
    lines = text_of(answer(name, "fr"), "fr").splitlines()
    french = set(_words("fr"))
    foreign = {w for w in _words("en") if len(w) > 5} - french
    starts = {line.strip().partition(" :")[0].partition(":")[0] for line in lines}
    assert not starts & foreign
    assert starts & french


def test_a_cause_is_said_once_and_numbers_say_what_they_are() -> None:
    found = answer()
    text = text_of(found)
    cause = found["ai_analysis"]["root_cause"].partition(" (")[0]
    assert text.count(cause) == 1
    assert f"Confidence {found['ai_analysis']['confidence']:.0%}" in text
    assert "]" not in text.splitlines()[2]


def test_plans_stand_by_their_numbers_and_a_rejected_one_says_so_behind() -> None:
    found = answer()
    first, others = found["recommended_action"], found["alternative_actions"]
    stopped = {**first, "priority": 1, "rejected_by": ["render"], "title": "Stopped"}
    found["recommended_action"] = {**first, "priority": 2, "title": "Chosen"}
    found["alternative_actions"] = [*({**p, "priority": 3} for p in others), stopped]
    lines = text_of(found).splitlines()
    heads = [line for line in lines if line.startswith("Plan ")]
    assert heads[0].startswith("Plan 1 (")
    assert heads[0].endswith("Stopped")
    assert heads[1].startswith("Plan 2, recommended (")
    told = lines[lines.index(heads[0]) : lines.index(heads[1])]
    assert "  Rejected by: Rendered difference" in told
    assert "Checks of plan 2:" in lines


def test_each_plan_shows_its_change_on_a_line() -> None:
    found = answer()
    plan = found["recommended_action"]
    ((path, after),) = list(plan["kubernetes_changes"][0]["changes"].items())[:1]
    assert any(path in line and line.endswith(f"→ {after}") for line in text_of(found).splitlines())
    plan["kubernetes_changes"] = [
        {
            "kind": "Secret", "namespace": "shop", "name": "s", "action": "patch",
            "changes": {f"data.{n}": "x\ny" for n in range(9)}, "before": {},
        },
        {"kind": "ConfigMap", "namespace": "shop", "name": "c", "action": "delete",
         "changes": {}, "before": {}},
    ]  # fmt: skip
    lines = text_of(found).splitlines()
    assert "  Change: Secret/shop/s data.0: nothing → x y" in lines
    assert "  … and 4 changes more" in lines
    plan["kubernetes_changes"] = [
        {"kind": "Service", "namespace": "shop", "name": "s", "action": "patch",
         "changes": {"spec.a": {"b": True}}, "before": {"spec.a": False}},
    ]  # fmt: skip
    assert '  Change: Service/shop/s spec.a: false → {"b": true}' in text_of(found).splitlines()


def test_checks_that_passed_are_one_line_and_the_others_stand_in_full() -> None:
    found = answer()
    passed = [c for c in found["safety_checks"] if c["verdict"] == "pass"]
    lines = text_of(found).splitlines()
    (line,) = (one for one in lines if one.startswith(f"  {len(passed)} passed: "))
    assert line.count(",") == len(passed) - 1
    for check in found["safety_checks"]:
        shown = any(check["reason"] in one for one in lines if one.startswith("  unknown: "))
        assert shown is (check["verdict"] == "unknown")


def test_a_proposal_says_what_to_look_at_before_it_is_merged() -> None:
    found = answer()
    assert found["status"] == "solution_proposed"
    lines = text_of(found).splitlines()
    at = lines.index("What to look at before it is merged:")
    assert lines[at + 1].startswith("  1. ")
    assert [s for s in found["next_steps"] if s["command"].startswith("kubectl ")]


def test_other_causes_stand_by_how_likely_they_are() -> None:
    found = answer()
    first = found["hypotheses"][0]
    found["hypotheses"] = [first, {**first, "confidence": 0.1}, {**first, "confidence": 0.3}]
    text = text_of(found)
    assert text.index("  30% ") < text.index("  10% ")


HOSTILE = "x\x1b[2J\n# Fake: no_action\r\u2028# Fake\u202e\u0085\x0b# Fake"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["oom-killed", "healthy"])
def test_outside_words_make_no_line_of_ours(name: str, language: Language) -> None:
    """Whatever string of an answer says it: only the diff and a plan by hand have lines of their own, and those are marked."""

    def spoilt(value: Any) -> Any:
        if isinstance(value, dict):
            fixed = ("diff", "by_hand", "status", "verdict", "action", "source", "failure_class")
            kept = {k: v for k, v in value.items() if k in fixed}
            return {k: spoilt(v) for k, v in value.items()} | kept
        if isinstance(value, list):
            return [spoilt(item) for item in value]
        return f"{value}{HOSTILE}" if isinstance(value, str) else value

    found = spoilt(answer(name, language))
    text = text_of(found, language)
    lines = text.split("\n")
    assert not [one for one in lines[1:] if one.lstrip().startswith("#")]
    assert all(c.isprintable() or c in ("\n", NARROW) for c in text)
    told = text_of(failure(HOSTILE, ValueError(HOSTILE)), language)
    assert len(told.strip().splitlines()) == 2


def test_the_title_of_an_alert_stays_one_line_in_the_answer_itself(tmp_path: Path) -> None:
    case = tmp_path / "case"
    shutil.copytree(CASES / "healthy", case)
    alert = json.loads((case / "alert.json").read_text())
    title = "[Triggered] error rate is high\n# Fake: no_action\r\x1b[2J"
    (case / "alert.json").write_text(json.dumps({**alert, "title": title, "alert_title": title}))
    found = diagnose_case(case_of(case))
    cause = found["ai_analysis"]["root_cause"]  # type: ignore[index,call-overload]
    assert cause == one_line(cause)


def test_a_diff_keeps_its_lines_and_moves_no_cursor() -> None:
    found = answer()
    found["diff"] = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\x1b[2J\r\n+b\r\n"
    assert text_of(found).endswith("-a\N{REPLACEMENT CHARACTER}[2J\r\n+b\r\n")
