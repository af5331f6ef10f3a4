"""The book of proposed fixes: both databases, words in any order and twice, replicas at once, restarts."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from decide.adapters.recalled import RecalledTrialBook
from decide.adapters.trials import SqlTrialBook
from decide.core.experience.trials import (
    Experience,
    ExperienceAsked,
    LiftedVeto,
    ended_trial,
)
from decide.ports import Proposed
from kfix.infra.store.engine import open_engine, open_store
from schemas import errors
from schemas.context import OutcomeResult
from schemas.feedback import Feedback
from schemas.outcomes import Outcome
from schemas.plans import ActionPlan
from tests.support.decide.tried import NOW, WEB, judged, outcome, plan

WAITS = timedelta(days=7)
ASKED = ExperienceAsked("oom_limit_too_low", "prod", (WEB.key,))


Book = SqlTrialBook | RecalledTrialBook


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def replicas(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Book]]:
    if request.param == "memory":
        yield [RecalledTrialBook(WAITS)] * 3
        return
    store_url = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "postgres":
        store_url = request.getfixturevalue("postgres_server").database()
    engines = [open_store(store_url) for _ in range(3)]
    yield [SqlTrialBook(engine, WAITS) for engine in engines]
    for engine in engines:
        engine.dispose()


@pytest.fixture
def book(replicas: list[Book]) -> Book:
    return replicas[0]


def proposed(
    incident: str, *plans: ActionPlan, predicted: float | None = 0.8, cluster: str = "prod"
) -> list[Proposed]:
    return [
        Proposed(incident, one, "oom_limit_too_low", cluster, "production", predicted)
        for one in plans
    ]


async def told(book: Book, said: Outcome) -> None:
    trial = ended_trial(said)
    assert trial is not None
    await book.ended(trial)


def ends(experience: Experience) -> list[tuple[str, OutcomeResult]]:
    return sorted((one.incident_id, one.result) for one in experience.fared)


async def test_what_was_proposed_tells_nothing_until_it_ended(book: Book) -> None:
    assert await book.admit(proposed("inc-1", plan()), at=NOW) == {}
    assert (await book.experience(ASKED)).is_empty
    await told(book, outcome("inc-1", plan()))
    found = await book.experience(ASKED)
    assert ends(found) == [("inc-1", "failure")]
    assert [(one.incident_id, one.failed, one.at) for one in found.known] == [("inc-1", True, NOW)]
    other = ExperienceAsked("crash_loop", "prod", ("Deployment/shop/api",))
    assert (await book.experience(other)).is_empty


async def test_the_word_told_last_counts_in_whatever_order_words_come(store_url: str) -> None:
    later = {"at": NOW + timedelta(hours=1), "checked_at": NOW}
    words = [
        outcome("inc-1", plan(), "success"),
        outcome("inc-1", plan(), "success", feedback=(judged("bad"),), **later),
    ]
    for n, order in enumerate(itertools.permutations([*words, words[0]])):
        engine = open_store(f"{store_url}")
        book = SqlTrialBook(engine, WAITS)
        for one in order:
            named = one.model_copy(update={"incident_id": f"inc-{n}"})
            await told(book, named)
        engine.dispose()
    engine = open_store(store_url)
    found = await SqlTrialBook(engine, WAITS).experience(ASKED)
    engine.dispose()
    assert ends(found) == [(f"inc-{n}", "failure") for n in range(6)]


async def test_an_outcome_of_an_older_version_is_where_it_was_proposed(book: Book) -> None:
    old = {"cluster": "", "environment": "unknown"}
    for incident, first in (("inc-1", True), ("inc-2", False)):
        if first:
            await book.admit(proposed(incident, plan()), at=NOW)
        await told(book, outcome(incident, plan(), **old))
        if not first:
            await book.admit(proposed(incident, plan()), at=NOW)
    found = await book.experience(ASKED)
    assert {one.environment for one in found.fared} == {"production"}
    assert {one.cluster for one in found.known} == {"prod"}


async def test_the_third_proposal_is_refused_and_a_person_lifts_it(book: Book) -> None:
    for incident in ("inc-1", "inc-2"):
        assert await book.admit(proposed(incident, plan()), at=NOW) == {}
        await told(book, outcome(incident, plan()))
    third = proposed("inc-3", plan(after="1Gi"), plan("set_cpu"))
    refused = await book.admit(third, at=NOW)
    assert list(refused) == ["plan-set_memory"]
    assert "inc-1, inc-2" in refused["plan-set_memory"]
    word = LiftedVeto(
        cluster="prod",
        object_key=WEB.key,
        fix_kind="set_memory",
        lifted_at=NOW + timedelta(hours=1),
        lifted_by="ada",
        reason="the leak is mended",
    )
    await book.lift(word)
    await book.lift(word)
    assert list(await book.lifted()) == [word]
    assert await book.admit(third, at=NOW) == {}
    assert (await book.experience(ASKED)).lifted == (word,)


async def test_a_redelivered_decision_is_answered_as_it_was(book: Book) -> None:
    for incident in ("inc-1", "inc-2"):
        await book.admit(proposed(incident, plan()), at=NOW)
        await told(book, outcome(incident, plan()))
    assert await book.admit(proposed("inc-2", plan()), at=NOW) == {}
    assert [one.incident_id for one in await book.failures()] == ["inc-2", "inc-1"]


async def test_an_ended_incidents_other_plans_wait_no_more(book: Book) -> None:
    for incident in ("inc-1", "inc-2"):
        await book.admit(proposed(incident, plan("set_cpu"), plan()), at=NOW)
    assert list(await book.admit(proposed("inc-3", plan()), at=NOW)) == ["plan-set_memory"]
    await told(book, outcome("inc-1", plan("set_cpu"), "success"))
    assert await book.admit(proposed("inc-3", plan()), at=NOW) == {}


async def test_replicas_that_propose_at_once_propose_no_more_than_one_by_one(
    replicas: list[Book],
) -> None:
    found = await asyncio.gather(
        *(
            replicas[n % 3].admit(proposed(f"inc-{n}", plan(), plan("set_cpu")), at=NOW)
            for n in range(9)
        )
    )
    assert sorted(len(one) for one in found) == [0, 0, *[2] * 7]


async def test_predictions_are_told_from_forty_on(book: Book) -> None:
    for n in range(40):
        of = plan(target=WEB.model_copy(update={"name": f"web-{n}"}))
        await book.admit(proposed(f"inc-{n}", of, predicted=0.815), at=NOW)
        assert (await book.experience(ASKED)).predictions == ()
        await told(book, outcome(f"inc-{n}", of, "success" if n % 4 else "failure"))
    (found,) = (await book.experience(ASKED)).predictions
    assert (found.count, found.predicted, found.held) == (40, 40 * 815, 30_000)
    assert await book.predictions() == (found,)


async def test_a_doubted_diagnosis_was_predicted_wrongly_and_its_fix_held(
    book: Book,
) -> None:
    doubt = Feedback(author="ada", verdict="bad", about="cause")
    await book.admit(proposed("inc-1", plan()), at=NOW)
    await told(book, outcome("inc-1", plan(), "success", feedback=(doubt,)))
    assert ends(await book.experience(ASKED)) == [("inc-1", "success")]
    (found,) = await book.predictions()
    assert (found.count, found.held) == (1, 0)


async def test_a_store_without_tables_is_a_typed_failure(store_url: str) -> None:
    engine = open_engine(store_url)
    with pytest.raises(errors.Unavailable, match="book of fixes"):
        await SqlTrialBook(engine, WAITS).experience(ASKED)
    engine.dispose()
