"""Another embedder: the old vectors are told of, moved once, and never compared with the new ones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from kfix.infra.memory.embedding import HashingEmbedder, Vector, hashed
from kfix.infra.memory.index import Space, VectorIndex
from kfix.infra.memory.opening import OpenedMemory
from kfix.infra.memory.reembedding import Reembedded, reembed
from kfix.infra.memory.sql import SqlIndex
from kfix.infra.store.engine import open_store
from schemas import errors
from tests.support.vector_stores import stores

OOM, PULL = "state OOMKilled exit_code_137", "state ImagePullBackOff manifest not found"


class Small:
    """Vectors of three numbers, which the stores of the tests take; it may fail after so many texts."""

    dimension = 3
    threshold = 0.0

    def __init__(self, model: str, fails_after: int = 1000) -> None:
        self.model = model
        self.asked = 0
        self._fails_after = fails_after

    async def embed(self, text: str) -> Vector:
        return (await self.embed_all([text]))[0]

    async def embed_all(self, texts: Sequence[str]) -> list[Vector]:
        self.asked += len(texts)
        if self.asked > self._fails_after:
            raise errors.Unavailable("away")
        return [hashed(text, 3) for text in texts]

    async def close(self) -> None:
        pass


@pytest.fixture(params=stores())
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorIndex]:
    async with request.param(request, tmp_path) as made:
        yield made


def memory(index: VectorIndex, embedder: Small) -> OpenedMemory:
    return OpenedMemory(embedder, index, -1.0, 50)


async def steps(opened: OpenedMemory, batch: int = 4, keep: bool = False) -> list[Reembedded]:
    return [moved async for moved in reembed(opened, batch=batch, keep=keep)]


async def test_what_another_model_remembered_is_moved_once(index: VectorIndex) -> None:
    old, new = memory(index, Small("old")), memory(index, Small("new"))
    for n in range(10):
        await old.remember(f"inc-{n}", f"{OOM} {n}", {"result": "success"})
    assert await new.recall(OOM) == []
    told = await steps(new)
    assert [moved.seen for moved in told] == [4, 8, 10]
    assert told[-1] == Reembedded(Space("old", 3, 10), made=10)
    assert await index.spaces() == (Space("new", 3, 10),)
    assert {hit.id for hit in await new.recall(OOM)} == {f"inc-{n}" for n in range(10)}
    assert {hit.metadata["result"] for hit in await new.recall(OOM)} == {"success"}
    assert await steps(new) == []


async def test_stopped_half_way_it_goes_on_and_makes_nothing_twice(store: Engine) -> None:
    index = SqlIndex(store)
    for n in range(10):
        await memory(index, Small("old")).remember(f"inc-{n}", OOM, {})
    with pytest.raises(errors.Unavailable):
        await steps(memory(index, Small("new", fails_after=6)))
    assert await index.spaces() == (Space("new", 3, 4), Space("old", 3, 10))
    again = Small("new")
    told = await steps(memory(index, again))
    assert again.asked == 6
    assert told[-1] == Reembedded(Space("old", 3, 10), made=6, there=4)
    assert await index.spaces() == (Space("new", 3, 10),)


async def test_what_is_known_better_is_not_overwritten(store: Engine) -> None:
    index = SqlIndex(store)
    old, new = memory(index, Small("old")), memory(index, Small("new"))
    await old.remember("inc-1", OOM, {"result": "success"})
    await new.remember("inc-1", OOM, {"result": "failure"})
    await steps(new)
    assert [hit.metadata for hit in await new.recall(OOM)] == [{"result": "failure"}]


async def test_what_has_no_text_stays_and_is_counted(store: Engine) -> None:
    index = SqlIndex(store)
    await memory(index, Small("old")).remember("inc-1", OOM, {})
    await index.upsert(id="older", model="old", vector=hashed(PULL, 3), metadata={})
    (told,) = await steps(memory(index, Small("new")))
    assert (told.made, told.without_text) == (1, 1)
    assert await index.spaces() == (Space("new", 3, 1), Space("old", 3, 1))


async def test_the_old_ones_may_stay(store: Engine) -> None:
    index = SqlIndex(store)
    await memory(index, Small("old")).remember("inc-1", OOM, {})
    await steps(memory(index, Small("new")), keep=True)
    assert await index.spaces() == (Space("new", 3, 1), Space("old", 3, 1))


async def test_vectors_of_another_model_are_told_of_once(store: Engine) -> None:
    index = SqlIndex(store)
    await memory(index, Small("old")).remember("inc-1", OOM, {})
    asked = memory(index, Small("new"))
    with capture_logs() as said:
        await asked.recall(OOM)
        await asked.recall(OOM)
    (warning,) = [line for line in said if line["event"] == "memory.other_models"]
    assert (warning["model"], warning["others"]) == ("new", {"old": 1})


async def test_a_text_without_words_is_neither_remembered_nor_recalled(store: Engine) -> None:
    opened = OpenedMemory(HashingEmbedder(), SqlIndex(store), -1.0, 5)
    await opened.remember("inc-1", " \n", {})
    await opened.remember("inc-2", OOM, {})
    assert await opened.recall("") == []
    assert [hit.id for hit in await opened.recall(OOM)] == ["inc-2"]


def kfix(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("kfix"), "memory", *arguments],
        env={**os.environ, "KFIX_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def test_the_command_tells_moves_and_forgets(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    engine = open_store(url)
    index = SqlIndex(engine)
    await memory(index, Small("old")).remember("inc-1", OOM, {})
    await memory(index, Small("old")).remember("inc-2", PULL, {})
    told = kfix(url, "status")
    assert told.returncode == 1
    assert "old\t3 numbers\t2 vectors\tnot found by anybody" in told.stdout
    moved = kfix(url, "reembed", "--batch", "1")
    assert (moved.returncode, moved.stderr) == (0, "")
    assert moved.stdout == "old to kfix-hashing-384-v1: 2 made, 0 there already, 0 without text\n"
    assert kfix(url, "status").returncode == 0
    gone = kfix(url, "forget", "inc-1", "inc-9")
    assert gone.returncode == 1
    assert gone.stdout == "inc-1: forgotten\ninc-9: was not remembered\n"
    assert await index.spaces() == (Space("kfix-hashing-384-v1", 384, 1),)
    engine.dispose()
