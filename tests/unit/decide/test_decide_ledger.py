"""Which alert belongs to which incident."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from decide.adapters.ledger import SqlIncidentLedger, Windows
from kfix.infra.store import metadata
from kfix.infra.store.decide_tables import (
    alert_cycles,
    deliveries,
    failed_attempts,
    fingerprints,
    incidents,
)
from kfix.infra.store.engine import open_engine

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TABLES = [incidents, fingerprints, alert_cycles, deliveries, failed_attempts]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    metadata.create_all(engine, tables=TABLES)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: Engine) -> SqlIncidentLedger:
    return SqlIncidentLedger(engine, Windows())


def after(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


async def join(
    ledger: SqlIncidentLedger,
    delivery: str,
    *,
    fp: str = "fp-a",
    cycle: str = "cy-a",
    at: datetime = T0,
) -> tuple[str, str]:
    membership = await ledger.join(fingerprint=fp, cycle=cycle, delivery_id=delivery, at=at)
    return membership.incident_id, membership.role


async def recovered(ledger: SqlIncidentLedger, cycle: str, at: datetime) -> str | None:
    found = await ledger.recover(cycle=cycle, at=at)
    return found.incident_id if found else None


async def test_the_first_alert_opens_an_incident_and_a_redelivery_gets_the_same_answer(
    ledger: SqlIncidentLedger,
) -> None:
    first = await join(ledger, "d1")
    assert first[1] == "first"
    assert first[0].startswith("inc-20260301-")
    assert await join(ledger, "d1") == first


async def test_another_alert_of_the_same_trouble_joins_the_open_incident(
    ledger: SqlIncidentLedger,
) -> None:
    first = await join(ledger, "d1")
    assert await join(ledger, "d2", cycle="cy-b", at=after(5)) == (first[0], "repeat")


async def test_another_trouble_is_another_incident(ledger: SqlIncidentLedger) -> None:
    first = await join(ledger, "d1")
    other = await join(ledger, "d2", fp="fp-b", cycle="cy-b")
    assert other[1] == "first"
    assert other[0] != first[0]


async def test_a_cycle_stays_with_its_incident_when_the_diagnosis_changes(
    ledger: SqlIncidentLedger,
) -> None:
    first = await join(ledger, "d1")
    assert await join(ledger, "d2", fp="fp-b", at=after(10)) == (first[0], "repeat")


async def test_records_of_one_incident_carry_the_fingerprint_it_was_opened_with(
    ledger: SqlIncidentLedger,
) -> None:
    await join(ledger, "d1")
    later = await ledger.join(fingerprint="fp-b", cycle="cy-a", delivery_id="d2", at=after(1))
    ended = await ledger.recover(cycle="cy-a", at=after(2))
    assert ended is not None
    assert later.fingerprint == ended.fingerprint == "fp-a"


async def test_an_alert_older_than_its_recovery_comes_after_it(ledger: SqlIncidentLedger) -> None:
    assert await ledger.recover(cycle="cy-a", at=after(3)) is None
    assert (await join(ledger, "d1", at=T0))[1] == "after_recovery"


async def test_an_incident_recovers_when_all_its_cycles_have(ledger: SqlIncidentLedger) -> None:
    incident, _ = await join(ledger, "d1")
    await join(ledger, "d2", cycle="cy-b", at=after(1))
    assert await ledger.recover(cycle="cy-a", at=after(5)) is None
    assert (await recovered(ledger, "cy-b", after(6))) == incident
    assert (await recovered(ledger, "cy-b", after(6))) == incident


async def test_a_recovery_overtaken_by_a_newer_alert_changes_nothing(
    ledger: SqlIncidentLedger,
) -> None:
    incident, _ = await join(ledger, "d1", at=after(10))
    assert await ledger.recover(cycle="cy-a", at=after(5)) is None
    assert await join(ledger, "d2", at=after(11)) == (incident, "repeat")


async def test_flapping_within_the_window_is_one_incident_and_later_trouble_is_a_new_one(
    ledger: SqlIncidentLedger,
) -> None:
    incident, _ = await join(ledger, "d0")
    for turn in range(1, 100):
        await ledger.recover(cycle=f"cy-{turn - 1}" if turn > 1 else "cy-a", at=after(turn * 0.1))
        again = await join(ledger, f"d{turn}", cycle=f"cy-{turn}", at=after(turn * 0.1 + 0.05))
        assert again == (incident, "repeat")
    await ledger.recover(cycle="cy-99", at=after(20))
    later = await join(ledger, "d-late", cycle="cy-late", at=after(51))
    assert later[1] == "first"
    assert later[0] != incident


async def test_a_proposed_incident_stays_open_after_recovery_until_its_outcome(
    ledger: SqlIncidentLedger,
) -> None:
    incident, _ = await join(ledger, "d1")
    await ledger.propose(incident)
    await ledger.recover(cycle="cy-a", at=after(5))
    assert (await join(ledger, "d2", cycle="cy-b", at=after(300)))[0] == incident
    await ledger.close(incident, at=after(310))
    assert (await join(ledger, "d3", cycle="cy-c", at=after(320)))[1] == "first"


async def test_a_proposed_incident_without_outcome_expires(ledger: SqlIncidentLedger) -> None:
    incident, _ = await join(ledger, "d1")
    await ledger.propose(incident)
    assert (await join(ledger, "d2", cycle="cy-b", at=T0 + timedelta(days=8)))[0] != incident


async def test_alerts_at_the_same_time_open_one_incident(engine: Engine) -> None:
    replicas = [SqlIncidentLedger(engine, Windows()) for _ in range(4)]
    answers = await asyncio.gather(
        *(join(replicas[n % 4], f"d{n}", cycle=f"cy-{n}") for n in range(24))
    )
    assert len({incident for incident, _ in answers}) == 1
    assert sorted(role for _, role in answers).count("first") == 1


async def test_trouble_first_seen_in_a_calm_moment_is_one_incident_with_its_later_alerts(
    ledger: SqlIncidentLedger,
) -> None:
    """A flapping alert: its first look finds nothing (another fingerprint), a renotification finds the cause."""
    calm, _ = await join(ledger, "d1", fp="fp-healthy", cycle="cy-1")
    found, _ = await join(ledger, "d2", fp="fp-oom", cycle="cy-1", at=after(1))
    await ledger.propose(found)
    later, role = await join(ledger, "d3", fp="fp-oom", cycle="cy-2", at=after(2))
    assert calm == found == later
    assert role == "repeat"


async def test_an_incident_with_a_plan_goes_before_the_one_its_cycle_began(
    ledger: SqlIncidentLedger,
) -> None:
    planned, _ = await join(ledger, "d1", fp="fp-oom", cycle="cy-1")
    await ledger.propose(planned)
    calm, _ = await join(ledger, "d2", fp="fp-healthy", cycle="cy-2", at=after(1))
    again, role = await join(ledger, "d3", fp="fp-oom", cycle="cy-2", at=after(2))
    assert calm != planned
    assert (again, role) == (planned, "repeat")


def stands(engine: Engine) -> tuple[bool, datetime | None]:
    """(Is the one incident over?, the time of its cycle's newest alert)"""
    with engine.connect() as connection:
        ends = set(connection.execute(select(incidents.c.recovered_at)).scalars())
        at = connection.execute(select(alert_cycles.c.alerted_at)).scalar_one()
    return None not in ends, at.replace(tzinfo=UTC)


@pytest.mark.parametrize(("last", "over"), [(3, False), (4, True)])
def test_the_last_word_of_an_alert_counts_by_its_time_in_every_order(
    tmp_path: Path, last: int, over: bool
) -> None:
    """Triggered, recovered, triggered (and recovered), one of them twice."""
    words = [("T", 1), ("R", 2), ("T", 3), ("R", 4)][:last]
    for number, order in enumerate(itertools.permutations([*words, words[1]])):
        engine = open_engine(f"sqlite:///{tmp_path / f'{number}.db'}")
        metadata.create_all(engine, tables=TABLES)
        ledger = SqlIncidentLedger(engine, Windows())

        async def hear(ledger: SqlIncidentLedger, order: Sequence[tuple[str, int]]) -> None:
            for kind, minute in order:
                if kind == "T":
                    await join(ledger, f"d{minute}", at=after(minute))
                else:
                    await recovered(ledger, "cy-a", after(minute))

        asyncio.run(hear(ledger, order))
        assert stands(engine) == (over, after(3)), order
        engine.dispose()


async def test_an_incident_is_over_since_its_last_recovery_whichever_was_heard_last(
    ledger: SqlIncidentLedger,
) -> None:
    await join(ledger, "d1", cycle="cy-a")
    await join(ledger, "d2", cycle="cy-b", at=after(1))
    assert await recovered(ledger, "cy-b", after(9)) is None
    found = await ledger.recover(cycle="cy-a", at=after(5))
    assert found is not None
    assert found.at == after(9)
