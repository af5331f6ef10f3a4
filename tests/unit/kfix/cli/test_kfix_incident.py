"""``kfix incident`` tells where incidents stand, as the console does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from console.adapters.sql import SqlProjection
from kfix.cli import incident
from kfix.engine.topics import BY_MODEL
from kfix.infra.store.engine import open_store
from tests.support.console_samples import INCIDENT, SECOND, failed_then_held
from tests.support.logs import logs_as_they_were


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'kfix.db'}"
    monkeypatch.setenv("KFIX_DATABASE_URL", url)
    engine = open_store(url)
    projection = SqlProjection(engine)

    async def fill() -> None:
        for record in reversed(failed_then_held()):
            await projection.keep(BY_MODEL[type(record)].name, record)

    asyncio.run(fill())
    engine.dispose()


def kfix(*arguments: str) -> Result:
    app = typer.Typer()
    incident.register(app)
    with logs_as_they_were():
        return CliRunner().invoke(app, ["incident", *arguments])


@pytest.mark.usefixtures("store")
def test_the_list_says_the_state_and_the_attempt_and_can_be_asked_for_a_state() -> None:
    for arguments in (("list",), ("list", "--state", "held")):
        told = kfix(*arguments)
        assert told.exit_code == 0, told.output
        (line,) = told.stdout.splitlines()
        assert line.split()[2:4] == [INCIDENT, "held"]
        assert line.endswith("attempt 2")
    assert kfix("list", "--state", "failed").stdout == ""


@pytest.mark.usefixtures("store")
def test_an_unknown_state_is_said_with_those_there_are() -> None:
    told = kfix("list", "--state", "heldd")
    assert told.exit_code == 2
    assert "no such state" in told.output


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("name", [INCIDENT, SECOND])
def test_an_incident_is_shown_with_all_attempts_whichever_is_named(name: str) -> None:
    shown = json.loads(kfix("show", name).stdout)
    assert shown["incident_id"] == INCIDENT
    assert [attempt["state"] for attempt in shown["attempts"]] == ["failed", "held"]
