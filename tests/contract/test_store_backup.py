"""A backup is restored, what happened after it comes again from the topics, and nothing is lost or there twice."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url
from typer import Typer
from typer.testing import CliRunner

from decide.adapters.ledger import SqlIncidentLedger
from kfix.cli.store import register
from kfix.infra.store.backup import back_up, restore
from kfix.infra.store.engine import open_store
from learn.adapters.sql import SqlLearnLedger
from learn.service.following import follow
from publish.adapters.sql import SqlPublishLedger
from publish.agent import publish
from schemas import errors
from schemas.merge_requests import MergeRequestEvent
from schemas.validated import ValidatedPlans
from tests.support import learn as learning
from tests.support import publish as sample
from tests.support.logs import logs_as_they_were
from tests.support.publish_world import World, done, world  # noqa: F401
from tests.support.remembered import dumped
from tools.realparts import postgres

# ruff: noqa: F811  (fixtures are imported by name)


class Backups:
    """Backups of one store, as docs/operations.md says."""

    def __init__(self, url: str, folder: Path, request: pytest.FixtureRequest) -> None:
        self._url = url
        self._file = folder / "backup"
        self._folder = folder
        self._request = request
        self._sqlite = url.startswith("sqlite")

    def make(self) -> None:
        if self._sqlite:
            back_up(self._url, self._file)
        else:
            self._run("pg_dump", "--format=custom", f"--file={self._file}", self._uri(self._url))

    def restored(self) -> Engine:
        if self._sqlite:
            url = f"sqlite:///{self._folder / 'restored.db'}"
            restore(url, self._file)
        else:
            server = self._request.getfixturevalue("postgres_server")
            url = server.database()
            self._run(
                "pg_restore", "--exit-on-error", f"--dbname={self._uri(url)}", str(self._file)
            )
        return open_store(url)

    def _uri(self, url: str) -> str:
        return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(postgres.programs() / program), *arguments]
        subprocess.run(command, check=True, timeout=60, capture_output=True)


@pytest.fixture
def backups(store_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Backups:
    return Backups(store_url, tmp_path, request)


class Chain:
    """From the alert to what learn follows, on one store; the forge and the chats are the world's."""

    def __init__(self, engine: Engine, world: World) -> None:
        self._decide = SqlIncidentLedger(engine)
        self._world = world
        self._publish = replace(world.ports, ledger=SqlPublishLedger(engine))
        self.learned = SqlLearnLedger(engine)
        self._learn = learning.ports(engine, learning.World())

    async def alert(self, number: int) -> ValidatedPlans:
        """Decided: the record that publish reads."""
        joined = await self._decide.join(
            fingerprint=f"fp-{number}",
            cycle=f"cy-{number}",
            delivery_id=f"d-{number}",
            at=sample.NOW + timedelta(minutes=number),
        )
        made = await self._world.record(
            incident_id=joined.incident_id,
            fingerprint=joined.fingerprint,
            role=joined.role,
            event_id=f"val-{number}",
        )
        context = made.context.model_copy(update={"cluster": f"eu-{number}"})
        return sample.of_its_own(made.model_copy(update={"context": context}), number)

    async def opened(self, record: ValidatedPlans) -> MergeRequestEvent:
        event = await done(publish(record, self._publish))
        await follow(event, self._learn)
        return event

    async def merged(self, event: MergeRequestEvent) -> None:
        word = {"event_id": f"{event.event_id}-merged", "action": "merged", "proposal": None}
        merged_at = sample.NOW + timedelta(hours=1)
        await follow(event.model_copy(update={**word, "merged_at": merged_at}), self._learn)


async def test_after_a_restore_the_chain_goes_on_with_nothing_lost_or_doubled(
    store: Engine, backups: Backups, world: World
) -> None:
    before = Chain(store, world)
    first = await before.alert(1)
    first_opened = await before.opened(first)
    backups.make()
    second = await before.alert(2)
    second_opened = await before.opened(second)
    await before.merged(first_opened)
    assert len(world.merge_requests) == 2

    restored = backups.restored()
    after = Chain(restored, world)
    assert await after.learned.find(second.incident_id) is None
    # The groups were set back to the backup, and a little before it: everything comes again, once more than needed.
    for number, then, opened in ((1, first, first_opened), (2, second, second_opened)):
        again = await after.alert(number)
        assert (again.incident_id, again.role) == (then.incident_id, "first")
        event = await after.opened(again)
        assert (event.event_id, event.merge_request and event.merge_request.iid) == (
            opened.event_id,
            opened.merge_request and opened.merge_request.iid,
        )
    await after.merged(first_opened)
    assert len(world.merge_requests) == 2
    due = await after.learned.claim(
        sample.NOW + timedelta(days=1), lease_until=sample.NOW + timedelta(days=2), limit=9
    )
    assert [check.followed.incident_id for check in due] == [first.incident_id]
    third = await after.opened(await after.alert(3))
    assert third.action == "opened"
    assert len(world.merge_requests) == 3
    # A message that went out after the backup may go out once more; of those before it none does.
    assert len(world.slack.messages) == 4
    restored.dispose()


async def test_a_restored_store_is_the_one_that_was_backed_up(
    store: Engine, backups: Backups, world: World
) -> None:
    chain = Chain(store, world)
    await chain.opened(await chain.alert(1))
    backups.make()
    then = dumped(store)
    await chain.opened(await chain.alert(2))
    restored = backups.restored()
    assert dumped(restored) == then != dumped(store)
    restored.dispose()


# --- the commands, which are for SQLite


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    open_store(url).dispose()
    return url


def run(url: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    app = Typer()
    register(app)
    monkeypatch.setenv("KFIX_DATABASE_URL", url)
    with logs_as_they_were():
        ended = CliRunner().invoke(app, ["store", *arguments])
    return ended.exit_code, ended.output


def test_a_backup_is_made_beside_a_writer_and_is_for_its_owner_alone(
    sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, file = open_store(sqlite), tmp_path / "backup"
    with engine.begin() as writing:
        writing.exec_driver_sql("INSERT INTO fingerprints VALUES ('fp-1', 'inc-1')")
    with engine.begin() as writing:
        writing.exec_driver_sql("INSERT INTO fingerprints VALUES ('fp-2', 'inc-2')")
        assert run(sqlite, monkeypatch, "backup", str(file)) == (0, "")
    assert file.stat().st_mode & 0o077 == 0
    other = f"sqlite:///{tmp_path / 'new' / 'store.db'}"
    code, said = run(other, monkeypatch, "restore", str(file))
    assert (code, said.startswith("revision ")) == (0, True)
    restored = open_store(other)
    with restored.connect() as reading:
        rows = reading.exec_driver_sql("SELECT fingerprint FROM fingerprints").scalars().all()
    assert rows == ["fp-1"]
    restored.dispose()
    engine.dispose()


def test_a_store_that_is_there_is_never_overwritten(
    sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "backup"
    back_up(sqlite, file)
    before = (tmp_path / "store.db").read_bytes()
    code, said = run(sqlite, monkeypatch, "restore", str(file))
    assert (code, "there is a store already (store.db" in said) == (3, True)
    assert (tmp_path / "store.db").read_bytes() == before


@pytest.mark.parametrize("damage", ["cut", "text", "another", "newer"])
def test_a_bad_backup_leaves_no_store(
    sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    file, target = tmp_path / "backup", tmp_path / "target.db"
    back_up(sqlite, file)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:40_000])
    elif damage == "text":
        file.write_text("no database")
    else:
        engine = open_store(f"sqlite:///{file}")
        with engine.begin() as connection:
            if damage == "another":
                connection.exec_driver_sql("DROP TABLE alembic_version")
            else:
                connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        engine.dispose()
    code, _ = run(f"sqlite:///{target}", monkeypatch, "restore", str(file))
    if damage == "newer":
        # It is a whole store; a version that does not know it refuses to open it.
        assert code == 0
        with pytest.raises(errors.Permanent, match="newer K-Fix"):
            open_store(f"sqlite:///{target}")
        return
    assert code in (1, 3)
    assert not list(tmp_path.glob("target*"))


def test_another_database_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+psycopg2://app@127.0.0.1:1/none"
    for command in ("backup", "restore"):
        (tmp_path / "x").touch()
        code, said = run(url, monkeypatch, command, str(tmp_path / "x"))
        assert (code, "use pg_dump and pg_restore" in said) == (3, True)


def test_a_store_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = run(f"sqlite:///{tmp_path / 'no.db'}", monkeypatch, "backup", str(tmp_path / "b"))
    assert (code, "there is no store" in said) == (1, True)
    assert list(tmp_path.iterdir()) == []
