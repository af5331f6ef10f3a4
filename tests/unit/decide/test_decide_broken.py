"""A rule or a builder that breaks is a defect that the answer, the log and a metric tell; it is never "no plan"."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from decide.adapters.ledger import SqlIncidentLedger, Windows
from decide.adapters.trials import SqlTrialBook
from decide.agent import decide
from decide.core.broken import heard
from decide.core.deciding import diagnose_with, offers
from decide.core.facts import Facts
from decide.core.families.resources.facts import KilledContainer
from decide.core.findings import Fact, Finding
from decide.core.playbooks import Playbooks
from decide.core.view import ClusterView
from decide.ports import DecidePorts
from decide.settings import Decide
from decide.wiring import load_prompt
from kfix.incident.cluster_names import Fleet, Own
from kfix.infra.store import metadata
from kfix.infra.store.engine import open_engine
from schemas.places import ClusterClaim
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster

ROOT = Path(__file__).parents[3]
SECRET = "what-a-stranger-wrote"
#: A house's playbook that breaks when it is looked at.
_UNREADABLE: Any = None


def _killed(seed: int = 16) -> tuple[Cluster, str]:
    cluster = Cluster(seed)
    cluster.app()
    app = cluster.app()
    FAULTS["oom_killed"](cluster, app)
    return cluster, app


def _breaks(view: ClusterView) -> Iterator[Finding]:
    yield from ()
    raise KeyError(SECRET)


def _wrong_facts(view: ClusterView) -> Iterator[Finding[Facts]]:
    """A rule that hands over facts of another type than its class's builder reads."""
    for workload in view.workloads:
        yield Finding(
            failure_class="ephemeral_storage_exceeded",
            object=workload.ref,
            score=0.99,
            evidence=[Fact(source="object", statement="made up", object=workload.ref)],
            facts=KilledContainer(workload=workload),
        )


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_rule_that_breaks_leaves_the_others_to_decide_and_the_answer_says_so(
    language: str,
) -> None:
    cluster, app = _killed()
    verdict = diagnose_with((_breaks,), cluster.bundle(), language=language)
    assert verdict.analysis is not None
    assert (verdict.analysis.failure_class, verdict.analysis.object.name) == ("oom_killed", app)
    assert verdict.status == "solution_proposed"
    assert [one.where for one in verdict.broken] == ["rules of test_decide_broken"]
    assert "K-Fix" in verdict.explanation
    assert "rules of test_decide_broken" in verdict.explanation
    assert any("broke" in text for text in verdict.analysis.hypotheses[0].evidence_against)
    sound = diagnose_with((), cluster.bundle(), language=language)
    assert sound.broken == ()
    assert sound.analysis is not None
    assert verdict.analysis.confidence < sound.analysis.confidence


def test_what_a_rule_found_before_it_broke_is_heard() -> None:
    def half() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    found, broken = heard("rules of half", half)
    assert found == [1]
    assert broken is not None
    assert broken.what.startswith("ZeroDivisionError at ")
    assert "test_decide_broken.py:" in broken.what


def test_the_words_of_an_error_go_nowhere() -> None:
    """They may quote what strangers wrote."""
    cluster, _ = _killed()
    verdict = diagnose_with((_breaks,), cluster.bundle())
    assert SECRET not in repr(verdict)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_builder_that_breaks_makes_the_incident_a_persons_and_not_one_without_a_safe_plan(
    language: str,
) -> None:
    cluster = Cluster(4)
    cluster.app()
    verdict = diagnose_with((_wrong_facts,), cluster.bundle(), language=language)
    assert (verdict.status, verdict.reason) == ("needs_human", "rule_broke")
    assert verdict.plans == ()
    assert [one.where for one in verdict.broken] == ["plans of ephemeral_storage_exceeded"]
    assert "K-Fix" in verdict.explanation
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class == "ephemeral_storage_exceeded"


def test_a_builder_that_breaks_while_rivals_offer_their_plans_is_told() -> None:
    def rivals(view: ClusterView) -> Iterator[Finding[Facts]]:
        for finding in _wrong_facts(view):
            finding.score = 0.7
            yield finding

    cluster = Cluster(4)
    cluster.app()
    cluster.app()
    verdict = diagnose_with((rivals,), cluster.bundle())
    assert (verdict.status, verdict.reason, verdict.broken) == ("needs_human", "ambiguous", ())
    plans, broken = offers((rivals,), cluster.bundle(), verdict)
    assert plans == ()
    assert {one.where for one in broken} == {"plans of ephemeral_storage_exceeded"}


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[DecidePorts]:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    metadata.create_all(engine)
    yield DecidePorts(
        ledger=SqlIncidentLedger(engine, Windows()),
        trials=SqlTrialBook(engine, Windows().expiry),
        reasoner=None,
        prompt=load_prompt("en"),
        settings=Decide(),
        language="en",
    )
    engine.dispose()


async def test_a_broken_rule_is_in_the_record_in_the_log_and_in_a_metric(
    ports: DecidePorts,
) -> None:
    cluster, _ = _killed()
    where = "rules of matching"
    ports = replace(ports, playbooks=Playbooks(entries=(_UNREADABLE,)))
    counted = REGISTRY.get_sample_value("kfix_rules_broken_total", {"where": where})
    with capture_logs() as lines:
        record = await decide(cluster.bundle(), ports)
    assert record is not None
    assert record.status == "solution_proposed"
    assert [one.where for one in record.broken] == [where]
    assert "playbooks/matching.py" in record.broken[0].what
    told = [line for line in lines if line["event"] == "defect.rule_broke"]
    assert [(line["where"], line["log_level"]) for line in told] == [(where, "error")]
    assert told[0]["incident"] == record.incident_id
    now = REGISTRY.get_sample_value("kfix_rules_broken_total", {"where": where})
    assert now == (counted or 0.0) + 1


@pytest.mark.parametrize(
    ("verdict", "cluster", "label"),
    [
        ("ours", "prod-eu", "prod-eu"),
        ("unjudged", "prod-eu", "prod-eu"),
        ("ours", "gone", "other"),
        ("unjudged", "sent-by-anybody", "other"),
        ("foreign", "prod-eu", "other"),
        ("unclaimed", "", "other"),
    ],
)
async def test_decisions_are_counted_by_clusters_that_are_ours_and_all_others_as_one(
    ports: DecidePorts, verdict: Any, cluster: str, label: str
) -> None:
    made, _ = _killed()
    bundle = made.bundle()
    context = bundle.k8s_context.model_copy(update={"cluster": cluster})
    claim = ClusterClaim(verdict=verdict, own=cluster)
    bundle = bundle.model_copy(update={"k8s_context": context, "claim": claim})
    fleet = Fleet.of(Own("prod-eu"), Own("qa"))

    def counts() -> dict[str, float]:
        (metric,) = (m for m in REGISTRY.collect() if m.name == "kfix_decisions")
        totals = (s for s in metric.samples if s.name.endswith("_total"))
        found: dict[str, float] = {}
        for one in totals:
            found[one.labels["cluster"]] = found.get(one.labels["cluster"], 0) + one.value
        return found

    before = counts()
    await decide(bundle, replace(ports, fleet=fleet))
    changed = {name for name, value in counts().items() if value != before.get(name, 0)}
    assert changed == {label}


async def test_a_sound_answer_has_no_broken_rule_in_its_record(ports: DecidePorts) -> None:
    cluster, _ = _killed()
    with capture_logs() as lines:
        record = await decide(cluster.bundle(), ports)
    assert record is not None
    assert record.broken == ()
    assert lines == []


def test_one_place_in_the_core_meets_every_error() -> None:
    """Elsewhere in the core a handler names what it expects."""
    wide = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "decide" / "core").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler) and _catches_defects(node)
    }
    assert wide == {"decide/core/broken.py"}


def _catches_defects(handler: ast.ExceptHandler) -> bool:
    """It catches everything, or the errors that a misspelt name raises."""
    if handler.type is None:
        return True
    named = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(named & {"Exception", "BaseException", "AttributeError", "NameError"})
