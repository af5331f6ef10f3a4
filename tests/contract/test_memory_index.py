"""The vector memory: the same promises on every vector store (``tests/support/vector_stores``)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from kfix.infra.memory.embedding import MistralEmbedder, Vector
from kfix.infra.memory.index import FILTERED, MemoryPage, Remembered, Space, VectorIndex, space_name
from kfix.infra.memory.opening import open_memory
from kfix.infra.memory.pinecone import PineconeIndex
from kfix.infra.memory.qdrant import QdrantIndex
from kfix.infra.memory.settings import MemorySettings
from kfix.infra.memory.sql import SqlIndex
from kfix.infra.settings import BadSettings
from kfix.infra.store.engine import open_engine
from sandbox import mistral, pinecone, qdrant
from sandbox.faults import Fault, Faults
from sandbox.serving import serve
from schemas import errors
from tests.support.vector_stores import stores


def vector(*values: float) -> Vector:
    array = np.asarray(values, dtype=np.float32)
    return array / np.float32(np.linalg.norm(array))


X, Y, Z = vector(1, 0, 0), vector(0, 1, 0), vector(0, 0, 1)


@pytest.fixture(params=stores())
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorIndex]:
    """Each vector store in turn: fresh and empty."""
    async with request.param(request, tmp_path) as made:
        yield made


async def put(
    index: VectorIndex,
    id: str,
    values: Vector,
    model: str = "m",
    text: str = "",
    **metadata: str | float | bool,
) -> None:
    await index.upsert(id=id, model=model, vector=values, metadata=metadata, text=text)


async def all_of(index: VectorIndex, model: str, limit: int) -> list[Remembered]:
    """Every page after another, each of them full but the last."""
    items: list[Remembered] = []
    after = ""
    while True:
        page = await index.page(model=model, limit=limit, after=after)
        items += page.items
        if not page.after:
            return items
        assert len(page.items) == limit
        after = page.after


async def found(
    index: VectorIndex,
    values: Vector,
    *,
    model: str = "m",
    limit: int = 3,
    threshold: float = -1.0,
    **where: str | float | bool,
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
    assert await found(index, X) == []
    assert await index.page(model="m", limit=10) == MemoryPage(())
    assert await index.known(["a"], model="m") == set()
    assert await index.spaces() == ()
    await index.forget(["a"], model="m")


async def test_first_writers_at_once_all_get_in(index: VectorIndex) -> None:
    await asyncio.gather(*(put(index, f"inc-{n}", vector(1, n, 0)) for n in range(6)))
    assert await index.spaces() == (Space("m", 3, 6),)
    assert len(await found(index, X, limit=9)) == 6


async def test_nearness_is_the_cosine_whatever_the_length(index: VectorIndex) -> None:
    await put(index, "half", np.asarray([3, 3, 0], dtype=np.float32))
    await put(index, "opposite", np.asarray([-5, 0, 0], dtype=np.float32))
    hits = await index.search(
        np.asarray([7, 0, 0], dtype=np.float32), model="m", limit=3, threshold=-1.01, where={}
    )
    assert [hit.id for hit in hits] == ["half", "opposite"]
    assert [hit.similarity for hit in hits] == pytest.approx([0.5**0.5, -1.0], abs=1e-4)


async def test_filters_take_words_numbers_and_truths_all_at_once(index: VectorIndex) -> None:
    await put(
        index, "a", X, failure_class="oom_killed", cluster="east", namespace="shop", weight=0.5
    )
    await put(
        index, "b", X, failure_class="oom_killed", cluster="west", namespace="shop", weight=0.5
    )
    await put(index, "c", X, failure_class="bad_image", cluster="east", namespace="shop", ours=True)
    assert await found(index, X, failure_class="oom_killed", cluster="east") == ["a"]
    assert sorted(await found(index, X, namespace="shop", limit=5)) == ["a", "b", "c"]
    assert sorted(await found(index, X, weight=0.5)) == ["a", "b"]
    assert await found(index, X, ours=True) == ["c"]
    assert await found(index, X, namespace="elsewhere") == []


async def test_a_filter_finds_what_lies_behind_many_nearer_ones(index: VectorIndex) -> None:
    for n in range(60):
        await put(index, f"near-{n}", vector(1, n / 1000, 0), cluster="east")
    await put(index, "far", vector(0.5, 0, 1), cluster="west")
    assert await found(index, X, cluster="west") == ["far"]


async def test_ids_and_words_come_back_as_they_were(index: VectorIndex) -> None:
    odd = "incidents/e \"'; drop -- ${x} %s"
    await put(index, odd, X, text=f"é\n{odd}", title=f"é{odd}")
    (kept,) = await all_of(index, "m", 10)
    assert kept == Remembered(odd, f"é\n{odd}", {"title": f"é{odd}"})
    assert await found(index, X, title=f"é{odd}") == [odd]
    assert await index.known([odd, "another"], model="m") == {odd}
    await index.forget([odd], model="m")
    assert await found(index, X) == []


async def test_pages_hold_each_once_with_its_text(index: VectorIndex) -> None:
    for n in range(23):
        await put(index, f"inc-{n}", vector(1, n, 0), text=f"text {n}", result="success")
    await put(index, "other", X, model="other")
    for limit in (5, 23, 100):
        kept = {item.id: item for item in await all_of(index, "m", limit)}
        assert len(kept) == 23
        assert kept["inc-7"] == Remembered("inc-7", "text 7", {"result": "success"})


async def test_what_is_forgotten_is_gone_and_the_rest_stays(index: VectorIndex) -> None:
    for id in ("a", "b", "c"):
        await put(index, id, X)
    await put(index, "a", X, model="other")
    assert len(await found(index, X)) == 3
    await index.forget(["a", "b", "never there"], model="m")
    assert await found(index, X) == ["c"]
    assert await found(index, X, model="other") == ["a"]
    assert await index.known(["a", "b", "c"], model="m") == {"c"}
    assert [item.id for item in await all_of(index, "m", 10)] == ["c"]
    await put(index, "a", Y)
    assert await found(index, Y, threshold=0.9) == ["a"]


async def test_the_models_are_told_with_dimension_and_count(index: VectorIndex) -> None:
    await put(index, "a", X, model="one")
    await put(index, "b", Y, model="one")
    await put(index, "a", X, model="vendor/two:v1.5")
    await put(index, "gone", X, model="three")
    await index.forget(["gone"], model="three")
    assert await index.spaces() == (Space("one", 3, 2), Space("vendor/two:v1.5", 3, 1))


async def test_models_of_like_names_are_not_one(index: VectorIndex) -> None:
    names = ("a/b", "a-b", "a_b", "A-b", "a.b", "a" * 64, "a" * 63 + "b")
    for name in names:
        await put(index, f"of {name}", X, model=name)
    for name in names:
        assert await found(index, X, model=name) == [f"of {name}"]


async def test_a_vector_of_another_dimension_is_refused(index: VectorIndex) -> None:
    await put(index, "a", X)
    for four in (vector(1, 0, 0, 0), vector(1, 0)):
        with pytest.raises(errors.Rejected) as refused:
            await put(index, "b", four)
        assert refused.value.reason == "dimension"
        with pytest.raises(errors.Rejected) as refused:
            await found(index, four)
        assert refused.value.reason == "dimension"
    assert await found(index, X) == ["a"]


@pytest.mark.parametrize("bad", [(0, 0, 0), (float("nan"), 0, 1), (float("inf"), 0, 1)])
async def test_a_vector_without_direction_is_refused(
    index: VectorIndex, bad: tuple[float, ...]
) -> None:
    nowhere = np.asarray(bad, dtype=np.float32)
    for ask in (put(index, "a", nowhere), found(index, nowhere)):
        with pytest.raises(errors.Rejected) as refused:
            await ask
        assert refused.value.reason == "no_direction"
    assert await index.spaces() == ()


def asks(index: VectorIndex) -> dict[str, Coroutine[Any, Any, object]]:
    """Everything that can be asked of a store."""
    return {
        "upsert": put(index, "a", X),
        "search": found(index, X),
        "page": index.page(model="m", limit=5),
        "known": index.known(["a"], model="m"),
        "forget": index.forget(["a"], model="m"),
        "spaces": index.spaces(),
    }


@pytest.mark.parametrize("opening", stores("silent"))
async def test_a_store_that_does_not_answer_is_given_up(
    request: pytest.FixtureRequest, tmp_path: Path, opening: Any
) -> None:
    async with opening(request, tmp_path) as index:
        for ask in asks(index).values():
            with pytest.raises(errors.TimedOut):
                await ask


@pytest.mark.parametrize("opening", stores("away"))
async def test_a_store_that_is_not_there_may_come_back(
    request: pytest.FixtureRequest, tmp_path: Path, opening: Any
) -> None:
    async with opening(request, tmp_path) as index:
        for ask in asks(index).values():
            with pytest.raises(errors.Retryable):
                await ask


@pytest.mark.parametrize("opening", stores("strangers"))
async def test_a_key_that_is_refused_waits_for_a_person(
    request: pytest.FixtureRequest, tmp_path: Path, opening: Any
) -> None:
    async with opening(request, tmp_path) as index:
        for ask in asks(index).values():
            with pytest.raises(errors.Unauthorized):
                await ask


async def test_what_another_process_forgot_is_not_found(store_url: str, store: Engine) -> None:
    other = open_engine(store_url)
    reader, writer = SqlIndex(store), SqlIndex(other)
    for id in ("a", "b"):
        await put(writer, id, X)
    assert len(await found(reader, X)) == 2
    await writer.forget(["a"], model="m")
    await put(writer, "c", Y)
    assert await found(reader, X, threshold=0.5) == ["b"]
    other.dispose()


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


async def test_qdrant_filters_by_indexed_fields_where_others_are_refused() -> None:
    state = qdrant.Qdrant(strict=True)
    async with serve(qdrant.create_app(state)) as url:
        index = QdrantIndex(url=url, api_key=state.api_key, prefix="kfix", timeout_s=5)
        fields = dict.fromkeys(FILTERED, "one")
        await put(index, "a", X, **fields)
        assert await found(index, X, **fields) == ["a"]
        with pytest.raises(errors.Rejected):
            await found(index, X, title="one")
        await index.close()


async def test_a_collection_that_compares_otherwise_is_refused() -> None:
    state = qdrant.Qdrant()
    async with serve(qdrant.create_app(state)) as url:
        index = QdrantIndex(url=url, api_key=state.api_key, prefix="kfix", timeout_s=5)
        name = f"kfix_{space_name('m')}"
        state.collections[name] = qdrant.Collection(size=3, distance="Dot")
        for ask in (put(index, "a", X), found(index, X)):
            with pytest.raises(errors.Rejected) as refused:
                await ask
            assert refused.value.reason == "metric"
        await index.close()


@pytest.mark.parametrize(
    ("name", "said", "kind"),
    [
        ("qdrant", {}, "QdrantIndex"),
        ("weaviate", {}, "WeaviateIndex"),
        ("pinecone", {}, "PineconeIndex"),
        ("embedded", {}, "SqlIndex"),
        (
            "pgvector",
            {"KFIX_MEMORY_PGVECTOR_URL": "postgresql+psycopg2://a:b@127.0.0.1:9/c"},
            "PgvectorIndex",
        ),
    ],
)
async def test_a_store_is_opened_by_its_name_and_asks_nobody(
    name: str, said: dict[str, str], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in said.items():
        monkeypatch.setenv(variable, value)
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    async with open_memory(engine, MemorySettings(_env_file=None, index=name)) as memory:
        assert type(memory.index).__name__ == kind
    engine.dispose()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pgvector", {}),
        ("pgvector", {"KFIX_MEMORY_PGVECTOR_URL": "sqlite:///elsewhere.db"}),
        ("weaviate", {"KFIX_MEMORY_WEAVIATE_GRPC_URL": "http://127.0.0.1:8080/"}),
    ],
)
async def test_settings_that_cannot_be_are_refused_before_anybody_is_asked(
    name: str, said: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for variable, value in said.items():
        monkeypatch.setenv(variable, value)
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    with pytest.raises(BadSettings, match=f"KFIX_MEMORY_{name.upper()}"):
        async with open_memory(engine, MemorySettings(_env_file=None, index=name)):
            pass
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
        with pytest.raises(errors.Retryable):
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
