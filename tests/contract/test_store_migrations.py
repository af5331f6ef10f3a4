"""The store: its migrations make what the code expects, whoever runs them and however often."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import downgrade
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, event, inspect, text

from kfix.infra.store import migrate as migrations
from kfix.infra.store.engine import open_engine, open_store
from kfix.infra.store.migrate import migrate, status
from kfix.infra.store.tables import metadata
from schemas import errors

NEWEST = "0013"


def differences(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def kfix(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("kfix"), "store", *arguments],
        env={**os.environ, "KFIX_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_migrated_store_is_what_the_tables_say(store: Engine) -> None:
    assert differences(store) == []
    tables = set(inspect(store).get_table_names())
    assert tables == {*metadata.tables, "alembic_version"}


def test_the_comparison_sees_a_missing_column(store: Engine) -> None:
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE incidents DROP COLUMN closed_at"))
    assert [found[0] for found in differences(store)] == ["add_column"]


def test_every_step_goes_down_and_up_again_and_keeps_what_it_does_not_drop(store: Engine) -> None:
    row = "INSERT INTO memory_vectors VALUES ('inc-1', 'm', 3, '', '{}', 1, 'what it was made of')"
    with store.begin() as connection:
        connection.execute(text(row))
    step(store, downgrade, "0005")
    columns = {column["name"] for column in inspect(store).get_columns("memory_vectors")}
    assert columns == {"id", "model", "dimension", "vector", "metadata", "version"}
    assert migrate(store) == NEWEST
    with store.connect() as connection:
        kept = connection.execute(text("SELECT id, version, text FROM memory_vectors")).one()
    assert kept == ("inc-1", 1, "")
    step(store, downgrade, "base")
    assert set(inspect(store).get_table_names()) == {"alembic_version"}
    assert migrate(store) == NEWEST
    assert differences(store) == []


def step(engine: Engine, go: Callable[[Config, str], None], revision: str) -> None:
    with engine.connect() as connection:
        config = Config()
        config.set_main_option(
            "script_location", str(Path(migrations.__file__).with_name("migrations"))
        )
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        go(config, revision)
        connection.commit()


def test_migrating_again_changes_nothing_and_keeps_the_rows(store: Engine) -> None:
    with store.begin() as connection:
        connection.execute(text("INSERT INTO fingerprints VALUES ('fp-1', 'inc-1')"))
    assert migrate(store) == NEWEST
    assert status(store) == (NEWEST, NEWEST)
    with store.connect() as connection:
        assert connection.execute(text("SELECT * FROM fingerprints")).one() == ("fp-1", "inc-1")


def test_a_store_without_tables_says_so(store_url: str) -> None:
    engine = open_engine(store_url)
    assert status(engine) == ("", NEWEST)
    engine.dispose()


def test_eight_that_start_at_once_migrate_once(store_url: str) -> None:
    def start(_: int) -> str:
        engine = open_store(store_url)
        found = status(engine)[0]
        engine.dispose()
        return found

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(start, range(8))) == [NEWEST] * 8


def test_processes_that_start_at_once_migrate_once(store_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: kfix(store_url, "migrate"), range(4)))
    assert [(one.returncode, one.stdout) for one in done] == [(0, f"revision {NEWEST}\n")] * 4, done


def test_a_migration_cut_off_half_way_leaves_nothing_and_can_be_run_again(store_url: str) -> None:
    engine = open_engine(store_url)
    statements = []

    @event.listens_for(engine, "before_cursor_execute")
    def cut_off(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)
        if "CREATE TABLE merge_requests" in statement:
            raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        migrate(engine)
    engine.dispose()
    assert any("CREATE TABLE incidents" in statement for statement in statements)
    again = open_store(store_url)
    assert differences(again) == []
    again.dispose()


def test_a_newer_store_is_refused_and_left_alone(store: Engine, store_url: str) -> None:
    with store.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(errors.Permanent, match=r"9999.*newer K-Fix") as refused:
        open_store(store_url)
    assert refused.value.reason == "store_too_new"
    assert status(store) == ("9999", NEWEST)
    told = kfix(store_url, "migrate")
    assert (told.returncode, told.stdout) == (1, "")
    assert "use a newer K-Fix" in told.stderr
    assert "Traceback" not in told.stderr


def test_the_command_tells_where_the_store_stands(store_url: str) -> None:
    before = kfix(store_url, "status")
    assert (before.returncode, before.stdout) == (1, f"in place: nothing; this version: {NEWEST}\n")
    assert kfix(store_url, "migrate").returncode == 0
    after = kfix(store_url, "status")
    assert (after.returncode, after.stdout) == (0, f"in place: {NEWEST}; this version: {NEWEST}\n")


def test_a_database_that_is_away_is_a_typed_failure_without_traceback() -> None:
    away = "postgresql+psycopg2://app@127.0.0.1:1/none"
    with pytest.raises(errors.Unavailable, match="does not answer"):
        open_store(away)
    for command in ("migrate", "status"):
        told = kfix(away, command)
        assert (told.returncode, told.stdout) == (1, "")
        assert "does not answer" in told.stderr
        assert "Traceback" not in told.stderr
