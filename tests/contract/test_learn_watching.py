"""A merged change is looked for, watched and told of once, whatever breaks in between, on both databases."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from learn.core.judgement import AlertReading, WorkloadState
from learn.service.coming_back import hear
from learn.service.following import check_due, follow, kept
from schemas import errors
from schemas.merge_requests import Feedback, MergeRequestEvent
from schemas.outcomes import Outcome
from schemas.plans import FieldChange, KubernetesChange, WatchedAlert
from schemas.validated import ValidatedPlans
from tests.support.learn import (
    CALM,
    HEALTHY,
    MERGE_REQUEST,
    PROPOSAL,
    REF,
    World,
    after,
    event,
    ports,
    watched,
)

DAY = 24 * 60
RULE = WatchedAlert(source="datadog", rule_id="4101", group="kube_deployment:cart")
WATCHED = PROPOSAL.model_copy(
    update={"context": PROPOSAL.context.model_copy(update={"watched": RULE})}
)
NOT_YET = replace(HEALTHY, arrived=False)


@pytest.fixture
def world() -> World:
    return World()


async def merged(store: Engine, world: World, **more: Any) -> None:
    """Opened at minute 0, merged at minute 1."""
    used = ports(store, world)
    await follow(event("opened", proposal=WATCHED, **more), used)
    await follow(event("merged", 1, merged_at=after(1), **more), used)
    world.minute = 1


async def outcome_of(store: Engine, world: World) -> Outcome:
    (found,) = await watched(store, world, world.minute + 120)
    return found


def alert(minutes: float, number: int = 2, role: str = "first", **more: Any) -> ValidatedPlans:
    """An alert of the watched rule that decide made incident ``inc-<number>`` of."""
    fields = {
        "event_id": f"dec-{number}-{role}-{minutes}",
        "trace_id": "t",
        "occurred_at": after(minutes),
        "incident_id": f"inc-{number}",
        "fingerprint": f"fp-{number}",
        "status": "needs_human",
        "reason": "ambiguous",
        "role": role,
        **more,
    }
    context = WATCHED.context.model_copy(update={"alerted_at": after(minutes)})
    return ValidatedPlans.model_validate({"context": context, **fields})


async def test_that_a_change_is_live_is_told_when_it_is_seen_and_until_that_came_back(
    store: Engine, world: World
) -> None:
    await merged(store, world)
    used = ports(store, world)
    world.state_now = NOT_YET
    for minute in (1, 2, 3):
        world.minute = minute
        assert await check_due(used) == [], "a merge alone is no deployment"
    world.minute, world.state_now = 4, HEALTHY
    (told,) = await check_due(used)
    assert isinstance(told, MergeRequestEvent)
    assert (told.action, told.incident_id, told.occurred_at, told.merged_at) == (
        "deployed",
        "inc-1",
        after(4),
        after(1),
    )
    assert told.merge_request == MERGE_REQUEST
    world.minute = 5
    assert await check_due(used) == [told], "it has not come back"
    for _ in range(2):
        assert await follow(told, used) is None
    world.minute = 6
    assert await check_due(used) == []
    found = await outcome_of(store, world)
    assert (found.result, found.checked_at) == ("success", after(19)), "15 minutes from minute 4"


async def test_a_verdict_waits_until_the_pipeline_knows_what_is_live(
    store: Engine, world: World
) -> None:
    await merged(store, world)
    used = ports(store, world)
    for minute in range(1, 30):
        world.minute = minute
        told = await check_due(used)
        assert [one for one in told if isinstance(one, Outcome)] == []
    (deployed,) = told
    assert isinstance(deployed, MergeRequestEvent)
    await follow(deployed, used)
    assert (await outcome_of(store, world)).result == "success"


async def test_a_change_that_is_late_is_said_to_be_with_the_reason_and_watched_when_it_comes(
    store: Engine, world: World
) -> None:
    await merged(store, world)
    used = ports(store, world)
    world.state_now = replace(NOT_YET, held_up="Kustomization apps is suspended.")
    assert await watched(store, world, 60) == []
    world.minute = 61
    (late,) = await check_due(used)
    assert isinstance(late, Outcome)
    assert (late.result, late.checked_at, late.merged_at) == ("partial", None, after(1))
    assert late.explanation.endswith("everywhere in the cluster: Kustomization apps is suspended.")
    assert world.remembered == [], "nothing was learned of the fix"
    world.minute = 71
    (again,) = await check_due(used)
    assert again.event_id == late.event_id
    assert await kept(late, used) == []
    given = event("feedback", 72, feedback=Feedback(author="ada", verdict="partial"))
    said = await follow(given, used)
    assert said is not None
    assert (said.result, said.checked_at, said.vector_db_stored) == ("partial", None, False)
    assert world.remembered == [], "nor by what people say of it"
    world.minute = 81
    assert await check_due(used) == [], "told"
    world.minute, world.state_now = 300, HEALTHY
    found = await outcome_of(store, world)
    assert found.event_id != late.event_id
    assert (found.result, found.checked_at) == ("success", after(315))
    await kept(found, used)
    assert await used.ledger.outcome_of("inc-1") == found


async def test_what_never_comes_is_looked_for_a_day(store: Engine, world: World) -> None:
    await merged(store, world)
    used = ports(store, world)
    world.state_now = WorkloadState()
    world.minute = 61
    (late,) = await check_due(used)
    assert isinstance(late, Outcome)
    assert late.explanation == "Could not be measured: whether the change arrived."
    await kept(late, used)
    world.minute = DAY + 1
    assert await check_due(used) == []
    world.minute, world.state_now = DAY + 100, HEALTHY
    assert await check_due(used) == []


async def test_a_look_that_took_longer_than_its_lease_saves_nothing(
    store: Engine, world: World
) -> None:
    await merged(store, world)
    ledger = ports(store, world).ledger
    (slow,) = await ledger.claim(after(1), lease_until=after(2), limit=5)
    (quick,) = await ledger.claim(after(3), lease_until=after(9), limit=5)
    await ledger.looked(quick, replace(quick.watch, clean=4), next_at=after(4))
    await ledger.looked(slow, replace(slow.watch, clean=1), next_at=after(4))
    (due,) = await ledger.claim(after(5), lease_until=after(9), limit=5)
    assert (due.watch.clean, due.tries) == (4, 3)


@pytest.mark.parametrize(
    ("reading", "result", "told"),
    [
        (AlertReading("ok", after(3)), "success", "alert OK since 12:03 UTC"),
        (AlertReading("ok"), "success", "alert OK"),
        (AlertReading("alerting"), "failure", "still alerting"),
        (AlertReading("alerting", now=40.0, beyond=True), "failure", "measure 50 → 40"),
        (AlertReading("alerting", now=10.0, beyond=False), "partial", "has not recovered"),
        (AlertReading("warning"), "partial", "has not recovered"),
        (AlertReading("silent"), "partial", "the alert's own state"),
        (AlertReading("silent", now=48.0, beyond=True), "failure", "alert's measure 50 → 48"),
        (AlertReading("unheard"), "success", "well at 15 looks in a row"),
    ],
)
async def test_the_alert_s_own_word_counts(
    store: Engine, world: World, reading: AlertReading, result: str, told: str
) -> None:
    await merged(store, world)
    world.alert, world.measure_before = reading, 50.0
    found = await outcome_of(store, world)
    assert (found.result, told in found.explanation) == (result, True), found.explanation
    measured = {m.name: (m.before, m.after) for m in found.measurements}
    assert measured["alert_measure"] == (50.0, reading.now)


async def test_an_alert_s_source_that_is_away_is_no_success_and_no_failure(
    store: Engine, world: World
) -> None:
    await merged(store, world)
    world.failing = {"alert": errors.Unavailable("dd")}
    assert await watched(store, world, 30) == []
    world.failing = {}
    found = await outcome_of(store, world)
    assert (found.result, found.checked_at) == ("success", after(32))


@pytest.mark.parametrize(
    ("words", "result"),
    [
        ([], "success"),
        ([alert(0, 1, "repeat")], "success"),
        ([alert(5, 1, "repeat")], "failure"),
        ([alert(5, 1, "repeat"), alert(9, 1, "recovery")], "success"),
        ([alert(5, 1, "recovery"), alert(9, 1, "repeat")], "failure"),
        ([alert(5, 8, "first")], "failure"),
        ([alert(5, 8, "first", reason="muted")], "success"),
    ],
)
async def test_where_nobody_can_be_asked_what_was_heard_of_the_alert_counts(
    store: Engine, world: World, words: list[ValidatedPlans], result: str
) -> None:
    await merged(store, world)
    for order, one in enumerate(itertools.chain(reversed(words), words)):
        assert await hear(one, ports(store, world)) == [], order
    found = await outcome_of(store, world)
    assert found.result == result
    if any(one.role == "recovery" for one in words) and result == "success":
        assert "alert OK since 12:09 UTC" in found.explanation


async def test_what_is_usual_is_asked_until_it_is_answered_and_kept(
    store: Engine, world: World
) -> None:
    await merged(store, world)
    world.usual = {"latency_ms": 200.0, "restarts": 3.0}
    world.measured = {**CALM, "latency_ms": 210.0}
    world.failing = {"signals": errors.Unavailable("dd")}
    assert await watched(store, world, 5) == []
    world.failing = {}
    assert await watched(store, world, 8) == []
    world.usual = {"latency_ms": 1.0}
    found = await outcome_of(store, world)
    (latency,) = [m for m in found.measurements if m.name == "latency_ms"]
    assert (latency.before, latency.after, latency.usual) == (None, 210.0, 200.0)


async def success(store: Engine, world: World) -> Outcome:
    """A fix that held at minute 16."""
    await merged(store, world)
    found = await outcome_of(store, world)
    assert (found.result, found.checked_at) == ("success", after(16))
    return found


async def test_an_alert_that_comes_back_within_a_day_counts_against_the_fix_in_either_order(
    store: Engine, world: World
) -> None:
    used = ports(store, world, language="fr")
    found = await success(store, world)
    assert await hear(alert(200), used) == [], "the outcome is not kept yet"
    (first,) = await kept(found, used)
    (again,) = await kept(found, used)
    (other,) = await hear(alert(200), used)
    assert first.event_id == again.event_id == other.event_id != found.event_id
    assert (first.result, first.came_back_at, first.checked_at) == (
        "failure",
        after(200),
        after(16),
    )
    assert first.explanation == "It held for 3.1 h, then its alert came back."
    assert first.lesson.endswith("Cela a tenu 3,1 h, puis son alerte est revenue.")
    assert await kept(first, used) == []
    assert await used.ledger.outcome_of("inc-1") == first
    assert await hear(alert(300, 3), used) == [], "told once"
    assert world.remembered[-1].result == "failure"
    assert await kept(found, used) == [], "the older word changes nothing"


@pytest.mark.parametrize(
    ("word", "held"),
    [
        (alert(10), True),
        (alert(16), True),
        (alert(16.5), False),
        (alert(16 + DAY), False),
        (alert(16.1 + DAY), True),
        (alert(100, role="recovery"), True),
        (alert(100, reason="test", status="no_action"), True),
        (alert(100, reason="maintenance", status="no_action"), True),
        (alert(100, number=1, role="repeat"), False),
        (alert(100, incident_id="inc-1-try2"), True),
    ],
    ids=str,
)
async def test_what_counts_as_coming_back(
    store: Engine, world: World, word: ValidatedPlans, held: bool
) -> None:
    used = ports(store, world)
    await kept(await success(store, world), used)
    assert (await hear(word, used) == []) is held


async def test_another_rule_is_another_trouble_and_the_same_fingerprint_is_the_same(
    store: Engine, world: World
) -> None:
    used = ports(store, world)
    await kept(await success(store, world), used)
    other = WatchedAlert(source="datadog", rule_id="9", group="kube_deployment:cart")
    context = WATCHED.context.model_copy(update={"alerted_at": after(60), "watched": other})
    stranger = alert(60).model_copy(update={"context": context})
    assert await hear(stranger, used) == []
    (back,) = await hear(
        stranger.model_copy(update={"event_id": "dec-x", "fingerprint": "fp-1"}), used
    )
    assert back.explanation == "It held for 44 min, then its alert came back."


async def test_feedback_on_what_came_back_is_told_of_the_failure(
    store: Engine, world: World
) -> None:
    used = ports(store, world)
    await kept(await success(store, world), used)
    (back,) = await hear(alert(60), used)
    await kept(back, used)
    given = event("feedback", 90, feedback=Feedback(author="ada", verdict="bad"))
    told = await follow(given, used)
    assert told is not None
    assert (told.result, told.came_back_at) == ("failure", after(60))


BACK = KubernetesChange(object=REF, fields=(FieldChange(path="spec.replicas", after=1),))


async def test_a_revert_is_looked_for_in_the_cluster_and_is_no_fix(
    store: Engine, world: World
) -> None:
    plan = WATCHED.plan.model_copy(update={"rollback_changes": (BACK,)})
    used = ports(store, world)
    await follow(event("opened", proposal=WATCHED.model_copy(update={"plan": plan})), used)
    revert = {"incident_id": "inc-1-revert"}
    assert await follow(event("opened", 20, proposal=WATCHED, **revert), used) is None
    assert await follow(event("closed", 21, **revert), used) is None
    assert await follow(event("reopened", 22, **revert), used) is None
    assert await follow(event("merged", 30, merged_at=after(30), **revert), used) is None
    world.minute, world.state_now = 30, NOT_YET
    assert await check_due(used) == []
    assert world.looked_for[-1].kubernetes_changes == (BACK,)
    world.minute, world.state_now = 31, replace(HEALTHY, ready=0, deaths=9)
    (told,) = await check_due(used)
    assert isinstance(told, MergeRequestEvent)
    assert (told.action, told.incident_id) == ("deployed", "inc-1-revert")
    await follow(told, used)
    for minute in range(32, 90):
        world.minute = minute
        assert await check_due(used) == []
    assert world.remembered == []
    assert await used.ledger.outcome_of("inc-1-revert") is None


async def test_a_revert_that_does_not_arrive_says_nothing(store: Engine, world: World) -> None:
    used = ports(store, world)
    await follow(event("opened", proposal=WATCHED), used)
    revert = {"incident_id": "inc-1-revert"}
    await follow(event("merged", 30, merged_at=after(30), **revert), used)
    world.minute, world.state_now = 30, NOT_YET
    assert await watched(store, world, 30 + DAY + 30, every=10) == []
    await follow(event("merged", 30, merged_at=after(30), incident_id="inc-7-revert"), used)
    assert await check_due(used) == [], "nobody knows what it takes back"
