"""A source that is gone costs answers, never honesty."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from schemas.alerts import Alert
from schemas.context import ContextBundle, KubernetesContext, LogExcerpt
from tools.evaluation import ablation, run, score
from tools.evaluation.answers import mapping, truths
from tools.evaluation.run import diagnose_without
from tools.evaluation.score import Judged
from tools.evaluation.sources import KINDS, SOURCES, without

CORPUS = Path(__file__).parents[3] / "corpus"


@pytest.fixture(scope="module")
def judged() -> dict[str, list[Judged]]:
    """Verdicts by the source that was taken away; the empty one: nothing was."""
    known = truths(CORPUS / "expected")
    answers = diagnose_without(CORPUS / "cases", [(), *((source,) for source in SOURCES)])
    named = zip(("", *SOURCES), answers, strict=True)
    return {source: score.judge_all(known, found, mapping()) for source, found in named}


def _mean(found: list[Judged]) -> float:
    return sum(one.confidence for one in found) / len(found)


@pytest.mark.parametrize("source", SOURCES)
def test_without_a_source_there_is_an_answer_less_sure_and_no_wrong_fix(
    judged: dict[str, list[Judged]], source: str
) -> None:
    found = judged[source]
    assert len(found) == len(judged[""])
    assert all(one.predicted for one in found)
    assert _mean(found) <= _mean(judged[""])
    assert [one.truth.case for one in found if one.fix == "wrong"] == []
    assert score.false_fixes(found) == []


@pytest.mark.parametrize("source", ["pods", "controllers", "services"])
def test_nothing_is_called_healthy_that_was_not_seen(
    judged: dict[str, list[Judged]], source: str
) -> None:
    assert [one.truth.case for one in judged[source] if one.status == "no_action"] == []


def test_the_whole_evidence_is_worth_more_than_any_part(judged: dict[str, list[Judged]]) -> None:
    losses = [ablation.Loss(source, found) for source, found in judged.items()]
    assert losses[0].right == 1.0
    assert min(one.right for one in losses) < 1.0
    table = ablation.table([("cases", losses)]).splitlines()
    assert table[4].startswith("| (nothing) | 1.00 | 0 |")
    assert len(table) == 5 + len(SOURCES) + 1


def _bundle() -> ContextBundle:
    objects = {kind: [{}] for kinds in KINDS.values() for kind in kinds}
    return ContextBundle.model_validate(
        {
            "event_id": "e",
            "trace_id": "t",
            "alert": Alert(anomalies=("x",)),
            "occurred_at": "2026-01-01T00:00:00Z",
            "alerted_at": "2026-01-01T00:00:00Z",
            "cycle": "c",
            "k8s_context": KubernetesContext(objects=objects),
            "logs": (LogExcerpt(lines=("x",)),),
            "extra": {"tool": "x"},
        }
    )


def test_taking_all_kinds_away_one_by_one_leaves_none() -> None:
    left = without(_bundle(), KINDS)
    assert left.k8s_context.objects == {}
    assert left.logs != ()
    assert {s.name for s in left.sources if s.state == "missing"} == set(KINDS)


def test_what_has_no_kind_is_taken_away_too() -> None:
    left = without(_bundle(), ["logs", "tools", "anomalies"])
    assert (left.logs, left.extra, left.alert.anomalies) == ((), {}, ())
    assert left.k8s_context == _bundle().k8s_context


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(ValueError, match="no source weather"):
        without(_bundle(), ["weather"])


def test_of_many_losses_a_case_has_a_few_of_its_own() -> None:
    def said(name: str, bundle: ContextBundle, files: Mapping[str, bytes]) -> dict[str, Any]:
        return {"rules_ms": 0.0}

    sets = [(), *((source,) for source in SOURCES)]
    found = run.diagnose_without(CORPUS / "cases", sets, diagnose=said, copies=2)
    assert len(found) == len(sets)
    assert len(found[0]) == 5
    lost = {name: [n for n, told in enumerate(found) if name in told] for name in found[0]}
    assert all(len(turns) == 3 for turns in lost.values())
    assert len({tuple(turns) for turns in lost.values()}) > 1
    again = run.diagnose_without(CORPUS / "cases", sets, diagnose=said, copies=2)
    assert [set(told) for told in again] == [set(told) for told in found]
