"""What is to be forgotten is gone from every table and the memory; the keys by which nothing happens twice are not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import Engine, select
from typer import Typer
from typer.testing import CliRunner

from console.adapters.sql import SqlProjection
from decide.adapters.ledger import SqlIncidentLedger
from kfix.cli.forget import register
from kfix.infra.memory.opening import OpenedMemory, open_memory
from kfix.infra.store.forgetting import ERASED, choose
from kfix.infra.store.housekeeping_tables import erasures
from kfix.infra.store.learn_tables import incident_feedback, incident_outcomes
from kfix.infra.store.people import Person
from learn.adapters.sql import SqlLearnLedger
from publish.adapters.sql import SqlPublishLedger
from schemas.identity import next_attempt
from tests.support.logs import logs_as_they_were
from tests.support.remembered import NOW, PERSON, WORDS, after, dumped, keep, rows

MARK, OTHER = "canarybird", "otherbird"
Forget = Callable[..., Result]


@pytest.fixture
def forget(store_url: str, monkeypatch: pytest.MonkeyPatch) -> Forget:
    """``kfix forget`` on the store, in this process."""
    monkeypatch.setenv("KFIX_DATABASE_URL", store_url)
    app = Typer()
    app.callback()(lambda: None)
    register(app)

    def run(*arguments: str) -> Result:
        with logs_as_they_were():
            return CliRunner().invoke(app, ["forget", *arguments, "--who", "officer"])

    return run


def with_memory(engine: Engine, work: Callable[[OpenedMemory], Coroutine[Any, Any, Any]]) -> Any:
    async def done() -> Any:
        async with open_memory(engine) as memory:
            return await work(memory)

    return asyncio.run(done())


def kept(engine: Engine, delivery: str, mark: str, state: str = "merged") -> str:
    found = with_memory(engine, lambda m: keep(engine, m, delivery, mark=mark, state=state))
    assert isinstance(found, str)
    return found


def counts(said: Result) -> dict[str, int]:
    """The counts that were printed."""
    lines = [line.split("\t") for line in said.stdout.splitlines() if line.count("\t") == 1]
    return {name: int(number) for name, number in lines}


def test_counting_changes_nothing(store: Engine, forget: Forget) -> None:
    incident = kept(store, "d-1", MARK)
    before = dumped(store)
    said = forget(incident)
    assert said.exit_code == 0, said.output
    assert "nothing was changed: --yes forgets" in said.stderr
    assert counts(said)["incident_feedback"] == counts(said)["vectors"] == 1
    assert counts(said)["incident_records"] >= 7
    assert dumped(store) == before


def test_an_incident_is_gone_from_every_table_and_its_keys_are_not(
    store: Engine, forget: Forget
) -> None:
    incident, other = kept(store, "d-1", MARK), kept(store, "d-2", OTHER)
    told = counts(forget(incident))
    before = rows(store)
    said = forget(incident, "--yes", "--why", "asked for on 1 March")
    assert said.exit_code == 0, said.output
    assert counts(said) == told
    left = dumped(store)
    assert MARK not in left
    assert OTHER in left
    assert f"trace-{incident}" not in left
    assert {name for name, number in told.items() if not number} == {"memory_vectors"}
    gone = {
        "incident_records",
        "incident_lines",
        "kept_alerts",
        "failed_attempts",
        "proposals",
        "change_claims",
        "memory_vectors",
    }
    after_it = rows(store)
    assert {name for name in before if after_it[name] < before[name]} == gone
    assert after_it["erasures"] == 1
    assert asyncio.run(SqlProjection(store).story(incident)) is None
    assert asyncio.run(SqlProjection(store).story(other)) is not None
    assert (
        "the forge keeps https://gitlab.example.com/shop/deployments/-/merge_requests/7"
        in said.stdout
    )
    assert "topics: records are gone by 2026-03-15" in said.stdout
    assert "dead letters: records are gone by 2026-03-31" in said.stdout


async def _again(store: Engine, incident: str) -> None:
    """What a stage does when the same records come again finds its keys."""
    joined = await SqlIncidentLedger(store).join(
        fingerprint="fp-d-1", cycle="cy-d-1", delivery_id="d-1", at=NOW
    )
    assert (joined.incident_id, joined.role) == (incident, "first")
    mine = await SqlPublishLedger(store).of_incident(incident)
    assert mine is not None
    assert (mine.project, mine.iid, mine.state) == ("shop/deployments", 7, "merged")
    assert await SqlPublishLedger(store).proposal_of(incident) is None
    learned = SqlLearnLedger(store)
    assert await learned.claim(after(9), lease_until=after(10), limit=9) == []
    found = await learned.outcome_of(incident)
    assert found is not None
    assert (found.object.name, found.lesson, found.feedback, found.plan) == (ERASED, "", (), None)
    (said,) = await learned.feedback_of(incident)
    assert (said.author, said.text, said.verdict) == (ERASED, "", "bad")


def test_after_it_nothing_happens_a_second_time(store: Engine, forget: Forget) -> None:
    incident = kept(store, "d-1", MARK)
    assert forget(incident, "--yes").exit_code == 0
    asyncio.run(_again(store, incident))
    again = forget(incident, "--yes")
    assert again.exit_code == 0
    assert counts(again)["incident_records"] == counts(again)["vectors"] == 0


def test_it_is_kept_who_made_it_forget_how_much_and_not_what(store: Engine, forget: Forget) -> None:
    incident = kept(store, "d-1", MARK)
    told = counts(forget(incident, "--yes", "--why", "ticket 7"))
    with store.connect() as connection:
        row = connection.execute(select(erasures)).one()._asdict()
    assert (row["who"], row["why"], row["kind"], row["incidents"]) == (
        "officer",
        "ticket 7",
        "incidents",
        1,
    )
    assert row["counts"] == {name: n for name, n in told.items() if name != "incidents"}
    assert incident not in str(row)


def test_what_is_under_way_is_left_out_and_told(store: Engine, forget: Forget) -> None:
    open_one, ended = kept(store, "d-1", MARK, state="opened"), kept(store, "d-2", OTHER)
    said = forget(open_one, ended, "--yes")
    assert said.exit_code == 3
    assert f"{open_one} is under way" in said.stderr
    left = dumped(store)
    assert MARK in left
    assert OTHER not in left


def test_a_service_a_day_and_any_attempt_choose_the_incident_with_all_its_attempts(
    store: Engine,
) -> None:
    incident = kept(store, "d-1", MARK)
    second = next_attempt(incident)

    async def attempt() -> None:
        await SqlLearnLedger(store).moved(second, "closed", NOW, None)

    asyncio.run(attempt())
    with store.connect() as connection:
        for chosen in (
            choose(connection, incident_ids=[incident]),
            choose(connection, incident_ids=[second]),
            choose(connection, service=f"cart {MARK}"),
            choose(connection, before=after(1)),
        ):
            assert chosen.ids == (incident, second)
        assert choose(connection, before=NOW).ids == ()
        assert choose(connection, service="cart").ids == ()
        assert choose(connection, incident_ids=["inc-unknown"]).ids == ()


def test_a_person_goes_with_their_words_wherever_they_are_quoted(
    store: Engine, forget: Forget
) -> None:
    incident = kept(store, "d-1", MARK)
    told = forget("--person", f"@{PERSON.title()}")
    assert told.exit_code == 0, told.output
    assert counts(told)["vectors"] == 1
    before = rows(store)
    said = forget("--person", PERSON, "--yes")
    assert said.exit_code == 0, said.output
    assert counts(said) == counts(told)
    left = dumped(store)
    assert PERSON not in left
    assert WORDS[:40] not in left
    assert MARK in left
    assert rows(store) == {**before, "erasures": 1}
    story = asyncio.run(SqlProjection(store).story(incident))
    assert story is not None
    assert story.events[-1].feedback is not None
    assert (story.events[-1].actor, story.events[-1].feedback.verdict) == (ERASED, "bad")
    with store.connect() as connection:
        feedback = connection.execute(select(incident_feedback)).one()
        outcome = connection.scalar(select(incident_outcomes.c.outcome))
    assert (feedback.author, feedback.text, feedback.verdict) == (ERASED, "", "bad")
    assert outcome["lesson"] == f"It did not hold: {ERASED}"
    hits = with_memory(store, lambda memory: memory.recall(f"state OOMKilled of {MARK}"))
    assert [hit.metadata["lesson"] for hit in hits] == [f"It did not hold: {ERASED}"]
    assert counts(forget("--person", PERSON))["incident_feedback"] == 0


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("asked by @zoë, twice: Zoë", "asked by erased, twice: erased"),
        ("zoëtrope and the zoë-pod", "zoëtrope and the erased-pod"),
        ("she said: never warm after a deploy", "she said: erased"),
        ("it was", "it was"),
    ],
)
def test_names_are_whole_words_and_quotations_go(text: str, left: str) -> None:
    person = Person("zoë", frozenset({"never warm after a deploy"}))
    assert person.without(text) == left
    assert json.dumps(person.without(text))


@pytest.mark.parametrize(
    "arguments", [(), ("inc-1", "--person", "ada"), ("--person", "al"), ("--before", "yesterday")]
)
def test_what_is_not_clear_is_refused(
    store: Engine, forget: Forget, arguments: tuple[str, ...]
) -> None:
    before = dumped(store)
    assert forget(*arguments, "--yes").exit_code == 2
    assert dumped(store) == before


def test_a_store_that_is_away_is_a_line(forget: Forget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFIX_DATABASE_URL", "postgresql+psycopg2://app@127.0.0.1:1/none")
    said = forget("inc-1")
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr.startswith("kfix: ")
