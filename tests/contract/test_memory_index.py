"""The vector memory: the same promises on every vector store (``tests/support/vector_stores``)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from kfix.infra.memory.embedding import MistralEmbedder, Vector
from kfix.infra.memory.index import VectorIndex
from kfix.infra.memory.pinecone import PineconeIndex
from kfix.infra.memory.sql import SqlIndex
from kfix.infra.store.engine import open_engine
from sandbox import mistral, pinecone
from sandbox.faults import Fault, Faults
from sandbox.serving import serve
from schemas import errors
from tests.support.vector_stores import stores


def vector(*values: float) -> Vector:
    array = np.asarray(values, dtype=np.float32)
    return array / np.float32(np.linalg.norm(array))


@pytest.fixture(params=stores())
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorIndex]:
    """Each vector store in turn: fresh and empty."""
    async with request.param(request, tmp_path) as made:
        yield made


async def put(
    index: VectorIndex, id: str, values: Vector, model: str = "m", **metadata: str
) -> None:
    await index.upsert(id=id, model=model, vector=values, metadata=metadata)


async def found(
    index: VectorIndex,
    values: Vector,
    *,
    model: str = "m",
    limit: int = 3,
    threshold: float = -1.0,
    **where: str,
) -> list[str]:
    hits = await index.search(values, model=model, limit=limit, threshold=threshold, where=where)
    return [hit.id for hit in hits]


async def test_the_nearest_come_first_and_no_more_than_asked(index: VectorIndex) -> None:
    await put(index, "near", vector(1, 0.1, 0))
    await put(index, "far", vector(0, 0, 1))
    await put(index, "same", vector(1, 0, 0))
    assert await found(index, vector(1, 0, 0), limit=2) == ["same", "near"]


async def test_what_is_not_near_enough_is_not_found(index: VectorIndex) -> None:
    await put(index, "far", vector(0, 1, 0))
    assert await found(index, vector(1, 0, 0), threshold=0.5) == []


async def test_metadata_come_back_and_filter(index: VectorIndex) -> None:
    await put(index, "a", vector(1, 0, 0), result="success")
    await put(index, "b", vector(1, 0, 0), result="failure")
    assert await found(index, vector(1, 0, 0), result="failure") == ["b"]
    hits = await index.search(
        vector(1, 0, 0), model="m", limit=5, threshold=0, where={"result": "success"}
    )
    assert dict(hits[0].metadata) == {"result": "success"}
    assert hits[0].similarity == pytest.approx(1.0, abs=1e-5)


async def test_writing_again_replaces(index: VectorIndex) -> None:
    await put(index, "a", vector(1, 0, 0), result="success")
    await found(index, vector(1, 0, 0))
    await put(index, "a", vector(0, 1, 0), result="failure")
    assert await found(index, vector(0, 1, 0), threshold=0.9, result="failure") == ["a"]
    assert await found(index, vector(1, 0, 0), threshold=0.9) == []


async def test_models_are_never_compared(index: VectorIndex) -> None:
    await put(index, "a", vector(1, 0, 0), model="one")
    assert await found(index, vector(1, 0, 0), model="two") == []


async def test_an_empty_memory_finds_nothing(index: VectorIndex) -> None:
    assert await found(index, vector(1, 0, 0)) == []


async def test_another_process_sees_what_was_written(store_url: str, store: Engine) -> None:
    other = open_engine(store_url)
    reader, writer = SqlIndex(store), SqlIndex(other)
    assert await found(reader, vector(1, 0, 0)) == []
    await put(writer, "a", vector(1, 0, 0))
    assert await found(reader, vector(1, 0, 0)) == ["a"]
    await put(writer, "a", vector(0, 1, 0))
    assert await found(reader, vector(1, 0, 0), threshold=0.5) == []
    other.dispose()


async def test_writers_at_once_leave_one_row_each(store_url: str, store: Engine) -> None:
    engines = [open_engine(store_url) for _ in range(3)]
    writers = [SqlIndex(engine) for engine in engines]
    await asyncio.gather(
        *(put(writers[n % 3], f"id-{n % 4}", vector(1, n % 4, 0)) for n in range(24))
    )
    assert sorted(await found(SqlIndex(store), vector(1, 0, 0), limit=9)) == [
        f"id-{n}" for n in range(4)
    ]
    for engine in engines:
        engine.dispose()


async def test_a_store_without_the_table_is_a_typed_failure(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(errors.Unavailable, match="vector memory"):
        await found(SqlIndex(engine), vector(1, 0, 0))
    engine.dispose()


async def test_pinecone_refusing_and_failing_is_typed() -> None:
    state, faults = pinecone.Pinecone(dimension=3), Faults()
    async with serve(pinecone.create_app(state, faults)) as url:
        stranger = PineconeIndex(api_key="wrong", host=url, timeout_s=5)
        with pytest.raises(errors.Unauthorized):
            await found(stranger, vector(1, 0, 0))
        await stranger.close()
        index = PineconeIndex(api_key=state.api_key, host=url, timeout_s=5)
        with pytest.raises(errors.Rejected):
            await put(index, "a", vector(1, 0))
        faults.switch_on(Fault("pinecone", "error", status=503))
        with pytest.raises(errors.Unavailable):
            await found(index, vector(1, 0, 0))
        await index.close()


async def test_mistral_embeds_unit_vectors_and_fails_typed() -> None:
    state, faults = mistral.Mistral(), Faults()
    async with serve(mistral.create_app(state, faults)) as url:
        embedder = MistralEmbedder(api_key=state.api_key, url=url, timeout_s=2)
        made = await embedder.embed("state OOMKilled")
        assert made.shape == (embedder.dimension,)
        assert float(np.linalg.norm(made)) == pytest.approx(1.0, abs=1e-4)
        faults.switch_on(Fault("mistral", "error", status=500))
        with pytest.raises(errors.Unavailable):
            await embedder.embed("x")
        faults.clear()
        await embedder.close()
        stranger = MistralEmbedder(api_key="wrong", url=url, timeout_s=2)
        with pytest.raises(errors.Unauthorized):
            await stranger.embed("x")
        await stranger.close()
