"""The next attempt at an incident in decide's ledger, in every order of what happens. On SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from decide.adapters.ledger import SqlIncidentLedger
from decide.ports import Membership
from kfix.infra.store import metadata
from kfix.infra.store.engine import open_engine
from schemas.context import AttemptedChange, FailedAttempt
from schemas.identity import attempt_of

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def ledger(store: Engine) -> SqlIncidentLedger:
    return SqlIncidentLedger(store)


def after(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def failed(incident_id: str) -> FailedAttempt:
    change = AttemptedChange(object_key="Deployment/shop/cart", path="spec.x", before=1, after=2)
    return FailedAttempt(
        incident_id=incident_id,
        fingerprint="fp",
        fix_kind="set_memory",
        changes_hash=f"h-{incident_id}",
        changes=(change,),
    )


async def join(
    ledger: SqlIncidentLedger, delivery: str, *, minutes: float = 0, cycle: str = "cy"
) -> Membership:
    return await ledger.join(
        fingerprint="fp", cycle=cycle, delivery_id=delivery, at=after(minutes), trouble="tr"
    )


async def retry(ledger: SqlIncidentLedger, incident_id: str, minutes: float = 20) -> Membership:
    return await ledger.retry(
        failed(incident_id), cycle="cy", delivery_id=f"retry-{incident_id}", at=after(minutes)
    )


async def test_a_fix_that_did_not_hold_has_a_second_attempt_with_the_first_one_s_fingerprint(
    ledger: SqlIncidentLedger,
) -> None:
    first = await join(ledger, "d1")
    await ledger.propose(first.incident_id)
    second = await retry(ledger, first.incident_id)
    assert second.incident_id == f"{first.incident_id}-try2"
    assert (second.role, second.fingerprint) == ("first", first.fingerprint)
    assert second.failed == (failed(first.incident_id),)


async def test_later_alerts_and_the_recovery_are_the_newest_attempt_s(
    ledger: SqlIncidentLedger,
) -> None:
    first = await join(ledger, "d1")
    await join(ledger, "d2", minutes=1, cycle="cy-2")
    second = await retry(ledger, first.incident_id)
    later = await join(ledger, "d3", minutes=30)
    assert (later.incident_id, later.role) == (second.incident_id, "repeat")
    assert later.failed == second.failed
    assert await ledger.recover(cycle="cy", at=after(40)) is None
    over = await ledger.recover(cycle="cy-2", at=after(41))
    assert over is not None
    assert over.incident_id == second.incident_id


async def test_an_alert_between_the_failure_and_the_next_attempt_opens_nothing(
    ledger: SqlIncidentLedger,
) -> None:
    first = await join(ledger, "d1")
    await ledger.propose(first.incident_id)
    between = await join(ledger, "d2", minutes=19)
    assert (between.incident_id, between.role) == (first.incident_id, "repeat")
    assert (await retry(ledger, first.incident_id)).role == "first"


async def test_the_same_failure_by_several_replicas_is_one_attempt(store: Engine) -> None:
    ledgers = [SqlIncidentLedger(store) for _ in range(4)]
    first = await join(ledgers[0], "d1")
    told = await asyncio.gather(*(retry(one, first.incident_id) for one in ledgers))
    assert {one.role for one in told} == {"first"}
    assert len(set(told)) == 1
    third = await retry(ledgers[0], told[0].incident_id, 60)
    assert third.incident_id == f"{first.incident_id}-try3"
    assert [one.incident_id for one in third.failed] == [first.incident_id, told[0].incident_id]


async def test_a_failure_that_is_told_late_opens_no_attempt_before_the_newest(
    ledger: SqlIncidentLedger,
) -> None:
    first = await join(ledger, "d1")
    third = await retry(ledger, f"{first.incident_id}-try2")
    late = await retry(ledger, first.incident_id, 60)
    assert (late.incident_id, late.role) == (third.incident_id, "repeat")
    assert [one.incident_id for one in late.failed] == [
        first.incident_id,
        f"{first.incident_id}-try2",
    ]


async def test_an_attempt_ends_as_an_incident_does(ledger: SqlIncidentLedger) -> None:
    first = await join(ledger, "d1")
    second = await retry(ledger, first.incident_id)
    await ledger.close(second.incident_id, at=after(50))
    later = await join(ledger, "d9", minutes=60)
    assert later.role == "first"
    assert attempt_of(later.incident_id).number == 1
    assert later.incident_id != first.incident_id
    assert later.failed == ()


async def test_a_failure_of_an_incident_that_this_ledger_does_not_know_is_an_attempt_all_the_same(
    ledger: SqlIncidentLedger,
) -> None:
    second = await retry(ledger, "inc-20260301-0badcafe")
    assert (second.incident_id, second.fingerprint) == ("inc-20260301-0badcafe-try2", "fp")
    assert (await join(ledger, "d1", minutes=21)).incident_id == second.incident_id


Step = Callable[[SqlIncidentLedger, str], Awaitable[object]]
STEPS: dict[str, Step] = {
    "alert": lambda ledger, _: join(ledger, "d2", minutes=5),
    "another cycle": lambda ledger, _: join(ledger, "d3", minutes=6, cycle="cy-2"),
    "proposed": lambda ledger, first: ledger.propose(first),
    "failed": retry,
    "failed again": lambda ledger, first: retry(ledger, f"{first}-try2", 60),
}
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("orders")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=10))
def test_whatever_comes_in_whatever_order_and_how_often_one_trouble_is_one_incident(
    folder: Path, order: list[str]
) -> None:
    engine = open_engine(f"sqlite:///{folder}/ledger-{next(_NUMBERS)}.db")
    metadata.create_all(engine)

    async def played() -> tuple[str, Membership]:
        ledger = SqlIncidentLedger(engine)
        first = await join(ledger, "d1")
        for step in order:
            await STEPS[step](ledger, first.incident_id)
        return first.incident_id, await join(ledger, "last", minutes=70)

    first, last = asyncio.run(played())
    engine.dispose()
    assert attempt_of(last.incident_id).incident_id == first
    tried = {"failed": 2, "failed again": 3}
    number = max((tried[step] for step in order if step in tried), default=1)
    assert attempt_of(last.incident_id).number == number
    assert len({one.incident_id for one in last.failed}) == len(last.failed)
