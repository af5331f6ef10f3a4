"""A later alert may be the one that opens the merge request; when the process ends on the way, that is taken up again."""

from __future__ import annotations

from publish.agent import publish
from publish.core.decision import proven
from publish.service.open import open_merge_request
from publish.service.publishing import published
from tests.support.publish_world import World, done, world  # noqa: F401

# ruff: noqa: F811  (fixtures are imported by name)


async def test_a_later_alert_that_opened_it_tells_so_after_a_crash(world: World) -> None:
    record, forge = await world.record(role="repeat"), world.ports.forge
    assert forge is not None
    plans = [proven(record.plans[0])]
    opened = await open_merge_request(record, plans, world.ports, forge)
    await published(record, opened, world.ports, forge)
    # The process ended before it told anybody.
    first = await done(publish(record, world.ports))
    assert first.action == "opened"
    assert first.proposal is not None
    assert len(world.slack.messages) == 1
    again = await done(publish(record, world.ports))
    assert again.event_id == first.event_id
    assert len(world.slack.messages) == 1
    assert len(world.merge_requests) == 1


async def test_the_next_alert_opens_nothing_anew(world: World) -> None:
    record = await world.record(role="repeat")
    assert (await done(publish(record, world.ports))).action == "opened"
    later = record.model_copy(update={"event_id": "val-2"})
    assert await publish(later, world.ports) is None
