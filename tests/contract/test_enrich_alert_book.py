"""Repetitions end early; what is new, worse, later or over is seen. On SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from enrich.adapters.alerts import SqlAlertBook
from enrich.core.repeats import arrived
from kfix.incident.cluster_names import Fleet
from kfix.infra.store.engine import open_engine
from schemas.alerts import Alert, FiredRule, RawAlert

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture
def book(store: Engine) -> SqlAlertBook:
    return SqlAlertBook(store, timedelta(minutes=5))


def raw(delivery: str, seconds: float = 0, **alert: Any) -> RawAlert:
    known: dict[str, Any] = {
        "rule": FiredRule(id="7", group="pod_name:cart-6d4cf56db6-x2x8k"),
        "title": "t",
        "state": "firing",
    }
    return RawAlert(
        event_id=delivery,
        occurred_at=AT + timedelta(seconds=seconds),
        body_sha256="0" * 64,
        body=b"",
        alert=Alert(**{**known, **alert}),
    )


async def repeats(book: SqlAlertBook, delivery: str, seconds: float = 0, **alert: Any) -> bool:
    return await book.repeats(arrived(raw(delivery, seconds, **alert), Fleet()))


async def over(book: SqlAlertBook, seconds: float) -> None:
    await book.recovered(arrived(raw("r", seconds, state="resolved"), Fleet()))


async def test_of_many_repetitions_one_is_looked_at(book: SqlAlertBook) -> None:
    asked = [repeats(book, f"d{n}", n / 10) for n in range(50)]
    assert sorted(await asyncio.gather(*asked)).count(False) == 1


async def test_a_renotification_repeats_its_alert(book: SqlAlertBook) -> None:
    assert not await repeats(book, "a")
    assert await repeats(book, "b", 60, state="renotified")


async def test_a_delivery_whose_first_try_died_is_looked_at_again(book: SqlAlertBook) -> None:
    assert not await repeats(book, "a")
    assert not await repeats(book, "a")


@pytest.mark.parametrize(
    "other",
    [
        {"state": "warning"},
        {"priority": "P1"},
        {"rule": FiredRule(id="7", group="pod_name:cart-6d4cf56db6-zzzzz")},
        {"rule": FiredRule(id="8", group="pod_name:cart-6d4cf56db6-x2x8k")},
        {"account": "2"},
        {"fingerprint": "another"},
    ],
)
async def test_another_severity_group_monitor_or_episode_is_no_repetition(
    book: SqlAlertBook, other: dict[str, Any]
) -> None:
    assert not await repeats(book, "a")
    assert not await repeats(book, "b", 1, **other)
    assert await repeats(book, "c", 2), "the first one still stands"


async def test_after_a_while_an_alert_is_looked_at_again(book: SqlAlertBook) -> None:
    assert not await repeats(book, "a")
    assert await repeats(book, "b", 299)
    assert not await repeats(book, "c", 300)
    assert await repeats(book, "d", 301)


@pytest.mark.parametrize("order", ["alert first", "recovery first"])
async def test_an_alert_after_a_recovery_is_a_new_one_in_whatever_order_they_came(
    book: SqlAlertBook, order: str
) -> None:
    if order == "alert first":
        assert not await repeats(book, "a")
        await over(book, 30)
    else:
        await over(book, 30)
        assert not await repeats(book, "a")
    assert await repeats(book, "late", 20), "from before the recovery"
    assert not await repeats(book, "b", 40)


async def test_an_older_recovery_does_not_end_what_came_after_it(book: SqlAlertBook) -> None:
    assert not await repeats(book, "a", 60)
    await over(book, 90)
    await over(book, 30)
    assert not await repeats(book, "b", 100)
    await over(book, 30)
    assert await repeats(book, "c", 101)


async def test_a_senders_clock_that_is_far_ahead_silences_nobody(book: SqlAlertBook) -> None:
    assert not await repeats(book, "a", 10**9)
    assert not await repeats(book, "b")


async def test_of_many_replicas_one_stands_for_an_episode(store_url: str, store: Engine) -> None:
    books = [SqlAlertBook(open_engine(store_url), timedelta(minutes=5)) for _ in range(4)]
    asked = [repeats(books[n % 4], f"d{n}") for n in range(24)]
    assert (await asyncio.gather(*asked)).count(False) == 1


@pytest.mark.parametrize("last", [3, 4])
async def test_what_passes_tells_how_the_alert_stands_whatever_order_it_comes_in(
    book: SqlAlertBook, last: int
) -> None:
    """Triggered, recovered, triggered (and recovered), twenty seconds after each other: a repetition that ends here must
    not leave an older recovery for the last word."""
    words = [("T", 1), ("R", 2), ("T", 3), ("R", 4)][:last]
    for number, order in enumerate(itertools.permutations([*words, words[-1]])):
        passed = {"T": 0, "R": 0}
        for kind, turn in order:
            known = {"transition": "triggered" if kind == "T" else "recovered"}
            delivery = raw(f"{kind}{turn}", 20 * turn, cycle_key=f"c{number}", **known)
            alert = arrived(delivery, Fleet())
            goes_on = not await book.repeats(alert) if kind == "T" else await book.recovered(alert)
            if goes_on:
                passed[kind] = max(passed[kind], turn)
        assert (passed["R"] >= passed["T"]) == (last == 4), order
