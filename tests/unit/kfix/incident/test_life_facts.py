"""What records tell of a fix's life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kfix.incident.fix_life import LifeFact, life_of_incident
from kfix.incident.life_facts import facts_of, read, written
from schemas.alerts import Alert
from schemas.base import ObjectRef
from schemas.context import ContextBundle, KubernetesContext
from schemas.dead_letters import DeadLetter
from schemas.identity import next_attempt, revert_of
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Outcome
from schemas.plans import CandidatePlans, IncidentContext
from schemas.validated import ValidatedPlans

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(minutes=20)
INCIDENT = "inc-0a1b"


def words(*records: Any) -> list[tuple[str, str]]:
    return [(f.word, f.attempt) for r in records for f in facts_of(r, INCIDENT)]


def event(action: str, incident_id: str = INCIDENT, **more: Any) -> MergeRequestEvent:
    said = {"event_id": f"e-{action}", "occurred_at": LATER, "incident_id": incident_id}
    return MergeRequestEvent.model_validate({**said, "action": action, **more})


def outcome(**more: Any) -> Outcome:
    said = {
        "event_id": "out",
        "occurred_at": LATER,
        "incident_id": INCIDENT,
        "fingerprint": "fp",
        "result": "success",
        "failure_class": "oom_killed",
        "object": ObjectRef(kind="Deployment", name="cart"),
    }
    return Outcome.model_validate({**said, **more})


def decided(model: type[Any], **more: Any) -> Any:
    said = {
        "event_id": "d",
        "occurred_at": LATER,
        "incident_id": INCIDENT,
        "fingerprint": "fp",
        "status": "solution_proposed",
        "context": IncidentContext(alerted_at=AT),
    }
    return model.model_validate({**said, **more})


def test_a_plan_counts_once_it_was_checked() -> None:
    assert words(decided(CandidatePlans)) == [("alerted", INCIDENT)]
    assert words(decided(ValidatedPlans)) == [("alerted", INCIDENT), ("planned", INCIDENT)]


@pytest.mark.parametrize("model", [CandidatePlans, ValidatedPlans])
@pytest.mark.parametrize(
    ("status", "reason", "word"),
    [
        ("needs_human", "ambiguous", "needs_human"),
        ("no_action", "healthy", "no_action"),
        ("no_action", "recovered", "alert_ended_before"),
        ("no_action", "already_recovered", "alert_ended_before"),
    ],
)
def test_what_is_not_proposed_is_decided_at_once(
    model: type[Any], status: str, reason: str, word: str
) -> None:
    found = facts_of(decided(model, status=status, reason=reason))
    assert [(f.word, f.at) for f in found] == [("alerted", AT), (word, LATER)]


def test_a_recovery_has_the_alert_s_time() -> None:
    (found,) = facts_of(decided(ValidatedPlans, role="recovery", status="no_action"))
    assert (found.word, found.at) == ("alert_over", AT)


def test_the_forge_s_time_of_a_merge_counts() -> None:
    (found,) = facts_of(event("merged", merged_at=AT, actor="ada"))
    assert found == LifeFact("merged", AT, INCIDENT, "ada")


@pytest.mark.parametrize("action", ["note", "pipeline", "feedback", "updated"])
def test_other_words_move_nothing(action: str) -> None:
    assert words(event(action)) == []


def test_a_way_back_is_told_under_its_own_id() -> None:
    assert words(event("revert_opened")) == [("opened", revert_of(INCIDENT))]
    assert words(event("merged", revert_of(INCIDENT))) == [("merged", revert_of(INCIDENT))]


def test_a_measured_outcome_tells_of_its_merge() -> None:
    measured = outcome(result="failure", merged_at=AT, checked_at=LATER)
    assert words(measured) == [("merged", INCIDENT), ("failed", INCIDENT)]
    back = outcome(result="failure", merged_at=AT, checked_at=AT, came_back_at=LATER)
    assert [w for w, _ in words(back)] == ["merged", "held", "came_back"]


def test_that_a_change_is_not_live_yet_is_no_end() -> None:
    late = outcome(result="partial", merged_at=AT)
    assert life_of_incident(facts_of(late)).state == "merged"


def test_one_that_was_turned_down_is_closed_also_when_nobody_heard() -> None:
    assert life_of_incident(facts_of(outcome(result="rejected"))).state == "closed"


@pytest.mark.parametrize(
    ("topic", "stage", "found"),
    [
        ("plans.candidate", "safety", ["gave_up"]),
        ("plans.validated", "publish", ["gave_up_publishing"]),
        ("plans.validated", "console", []),
        ("mr.events", "learn", []),
    ],
)
def test_a_dead_letter_ends_the_way_of_what_it_carried(
    topic: str, stage: str, found: list[str]
) -> None:
    letter = DeadLetter(
        event_id="dl", occurred_at=LATER, first_seen=AT, topic=topic, stage=stage, reason="x"
    )
    assert [w for w, _ in words(letter)] == found
    assert facts_of(letter) == (), "of no incident"


def test_evidence_gathered_anew_is_the_next_attempt_s() -> None:
    bundle = ContextBundle(
        event_id="ctx",
        occurred_at=LATER,
        alert=Alert(title="x", state="firing"),
        alerted_at=AT,
        cycle="cy",
        k8s_context=KubernetesContext(),
    )
    assert words(bundle) == [("alerted", INCIDENT)]
    again = bundle.model_copy(update={"retry_of": INCIDENT})
    assert words(again) == [("alerted", next_attempt(INCIDENT))]
    over = bundle.model_copy(update={"alert": Alert(title="x", state="resolved")})
    assert words(over) == []


def test_a_fact_is_read_as_it_was_written() -> None:
    told = LifeFact("merged", AT, INCIDENT, "ada")
    assert read(written(told)) == LifeFact("merged", AT, INCIDENT)
