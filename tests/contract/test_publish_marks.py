"""Labels on the forge are in step with the life of the fix, whatever order words come in."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from publish.agent import follow, publish, remember
from sandbox.faults import Fault
from schemas.context import OutcomeResult
from schemas.merge_requests import MergeRequestAction, MergeRequestEvent
from schemas.outcomes import Outcome
from schemas.validated import ValidatedPlans
from tests.support import publish as sample
from tests.support.publish_world import PROJECT, World, done, world  # noqa: F401

# ruff: noqa: F811  (fixtures are imported by name)


async def proposed(world: World) -> ValidatedPlans:
    record = await world.record()
    assert (await done(publish(record, world.ports))).action == "opened"
    return record


def word(action: MergeRequestAction, minutes: float) -> MergeRequestEvent:
    return MergeRequestEvent(
        event_id=f"gl-{action}-{minutes}",
        occurred_at=sample.NOW + timedelta(minutes=minutes),
        incident_id=sample.record().incident_id,
        action=action,
    )


def outcome(record: ValidatedPlans, result: OutcomeResult, minutes: float) -> Outcome:
    assert record.analysis is not None
    at = sample.NOW + timedelta(minutes=minutes)
    measured = result in ("success", "partial", "failure")
    return Outcome(
        event_id=f"out-{result}",
        occurred_at=at,
        incident_id=record.incident_id,
        fingerprint=record.fingerprint,
        result=result,
        failure_class=record.analysis.failure_class,
        object=record.analysis.object,
        plan=record.plans[0].plan,
        merged_at=sample.NOW + timedelta(minutes=5) if measured else None,
        checked_at=at if measured else None,
    )


def label(world: World) -> list[str]:
    (mr,) = world.merge_requests
    return [name for name in mr.labels if name.startswith("kfix::")]


async def hear(world: World, said: MergeRequestEvent | Outcome) -> None:
    if isinstance(said, Outcome):
        await remember(said, world.ports)
    else:
        await follow(said, world.ports)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_failed_fix_is_marked_so_in_every_order(
    world: World, order: tuple[int, ...]
) -> None:
    record = await proposed(world)
    said = [word("merged", 5), word("deployed", 6), outcome(record, "failure", 20)]
    for number in order:
        await hear(world, said[number])
    assert label(world) == ["kfix::failed"]


async def test_each_step_has_its_label(world: World) -> None:
    record = await proposed(world)
    assert label(world) == ["kfix::proposed"]
    for said, mark in (
        (word("closed", 2), "closed"),
        (word("reopened", 3), "proposed"),
        (word("merged", 5), "merged"),
        (word("deployed", 6), "watching"),
        (word("closed", 4), "watching"),
        (outcome(record, "success", 20), "held"),
    ):
        await hear(world, said)
        assert label(world) == [f"kfix::{mark}"], said


async def test_one_that_nobody_decided_on_says_so_until_somebody_does(world: World) -> None:
    record = await proposed(world)
    await hear(world, outcome(record, "expired", 9))
    assert label(world) == ["kfix::expired"]
    await hear(world, word("merged", 10))
    assert label(world) == ["kfix::merged"]


async def test_a_label_that_is_refused_holds_up_nothing(world: World) -> None:
    await proposed(world)
    world.faults.switch_on(Fault("gitlab", "error", route="merge_requests", status=403))
    await hear(world, word("merged", 5))
    known = await world.ports.ledger.of_incident(sample.record().incident_id)
    assert known is not None
    assert known.state == "merged"


async def test_labels_follow_the_plan_on_the_branch(world: World) -> None:
    head = await world.gitlab.head(PROJECT, "main")
    other = sample.validated("700m", base_commit=head)
    plan = other.plan.model_copy(update={"fix_kind": "set_replicas"})
    record = await world.record()
    plans = (record.plans[0], other.model_copy(update={"plan": plan}))
    await publish(record.model_copy(update={"plans": plans}), world.ports)
    (mr,) = world.merge_requests
    before = set(mr.labels)
    assert f"kfix-fix::{record.plans[0].plan.fix_kind}" in before
    wish = word("note", 5).model_copy(
        update={
            "actor": "ada",
            "text": "/kfix alternative 2",
            "command": "alternative",
            "argument": "2",
        }
    )
    for _ in range(2):
        await follow(wish, world.ports)
        assert set(mr.labels) - before == {"kfix-fix::set_replicas"}
        assert before - set(mr.labels) == {f"kfix-fix::{record.plans[0].plan.fix_kind}"}
