"""Every book of second opinions: the budget holds, also across processes, and answers come back by content."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from decide.adapters.opinions import SqlBook
from decide.core.question import ModelAnswer
from decide.ports import Allowance, OpinionBook
from kfix.infra.store.engine import open_engine
from schemas import errors
from tests.support.opinion_books import MemoryBook

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
ANSWER = ModelAnswer(
    hypothesis="H1", plan="none", verdict="needs_human", confidence=0.5, explanation="é"
)
Opener = Callable[[Allowance], OpinionBook]


class Clock:
    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sql"])
def opener(request: pytest.FixtureRequest, store: Engine, clock: Clock) -> Opener:
    if request.param == "memory":
        return lambda allowance: MemoryBook(allowance, clock)
    return lambda allowance: SqlBook(store, allowance, clock)


async def reserve(book: OpinionBook, incident: str = "fp-1", tokens: int = 100) -> bool:
    return bool(await book.reserve("k", "m", incident, tokens))


async def test_calls_per_hour_are_bounded_and_come_back(opener: Opener, clock: Clock) -> None:
    book = opener(Allowance(2, 10**6, 99, 10**6))
    assert [await reserve(book, f"fp-{n}") for n in range(3)] == [True, True, False]
    clock.pass_(minutes=61)
    assert await reserve(book)


async def test_calls_per_incident_are_bounded_for_a_day(opener: Opener, clock: Clock) -> None:
    book = opener(Allowance(99, 10**6, 2, 10**6))
    assert [await reserve(book) for _ in range(3)] == [True, True, False]
    assert await reserve(book, "fp-2")
    clock.pass_(hours=2)
    assert not await reserve(book)
    clock.pass_(hours=23)
    assert await reserve(book)


async def test_tokens_are_reserved_before_and_corrected_after_the_call(opener: Opener) -> None:
    book = opener(Allowance(99, 1000, 99, 1000))
    call = await book.reserve("k", "m", "fp-1", 900)
    assert not await reserve(book, tokens=200)
    await book.settle(call, 300, None)
    assert await reserve(book, tokens=700)
    assert not await reserve(book, tokens=1)


async def test_tokens_per_incident_are_bounded(opener: Opener) -> None:
    book = opener(Allowance(99, 10**6, 99, 500))
    assert await reserve(book, tokens=500)
    assert not await reserve(book, tokens=1)
    assert await reserve(book, "fp-2", tokens=1)


async def test_an_answer_comes_back_for_the_same_question_and_model(
    opener: Opener, clock: Clock
) -> None:
    book = opener(Allowance(99, 10**6, 99, 10**6))
    assert await book.answer("k", "m") is None
    call = await book.reserve("k", "m", "fp-1", 10)
    assert await book.answer("k", "m") is None
    await book.settle(call, 5, ANSWER)
    assert await book.answer("k", "m") == ANSWER
    assert await book.answer("k", "another") is None
    assert await book.answer("other", "m") is None
    clock.pass_(days=31)
    assert await book.answer("k", "m") is None


async def test_processes_that_ask_at_once_share_one_budget(store: Engine, store_url: str) -> None:
    del store  # migrated
    others = [open_engine(store_url) for _ in range(4)]
    books = [SqlBook(other, Allowance(5, 10**6, 99, 10**6)) for other in others]
    taken = await asyncio.gather(*(reserve(books[n % 4], f"fp-{n}") for n in range(12)))
    assert sum(taken) == 5
    for other in others:
        other.dispose()


async def test_a_store_that_is_away_is_a_typed_failure() -> None:
    engine: Engine = open_engine("postgresql+psycopg2://kfix@127.0.0.1:9/none?connect_timeout=1")
    with pytest.raises(errors.Unavailable):
        await SqlBook(engine, Allowance(1, 1, 1, 1)).answer("k", "m")
    engine.dispose()
