"""An object is changed by one open merge request at a time, whoever asks and on whatever replica."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from kfix.infra.store.engine import open_engine
from publish.adapters.sql import SqlPublishLedger
from publish.agent import publish
from publish.core.claims import Claim
from publish.core.decision import TrackedMergeRequest
from publish.core.spoken import Word
from sandbox.faults import Fault
from schemas import errors
from schemas.merge_requests import MergeRequestEvent, MergeRequestRef
from schemas.validated import ValidatedPlans
from tests.support import publish as sample
from tests.support.publish_world import PROJECT, World, done, world  # noqa: F401

# ruff: noqa: F811  (fixtures are imported by name)
CART = "eu-1 Deployment/shop/cart"
CHECKOUT = "eu-1 Deployment/shop/checkout"
STALE = timedelta(minutes=20)


async def another(world: World, number: int, after: str = "900m") -> ValidatedPlans:
    """A record of another incident with another fingerprint, about the same Deployment."""
    head = await world.gitlab.head(PROJECT, "main")
    chosen = sample.validated(after, base_commit=head)
    return sample.record(
        base_commit=head,
        event_id=f"val-{number}",
        incident_id=f"inc-{number}",
        fingerprint=f"fp-{number}",
        plans=(chosen,),
        recommended=chosen.plan.plan_id,
    )


def notes_of(world: World) -> list[str]:
    return [note.body for mr in world.merge_requests for note in mr.notes]


async def test_the_same_change_for_another_incident_is_a_note_on_the_open_one(world: World) -> None:
    await publish(await another(world, 1), world.ports)
    told = len(world.slack.messages)
    for _ in range(2):
        event = await done(publish(await another(world, 2), world.ports))
        assert event.action == "declined"
    assert len(world.merge_requests) == 1
    (note,) = [text for text in notes_of(world) if "inc-2" in text]
    assert "this very change" in note
    assert len(world.slack.messages) == told


async def test_a_competing_change_is_told_with_both_names_and_not_opened(world: World) -> None:
    await publish(await another(world, 1), world.ports)
    event = await done(publish(await another(world, 2, after="700m"), world.ports))
    assert event.action == "declined"
    assert len(world.merge_requests) == 1
    assert "inc-1" in event.text
    assert "merge_requests/1" in event.text
    assert any("inc-2" in text for text in notes_of(world))
    assert len(world.slack.messages) == 2


@pytest.mark.parametrize("state", ["merged", "closed"])
async def test_once_it_is_decided_the_object_is_free_even_when_the_webhook_was_lost(
    world: World, state: str
) -> None:
    await publish(await another(world, 1), world.ports)
    world.merge_requests[0].state = state  # type: ignore[assignment]
    event = await done(publish(await another(world, 2, after="700m"), world.ports))
    assert event.action == "opened"
    assert len(world.merge_requests) == 2


async def test_incidents_that_want_the_same_change_at_once_get_one_merge_request(
    world: World,
) -> None:
    world.faults.switch_on(
        Fault("gitlab", "slow", route="repository/commits", method="POST", seconds=0.3)
    )
    records = [await another(world, number) for number in range(6)]

    async def until_done(record: ValidatedPlans) -> MergeRequestEvent:
        while True:
            try:
                return await done(publish(record, world.ports))
            except (errors.Moved, errors.Retryable):
                await asyncio.sleep(0.2)  # as the runtime does

    events = await asyncio.gather(*map(until_done, records))
    assert sorted(event.action for event in events) == ["declined"] * 5 + ["opened"]
    assert len(world.merge_requests) == 1
    assert len(world.project.repository.branches()) == 2


async def test_a_claim_whose_merge_request_cannot_be_opened_is_given_up(world: World) -> None:
    first = await another(world, 1)
    world.write(sample.MANIFEST.replace("cpu: 500m", "cpu: 650m"))
    assert (await done(publish(first, world.ports))).action == "declined"
    world.write(sample.MANIFEST)
    assert (await done(publish(await another(world, 2), world.ports))).action == "opened"


@pytest.fixture
def ledger(store: Engine) -> SqlPublishLedger:
    return SqlPublishLedger(store)


async def claim(
    ledger: SqlPublishLedger, incident: str, *targets: str, minutes: int = 0
) -> Claim | None:
    at = sample.NOW + timedelta(minutes=minutes)
    return await ledger.claim(incident, targets, "hash", at=at, stale_before=at - STALE)


async def opened(ledger: SqlPublishLedger, incident: str) -> None:
    known = TrackedMergeRequest(incident, "fp", "g/p", 7, "opened", sample.NOW, "hash")
    await ledger.opened(known, MergeRequestRef(project="g/p", iid=7, branch=f"b-{incident}"))


async def test_an_incident_takes_all_of_its_objects_or_none(ledger: SqlPublishLedger) -> None:
    assert await claim(ledger, "inc-a", CART) is None
    held = await claim(ledger, "inc-b", CART, CHECKOUT)
    assert held is not None
    assert (held.incident_id, held.ref) == ("inc-a", None)
    assert await claim(ledger, "inc-c", CHECKOUT) is None


async def test_a_claim_is_kept_by_who_has_it_and_can_be_taken_again(
    ledger: SqlPublishLedger,
) -> None:
    for _ in range(2):
        assert await claim(ledger, "inc-a", CART) is None
    await ledger.release("inc-a")
    assert await claim(ledger, "inc-b", CART) is None


async def test_a_claim_counts_as_long_as_its_merge_request_is_open(
    ledger: SqlPublishLedger,
) -> None:
    await claim(ledger, "inc-a", CART)
    await opened(ledger, "inc-a")
    held = await claim(ledger, "inc-b", CART, minutes=60 * 24)
    assert held is not None
    assert held.ref is not None
    await ledger.heard(Word("gl-1", "inc-a", "merged", sample.NOW))
    assert await claim(ledger, "inc-b", CART) is None


async def test_a_claim_that_came_to_nothing_is_free_after_a_while(ledger: SqlPublishLedger) -> None:
    await claim(ledger, "inc-a", CART)
    assert await claim(ledger, "inc-b", CART, minutes=19) is not None
    assert await claim(ledger, "inc-b", CART, minutes=21) is None


async def test_of_many_replicas_that_claim_at_once_one_has_it(
    store_url: str, store: Engine
) -> None:
    replicas = [SqlPublishLedger(open_engine(store_url)) for _ in range(4)]
    both = (CART, CHECKOUT)
    asked = [
        claim(replicas[n % 4], f"inc-{n}", *(both if n % 2 else reversed(both))) for n in range(24)
    ]
    answers = await asyncio.gather(*asked)
    winners = [n for n, answer in enumerate(answers) if answer is None]
    assert len(winners) == 1
    assert {a.incident_id for a in answers if a is not None} == {f"inc-{winners[0]}"}
