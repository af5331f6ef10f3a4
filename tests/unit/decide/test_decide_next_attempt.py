"""The attempt after a merged fix that did not hold: by the evidence of now, and without what failed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from decide.adapters.ledger import SqlIncidentLedger, Windows
from decide.adapters.trials import SqlTrialBook
from decide.agent import close, decide
from decide.core.attempts import another, is_same
from decide.core.opinion import Verdict
from decide.ports import DecidePorts
from decide.settings import Decide
from decide.wiring import load_prompt, open_past
from kfix.infra.store import metadata
from kfix.infra.store.engine import open_engine
from schemas.base import ObjectRef
from schemas.context import AttemptedChange, ContextBundle, FailedAttempt, SourceStatus
from schemas.identity import attempt_of
from schemas.outcomes import Outcome
from schemas.plans import ActionPlan, CandidatePlans, FieldChange, KubernetesChange
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import AT, Cluster

CART = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="cart")
LIMIT = "spec.template.spec.containers[name=app].resources.limits.memory"
REQUEST = "spec.template.spec.containers[name=app].resources.requests.memory"


def plan(number: int, kind: str = "set_memory", **sets: Any) -> ActionPlan:
    fields = tuple(FieldChange(path=path, before="1Mi", after=to) for path, to in sets.items())
    back = tuple(FieldChange(path=f.path, before=f.after, after=f.before) for f in fields)
    made: dict[str, Any] = {
        "plan_id": f"plan-{number}",
        "title": f"plan {number}",
        "fix_kind": kind,
        "priority": number,
        "confidence": 0.8,
        "justification": "because",
        "kubernetes_changes": (KubernetesChange(object=CART, fields=fields),),
        "rollback_changes": (KubernetesChange(object=CART, fields=back),),
    }
    return ActionPlan(**made)


def failed(of: ActionPlan, incident_id: str = "inc-1", iid: int = 5) -> FailedAttempt:
    back = of.model_copy(update={"kubernetes_changes": of.rollback_changes})
    return FailedAttempt(
        incident_id=incident_id,
        fingerprint="fp",
        fix_kind=of.fix_kind,
        title=of.title,
        changes_hash=of.changes_hash,
        revert_hash=back.changes_hash,
        changes=tuple(
            AttemptedChange(
                object_key=change.object.key, path=f.path, before=f.before, after=f.after
            )
            for change in of.kubernetes_changes
            for f in change.fields
        ),
        iid=iid,
        explanation="2 of 3 pods are ready",
    )


WHOLE = plan(1, **{LIMIT: "384Mi", REQUEST: "384Mi"})
PART = plan(2, **{LIMIT: "384Mi"})
MORE = plan(3, **{LIMIT: "768Mi", REQUEST: "768Mi"})
BACK = plan(4, "rollback_revision", **{LIMIT: "1Mi", REQUEST: "1Mi"})


def verdict(*plans: ActionPlan) -> Verdict:
    return Verdict("solution_proposed", "", "cart needs more memory", None, plans)


def test_the_change_that_failed_a_part_of_it_and_the_way_back_are_the_same_and_more_is_another() -> (
    None
):
    was = failed(WHOLE)
    assert is_same(WHOLE, was)
    assert is_same(PART, was)
    assert is_same(BACK, was)
    assert not is_same(MORE, was)
    assert not is_same(plan(9, "set_cpu", **{LIMIT: "384Mi"}), was)


def test_what_is_left_moves_up() -> None:
    left = another(verdict(WHOLE, PART, MORE), "inc-1-try2", [failed(WHOLE)], language="en")
    assert [(one.plan_id, one.priority) for one in left.plans] == [("plan-3", 1)]
    assert left.status == "solution_proposed"


@pytest.mark.parametrize(
    ("language", "says"), [("en", "did not hold: !5 (plan 1)"), ("fr", "n'a pas tenu")]
)
def test_where_only_the_failed_change_is_known_people_look(language: str, says: str) -> None:
    handed = another(verdict(WHOLE, PART), "inc-1-try2", [failed(WHOLE)], language=language)
    assert (handed.status, handed.reason, handed.plans) == ("needs_human", "no_safe_plan", ())
    assert says in handed.explanation
    assert "cart needs more memory" in handed.explanation


def test_after_three_fixes_that_did_not_hold_no_fourth_is_proposed() -> None:
    three = [
        failed(plan(n, **{LIMIT: f"{n}Gi"}), name, n)
        for n, name in enumerate(("inc-1", "inc-1-try2", "inc-1-try3"), 1)
    ]
    handed = another(verdict(MORE), "inc-1-try4", three, language="en")
    assert (handed.status, handed.plans) == ("needs_human", ())
    assert "3 changes were merged and none held: !1 (plan 1); !2 (plan 2); !3" in handed.explanation
    assert another(verdict(MORE), "inc-1-try3", three[:2], language="en").plans == (MORE,)


def test_an_answer_without_a_plan_stays_as_it_is() -> None:
    well = Verdict("no_action", "healthy", "nothing is wrong now", None, ())
    assert another(well, "inc-1-try4", [failed(WHOLE)], language="en") == well


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[DecidePorts]:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    metadata.create_all(engine)
    ledger = SqlIncidentLedger(engine, Windows())
    yield DecidePorts(
        ledger=ledger,
        trials=SqlTrialBook(engine, Windows().expiry),
        reasoner=None,
        prompt=load_prompt("en"),
        settings=Decide(),
        language="en",
    )
    engine.dispose()


def killed() -> ContextBundle:
    cluster = Cluster(16)
    cluster.app()
    app = cluster.app()
    FAULTS["oom_killed"](cluster, app)
    return cluster.bundle(app)


async def decided(bundle: ContextBundle, ports: DecidePorts) -> CandidatePlans:
    record = await decide(bundle, ports)
    assert record is not None
    return record


def gathered_anew(first: CandidatePlans, bundle: ContextBundle) -> ContextBundle:
    return bundle.model_copy(
        update={
            "event_id": "ctx-retry",
            "occurred_at": bundle.alerted_at + timedelta(minutes=20),
            "retry_of": first.incident_id,
            "failed_attempt": failed(first.plans[0], first.incident_id),
        }
    )


def outcome(first: CandidatePlans, **more: Any) -> Outcome:
    made: dict[str, Any] = {
        "event_id": "out-1",
        "occurred_at": AT + timedelta(minutes=19),
        "incident_id": first.incident_id,
        "fingerprint": first.fingerprint,
        "result": "failure",
        "failure_class": "oom",
        "object": CART,
        "plan": first.plans[0],
        "merged_at": AT,
        "checked_at": AT + timedelta(minutes=19),
        **more,
    }
    return Outcome(**made)


async def test_fresh_evidence_is_a_second_attempt_with_other_plans_of_the_same_fingerprint(
    ports: DecidePorts,
) -> None:
    bundle = killed()
    first = await decided(bundle, ports)
    await close(outcome(first), ports)
    again = gathered_anew(first, bundle)
    second = await decided(again, ports)
    assert second.incident_id == f"{first.incident_id}-try2"
    assert (second.role, second.fingerprint) == ("first", first.fingerprint)
    assert second.plans or second.status == "needs_human"
    was = failed(first.plans[0])
    assert not [one for one in second.plans if is_same(one, was)]
    assert second.context.alerted_at == bundle.alerted_at
    assert second.occurred_at == again.occurred_at
    assert [one.iid for one in second.context.failed_attempts] == [5]
    assert (await decided(again, ports)).event_id == second.event_id


async def test_a_later_alert_of_the_second_attempt_knows_what_failed(ports: DecidePorts) -> None:
    bundle = killed()
    first = await decided(bundle, ports)
    await decided(gathered_anew(first, bundle), ports)
    later = bundle.model_copy(
        update={
            "event_id": "ctx-later",
            "trace_id": "dd-later",
            "alerted_at": bundle.alerted_at + timedelta(minutes=30),
        }
    )
    repeat = await decided(later, ports)
    assert (attempt_of(repeat.incident_id).number, repeat.role) == (2, "repeat")
    assert not [one for one in repeat.plans if is_same(one, failed(first.plans[0]))]


async def test_a_failed_fix_keeps_its_incident_open_and_one_that_came_back_does_not(
    ports: DecidePorts,
) -> None:
    bundle = killed()
    first = await decided(bundle, ports)
    later = bundle.model_copy(
        update={
            "event_id": "ctx-later",
            "trace_id": "dd-later",
            "alerted_at": bundle.alerted_at + timedelta(minutes=25),
        }
    )
    await close(outcome(first), ports)
    assert (await decided(later, ports)).incident_id == first.incident_id
    await close(outcome(first, came_back_at=AT + timedelta(hours=3)), ports)
    new = later.model_copy(update={"event_id": "ctx-new", "trace_id": "dd-new"})
    assert (await decided(new, ports)).incident_id != first.incident_id


async def test_without_its_alert_people_are_told_that_no_next_plan_can_be_made(
    ports: DecidePorts,
) -> None:
    bundle = killed()
    first = await decided(bundle, ports)
    gone = SourceStatus(name="alert", state="missing", reason="gone", why="absent")
    empty = gathered_anew(first, bundle).model_copy(update={"sources": (gone,)})
    second = await decided(empty, ports)
    assert (second.status, second.reason) == ("needs_human", "not_enough_evidence")
    assert "is not kept any more" in second.explanation


async def test_a_second_attempt_is_decided_again_in_its_own_world(ports: DecidePorts) -> None:
    bundle = killed()
    first = await decided(bundle, ports)
    again = gathered_anew(first, bundle)
    second = await decided(again, ports)
    past = open_past(None)(second)
    replayed = await decided(again, past.ports)
    assert replayed.model_copy(update={"world": second.world}) == second
    assert past.told.never_asked == []
