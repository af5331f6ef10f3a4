"""Old rows go, and never one by whose absence something would happen twice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import JSON, Connection, Engine, Table, func, insert, select
from structlog.testing import capture_logs
from typer import Typer
from typer.testing import CliRunner

from decide.adapters.ledger import SqlIncidentLedger
from kfix.cli.store import register
from kfix.infra.memory.opening import open_memory
from kfix.infra.settings import BadSettings, Retention
from kfix.infra.store import (
    console_tables,
    decide_tables,
    housekeeping_tables,
    learn_tables,
    memory_tables,
    publish_tables,
)
from kfix.infra.store.retention import RULES
from kfix.infra.store.sweeping import Sweeper, Swept
from kfix.infra.telemetry.metrics import SWEPT_AT, SWEPT_ROWS
from learn.adapters.sql import SqlLearnLedger
from learn.adapters.sweep import SqlSweep
from schemas import errors
from tests.support.logs import logs_as_they_were

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
#: Small numbers, of which the ledger's is the smallest that is allowed.
KEPT = Retention(
    _env_file=None,
    topics_days=1,
    dead_letters_days=1,
    records_days=10,
    ledger_days=47,
    outcomes_days=60,
    memory_days=80,
    opinions_days=3,
    audit_days=100,
)
OLD, RECENT = NOW - timedelta(days=3000), NOW - timedelta(hours=1)


def row(table: Table, at: datetime, n: int, **values: Any) -> dict[str, Any]:
    """A row of whatever table: all times ``at``, its texts made of ``n``, the rest zero or empty."""
    made: dict[str, Any] = {}
    for column in table.columns:
        kind = column.type.python_type
        if column.name in values:
            made[column.name] = values[column.name]
        elif kind is datetime:
            made[column.name] = at
        elif column.name == "version":
            made[column.name] = int(at.timestamp()) * 1_000_000_000
        elif kind is str:
            made[column.name] = f"{n}"
        elif isinstance(column.type, JSON):
            made[column.name] = {"occurred_at": at.isoformat()}
        elif kind is bytes:
            made[column.name] = b""
        elif kind in (int, float):
            made[column.name] = n
        else:
            made[column.name] = False
    return made


#: What makes an old row one that may go, where age alone does not.
ENDED: Mapping[str, Mapping[str, Any]] = {
    "merge_requests": {"state": "merged"},
    "followed_merge_requests": {"state": "closed"},
}


def put(engine: Engine, table: Table, *rows: dict[str, Any]) -> None:
    with engine.begin() as connection:
        connection.execute(insert(table), list(rows))


def count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def sweeper(store: Engine, **values: Any) -> Sweeper:
    return Sweeper(store, KEPT.model_copy(update=values), now=lambda: NOW)


async def test_of_each_table_the_old_go_and_the_recent_stay(store: Engine) -> None:
    for rule in RULES:
        ended = ENDED.get(rule.table.name, {})
        old, recent = row(rule.table, OLD, 1, **ended), row(rule.table, RECENT, 2, **ended)
        put(store, rule.table, old, recent)
    # An incident goes after what names it, its line after its records, a project's position after its merge requests.
    later = {"incidents": 0, "rereads": 0, "incident_lines": 0}
    assert await sweeper(store).due() == {rule.table.name: 1 for rule in RULES} | later
    for _ in range(2):
        assert await sweeper(store).sweep() is not None
    for rule in RULES:
        (key, *_) = rule.table.primary_key.columns
        with store.connect() as connection:
            left = set(connection.scalars(select(key))) - {"store"}
        assert {str(one) for one in left} == {"2"}, rule.table.name


async def test_a_row_just_within_its_days_stays(store: Engine) -> None:
    table = decide_tables.opinions
    within = row(table, NOW - timedelta(days=2.9), 1)
    put(store, table, within, row(table, NOW - timedelta(days=3.1), 2))
    await sweeper(store).sweep()
    with store.connect() as connection:
        assert connection.scalars(select(table.c.call_id)).all() == ["1"]


async def test_an_open_merge_request_keeps_all_that_makes_its_effects_happen_once(
    store: Engine,
) -> None:
    tables = (
        publish_tables.merge_request_words,
        publish_tables.alert_standings,
        publish_tables.change_claims,
        publish_tables.notifications,
        publish_tables.proposals,
        publish_tables.rereads,
    )
    for table in tables:
        put(store, table, row(table, OLD, 1))
    put(
        store,
        publish_tables.merge_requests,
        row(publish_tables.merge_requests, OLD, 1, state="opened"),
    )
    await sweeper(store).sweep()
    assert [count(store, table) for table in (publish_tables.merge_requests, *tables)] == [1] * 7


async def test_a_merge_that_is_still_to_be_judged_stays_until_it_is(store: Engine) -> None:
    followed, checks = learn_tables.followed_merge_requests, learn_tables.post_deploy_checks
    put(store, followed, row(followed, OLD, 1, state="merged"))
    put(store, checks, row(checks, OLD, 1, done_at=None))
    await sweeper(store).sweep()
    assert (count(store, followed), count(store, checks)) == (1, 1)


async def test_an_undecided_merge_request_that_did_not_expire_is_followed_for_ever(
    store: Engine,
) -> None:
    followed, outcomes = learn_tables.followed_merge_requests, learn_tables.incident_outcomes
    put(store, followed, row(followed, OLD, 1, state="open"), row(followed, OLD, 2, state="open"))
    put(store, outcomes, row(outcomes, RECENT, 2))
    await sweeper(store).sweep()
    with store.connect() as connection:
        assert connection.scalars(select(followed.c.incident_id)).all() == ["1"]


async def test_the_records_of_an_incident_go_together_with_those_of_its_delivery(
    store: Engine,
) -> None:
    table = console_tables.incident_records

    def record(n: int, days: float, incident: str, trace: str) -> dict[str, Any]:
        at = NOW - timedelta(days=days)
        return row(table, at, n, incident_id=incident, trace_id=trace)

    put(
        store,
        table,
        record(1, 30, "", "t-gone"),
        record(2, 29, "inc-gone", "t-gone"),
        record(3, 30, "", "t-here"),
        record(4, 29, "inc-here", "t-here"),
        record(5, 1, "inc-here", "t-here"),
    )
    await sweeper(store).sweep()
    with store.connect() as connection:
        assert sorted(connection.scalars(select(table.c.event_id))) == ["3", "4", "5"]


async def test_batches_are_bounded_told_of_and_the_rest_is_the_next_sweeps(store: Engine) -> None:
    table = decide_tables.opinions
    put(store, table, *(row(table, OLD, n) for n in range(25)))
    told: list[Swept] = []
    bounded = sweeper(store, sweep_batch=4, sweep_at_most=10)
    done = await bounded.sweep(told.append)
    assert done is not None
    assert next(one for one in done if one.table == "opinions") == Swept("opinions", 12, more=True)
    assert [one.rows for one in told if one.table == "opinions"] == [4, 8, 12]
    assert count(store, table) == 13
    await bounded.sweep()
    await bounded.sweep()
    assert count(store, table) == 0


async def test_one_process_sweeps_at_a_time_and_another_takes_over_when_the_lease_is_over(
    store: Engine,
) -> None:
    table = decide_tables.opinions
    put(store, table, row(table, OLD, 1))
    sweeps = housekeeping_tables.retention_sweeps
    held = {"name": "store", "holder": "another", "leased_until": NOW + timedelta(seconds=1)}
    put(store, sweeps, held)
    assert await sweeper(store).sweep() is None
    assert count(store, table) == 1
    later = Sweeper(store, KEPT, now=lambda: NOW + timedelta(seconds=2))
    assert await later.sweep() is not None
    assert count(store, table) == 0
    with store.connect() as connection:
        assert connection.execute(select(sweeps.c.holder, sweeps.c.leased_until)).one() == (
            "",
            None,
        )


async def test_a_lease_that_was_lost_ends_the_sweep(store: Engine) -> None:
    table = decide_tables.opinions
    put(store, table, *(row(table, OLD, n) for n in range(8)))
    sweeps = housekeeping_tables.retention_sweeps

    def taken_over(swept: Swept) -> None:
        if swept.table == "opinions":
            with store.begin() as connection:
                connection.execute(sweeps.update().values(holder="another"))

    assert await sweeper(store, sweep_batch=4).sweep(taken_over) is None
    assert count(store, table) == 4


async def test_a_trouble_that_comes_back_after_its_keys_are_gone_is_a_new_incident(
    store: Engine,
) -> None:
    ledger = SqlIncidentLedger(store)

    async def alert(delivery: str, at: datetime) -> str:
        joined = await ledger.join(
            fingerprint="fp", cycle="cy", delivery_id=delivery, at=at, trouble="tr"
        )
        assert joined.role == "first"
        return joined.incident_id

    first = await alert("d-1", OLD)
    await ledger.recover(cycle="cy", at=OLD + timedelta(minutes=1))
    done = await sweeper(store).sweep()
    assert {one.table: one.rows for one in done or () if one.rows} == {
        "deliveries": 1,
        "alert_cycles": 1,
        "fingerprints": 2,
        "incidents": 1,
    }
    assert await alert("d-2", NOW) != first


async def test_a_sweep_beside_alerts_of_old_troubles_fails_none_of_them(store: Engine) -> None:
    ledger, learned = SqlIncidentLedger(store), SqlLearnLedger(store)
    for n in range(30):
        await ledger.join(fingerprint=f"fp-{n}", cycle=f"cy-{n}", delivery_id=f"d-{n}", at=OLD)
        await learned.moved(f"inc-{n}", "closed", OLD, None)

    async def again(n: int) -> None:
        await ledger.join(fingerprint=f"fp-{n}", cycle=f"cy-{n}", delivery_id=f"e-{n}", at=NOW)
        await learned.moved(f"inc-{n}", "merged", NOW, None)

    await asyncio.gather(sweeper(store, sweep_batch=1).sweep(), *(again(n) for n in range(30)))
    assert count(store, decide_tables.fingerprints) == 30
    assert count(store, learn_tables.followed_merge_requests) == 30


async def test_what_learn_sweeps_is_counted_and_logged(store: Engine) -> None:
    table = decide_tables.opinions
    put(store, table, row(table, OLD, 1))
    before = SWEPT_ROWS.labels("opinions")._value.get()
    with capture_logs() as logs:
        await SqlSweep(store, KEPT).sweep()
    assert SWEPT_ROWS.labels("opinions")._value.get() == before + 1
    assert SWEPT_AT._value.get() > 0
    (swept,) = [line for line in logs if line["event"] == "retention.swept"]
    assert (swept["rows"], swept["left"]) == ({"opinions": 1}, [])


def test_keys_that_would_go_before_a_record_can_come_again_are_refused() -> None:
    with pytest.raises(ValueError, match=r"ledger_days must be 89 or more.*second merge request"):
        Retention(_env_file=None, ledger_days=88)
    with pytest.raises(ValueError, match=r"outcomes_days must not be less than ledger_days"):
        Retention(_env_file=None, outcomes_days=399)
    Retention(_env_file=None, ledger_days=89).outlasts(45, "KFIX_X")
    with pytest.raises(
        BadSettings, match="KFIX_RETENTION_LEDGER_DAYS: must be 144 or more, for KFIX_X"
    ):
        Retention(_env_file=None, ledger_days=89).outlasts(100, "KFIX_X")


async def test_a_store_that_is_away_is_a_typed_failure(store: Engine) -> None:
    def drop(connection: Connection) -> None:
        housekeeping_tables.retention_sweeps.drop(connection)

    with store.begin() as connection:
        drop(connection)
    with pytest.raises(errors.Unavailable, match="the sweep of old rows"):
        await sweeper(store).sweep()


def test_the_command_counts_first_and_deletes_when_told_to(
    store: Engine, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFIX_DATABASE_URL", store_url)
    app, table = Typer(), decide_tables.opinions
    register(app)

    def run(*arguments: str) -> Result:
        with logs_as_they_were():
            return CliRunner().invoke(app, ["store", "sweep", *arguments])

    async def remember() -> None:
        async with open_memory(store) as memory:
            for id, at in (("inc-old", OLD), ("inc-new", datetime.now(UTC))):
                await memory.remember(id, "state OOMKilled", {"at": at.isoformat()})
            await memory.remember("inc-undated", "state OOMKilled", {})

    asyncio.run(remember())
    put(store, table, row(table, OLD, 1))
    counted = run()
    assert counted.exit_code == 0, counted.output
    assert {"opinions\t1", "incidents\t0", "vectors\t1"} <= set(counted.stdout.splitlines())
    assert "--yes deletes" in counted.stderr
    assert count(store, table) == 1
    swept = run("--yes")
    assert swept.exit_code == 0, swept.output
    assert {"opinions\t1\tdone", "vectors\t1"} <= set(swept.stdout.splitlines())
    assert count(store, table) == 0
    vectors = memory_tables.memory_vectors.c.id
    with store.connect() as connection:
        assert set(connection.scalars(select(vectors))) == {"inc-new", "inc-undated"}
    later = datetime.now(UTC) + timedelta(minutes=5)
    with store.begin() as connection:
        sweeps = housekeeping_tables.retention_sweeps
        connection.execute(sweeps.update().values(holder="another", leased_until=later))
    assert run("--yes").exit_code == 3
