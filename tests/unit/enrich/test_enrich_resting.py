"""One of several clusters that does not answer rests, is tried by one question, and is asked again once it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from enrich.adapters.resting import Health, RestingCluster
from enrich.ports import Listing
from schemas import errors
from schemas.base import Json
from schemas.context import LogExcerpt

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)


class Reader:
    """A cluster whose answer is a listing or a failure; ``None``: it never answers."""

    def __init__(self) -> None:
        self.answer: Listing | BaseException | None = Listing()
        self.asked: list[str] = []

    def since(self, at: datetime) -> Reader:
        return self

    async def objects(self, namespace: str) -> Listing:
        self.asked.append(namespace)
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, BaseException):
            raise self.answer
        assert self.answer is not None
        return self.answer

    async def logs(self, pods: Sequence[Json]) -> list[LogExcerpt]:
        await self.objects("logs")
        return []


class World:
    def __init__(self) -> None:
        self.now = 0.0
        self.reader = Reader()
        self.cluster = RestingCluster(self.reader, Health("qa", 10.0, lambda: self.now))

    async def asked(self) -> str:
        """What becomes of one alert's question, within its deadline."""
        try:
            async with asyncio.timeout(0.02):
                await self.cluster.since(AT).objects("shop")
        except TimeoutError:
            return "late"
        except errors.KFixError as failure:
            return "rests" if "did not answer" in str(failure) else failure.reason
        return "answered"

    @property
    def told(self) -> float | None:
        """What operators see of it."""
        return REGISTRY.get_sample_value("kfix_cluster_silent", {"cluster": "qa"})


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("answer", "became"),
    [
        (errors.Unavailable("down"), "unavailable"),
        (errors.TimedOut("slow"), "timed_out"),
        (None, "late"),
    ],
)
async def test_after_no_answer_nobody_asks_until_it_has_rested(
    world: World, answer: Listing | BaseException | None, became: str
) -> None:
    world.reader.answer = answer
    assert world.told == 0
    with capture_logs() as lines:
        assert await world.asked() == became
    assert world.told == 1
    assert [(line["event"], line["cluster"]) for line in lines] == [("cluster.silent", "qa")]
    world.reader.answer = Listing()
    world.now = 9.9
    assert (await world.asked(), len(world.reader.asked)) == ("rests", 1)
    with pytest.raises(errors.Unavailable):
        await world.cluster.logs([])
    world.now = 10.0
    assert (await world.asked(), await world.asked()) == ("answered", "answered")
    assert world.told == 0


async def test_one_question_alone_tries_it(world: World) -> None:
    world.reader.answer = errors.Unavailable("down")
    await world.asked()
    world.now, world.reader.answer = 10.0, None
    both = await asyncio.gather(world.asked(), world.asked())
    assert (sorted(both), len(world.reader.asked)) == (["late", "rests"], 2)
    # It failed, so the cluster rests once more.
    assert await world.asked() == "rests"
    world.now, world.reader.answer = 20.0, Listing()
    assert await world.asked() == "answered"


@pytest.mark.parametrize(
    "answer", [errors.Unauthorized("no"), errors.NotFound("none"), errors.RateLimited("later")]
)
async def test_a_refusal_is_an_answer(world: World, answer: errors.KFixError) -> None:
    world.reader.answer = answer
    first = await world.asked()
    world.reader.answer = Listing()
    assert (first, await world.asked()) == (answer.reason, "answered")
