"""Alerts without a subject go to a person with the candidates named; tried and silenced ones are told and not acted on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from decide import core
from decide.adapters.ledger import SqlIncidentLedger, Windows
from decide.adapters.trials import SqlTrialBook
from decide.agent import decide
from decide.ports import DecidePorts
from decide.settings import Decide
from decide.wiring import load_prompt
from kfix.infra.store import metadata
from kfix.infra.store.engine import open_engine
from kfix.texts import say
from schemas.base import ObjectRef
from schemas.context import ContextBundle
from schemas.subjects import UNKNOWN, Candidate, Ending, SubjectSearch, Withheld
from tests.support.decide.clusters import Cluster

WEB = ObjectRef(kind="Deployment", namespace="shop", name="web")
WORKER = ObjectRef(kind="Deployment", namespace="shop", name="web-worker")


def bundle_of(search: SubjectSearch, *, crashed: bool = True, namespace: str = "") -> ContextBundle:
    cluster = Cluster()
    name = cluster.app()
    if crashed:
        cluster.crashed(name, 137, reason="OOMKilled")
    bundle = cluster.bundle()
    context = bundle.k8s_context.model_copy(
        update={"subject": None, "pod": "", "namespace": namespace and cluster.namespace}
    )
    return bundle.model_copy(update={"k8s_context": context, "search": search})


def searched(ending: Ending) -> SubjectSearch:
    sick = Candidate(object=WORKER, signs=(say("enrich.sign.stuck_rollout"),))
    return SubjectSearch(ending=ending, by="service:web", candidates=(Candidate(object=WEB), sick))


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("ending", sorted(UNKNOWN))
def test_without_a_subject_nothing_is_proposed(ending: Ending, language: str) -> None:
    verdict = core.answer(bundle_of(searched(ending)), language=language)
    assert (verdict.status, verdict.reason, verdict.plans) == ("needs_human", "no_subject", ())
    assert "decide." not in verdict.explanation


@pytest.mark.parametrize(
    "ending", ["several_sick", "none_sick", "other_environment", "not_all_read"]
)
def test_the_candidates_are_named_with_their_signs(ending: Ending) -> None:
    told = core.answer(bundle_of(searched(ending)), language="fr").explanation
    assert "service:web" in told
    assert WEB.key in told
    assert f"{WORKER.key} (son déploiement n'avance pas)" in told


def test_what_happens_in_the_named_namespace_is_mentioned() -> None:
    search = SubjectSearch(ending="not_found", by="service:web")
    verdict = core.answer(bundle_of(search, namespace="its own"))
    assert (verdict.reason, verdict.plans) == ("no_subject", ())
    assert "not mended in its name" in verdict.explanation


def test_the_evidence_of_a_chosen_subject_shows_the_others() -> None:
    cluster = Cluster()
    name = cluster.app()
    cluster.crashed(name, 137, reason="OOMKilled")
    bundle = cluster.bundle(name).model_copy(update={"search": searched("found")})
    verdict = core.answer(bundle)
    assert verdict.status == "solution_proposed"
    assert verdict.analysis is not None
    ids = [one.id for one in verdict.analysis.evidence]
    assert len(set(ids)) == len(ids)
    assert WEB.key in verdict.analysis.evidence[-1].statement
    assert WORKER.key in verdict.analysis.evidence[-1].statement


@pytest.mark.parametrize(
    "kind", [k for k in get_args(Withheld.model_fields["kind"].annotation) if k]
)
def test_what_is_withheld_is_told_with_its_reason_and_has_no_plan(kind: str) -> None:
    withheld = Withheld.model_validate({"kind": kind, "reason": "because of it"})
    bundle = bundle_of(SubjectSearch()).model_copy(update={"withheld": withheld})
    verdict = core.answer(bundle)
    assert (verdict.status, verdict.reason, verdict.plans) == ("no_action", kind, ())
    assert "because of it" in verdict.explanation


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


@pytest.mark.parametrize("state", ["firing", "resolved"])
async def test_a_test_and_a_muted_alert_are_incidents_of_their_own(
    ports: DecidePorts, state: str
) -> None:
    real = bundle_of(SubjectSearch())
    first = await decide(real, ports)
    alert = real.alert.model_copy(update={"state": state})
    tried = real.model_copy(
        update={"withheld": Withheld(kind="test", reason="t"), "alert": alert, "event_id": "c-2"}
    )
    told = await decide(tried, ports)
    assert first is not None
    assert told is not None
    assert (told.role, told.status, told.reason) == ("first", "no_action", "test")
    assert told.incident_id != first.incident_id
    assert told.fingerprint != first.fingerprint
    again = await decide(real.model_copy(update={"event_id": "c-3", "trace_id": "d-3"}), ports)
    assert again is not None
    assert (again.role, again.incident_id) == ("repeat", first.incident_id)
