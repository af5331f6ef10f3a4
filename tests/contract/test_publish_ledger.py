"""The ledger keeps each thing once, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from kfix.infra.store.engine import open_engine
from publish.adapters.sql import SqlPublishLedger
from publish.core.decision import TrackedMergeRequest
from publish.core.history import Fix
from publish.core.spoken import AlertStanding, Word
from publish.ports import PublishedProposal
from schemas import errors
from schemas.context import OutcomeResult
from schemas.merge_requests import MergeRequestRef, Notification
from tests.support import publish as sample

REF = MergeRequestRef(
    project="g/p", iid=7, url="https://gitlab.example.com/7", branch="kfix/incident-a"
)


def known(incident: str = "inc-a", **more: object) -> TrackedMergeRequest:
    return TrackedMergeRequest(incident, "fp", "g/p", 7, "opened", sample.NOW, "hash", **more)  # type: ignore[arg-type]


@pytest.fixture
def ledger(store: Engine) -> SqlPublishLedger:
    return SqlPublishLedger(store)


async def test_a_merge_request_is_kept_once_and_stays_as_old_as_it_is(
    ledger: SqlPublishLedger,
) -> None:
    assert await ledger.of_incident("inc-a") is None
    await ledger.opened(known(), REF)
    later = TrackedMergeRequest(
        "inc-a", "fp", "g/p", 7, "opened", sample.NOW + timedelta(hours=1), "hash"
    )
    await ledger.opened(later, REF)
    assert await ledger.of_incident("inc-a") == known()
    assert await ledger.ref_of("inc-a") == REF
    assert await ledger.ref_of("inc-b") is None


async def test_it_is_found_by_fingerprint_and_project_newest_first(
    ledger: SqlPublishLedger,
) -> None:
    await ledger.opened(known("inc-a"), REF)
    newer = TrackedMergeRequest(
        "inc-b", "fp", "g/p", 8, "opened", sample.NOW + timedelta(hours=1), "hash"
    )
    await ledger.opened(newer, REF.model_copy(update={"iid": 8}))
    assert [k.incident_id for k in await ledger.of_fingerprint("fp")] == ["inc-b", "inc-a"]
    assert [k.incident_id for k in await ledger.of_project("g/p")] == ["inc-b", "inc-a"]
    assert await ledger.of_project("g/other") == []


async def test_states_and_times_follow(ledger: SqlPublishLedger) -> None:
    await ledger.opened(known(), REF)
    at = sample.NOW + timedelta(minutes=5)
    await ledger.heard(Word("gl-1", "inc-a", "closed", at))
    await ledger.noted("inc-a", at)
    found = await ledger.of_incident("inc-a")
    assert found is not None
    assert (found.state, found.closed_at, found.noted_at) == ("closed", at, at)
    await ledger.heard(Word("gl-2", "inc-a", "reopened", at + timedelta(minutes=1)))
    found = await ledger.of_incident("inc-a")
    assert found is not None
    assert found.closed_at is None


async def test_a_sent_message_is_never_forgotten(ledger: SqlPublishLedger) -> None:
    incident = f"inc-{uuid.uuid4().hex[:8]}"
    failed = Notification(channel="slack", sent=False, reason="unavailable")
    sent = Notification(channel="slack", target="C1", message_id="1.2")
    for message in (failed, sent, failed):
        await ledger.keep_told(incident, "opened", message)
    assert await ledger.told(incident, "opened") == [sent]
    assert await ledger.told(incident, "recovered") == []


async def test_replicas_that_keep_the_same_at_once_leave_one_row(
    store_url: str, store: Engine
) -> None:
    engines = [open_engine(store_url) for _ in range(4)]
    replicas = [SqlPublishLedger(engine) for engine in engines]
    message = Notification(channel="slack", target="C1", message_id="1.2")
    await asyncio.gather(*(replicas[n % 4].opened(known(), REF) for n in range(16)))
    await asyncio.gather(
        *(replicas[n % 4].keep_told("inc-a", "opened", message) for n in range(16))
    )
    found = SqlPublishLedger(store)
    assert list(await found.of_project("g/p")) == [known()]
    assert list(await found.told("inc-a", "opened")) == [message]
    for engine in engines:
        engine.dispose()


async def test_a_database_that_fails_is_worth_another_try(store_url: str) -> None:
    engine = open_engine(store_url)  # without tables
    ledger, message = SqlPublishLedger(engine), Notification(channel="slack")
    calls = (
        lambda: ledger.of_incident("inc-a"),
        lambda: ledger.opened(known(), REF),
        lambda: ledger.heard(Word("gl-1", "inc-a", "closed", sample.NOW)),
        lambda: ledger.ref_of("inc-a"),
        lambda: ledger.keep_told("inc-a", "opened", message),
    )
    for call in calls:
        with pytest.raises(errors.Unavailable, match="ledger"):
            await call()
    engine.dispose()


def fix(result: OutcomeResult, minutes: int = 0, **more: str) -> Fix:
    kinds = {
        "failure_class": "cpu_throttling",
        "workload_kind": "Deployment",
        "fix_kind": "set_cpu",
        **more,
    }
    return Fix(**kinds, result=result, at=sample.NOW + timedelta(minutes=minutes))  # type: ignore[arg-type]


async def test_how_fixes_ended_is_found_by_their_kind(ledger: SqlPublishLedger) -> None:
    await ledger.ended("inc-a", "plan-1", fix("success"))
    await ledger.ended("inc-a", "plan-2", fix("rejected", 1))
    await ledger.ended("inc-b", "plan-1", fix("failure", 2, fix_kind="set_memory"))
    found = await ledger.fixes_like("cpu_throttling", "Deployment", "set_cpu")
    assert found == [fix("rejected", 1), fix("success")]
    assert await ledger.fixes_like("cpu_throttling", "StatefulSet", "set_cpu") == []


async def test_a_fix_was_taken_back_when_its_revert_was_merged(ledger: SqlPublishLedger) -> None:
    for incident in ("inc-a", "inc-a-try2", "inc-b"):
        await ledger.ended(incident, "plan-1", fix("success"))
    at = sample.NOW + timedelta(hours=1)
    await ledger.heard(Word("gl-1", "inc-a-try2-revert", "merged", at))
    await ledger.heard(Word("gl-2", "inc-b-revert", "opened", at))
    found = await ledger.fixes_like("cpu_throttling", "Deployment", "set_cpu")
    assert sorted((one.taken_back, one.counted) for one in found) == [
        (False, "success"),
        (False, "success"),
        (True, "failure"),
    ]


async def test_the_newest_word_on_a_fix_stays_whatever_the_order(ledger: SqlPublishLedger) -> None:
    for _ in range(2):
        await ledger.ended("inc-a", "plan-1", fix("failure", 5))
        await ledger.ended("inc-a", "plan-1", fix("success"))
    found = await ledger.fixes_like("cpu_throttling", "Deployment", "set_cpu")
    assert found == [fix("failure", 5)]


async def test_what_was_proposed_first_stays_until_people_choose_another(
    ledger: SqlPublishLedger,
) -> None:
    record = sample.record()
    first, second = (found.plan.plan_id for found in record.plans)
    assert await ledger.proposal_of("inc-a") is None
    await ledger.opened(known(), REF)
    await ledger.keep_proposal("inc-a", PublishedProposal(record, first))
    await ledger.keep_proposal("inc-a", PublishedProposal(record, second))
    kept = await ledger.proposal_of("inc-a")
    assert kept == PublishedProposal(record, first)
    assert kept.chosen == record.plans[0]
    ref = REF.model_copy(update={"sha": "b" * 40, "title": "other"})
    await ledger.switched("inc-a", "hash-2", ref, PublishedProposal(record, second))
    kept = await ledger.proposal_of("inc-a")
    assert kept is not None
    assert kept.chosen == record.plans[1]
    assert await ledger.ref_of("inc-a") == ref


async def test_a_snooze_ends_and_comes_back_in_utc(ledger: SqlPublishLedger) -> None:
    await ledger.opened(known(), REF)
    until = sample.NOW + timedelta(hours=1)
    await ledger.snooze("inc-a", until)
    found = await ledger.of_incident("inc-a")
    assert found is not None
    assert found.snoozed_until == until
    await ledger.snooze("inc-a", None)
    assert await ledger.of_incident("inc-a") == known()


def words() -> list[Word]:
    """Closed, reopened, closed and merged, a minute after each other."""
    actions = ("closed", "reopened", "closed", "reopened", "merged")
    return [
        Word(f"gl-{n}", "inc-a", action, sample.NOW + timedelta(minutes=n))
        for n, action in enumerate(actions)
    ]


async def test_words_move_a_merge_request_by_their_times_whatever_comes_first(
    ledger: SqlPublishLedger,
) -> None:
    first, second, third, *rest = words()
    assert await ledger.heard(second) is None, "there is no merge request yet"
    await ledger.opened(known(), REF)
    for word in (third, first, second, third):
        moved = await ledger.heard(word)
    assert moved is not None
    assert (moved.state, moved.closed_at) == ("closed", third.at)
    for word in reversed(rest):
        moved = await ledger.heard(word)
        assert moved is not None
        assert (moved.state, moved.closed_at) == ("merged", rest[-1].at)
    assert len(await ledger.words_of(["inc-a", "inc-b"])) == 5


async def test_our_own_look_is_no_word_that_the_river_has(ledger: SqlPublishLedger) -> None:
    seen = Word("gl-1", "inc-a", "merged", sample.NOW, told=False)
    for told, word in ((False, seen), (True, replace(seen, told=True)), (True, seen)):
        await ledger.heard(word)
        assert [w.told for w in await ledger.words_of(["inc-a"])] == [told]


async def test_how_an_alert_stands_goes_by_the_alerts_times(ledger: SqlPublishLedger) -> None:
    def at(minute: int) -> datetime:
        return sample.NOW + timedelta(minutes=minute)

    for minute, over, ends in ((3, False, False), (2, True, False), (1, False, False)):
        assert (await ledger.alert("inc-a", at(minute), over=over)).over is ends
    standing = await ledger.alert("inc-a", at(3), over=True)
    assert (standing.alerted_at, standing.recovered_at, standing.over) == (at(3), at(3), True)
    await ledger.marked("inc-a", "recovered")
    assert (await ledger.alert("inc-a", at(4), over=False)) == AlertStanding(
        at(4), at(3), "recovered"
    )


async def test_a_project_is_read_by_one_replica_at_a_time(store_url: str, store: Engine) -> None:
    replicas = [SqlPublishLedger(open_engine(store_url)) for _ in range(4)]
    await replicas[0].opened(known(), REF)
    now, hour = sample.NOW, timedelta(hours=1)
    window = {"read_before": now - hour, "ended_after": now - hour, "lease_until": now + hour}
    taken = await asyncio.gather(*(r.due_rereads(now, **window) for r in replicas))
    assert [item.project for items in taken for item in items] == ["g/p"]
    assert await replicas[1].due_rereads(now, **window) == []
    later = {**window, "read_before": now + hour, "lease_until": now + 3 * hour}
    (again,) = await replicas[1].due_rereads(now + 2 * hour, **later)
    assert again.began_at == now
    position = now + timedelta(minutes=7)
    await replicas[1].reread("g/p", position=position, read_at=now + 2 * hour)
    assert await replicas[2].due_rereads(now + 2 * hour, **later) == []
    await replicas[1].reread("g/p", position=now, read_at=None)
    (third,) = await replicas[2].due_rereads(now + 2 * hour, **later)
    assert third.since == position - timedelta(seconds=300), "a position never goes back"
    await replicas[2].put_off("g/p", now + 9 * hour)
    assert await replicas[3].due_rereads(now + 8 * hour, **later) == []


async def test_a_project_whose_merge_requests_ended_long_ago_is_not_read(
    ledger: SqlPublishLedger,
) -> None:
    await ledger.opened(known(), REF)
    await ledger.heard(Word("gl-1", "inc-a", "merged", sample.NOW))
    now, hour = sample.NOW + timedelta(days=20), timedelta(hours=1)
    for days, read in ((14, 0), (30, 1)):
        found = await ledger.due_rereads(
            now,
            read_before=now,
            ended_after=now - timedelta(days=days),
            lease_until=now + hour,
        )
        assert len(found) == read
