"""The incident ledger under real concurrency: several replicas, each with connections of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from decide.adapters.ledger import SqlIncidentLedger
from decide.ports import Membership
from kfix.infra.store.engine import open_engine, open_store
from schemas import errors

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def replicas(store_url: str) -> Iterator[list[SqlIncidentLedger]]:
    engines = [open_store(store_url) for _ in range(4)]
    yield [SqlIncidentLedger(engine) for engine in engines]
    for engine in engines:
        engine.dispose()


def after(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


async def join(
    ledger: SqlIncidentLedger,
    delivery: str,
    *,
    cycle: str,
    fp: str = "fp",
    at: datetime = T0,
    trouble: str = "",
) -> Membership:
    return await ledger.join(
        fingerprint=fp, cycle=cycle, delivery_id=delivery, at=at, trouble=trouble
    )


async def test_twenty_four_alerts_at_once_are_one_incident(
    replicas: list[SqlIncidentLedger],
) -> None:
    joined = await asyncio.gather(
        *(join(replicas[n % 4], f"d{n}", cycle=f"cy-{n}") for n in range(24))
    )
    assert len({one.incident_id for one in joined}) == 1
    assert sorted(one.role for one in joined) == ["first"] + ["repeat"] * 23


async def test_one_delivery_handled_by_all_replicas_has_one_answer(
    replicas: list[SqlIncidentLedger],
) -> None:
    for n in range(5):
        joined = await asyncio.gather(
            *(join(ledger, f"d{n}", cycle=f"cy-{n}", fp=f"fp-{n}") for ledger in replicas)
        )
        assert len(set(joined)) == 1
        assert joined[0].role == "first"


async def test_cycles_that_end_at_once_end_the_incident(replicas: list[SqlIncidentLedger]) -> None:
    for n in range(25):
        cycles = [f"cy-{n}-{turn}" for turn in range(4)]
        for cycle in cycles:
            incident = (
                await join(replicas[0], f"d-{cycle}", cycle=cycle, fp=f"fp-{n}")
            ).incident_id
        ended = await asyncio.gather(
            *(
                ledger.recover(cycle=cycle, at=after(1))
                for ledger, cycle in zip(replicas, cycles, strict=True)
            )
        )
        assert [one.incident_id for one in ended if one is not None] == [incident]
        later = await join(replicas[0], f"later-{n}", cycle=f"cy-{n}-x", fp=f"fp-{n}", at=after(60))
        assert later.role == "first", "the incident was still open"


async def test_alerts_and_recoveries_of_many_troubles_do_not_block_each_other(
    replicas: list[SqlIncidentLedger],
) -> None:
    async def episode(n: int) -> str:
        ledger, cycle = replicas[n % 4], f"cy-{n}"
        first = await join(ledger, f"d{n}", cycle=cycle, fp=f"fp-{n % 3}")
        await ledger.propose(first.incident_id)
        await ledger.recover(cycle=cycle, at=after(1))
        again = await join(ledger, f"e{n}", cycle=f"{cycle}-b", fp=f"fp-{n % 3}", at=after(2))
        assert again.incident_id == first.incident_id
        return first.incident_id

    assert len(set(await asyncio.gather(*(episode(n) for n in range(18))))) == 3


async def test_an_alert_older_than_its_recovery_comes_after_it(
    replicas: list[SqlIncidentLedger],
) -> None:
    assert await replicas[0].recover(cycle="cy", at=after(3)) is None
    assert (await join(replicas[1], "d", cycle="cy")).role == "after_recovery"


async def test_a_closed_incident_takes_no_more_alerts(replicas: list[SqlIncidentLedger]) -> None:
    first = await join(replicas[0], "d1", cycle="cy-1")
    await replicas[1].close(first.incident_id, at=after(1))
    second = await join(replicas[2], "d2", cycle="cy-2", at=after(2))
    assert (second.role, second.incident_id != first.incident_id) == ("first", True)


async def test_a_store_without_tables_is_a_typed_failure(store_url: str) -> None:
    engine = open_engine(store_url)
    with pytest.raises(errors.Unavailable, match="incident ledger"):
        await join(SqlIncidentLedger(engine), "d", cycle="cy")
    engine.dispose()


async def test_an_incident_that_began_without_a_cause_is_the_causes_once_it_is_named(
    replicas: list[SqlIncidentLedger],
) -> None:
    blind = await join(replicas[0], "d1", cycle="cy-1", fp="tr", trouble="tr")
    named = await join(replicas[1], "d2", cycle="cy-2", fp="cause", trouble="tr")
    other = await join(replicas[2], "d3", cycle="cy-3", fp="cause", trouble="elsewhere")
    assert {named.incident_id, other.incident_id} == {blind.incident_id}
    assert (named.role, other.role) == ("repeat", "repeat")


async def test_an_alert_without_a_cause_joins_what_was_named_at_its_monitor_and_group(
    replicas: list[SqlIncidentLedger],
) -> None:
    named = await join(replicas[0], "d1", cycle="cy-1", fp="cause", trouble="tr")
    blind = await join(replicas[1], "d2", cycle="cy-2", fp="tr", trouble="tr")
    assert blind.incident_id == named.incident_id


async def test_two_causes_at_one_monitor_and_group_are_two_incidents(
    replicas: list[SqlIncidentLedger],
) -> None:
    one = await join(replicas[0], "d1", cycle="cy-1", fp="cause", trouble="tr")
    two = await join(replicas[1], "d2", cycle="cy-2", fp="other", trouble="tr")
    assert one.incident_id != two.incident_id


async def test_named_or_not_alerts_of_one_trouble_at_once_are_one_incident(
    replicas: list[SqlIncidentLedger],
) -> None:
    joined = await asyncio.gather(
        *(
            join(
                replicas[n % 4],
                f"d{n}",
                cycle=f"cy-{n}",
                fp="cause" if n % 2 else "tr",
                trouble="tr",
            )
            for n in range(24)
        )
    )
    assert len({one.incident_id for one in joined}) == 1
