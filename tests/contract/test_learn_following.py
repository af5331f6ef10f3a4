"""A merge request is followed to one outcome, whatever order things happen in and whatever breaks, on both databases."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from kfix.incident.forge.port import Stand
from kfix.infra.store.learn_tables import incident_outcomes
from learn.core.judgement import WorkloadState
from learn.service.following import check_due, follow, kept
from schemas import errors
from schemas.feedback import Feedback
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Outcome
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

GOOD, BAD = Feedback(author="ada", verdict="good"), Feedback(author="bob", verdict="bad")


@pytest.fixture
def world() -> World:
    return World()


async def merged(store: Engine, world: World, minutes: float = 1) -> None:
    """Opened at minute 0, merged, watched, and the last look is due."""
    used = ports(store, world)
    assert await follow(event("opened"), used) is None
    assert await follow(event("merged", minutes, merged_at=after(minutes)), used) is None
    world.minute = minutes
    assert await watched(store, world, minutes + 14) == []
    world.minute = minutes + 15


def outcomes_in(store: Engine) -> list[tuple[str, datetime]]:
    """(result, when) of every stored outcome, oldest first."""
    table = incident_outcomes.c
    with store.connect() as connection:
        rows = connection.execute(select(table.result, table.occurred_at)).all()
    times = [(row.result, row.occurred_at) for row in rows]
    return sorted(
        ((result, at if at.tzinfo else at.replace(tzinfo=UTC)) for result, at in times),
        key=lambda pair: pair[1],
    )


async def the_outcome(store: Engine, world: World) -> Outcome:
    (found,) = await watched(store, world, world.minute + 60)
    return found


def at(minutes: float, *given: Feedback) -> tuple[Feedback, ...]:
    """As the ledger gives it back: with its time."""
    return tuple(one.model_copy(update={"at": after(minutes)}) for one in given)


def feedback(given: Feedback, minutes: float = 20, **more: object) -> MergeRequestEvent:
    return event("feedback", minutes, feedback=given, **more)


async def test_a_merge_is_checked_after_its_time_and_becomes_an_outcome(
    store: Engine, world: World
) -> None:
    await merged(store, world)
    world.minute = 15.9
    assert await check_due(ports(store, world)) == []
    world.minute = 16
    found = await the_outcome(store, world)
    assert (found.result, found.incident_id, found.fingerprint) == ("success", "inc-1", "fp-1")
    assert (found.merged_at, found.checked_at, found.occurred_at) == (
        after(1),
        after(16),
        after(16),
    )
    assert (found.object, found.plan, found.merge_request) == (REF, PROPOSAL.plan, MERGE_REQUEST)
    assert (found.tags, found.trace_id) == ({"team": "shop"}, "trace-1")
    assert found.vector_db_stored
    assert [one.result for one in world.remembered] == ["success"]
    assert [(m.name, m.before, m.after) for m in found.measurements] == [
        ("throttled_ratio", 0.4, 0.0)
    ]
    assert await kept(found, ports(store, world)) == []
    world.minute = 500
    assert await check_due(ports(store, world)) == []


async def test_gitlab_may_speak_first(store: Engine, world: World) -> None:
    used = ports(store, world)
    assert await follow(event("merged", 1, merged_at=after(1)), used) is None
    world.minute = 30
    assert await check_due(used) == [], "nobody knows yet what was proposed"
    assert await follow(event("opened", 2), used) is None
    assert (await the_outcome(store, world)).merged_at == after(1)


async def test_closed_without_a_merge_is_a_rejection_in_either_order(
    store: Engine, world: World
) -> None:
    used = ports(store, world, language="fr")
    await follow(event("opened"), used)
    closed = event("closed", 5)
    found = await follow(closed, used)
    assert found is not None
    assert (found.result, found.occurred_at, found.checked_at) == ("rejected", after(5), None)
    assert "refusé" in found.lesson
    other = {"incident_id": "inc-2"}
    assert await follow(event("closed", 5, **other), used) is None
    late = await follow(event("opened", **other), used)
    assert late is not None
    assert (late.result, late.occurred_at) == ("rejected", after(5))


async def test_closed_and_opened_again_and_merged_is_checked_even_if_the_rejection_is_kept_late(
    store: Engine, world: World
) -> None:
    used = ports(store, world)
    await follow(event("opened"), used)
    rejected = await follow(event("closed", 5), used)
    assert rejected is not None
    await follow(event("reopened", 6), used)
    await follow(event("merged", 7, merged_at=after(7)), used)
    await kept(rejected, used)
    world.minute = 30
    found = await the_outcome(store, world)
    assert (found.result, found.event_id != rejected.event_id) == ("success", True)
    await kept(found, used)
    stored = await used.ledger.outcome_of("inc-1")
    assert stored == found
    await kept(rejected, used)
    assert await used.ledger.outcome_of("inc-1") == found, "an older record does not replace it"


async def test_an_older_word_than_the_known_one_changes_nothing(
    store: Engine, world: World
) -> None:
    used = ports(store, world)
    await follow(event("opened"), used)
    await follow(event("merged", 10, merged_at=after(10)), used)
    for late in (event("closed", 5), event("reopened", 20), event("closed", 30)):
        assert await follow(late, used) is None
    world.minute = 60
    assert (await the_outcome(store, world)).merged_at == after(10)


async def test_a_merge_request_nobody_decides_on_expires_once(store: Engine, world: World) -> None:
    used = ports(store, world, expiry_days=14)
    await follow(event("opened"), used)
    day = 24 * 60
    await follow(event("updated", 10 * day), used)
    world.minute = 13.9 * day
    assert await check_due(used) == []
    world.minute = 14.1 * day  # a later alert on it does not make it younger
    (found,) = await check_due(used)
    assert await check_due(used) == [], "told once"
    world.minute += 61  # a crash before it was kept
    (again,) = await check_due(used)
    assert (found.result, again.event_id) == ("expired", found.event_id)
    await kept(found, used)
    assert await check_due(used) == []
    await follow(event("merged", 15 * day, merged_at=after(15 * day)), used)
    world.minute = 16 * day
    assert (await the_outcome(store, world)).result == "success"


DAY = 24 * 60


async def test_nothing_expires_that_gitlab_says_was_merged(store: Engine, world: World) -> None:
    used = ports(store, world, expiry_days=14)
    await follow(event("opened"), used)
    world.minute, world.stand = 15 * DAY, Stand("merged", after(3 * DAY))
    found = await the_outcome(store, world)
    assert (found.result, found.merged_at) == ("success", after(3 * DAY))


async def test_nothing_expires_that_gitlab_says_was_closed(store: Engine, world: World) -> None:
    used = ports(store, world, expiry_days=14)
    await follow(event("opened"), used)
    world.minute, world.stand = 15 * DAY, Stand("closed", after(3 * DAY))
    (found,) = await check_due(used)
    assert (found.result, found.occurred_at) == ("rejected", after(3 * DAY))


async def test_nothing_expires_while_gitlab_does_not_tell(store: Engine, world: World) -> None:
    used = ports(store, world, expiry_days=14)
    await follow(event("opened"), used)
    world.stand = None
    for hours in range(48):
        world.minute = 15 * DAY + 30 * hours
        assert await check_due(used) == []
    assert world.asked == 24, "an hour between two questions"
    world.failing["gitlab"] = errors.Unavailable("away")
    world.minute += 61
    assert await check_due(used) == []
    del world.failing["gitlab"]
    world.minute, world.stand = world.minute + 61, Stand("merged", after(DAY))
    assert (await the_outcome(store, world)).result == "success"


async def test_the_last_word_counts_by_its_time_in_every_order(store: Engine, world: World) -> None:
    words = (
        event("opened"),
        event("closed", 2),
        event("reopened", 3),
        event("closed", 5),
        event("reopened", 8),
        event("reopened", 8),
    )
    for number, order in enumerate(itertools.permutations(words)):
        if number % 12 and os.environ.get("KFIX_TEST_FULL") != "1":
            continue
        incident = f"inc-{number}"
        for one in order:
            named = {"incident_id": incident, "event_id": f"{incident}-{one.event_id}"}
            await follow(one.model_copy(update=named), ports(store, world))
        followed = await ports(store, world).ledger.find(incident)
        assert followed is not None
        assert (followed.state, followed.changed_at) == ("open", after(8))


async def test_a_merge_is_checked_whatever_comes_before_or_after_it(
    store: Engine, world: World
) -> None:
    words = (event("opened"), event("closed", 2), event("reopened", 3), event("merged", 4))
    for number, order in enumerate(itertools.permutations((*words, words[3]))):
        if number % 4 and os.environ.get("KFIX_TEST_FULL") != "1":
            continue
        incident = f"inc-{number}"
        for one in order:
            await follow(one.model_copy(update={"incident_id": incident}), ports(store, world))
        followed = await ports(store, world).ledger.find(incident)
        assert followed is not None
        assert (followed.state, followed.changed_at) == ("merged", after(4))


async def test_replays_give_the_same_event_ids_and_nothing_twice(
    store: Engine, world: World
) -> None:
    used = ports(store, world)
    story = [event("opened"), event("note", 1), event("approved", 1), event("closed", 2)]
    first = [await follow(one, used) for one in story]
    again = [await follow(one, used) for one in story]
    ids = [{one.event_id for one in turn if one is not None} for turn in (first, again)]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 1
    for one in (*first, *again):
        if one is not None:
            assert await kept(one, used) == []
    assert outcomes_in(store) == [("rejected", after(2))]


async def test_a_crash_between_telling_and_keeping_gives_the_same_outcome_after_the_lease(
    store: Engine, world: World
) -> None:
    await merged(store, world)
    found = await the_outcome(store, world)
    assert await check_due(ports(store, world)) == [], "it is held"
    world.minute, world.state_now = world.minute + 2.1, replace(HEALTHY, ready=0)
    again = await the_outcome(store, world)
    assert again == found, "what was decided stays, whatever happens meanwhile"
    await kept(again, ports(store, world))
    world.minute += 60
    assert await check_due(ports(store, world)) == []


async def test_replicas_that_look_at_once_look_at_each_merge_once(
    store: Engine, world: World
) -> None:
    used = ports(store, world)
    for number in range(12):
        incident = {"incident_id": f"inc-{number}"}
        await follow(event("opened", **incident), used)
        await follow(event("merged", 1, merged_at=after(1), **incident), used)
    world.minute = 2
    replicas = [ports(store, world, batch=4) for _ in range(4)]
    rounds = await asyncio.gather(*(check_due(one) for one in replicas))
    found = [one.incident_id for told in rounds for one in told]
    assert len(found) == len(set(found))
    found += [one.incident_id for one in await check_due(ports(store, world))]
    assert sorted(found) == sorted(f"inc-{number}" for number in range(12))


@pytest.mark.parametrize(
    ("state_now", "measured", "told"),
    [
        (HEALTHY, {}, "Could not be measured: throttled_ratio"),
        (replace(HEALTHY, deaths=None), CALM, "Could not be measured: the state of the pods"),
        (replace(HEALTHY, arrived=False), CALM, "is not everywhere any more"),
    ],
    ids=["no metrics", "no pods", "taken back"],
)
async def test_what_is_not_known_yet_is_looked_at_again_and_then_said(
    store: Engine, world: World, state_now: WorkloadState, measured: dict[str, float], told: str
) -> None:
    await merged(store, world)
    world.state_now, world.measured = state_now, measured
    assert await watched(store, world, 45) == []
    (found,) = await watched(store, world, 47)
    assert (found.result, told in found.explanation) == ("partial", True), found.explanation
    assert found.checked_at is not None


async def test_what_is_known_later_counts_and_takes_two_looks(store: Engine, world: World) -> None:
    await merged(store, world)
    world.failing = {"cluster": errors.Unavailable("api"), "signals": errors.TimedOut("dd")}
    assert await watched(store, world, 20) == []
    world.failing = {}
    found = await the_outcome(store, world)
    assert (found.result, found.checked_at) == ("success", after(22))
    assert "well at 2 looks in a row" in found.explanation


async def test_a_failure_is_seen_twice(store: Engine, world: World) -> None:
    await merged(store, world)
    world.state_now = replace(HEALTHY, ready=0, reasons=("CrashLoopBackOff",))
    world.failing = {"signals": errors.Unauthorized("dd")}
    found = await the_outcome(store, world)
    assert (found.result, found.explanation, found.checked_at) == (
        "failure",
        "0 of 2 pods are ready (CrashLoopBackOff).",
        after(17),
    )


async def test_feedback_before_the_outcome_is_told_with_it(store: Engine, world: World) -> None:
    used = ports(store, world)
    await follow(event("opened"), used)
    assert await follow(feedback(BAD, 2), used) is None
    stranger = event("note", 2.5, command="feedback", feedback=GOOD)
    assert await follow(stranger, used) is None, "nobody said yet that its author may judge"
    note = feedback(GOOD, 3)
    assert await follow(note, used) is None
    await merged(store, world)
    found = await the_outcome(store, world)
    assert found.feedback == (*at(2, BAD), *at(3, GOOD))
    assert await kept(found, used) == []


async def test_feedback_after_the_outcome_is_a_new_record_of_it_once(
    store: Engine, world: World
) -> None:
    await merged(store, world)
    used = ports(store, world)
    found = await the_outcome(store, world)
    await kept(found, used)
    given = feedback(BAD)
    world.minute = 20
    told = await follow(given, used)
    again = await follow(given, used)
    assert told is not None
    assert again is not None
    assert told.event_id == again.event_id != found.event_id
    assert (told.result, told.feedback, told.checked_at) == (
        "success",
        at(20, BAD),
        found.checked_at,
    )
    assert "did not help" in told.lesson
    assert world.remembered[-1].feedback == at(20, BAD)
    assert await kept(told, used) == []
    assert await follow(given, used) is None, "it has been told"
    stored = await used.ledger.outcome_of("inc-1")
    assert stored == told
    await kept(found, used)
    assert await used.ledger.outcome_of("inc-1") == told


async def test_feedback_while_the_outcome_is_on_its_way_is_not_forgotten(
    store: Engine, world: World
) -> None:
    await merged(store, world)
    used = ports(store, world)
    found = await the_outcome(store, world)
    assert await follow(feedback(BAD, 16.5), used) is None
    (told,) = await kept(found, used)
    assert (told.feedback, told.result) == (at(16.5, BAD), "success")
    assert await kept(told, used) == []


async def through(store: Engine, world: World, story: Sequence[MergeRequestEvent]) -> Outcome:
    """The incident's stored outcome after these events, each delivered twice and every record kept twice."""
    used = ports(store, world)
    told: list[Outcome | None] = []
    for one in (each for each in story for _ in range(2)):
        told.append(await follow(one, used))
        told += await watched(store, world, world.minute + 4, check_after_s=0)
        while told:
            if (found := told.pop()) is not None:
                told += [*await kept(found, used), *await kept(found, used)]
    stored = await used.ledger.outcome_of(story[0].incident_id)
    assert stored is not None
    return stored


async def test_judgements_count_whether_they_come_before_or_after_the_outcome(
    store: Engine, world: World
) -> None:
    cause = Feedback(author="Anna", verdict="bad", about="cause", text="the queue was full")
    fix = Feedback(author="Bob", verdict="bad", about="fix")
    world.minute = 60
    lessons = set()
    for number, order in enumerate(itertools.permutations(range(4))):
        if number % 3 and os.environ.get("KFIX_TEST_FULL") != "1":
            continue
        mine = {"incident_id": f"inc-{number}"}
        story = [
            event("opened", event_id=f"{number}-a", **mine),
            event("merged", 1, merged_at=after(1), event_id=f"{number}-b", **mine),
            feedback(cause, 2, event_id=f"{number}-c", **mine),
            feedback(fix, 3, event_id=f"{number}-d", **mine),
        ]
        found = await through(store, world, [story[at] for at in order])
        assert found.feedback == (*at(2, cause), *at(3, fix)), order
        assert found.result == "success"
        lessons.add(found.lesson)
        assert world.remembered[-1].lesson == found.lesson
    assert lessons == {
        "Set cpu for cpu throttling on a Deployment: measured as held; Anna says it was the wrong"
        " cause: “the queue was full”; Bob says it was the wrong fix. It counts as a fix that did not"
        " help, its cause as doubted. 2 of 2 pods are ready, no container died since;"
        " throttled_ratio 40.0% → 0.0%; well at 2 looks in a row."
    }


async def test_what_is_said_with_a_closing_reaches_the_lesson_in_every_order(
    store: Engine, world: World
) -> None:
    words = Feedback(author="Anna", role="developer", text="wrong limit, we use VPA", way="comment")
    for number, order in enumerate(itertools.permutations(range(3))):
        mine = {"incident_id": f"inc-{number}"}
        story = [
            event("opened", event_id=f"{number}-a", **mine),
            event("closed", 5, event_id=f"{number}-b", **mine),
            feedback(words, 5, event_id=f"{number}-c", **mine),
        ]
        found = await through(store, world, [story[at] for at in order])
        assert (found.result, found.feedback) == ("rejected", at(5, words))
        assert found.lesson.endswith("Anna (developer) says: “wrong limit, we use VPA”.")


async def test_a_memory_that_is_away_keeps_a_verdict_due_and_lets_the_others_through(
    store: Engine, world: World
) -> None:
    await merged(store, world)
    world.failing = {"memory": errors.Unavailable("pinecone")}
    used = ports(store, world)
    assert await check_due(used) == []
    await follow(event("opened", incident_id="inc-2"), used)
    with pytest.raises(errors.Unavailable):
        await follow(event("closed", 5, incident_id="inc-2"), used)  # the runtime tries again
    world.failing, world.minute = {}, world.minute + 3
    assert (await the_outcome(store, world)).vector_db_stored


async def test_a_memory_that_refuses_does_not_lose_the_outcome(store: Engine, world: World) -> None:
    await merged(store, world)
    world.failing = {"memory": errors.Unauthorized("wrong key")}
    found = await the_outcome(store, world)
    assert (found.result, found.vector_db_stored) == ("success", False)


async def test_a_new_plan_has_an_outcome_of_its_own(store: Engine, world: World) -> None:
    used = ports(store, world)
    await follow(event("opened"), used)
    first = await follow(event("closed", 5), used)
    other = PROPOSAL.model_copy(
        update={"plan": PROPOSAL.plan.model_copy(update={"plan_id": "plan-2"})}
    )
    await follow(event("reopened", 6), used)
    await follow(event("updated", 7, proposal=other), used)
    second = await follow(event("closed", 8), used)
    assert first is not None
    assert second is not None
    assert first.event_id != second.event_id
    for one in (first, second):
        await kept(one, used)
    assert outcomes_in(store) == [("rejected", after(5)), ("rejected", after(8))]


async def test_times_come_back_as_they_were(store: Engine, world: World) -> None:
    await merged(store, world)
    (due,) = await ports(store, world).ledger.claim(after(16), lease_until=after(18), limit=5)
    assert (due.watch.merged_at, due.watch.merged_at.utcoffset()) == (after(1), timedelta(0))
    assert (due.watch.live_at, due.watch.clean, due.tries, due.told_live) == (
        after(1),
        14,
        16,
        True,
    )
    assert due.followed.proposal == PROPOSAL
