"""A handler says the types of its topics, or its stage cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kfix.cli.stage_registry import NAMES, find
from kfix.engine import topics
from kfix.engine.runtime.stage import Stage
from schemas import errors
from schemas.alerts import RawAlert
from schemas.base import Record
from schemas.context import ContextBundle
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Outcome

ROOT = Path(__file__).resolve().parents[5]


@asynccontextmanager
async def nothing() -> AsyncIterator[None]:
    yield None


def stage() -> Stage[None]:
    return Stage("tried", ports=nothing)


async def takes_another(record: Outcome, ports: None) -> None: ...
async def takes_anything(record: Any, ports: None) -> None: ...
async def takes_unsaid(record, ports) -> None: ...  # type: ignore[no-untyped-def]
async def takes_nothing() -> None: ...
async def takes_unknown(record: Nowhere, ports: None) -> None: ...  # type: ignore[name-defined]  # noqa: F821
async def answers_another(record: RawAlert, ports: None) -> Outcome: ...
async def answers_another_among(
    record: RawAlert, ports: None
) -> Sequence[ContextBundle | Outcome] | None: ...
async def answers_any_record(record: RawAlert, ports: None) -> Record: ...
async def answers_anything(record: RawAlert, ports: None) -> Any: ...
async def answers_unsaid(record: RawAlert, ports: None): ...  # type: ignore[no-untyped-def]


async def one(record: RawAlert, ports: None) -> ContextBundle: ...
async def perhaps(record: RawAlert, ports: None) -> ContextBundle | None: ...
async def several(record: RawAlert, ports: None) -> list[ContextBundle]: ...
async def any_number(record: RawAlert, ports: None) -> tuple[ContextBundle, ...]: ...
async def none(record: RawAlert, ports: None) -> None: ...
async def of_every_topic(record: Record, ports: None) -> ContextBundle: ...


@pytest.mark.parametrize(
    "wrong",
    [
        takes_another,
        takes_anything,
        takes_unsaid,
        takes_nothing,
        takes_unknown,
        answers_another,
        answers_another_among,
        answers_any_record,
        answers_anything,
        answers_unsaid,
    ],
)
def test_a_handler_of_other_types_than_its_topics_is_refused_where_it_is_registered(
    wrong: Any,
) -> None:
    tried = stage()
    with pytest.raises(errors.Defect, match=wrong.__name__):
        tried.handles(topics.ALERTS_RAW, writes=(topics.CONTEXT_BUNDLE,))(wrong)
    assert tried.handlers == []


@pytest.mark.parametrize("right", [one, perhaps, several, any_number, none, of_every_topic])
def test_a_handler_of_its_topics_types_is_registered(right: Any) -> None:
    tried = stage()
    tried.handles(topics.ALERTS_RAW, writes=(topics.CONTEXT_BUNDLE,))(right)
    assert [handler.call for handler in tried.handlers] == [right]


def test_a_handler_may_answer_records_of_each_of_its_topics() -> None:
    async def both(record: RawAlert, ports: None) -> Outcome | list[MergeRequestEvent]: ...

    tried = stage()
    tried.handles(topics.ALERTS_RAW, writes=(topics.OUTCOMES, topics.MR_EVENTS))(both)
    with pytest.raises(errors.Defect, match="MergeRequestEvent"):
        stage().handles(topics.ALERTS_RAW, writes=(topics.OUTCOMES,))(both)


def test_a_handler_that_writes_nothing_answers_nothing() -> None:
    stage().handles(topics.ALERTS_RAW)(none)
    with pytest.raises(errors.Defect, match="nothing"):
        stage().handles(topics.ALERTS_RAW)(one)


def test_a_timer_answers_what_its_stage_writes() -> None:
    async def tick(ports: None) -> list[Outcome]:
        return []

    tried = stage()
    tried.every(seconds=lambda _: 1.0, writes=(topics.OUTCOMES,))(tick)
    assert [timer.call for timer in tried.timers] == [tick]
    with pytest.raises(errors.Defect, match="tick"):
        tried.every(seconds=lambda _: 1.0, writes=(topics.MR_EVENTS,))(tick)


@pytest.mark.parametrize("name", NAMES)
def test_every_stage_keeps_to_it(name: str) -> None:
    found = find(name)
    assert found.handlers or found.http is not None


WRONG = """
from kfix.engine import topics
from kfix.engine.runtime.stage import Stage
from schemas.alerts import RawAlert
from schemas.context import ContextBundle
from schemas.outcomes import Outcome

def register(app: Stage[int]) -> None:
    @app.handles(topics.ALERTS_RAW, writes=(topics.CONTEXT_BUNDLE,))
    async def right(record: RawAlert, ports: int) -> ContextBundle | None:
        return None

    @app.handles(topics.OUTCOMES, writes=(topics.CONTEXT_BUNDLE,))
    async def takes_another(record: RawAlert, ports: int) -> ContextBundle | None:
        return None

    @app.handles(topics.ALERTS_RAW, writes=(topics.CONTEXT_BUNDLE,))
    async def answers_another(record: RawAlert, ports: int) -> Outcome | None:
        return None

    @app.handles(topics.ALERTS_RAW)
    async def answers_unasked(record: RawAlert, ports: int) -> Outcome | None:
        return None

    @app.every(seconds=lambda ports: 1.0, writes=(topics.OUTCOMES,))
    async def ticks_another(ports: int) -> list[ContextBundle]:
        return []
"""


@pytest.mark.slow
def test_the_type_checker_sees_the_same(tmp_path: Path) -> None:
    tried = tmp_path / "tried.py"
    tried.write_text(WRONG)
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]
    told = subprocess.run(
        [*command, "--cache-dir", str(tmp_path / "cache"), str(tried)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    lines = WRONG.splitlines()
    wrong = [lines[int(line.split(":")[1])] for line in told.splitlines() if "tried.py:" in line]
    assert [line.split("def ")[1].split("(")[0] for line in wrong if "def " in line] == [
        "takes_another",
        "answers_another",
        "answers_unasked",
        "ticks_another",
    ], told


def test_what_a_handler_answers_goes_to_one_topic_only() -> None:
    assert len({topic.model for topic in topics.ALL}) == len(topics.ALL)
