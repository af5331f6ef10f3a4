"""People hear of dead letters: once an hour and monitor, in every chat, inert, and not without end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from publish.agent import hear
from publish.core.unreadable import MOST
from sandbox.faults import Fault
from schemas.dead_letters import DeadLetter
from tests.support import publish as sample
from tests.support.publish_world import World, world

__all__ = ["world"]


def letter(**fields: object) -> DeadLetter:
    said = {
        "event_id": "dl-1",
        "occurred_at": sample.NOW,
        "first_seen": sample.NOW,
        "topic": "alerts.raw",
        "stage": "ingest",
        "reason": "not_json",
        "message": "Expecting ',' delimiter at line 3 column 12",
        "source": "datadog",
        "rule_id": "4711",
        "title": "High <!channel> CPU on *api*",
        **fields,
    }
    return DeadLetter.model_validate(said)


async def test_what_could_not_be_read_is_told_with_name_reason_and_place(world: World) -> None:
    await hear(letter(), world.ports)
    (said,) = world.slack.messages
    text = str(said.blocks)
    assert "could not be read" in text
    assert "the text is no JSON" in text
    assert "line 3 column 12" in text
    assert "4711" in text
    assert "<!channel>" not in text
    assert "/dead-letters" in text
    assert len(world.teams.cards) == 1


async def test_a_monitor_is_told_of_once_an_hour(world: World) -> None:
    for minutes, number in ((0, "1"), (1, "2"), (20, "3")):
        at = sample.NOW.replace(minute=2) + timedelta(minutes=minutes)
        await hear(letter(event_id=f"dl-{number}", occurred_at=at), world.ports)
    assert len(world.slack.messages) == 1
    await hear(letter(occurred_at=sample.NOW.replace(minute=2), rule_id="9"), world.ports)
    assert len(world.slack.messages) == 2
    later = sample.NOW.replace(minute=2) + timedelta(hours=1)
    await hear(letter(occurred_at=later), world.ports)
    assert len(world.slack.messages) == 3


async def test_a_chat_that_failed_is_told_with_the_next_letter(world: World) -> None:
    world.faults.switch_on(Fault("slack", "error", status=403))
    await hear(letter(), world.ports)
    world.faults.clear("slack")
    assert (len(world.slack.messages), len(world.teams.cards)) == (0, 1)
    await hear(letter(event_id="dl-2"), world.ports)
    assert (len(world.slack.messages), len(world.teams.cards)) == (1, 1)


async def test_a_flood_ends_in_one_word_that_there_are_more(world: World) -> None:
    for number in range(MOST + 5):
        await hear(letter(event_id=f"dl-{number}", rule_id=str(number + 1)), world.ports)
    assert len(world.slack.messages) == MOST + 1
    assert "more could not be read" in str(world.slack.messages[-1].blocks)


async def test_what_a_stage_gave_up_says_so_and_leads_to_its_incident(world: World) -> None:
    given_up = letter(stage="decide", reason="defect", source="", incident_id="inc-7", message="")
    await hear(given_up, replace(world.ports, language="fr"))
    text = str(world.slack.messages[0].blocks)
    assert "n'a pas pu être traitée" in text
    assert "decide" in text
    assert "incidents/inc-7" in text
    assert "un défaut" in text


async def test_who_only_observes_tells_nobody(world: World) -> None:
    limits = replace(world.ports.limits, observe=True)
    await hear(letter(), replace(world.ports, limits=limits))
    assert not world.slack.messages
