"""mistralai and the Pinecone client drive the sandbox's Mistral and Pinecone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pydantic
import pytest
from mistralai.client import Mistral as Client
from mistralai.client.utils import BackoffStrategy, RetryConfig
from pinecone import AsyncPinecone
from pinecone.exceptions import PineconeException

from sandbox import mistral, pinecone
from sandbox.faults import Fault, Faults
from sandbox.serving import serve


class Plan(pydantic.BaseModel):
    action: str
    replicas: int
    reasons: list[str] = pydantic.Field(min_length=1)


MESSAGES: Any = [{"role": "user", "content": "What now?"}]


@asynccontextmanager
async def model(state: mistral.Mistral, faults: Faults | None = None) -> AsyncIterator[Client]:
    retry = RetryConfig("backoff", BackoffStrategy(10, 100, 1.5, 3000), True)
    async with (
        serve(mistral.create_app(state, faults)) as url,
        Client(
            api_key=state.api_key, server_url=url, timeout_ms=3000, retry_config=retry
        ) as client,
    ):
        yield client


async def test_structured_output_obeys_the_schema() -> None:
    state = mistral.Mistral()
    async with model(state) as client:
        got = await client.chat.parse_async(
            response_format=Plan, model="mistral-small-latest", messages=MESSAGES, temperature=0
        )
    assert got.choices[0].message.parsed == Plan(action="a", replicas=0, reasons=["a"])
    wanted = state.asked[0]["response_format"]
    assert isinstance(wanted, dict)
    assert wanted["type"] == "json_schema"


@pytest.mark.parametrize(
    ("answer", "error"),
    [(mistral.malformed, json.JSONDecodeError), (mistral.wrong_shape, pydantic.ValidationError)],
)
async def test_garbage_reaches_the_client_as_it_would(answer: Any, error: type[Exception]) -> None:
    async with model(mistral.Mistral(answer=answer)) as client:
        with pytest.raises(error):
            await client.chat.parse_async(response_format=Plan, model="m", messages=MESSAGES)


async def test_a_wrong_key_is_401_and_throttling_is_waited_out() -> None:
    state, faults = mistral.Mistral(), Faults()
    faults.switch_on(Fault("mistral", "rate_limited", seconds=1, times=1))
    async with model(state, faults) as client:
        said = await client.chat.complete_async(model="m", messages=MESSAGES)
        state.api_key = "changed"
        with pytest.raises(Exception, match="401"):
            await client.chat.complete_async(model="m", messages=MESSAGES)
    assert said.choices[0].message.content == "ok"
    assert faults.count("mistral") == 3


async def test_embeddings_are_the_same_every_time_and_near_for_near_texts() -> None:
    async with model(mistral.Mistral()) as client:
        got = await client.embeddings.create_async(
            model="mistral-embed",
            inputs=["memory limit exceeded oom", "oom memory limit reached", "dns lookup failed"],
        )
    one, near, far = (d.embedding for d in got.data)
    assert len(one) == 1024
    assert one == mistral.embed("memory limit exceeded oom")

    def dot(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert dot(one, near) > 0.3 > dot(one, far)


@asynccontextmanager
async def index(state: pinecone.Pinecone, key: str = "") -> AsyncIterator[Any]:
    async with (
        serve(pinecone.create_app(state)) as url,
        AsyncPinecone(api_key=key or state.api_key) as client,
        await client.index(host=url) as found,
    ):
        yield found


VECTORS: Any = [
    {"id": "a", "values": [1.0, 0.0], "metadata": {"ns": "prod", "n": 1, "tags": ["x"]}},
    {"id": "b", "values": [0.9, 0.1], "metadata": {"ns": "dev", "n": 2}},
    {"id": "c", "values": [0.0, 1.0], "metadata": {"ns": "prod", "n": 3}},
]


async def test_vectors_are_stored_found_filtered_and_deleted() -> None:
    async with index(pinecone.Pinecone(dimension=2)) as i:
        assert (await i.upsert(vectors=VECTORS, namespace="team")).upserted_count == 3
        near = await i.query(vector=[1, 0], top_k=2, namespace="team", include_metadata=True)
        prod = await i.query(
            vector=[1, 0],
            top_k=9,
            namespace="team",
            filter={"ns": {"$eq": "prod"}, "n": {"$gt": 1}},
        )
        elsewhere = await i.query(vector=[1, 0], top_k=9, namespace="other")
        fetched = await i.fetch(ids=["a", "zz"], namespace="team")
        stats = await i.describe_index_stats()
        await i.delete(ids=["a"], namespace="team")
        left = await i.query(vector=[1, 0], top_k=9, namespace="team")
    assert [m.id for m in near.matches] == ["a", "b"]
    assert near.matches[0].score == pytest.approx(1.0)
    assert near.matches[0].metadata["tags"] == ["x"]
    assert [m.id for m in prod.matches] == ["c"]
    assert list(elsewhere.matches) == []
    assert list(fetched.vectors) == ["a"]
    assert (stats.total_vector_count, stats.dimension) == (3, 2)
    assert {m.id for m in left.matches} == {"b", "c"}


@pytest.mark.parametrize(
    "vector",
    [
        {"id": "x", "values": [1.0, 2.0, 3.0]},
        {"id": "x", "values": [1.0, 2.0], "metadata": {"nested": {"a": 1}}},
        {"id": "x", "values": [1.0, 2.0], "metadata": {"big": "x" * 41_000}},
        {"id": "x", "values": [0.0, 0.0]},
    ],
)
async def test_a_vector_against_the_rules_is_refused(vector: dict[str, Any]) -> None:
    async with index(pinecone.Pinecone(dimension=2)) as i:
        with pytest.raises(PineconeException):
            await i.upsert(vectors=[vector], namespace="team")


async def test_a_wrong_key_is_refused_and_reads_may_lag_behind_writes() -> None:
    now = [100.0]
    state = pinecone.Pinecone(dimension=2, lag_s=5, clock=lambda: now[0])
    async with index(state, key="wrong") as i:
        with pytest.raises(PineconeException):
            await i.describe_index_stats()
    async with index(state) as i:
        await i.upsert(vectors=VECTORS, namespace="team")
        early = await i.query(vector=[1, 0], top_k=9, namespace="team")
        now[0] += 6
        late = await i.query(vector=[1, 0], top_k=9, namespace="team")
    assert (len(early.matches), len(late.matches)) == (0, 3)
