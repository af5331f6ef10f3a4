"""`kfix memory vetoes`, `lift` and `calibration`, as a person types them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from decide.adapters.trials import SqlTrialBook
from decide.core.experience.trials import ended_trial
from decide.ports import Proposed
from kfix.cli import memory as commands
from kfix.infra.store.engine import open_store
from schemas.context import OutcomeResult
from tests.support.decide.tried import NOW, WEB, outcome, plan
from tests.support.logs import logs_as_they_were


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    found = f"sqlite:///{tmp_path / 'store.db'}"
    monkeypatch.setenv("KFIX_DATABASE_URL", found)
    return found


def cli() -> typer.Typer:
    app = typer.Typer()
    commands.register(app)
    return app


def kfix(*arguments: str) -> tuple[int, str]:
    with logs_as_they_were():
        said = CliRunner().invoke(cli(), ["memory", *arguments])
    return said.exit_code, said.output


def on(url: str, work: Any) -> Any:
    engine = open_store(url)

    async def done() -> Any:
        found: Coroutine[Any, Any, Any] = work(SqlTrialBook(engine, timedelta(days=7)))
        return await found

    try:
        return asyncio.run(done())
    finally:
        engine.dispose()


async def lived(book: SqlTrialBook, count: int, share: float = 0.0, *, apart: bool = False) -> None:
    for n in range(count):
        of = plan(target=WEB.model_copy(update={"name": f"web-{n}"})) if apart else plan()
        one = Proposed(f"inc-{n}", of, "oom_limit_too_low", "prod", "production", 0.82)
        assert await book.admit([one], at=NOW) == {}
        result: OutcomeResult = "success" if n < share * count else "failure"
        trial = ended_trial(outcome(f"inc-{n}", of, result))
        assert trial is not None
        await book.ended(trial)


def test_a_veto_is_shown_lifted_by_a_person_and_gone(url: str) -> None:
    on(url, lambda book: lived(book, 2))
    assert kfix("vetoes") == (0, f"{WEB.key}\tset_memory\tprod\tinc-0, inc-1\n")
    code, said = kfix("lift", WEB.key, "set_memory", "--by", "ada", "--reason", "password=hunter22")
    assert (code, said) == (0, f"{WEB.key} set_memory: lifted, by ada\n")
    assert kfix("vetoes") == (0, "")
    (word,) = on(url, lambda book: book.lifted())
    assert (word.lifted_by, "hunter22" in word.reason) == ("ada", False)
    code, said = kfix("lift", WEB.key, "set_memory", "--by", "ada")
    assert (code, "nothing stood against it" in said) == (1, True)


@pytest.mark.parametrize(
    "wrong", [("web", "set_memory"), (WEB.key, "set_fire")], ids=["no object", "no fix"]
)
def test_what_is_no_object_or_no_fix_is_refused(url: str, wrong: tuple[str, str]) -> None:
    code, _ = kfix("lift", *wrong)
    assert code == 2
    assert on(url, lambda book: book.lifted()) == ()


def test_the_reliability_diagram_as_text_json_and_drawing(url: str, tmp_path: Path) -> None:
    on(url, lambda book: lived(book, 60, 0.5, apart=True))
    drawing = tmp_path / "calibration.svg"
    code, said = kfix("calibration", "--svg", str(drawing))
    assert code == 0
    assert "0.8-0.9\t60\t0.82\t0.50\t0.38-0.62\t" in said
    assert "60 outcomes; expected calibration error 0.320" in said
    assert drawing.read_text().startswith("<svg")
    code, said = kfix("calibration", "--json")
    found = json.loads(said)
    assert found["bars"][0]["count"] == 60
    assert found["error_said"] < found["error"] == pytest.approx(0.32)


def test_nothing_known_is_an_empty_diagram(url: str) -> None:
    code, said = kfix("calibration")
    assert (code, "0 outcomes" in said) == (0, True)
