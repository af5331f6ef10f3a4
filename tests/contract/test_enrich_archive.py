"""Alerts that are kept for when their fix does not hold. On SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from enrich.adapters.archive import SqlAlertArchive
from enrich.core.retrying import KeptAlert
from schemas.alerts import Alert, FiredRule

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)


def kept(delivery: str) -> KeptAlert:
    alert = Alert(title="t", state="firing", rule=FiredRule(id="7"), labels={"a": "b"})
    return KeptAlert(delivery, "cy-1", "tr-1", AT, alert)


async def test_an_alert_is_found_as_it_was_kept(store: Engine) -> None:
    archive = SqlAlertArchive(store, timedelta(days=1))
    await archive.keep(kept("d1"), AT)
    await archive.keep(kept("d1"), AT + timedelta(hours=1))
    assert await archive.find("d1") == kept("d1")
    assert await archive.find("d2") is None


async def test_an_alert_is_kept_for_its_days_and_no_longer(store: Engine) -> None:
    archive = SqlAlertArchive(store, timedelta(days=1))
    await archive.keep(kept("d1"), AT)
    await archive.keep(kept("d2"), AT + timedelta(hours=23))
    assert await archive.find("d1") is not None
    await archive.keep(kept("d3"), AT + timedelta(hours=25))
    assert await archive.find("d1") is None
    assert await archive.find("d2") is not None


async def test_the_first_word_of_a_failure_is_the_one_that_evidence_is_gathered_for(
    store: Engine,
) -> None:
    archive = SqlAlertArchive(store, timedelta(days=1))
    assert await archive.begin_retry("inc-1", "out-1", AT)
    assert not await archive.begin_retry("inc-1", "out-2", AT)
    assert await archive.begin_retry("inc-1", "out-1", AT), "a redelivery after a crash"
    assert await archive.begin_retry("inc-1-try2", "out-3", AT)
