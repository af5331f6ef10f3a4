"""What no webhook told is found out by reading GitLab again, told as the webhook would have, and counts once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ingest.sources.gitlab.reading import Delivery, event_of
from publish.agent import follow, publish, reread
from publish.core.spoken import Word
from sandbox.faults import Fault
from sandbox.gitlab.merge_requests import merge_now, set_pipeline
from sandbox.gitlab.state import Hook, MergeRequest
from sandbox.serving import serve
from schemas.merge_requests import MergeRequestEvent
from schemas.validated import ValidatedPlans
from tests.support import publish as sample
from tests.support.publish_world import PROJECT, World, world  # noqa: F401

# ruff: noqa: F811  (fixtures are imported by name)


@dataclass
class Away:
    """The stage with a merge request of ours in a GitLab whose webhooks reach nobody, or only a test."""

    world: World
    incidents: list[str] = field(default_factory=list)
    #: Webhook bodies as GitLab sent them.
    hooks: list[bytes] = field(default_factory=list)

    async def open(self) -> None:
        """One merge request more."""
        number = len(self.incidents) + 1
        self.incidents.append(f"inc-{number}")
        await publish(await self.record(number), self.world.ports)
        # All change the same lines, and a person may merge them all: one of them alone would be open.
        await self.world.ports.ledger.release(f"inc-{number}")

    async def record(self, number: int) -> ValidatedPlans:
        """An incident of its own: the same object of another cluster."""
        made = await self.world.record(
            incident_id=f"inc-{number}", fingerprint=f"fp-{number}", event_id=f"val-{number}"
        )
        context = made.context.model_copy(update={"cluster": f"eu-{number}"})
        return made.model_copy(update={"context": context})

    def go(self, seconds: float) -> None:
        self.world.now[0] += timedelta(seconds=seconds)

    async def people(self, method: str, iid: int, path: str, **body: Any) -> None:
        """Ada does something, as her browser would."""
        url = (
            f"{self.world.state.url}/api/v4/projects/shop%2Fdeployments/merge_requests/{iid}{path}"
        )
        async with httpx.AsyncClient(headers={"Private-Token": "ada-token"}) as client:
            answer = await client.request(method, url, json=body)
        assert answer.is_success, answer.text
        self.go(1)

    async def close(self, iid: int) -> None:
        await self.people("PUT", iid, "", state_event="close")

    async def reopen(self, iid: int) -> None:
        await self.people("PUT", iid, "", state_event="reopen")

    async def comment(self, iid: int, body: str) -> None:
        await self.people("POST", iid, "/notes", body=body)

    async def merge(self, iid: int) -> None:
        ada = next(u for u in self.world.state.users.values() if u.username == "ada")
        mr = self.merge_request(iid)
        await merge_now(self.world.state, self.world.project, mr, ada)
        self.go(1)

    def merge_request(self, iid: int) -> MergeRequest:
        return self.world.merge_requests[iid - 1]

    async def look(self) -> list[MergeRequestEvent]:
        """What the clock finds, as the broker brings it back."""
        self.go(self.world.ports.settings.reread_every_s)
        found = await reread(self.world.ports)
        for event in found:
            await follow(event, self.world.ports)
        return found

    async def webhooks(self) -> list[MergeRequestEvent]:
        """The webhooks so far, read as the door reads them."""
        from sandbox.gitlab.hooks import settle

        await settle(self.world.state)
        documents = [httpx.Response(200, content=body).json() for body in self.hooks]
        read = [
            event_of(d, Delivery(str(n), sample.NOW, "kfix-bot", self.world.state.url))
            for n, d in enumerate(documents)
        ]
        return [event for event in read if isinstance(event, MergeRequestEvent)]

    async def state(self, number: int) -> str:
        known = await self.world.ports.ledger.of_incident(self.incidents[number - 1])
        assert known is not None
        return known.state


@pytest.fixture
async def away(world: World) -> AsyncIterator[Away]:
    made = Away(world)
    world.state.clock = lambda: datetime.timestamp(world.now[0])

    async def listen(scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        body, more = b"", True
        while more:
            piece = await receive()
            body, more = body + piece.get("body", b""), piece.get("more_body", False)
        made.hooks.append(body)
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    await made.open()
    async with serve(listen) as url:
        world.project.hooks.append(Hook(99, url))
        assert await made.look() == [], "our own opening is no news"
        yield made


async def test_merges_that_no_webhook_told_are_told(away: Away) -> None:
    await away.open()
    await away.open()
    for iid in (1, 2, 3):
        await away.merge(iid)
    found = await away.look()
    assert sorted((e.incident_id, e.action, e.actor) for e in found) == [
        (f"inc-{n}", "merged", "ada") for n in (1, 2, 3)
    ]
    assert all(event.merged_at is not None for event in found)
    assert [await away.state(n) for n in (1, 2, 3)] == ["merged"] * 3
    assert await away.look() == []


async def test_every_word_is_the_same_record_as_its_webhook(away: Away) -> None:
    await away.open()
    await away.comment(1, "/kfix snooze 2h")
    await away.people("POST", 1, "/approve")
    await set_pipeline(away.world.state, away.world.project, away.merge_request(1), "success")
    await away.merge(1)
    await away.close(2)
    told = {event.event_id: event for event in await away.webhooks()}
    assert {e.action for e in told.values()} == {
        "note", "approved", "pipeline", "merged", "closed"
    }  # fmt: skip
    found = {event.event_id: event for event in await away.look()}
    assert found.keys() == told.keys()
    for name, event in found.items():
        webhook = told[name]
        for field_name in ("incident_id", "action", "text", "command", "argument", "feedback"):
            assert getattr(event, field_name) == getattr(webhook, field_name)
        assert abs(event.occurred_at - webhook.occurred_at) <= timedelta(seconds=1)
        assert (event.actor == webhook.actor) or event.action == "pipeline"


async def test_what_a_webhook_told_is_not_told_again(away: Away) -> None:
    await away.open()
    await away.open()
    await away.comment(1, "/kfix explain")
    await away.people("POST", 1, "/approve")
    await away.merge(2)
    await away.close(3)
    for event in await away.webhooks():
        await follow(event, away.world.ports)
    assert await away.look() == []


async def test_a_wish_that_comes_by_both_ways_is_answered_once(away: Away) -> None:
    await away.comment(1, "/kfix explain")
    found = await away.look()
    for event in [*await away.webhooks(), *found]:
        await follow(event, away.world.ports)
    answers = [n for n in away.merge_request(1).notes if n.author.bot]
    assert len(answers) == 1


async def test_closing_by_both_ways_is_noted_once(away: Away) -> None:
    await away.close(1)
    found = await away.look()
    for event in [*await away.webhooks(), *found]:
        await follow(event, away.world.ports)
    assert len([n for n in away.merge_request(1).notes if n.author.bot]) == 1


async def test_closed_and_opened_again_is_open_whatever_was_heard(away: Away) -> None:
    await away.open()
    await away.close(1)
    await away.look()
    await away.reopen(1)
    await away.close(2)
    await away.reopen(2)
    found = await away.look()
    assert [(e.incident_id, e.action) for e in found] == [("inc-1", "reopened")]
    assert [await away.state(n) for n in (1, 2)] == ["opened", "opened"]


async def test_our_own_comments_are_no_words_of_people(away: Away) -> None:
    forge, ledger = away.world.ports.forge, away.world.ports.ledger
    ref = await ledger.ref_of("inc-1")
    assert forge is not None
    assert ref is not None
    await forge.note(ref, "key", "/kfix help")
    assert await away.look() == []


async def test_a_word_is_told_until_the_river_has_it(away: Away) -> None:
    await away.merge(1)
    away.go(300)
    first = await reread(away.world.ports)
    away.go(300)
    again = await reread(away.world.ports)
    assert [e.event_id for e in first] == [e.event_id for e in again] != []
    await follow(first[0], away.world.ports)
    assert await away.look() == []


async def test_a_gitlab_that_is_down_is_asked_again_after_the_lease(away: Away) -> None:
    await away.merge(1)
    away.world.faults.switch_on(Fault("gitlab", "error", "merge_requests", status=503))
    assert await away.look() == []
    asked = len(away.world.faults.asked)
    assert await reread(away.world.ports) == []
    assert len(away.world.faults.asked) == asked, "held back until the lease ends"
    away.world.faults.clear()
    away.go(away.world.ports.settings.reread_lease_s + 1)
    assert [e.action for e in await reread(away.world.ports)] == ["merged"]


async def test_replicas_share_the_reading(away: Away) -> None:
    away.go(300)
    before = len(away.world.faults.asked)
    await reread(away.world.ports)
    one = len(away.world.faults.asked) - before
    for _ in range(3):
        assert await reread(away.world.ports) == []
    assert one > 0
    assert len(away.world.faults.asked) - before == one


async def test_one_request_is_enough_while_nothing_changes(away: Away) -> None:
    for _ in range(3):
        before = len(away.world.faults.asked)
        await away.look()
        assert len(away.world.faults.asked) - before == 1


async def test_a_discussion_that_may_not_be_read_does_not_hide_a_merge(away: Away) -> None:
    await away.merge(1)
    away.world.faults.switch_on(Fault("gitlab", "error", "approvals", status=403))
    assert [e.action for e in await away.look()] == ["merged"]


async def test_merge_requests_of_others_are_none_of_ours(away: Away) -> None:
    project = away.world.project
    ada = next(u for u in away.world.state.users.values() if u.username == "ada")
    for n, branch in enumerate(("feature", "kfix/incident-inc-of-another"), 4):
        project.merge_requests.append(
            MergeRequest(
                id=1000 + n, iid=n, author=ada, title="t", description="", source_branch=branch,
                target_branch="main", sha=project.repository.resolve("main"),
                created=away.world.state.clock(), updated=away.world.state.clock(),
                state="merged", merged=away.world.state.clock(), merged_by=ada,
            )
        )  # fmt: skip
    assert await away.look() == []


async def test_many_changes_are_read_to_their_end(away: Away) -> None:
    project, now = away.world.project, away.world.state.clock()
    ada = next(u for u in away.world.state.users.values() if u.username == "ada")
    sha = project.repository.resolve("main")
    for n in range(4, 354):
        # More than a page within one second, and more pages after it.
        at = now + (0 if n < 200 else n)
        project.merge_requests.append(
            MergeRequest(
                id=1000 + n, iid=n, author=ada, title="t", description="", source_branch=f"b{n}",
                target_branch="main", sha=sha, created=at, updated=at, state="closed",
            )
        )  # fmt: skip
    away.go(1000)
    await away.merge(1)
    forge = away.world.ports.forge
    assert forge is not None
    since = datetime.fromtimestamp(now, UTC)
    changes = await forge.changed(PROJECT, since, 1000)
    assert changes.complete
    assert [seen.ref.iid for seen in changes.seen][-1] == 1
    cut = await forge.changed(PROJECT, since, 300)
    assert not cut.complete


async def test_without_a_gitlab_there_is_nothing_to_read(away: Away) -> None:
    assert await reread(replace(away.world.ports, forge=None)) == []


async def test_a_throttled_reading_waits_as_long_as_gitlab_says(away: Away) -> None:
    await away.merge(1)
    wish = Fault("gitlab", "rate_limited", "merge_requests", seconds=900)
    away.world.faults.switch_on(wish)
    assert await away.look() == []
    away.world.faults.clear()
    away.go(800)
    assert await reread(away.world.ports) == []
    away.go(101)
    assert [e.action for e in await reread(away.world.ports)] == ["merged"]


async def test_an_older_word_changes_nothing(away: Away) -> None:
    ledger, at = away.world.ports.ledger, sample.NOW
    await ledger.heard(Word("a", "inc-1", "reopened", at + timedelta(minutes=2)))
    await ledger.heard(Word("b", "inc-1", "closed", at + timedelta(minutes=1)))
    assert await away.state(1) == "opened"


async def test_a_word_that_comes_before_the_opening_counts(away: Away) -> None:
    ledger = away.world.ports.ledger
    assert await ledger.heard(Word("a", "inc-4", "merged", sample.NOW)) is None
    await publish(await away.record(4), away.world.ports)
    known = await ledger.of_incident("inc-4")
    assert known is not None
    assert known.state == "merged"
