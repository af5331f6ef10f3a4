"""What outcomes change of a decision: the order, the confidence, what is not proposed again, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from decide import core
from decide.adapters.ledger import SqlIncidentLedger, Windows
from decide.adapters.trials import SqlTrialBook
from decide.adapters.worlds import OUTCOMES, LedgerOfThen, TrialsOfThen
from decide.agent import close, decide
from decide.core.experience.trials import (
    Experience,
    ExperienceAsked,
    FaredTrial,
    LiftedVeto,
    Predictions,
    object_of,
)
from decide.ports import DecidePorts
from decide.settings import Decide
from decide.wiring import load_prompt
from kfix.engine.runtime.worlds import Told
from kfix.infra.store import metadata
from kfix.infra.store.engine import open_engine
from schemas.context import ContextBundle, OutcomeResult
from schemas.plans import ActionPlan, CandidatePlans
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import AT, Cluster
from tests.support.decide.tried import known, outcome

FAULT = "cpu_throttling"


@pytest.fixture
def bundle() -> ContextBundle:
    """An incident with several plans."""
    cluster = Cluster(25)
    FAULTS[FAULT](cluster, cluster.app())
    return cluster.bundle()


def plans(bundle: ContextBundle, **known: Any) -> tuple[ActionPlan, ...]:
    return core.answer(bundle, experience=Experience(**known)).plans


def trial(of: ActionPlan, incident: str, result: OutcomeResult) -> FaredTrial:
    return FaredTrial(
        incident_id=incident,
        workload_kind=of.workload_kind,
        fix_kind=of.fix_kind,
        environment="unknown",
        result=result,
        ended_at=AT,
    )


def test_two_incidents_turn_the_order_round_and_one_does_not(bundle: ContextBundle) -> None:
    first, second, *_ = plans(bundle)
    assert first.fix_kind != second.fix_kind
    failed = [trial(first, f"inc-{n}", "failure") for n in range(4)]
    held = [trial(second, f"inc-{n}", "success") for n in range(4)]
    one = plans(bundle, fared=(failed[0], held[0]))
    assert next(p.changes_hash for p in one) == first.changes_hash
    many = plans(bundle, fared=(*failed, *held))
    assert next(p.changes_hash for p in many) == second.changes_hash
    assert [p.priority for p in many] == list(range(1, len(many) + 1))


def test_the_confidence_follows_and_stands_beside_its_counts(bundle: ContextBundle) -> None:
    first = plans(bundle)[0]
    found = plans(bundle, fared=(trial(first, "inc-1", "failure"),))[0]
    assert found.confidence == pytest.approx(6 * first.confidence / 7, abs=2e-3)
    before, after = round(100 * first.confidence), round(100 * found.confidence)
    said = f"Merged 1 time for this cause so far, held 0: {after}%; by the rules alone {before}%."
    assert found.justification == f"{first.justification} {said}"


def test_it_is_said_in_french(bundle: ContextBundle) -> None:
    first = plans(bundle)[0]
    known = Experience(fared=tuple(trial(first, f"inc-{n}", "success") for n in range(3)))
    found = core.answer(bundle, language="fr", experience=known).plans[0]
    assert "Fusionné 3 fois pour cette cause jusqu'ici, tenu 3 fois" in found.justification


def test_neither_one_failure_nor_recalibration_drops_a_plan(bundle: ContextBundle) -> None:
    predictions = (Predictions(twentieth=16, count=800, predicted=800 * 820, held=0),)
    first = plans(bundle)[0]
    one = (trial(first, "inc-1", "failure"),)
    found = plans(bundle, predictions=predictions, fared=one)
    assert [p.changes_hash for p in found] == [p.changes_hash for p in plans(bundle)]
    assert 0.4 <= found[0].confidence < 0.5


def test_what_never_holds_is_no_plan_any_more_and_people_decide(bundle: ContextBundle) -> None:
    every = plans(bundle)
    fared = [trial(one, f"inc-{n}", "failure") for one in every for n in range(40)]
    verdict = core.answer(bundle, experience=Experience(fared=tuple(fared)))
    assert (verdict.status, verdict.reason, verdict.plans) == ("needs_human", "no_safe_plan", ())


def vetoed(*of: ActionPlan) -> Experience:
    failed = [known(f"inc-{n}", one, cluster="") for one in of for n in (1, 2)]
    return Experience(known=tuple(failed))


def test_a_vetoed_plan_is_not_among_them_and_the_answer_says_why(bundle: ContextBundle) -> None:
    first, *others = plans(bundle)
    verdict = core.answer(bundle, experience=vetoed(first))
    assert [p.fix_kind for p in verdict.plans] == [p.fix_kind for p in others]
    assert verdict.plans[0].priority == 1
    assert f"Not proposed again: “{first.title}”: it failed 2 times" in verdict.explanation


@pytest.mark.parametrize(
    ("language", "said"), [("en", "has not failed here"), ("fr", "n'a pas déjà échoué ici")]
)
def test_where_every_plan_is_vetoed_a_person_decides(
    bundle: ContextBundle, language: str, said: str
) -> None:
    verdict = core.answer(bundle, language=language, experience=vetoed(*plans(bundle)))
    assert (verdict.status, verdict.reason, verdict.plans) == ("needs_human", "no_safe_plan", ())
    assert said in verdict.explanation
    assert "kfix memory lift" in verdict.explanation


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[DecidePorts]:
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    metadata.create_all(engine)
    yield DecidePorts(
        ledger=SqlIncidentLedger(engine, Windows()),
        trials=SqlTrialBook(engine, Windows().expiry),
        reasoner=None,
        prompt=load_prompt("en"),
        settings=Decide(),
        language="en",
        basis={OUTCOMES: True},
    )
    engine.dispose()


def alert(bundle: ContextBundle, n: int) -> ContextBundle:
    """Another alert about the same spec."""
    return bundle.model_copy(
        update={"event_id": f"ctx-{n}", "trace_id": f"d-{n}", "cycle": f"cy-{n}"}
    )


async def lived(ports: DecidePorts, bundle: ContextBundle) -> CandidatePlans:
    """An alert's decision; its first plan is merged, and closed without a trial of the others."""
    decided = await decide(bundle, ports)
    assert decided is not None
    if decided.plans:
        ended = outcome(
            decided.incident_id,
            decided.plans[0],
            failure_class=FAULT,
            at=AT,
            cluster=decided.context.cluster,
            merged_at=None,
        )
        await close(ended, ports)
    return decided


async def test_the_stage_proposes_a_useless_kind_of_fix_at_most_twice_and_then_asks_people(
    ports: DecidePorts, bundle: ContextBundle
) -> None:
    decisions = [await lived(ports, alert(bundle, n)) for n in range(9)]
    firsts = [one.plans[0].fix_kind for one in decisions if one.plans]
    assert len({one.incident_id for one in decisions if one.plans}) == len(firsts)
    assert {kind: firsts.count(kind) for kind in firsts} == dict.fromkeys(firsts, 2)
    assert (decisions[-1].status, decisions[-1].reason) == ("needs_human", "no_safe_plan")
    word = LiftedVeto(
        cluster="",
        object_key=object_of(decisions[0].plans[0]),
        fix_kind=firsts[0],
        lifted_at=AT,
        lifted_by="ada",
    )
    await ports.trials.lift(word)
    again = await decide(alert(bundle, 10), ports)
    assert again is not None
    assert [plan.fix_kind for plan in again.plans] == firsts[:1]


async def test_a_decision_made_again_knows_what_it_knew_then(
    ports: DecidePorts, bundle: ContextBundle
) -> None:
    decisions = [await lived(ports, alert(bundle, n)) for n in range(4)]
    assert len({tuple(p.confidence for p in one.plans) for one in decisions}) > 1
    for n, decided in enumerate(decisions):
        told = Told(decided.world)
        then = DecidePorts(
            ledger=LedgerOfThen(told),
            trials=TrialsOfThen(told),
            reasoner=None,
            prompt=ports.prompt,
            settings=ports.settings,
            language="en",
            basis=ports.basis,
        )
        assert await decide(alert(bundle, n), then) == decided
        assert told.never_asked == []


async def test_a_world_of_an_older_version_knew_of_no_outcomes(
    ports: DecidePorts, bundle: ContextBundle
) -> None:
    old = DecidePorts(
        ports.ledger, ports.trials, None, ports.prompt, ports.settings, "en", basis={"kfix": "1"}
    )
    decided = await decide(bundle, old)
    assert decided is not None
    told = Told(decided.world)
    then = TrialsOfThen(told)
    asked = core.answer(bundle)
    assert asked.analysis is not None
    found = await then.experience(ExperienceAsked("another", "", ()))
    assert found.is_empty
    assert told.never_asked == []
